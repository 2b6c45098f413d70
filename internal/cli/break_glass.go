package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/internal/admin"
	"github.com/custos-zt/custos/internal/approval"
	"github.com/custos-zt/custos/internal/ask"
	"github.com/custos-zt/custos/internal/engine"
	"github.com/custos-zt/custos/internal/pa"
	"github.com/custos-zt/custos/internal/pdp"
)

func (a *app) breakGlassCommand() *cobra.Command {
	var purpose, server string
	var files []string
	cmd := &cobra.Command{
		Use: "break-glass NAME --purpose TEXT [--server NAME]", Short: "Ask to lift the rules that are marked for an emergency",
		Long: `Ask to lift, for a while and so many calls, the rules that the policy marks with
the name of an entry of break_glass (liftable: [NAME]), and no others. The entry
says who may ask, who approves it, for how long, and by when somebody has to look
at what was done. Those who approve it answer like a held call: custos approvals.
Every call that passes so has the id of the lease in its record.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usage("break-glass takes the name of one entry", "custos break-glass incident --purpose TEXT")
			}
			if len(purpose) > maxNote {
				return usage(fmt.Sprintf("a purpose has at most %d bytes", maxNote), "keep the long story elsewhere and name it in the purpose")
			}
			s, err := a.policyInForce(server, files)
			if err != nil {
				return err
			}
			return a.breakGlass(cmd.Context(), s, args[0], strings.TrimSpace(purpose))
		},
	}
	cmd.Flags().StringVar(&purpose, "purpose", "", "what for, for those who approve it and for the log: a `text`")
	cmd.Flags().StringVar(&server, "server", "", "the `name` of the server whose policy it is (default: the one that was put in force last)")
	cmd.Flags().StringArrayVar(&files, "policy", nil, "policy `file`, may be repeated (default: what is in force)")
	return cmd
}

// breakGlass asks for a lease of an entry.
func (a *app) breakGlass(ctx context.Context, s *pdp.Snapshot, name, purpose string) error {
	entry, ok := s.BreakGlass(name)
	g, _ := pa.GlassRule(s, name)
	me := engine.LocalSubject()
	switch {
	case !ok:
		return &Error{Code: ExitFailure, Text: fmt.Sprintf("the policy has no break_glass entry %q", name), Hint: "custos policy show, or name the policy: --policy FILE"}
	case entry.Purpose && purpose == "":
		return usage(ask.ErrPurpose.Error(), "custos break-glass "+name+" --purpose TEXT")
	case !s.MayLift(name, &access.Request{Subject: me}):
		return &Error{Code: ExitDenied, Text: fmt.Sprintf("break_glass.%s is not for %s", name, me), Hint: "who: at " + entry.Position}
	}
	l := approval.Lease{
		Origin: approval.FromBreakGlass, Subject: me.String(), Glass: name, Rules: []approval.Rule{g.Rule}, Purpose: purpose,
		Uses: g.Rule.Standing.Uses, For: approval.Span(entry.Valid), Review: approval.Span(entry.Review), Notify: entry.Notify,
	}
	return a.askForLease(func(op *admin.Operator) (*admin.LeaseAnswer, error) {
		return op.BreakGlass(ctx, ask.Proposal{Lease: l, Policy: s.Digest()})
	})
}
