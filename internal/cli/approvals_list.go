package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/custos-zt/custos/internal/ask"
)

func (a *app) approvalsListCommand() *cobra.Command {
	var all bool
	cmd := &cobra.Command{
		Use: "list [--all]", Short: "What waits for an answer, of every guard", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.listApprovals(cmd.Context(), all) },
	}
	cmd.Flags().BoolVar(&all, "all", false, "also what was answered, newest first")
	return cmd
}

func (a *app) listApprovals(ctx context.Context, all bool) error {
	views, err := a.views(ctx, all)
	if err != nil {
		return err
	}
	if a.json {
		return json.NewEncoder(a.Out).Encode(views)
	}
	if len(views) == 0 {
		fmt.Fprintln(a.Out, "nothing waits for an answer")
	}
	for i, v := range views {
		if i > 0 {
			fmt.Fprintln(a.Out)
		}
		a.printView(v, time.Now())
	}
	return nil
}

func (a *app) views(ctx context.Context, all bool) ([]*ask.View, error) {
	o, leave, err := a.operator(ctx)
	if errors.Is(err, errNoBook) {
		return []*ask.View{}, nil // nothing was held yet: that is a state, not a fault
	}
	if err != nil {
		return nil, err
	}
	defer leave()
	list, err := o.Approvals(ctx, all)
	if err != nil {
		return nil, failure(err, "")
	}
	return list, nil
}
