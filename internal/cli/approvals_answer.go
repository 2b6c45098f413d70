package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/internal/approval"
	"github.com/custos-zt/custos/internal/approval/book"
	"github.com/custos-zt/custos/internal/ask"
	"github.com/custos-zt/custos/internal/engine"
)

func (a *app) approvalsAllowCommand() *cobra.Command {
	var risk, code string
	cmd := &cobra.Command{
		Use: "allow ID [--code CODE] [--accept-risk=hidden-characters]", Short: "Let one held call pass, once", Args: oneID("allow"),
		Long: `Let one held call pass, once. A rule may ask for the code of a device that was
enrolled with custos approvals enrol.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.answer(cmd.Context(), args[0], true, risk, code)
		},
	}
	cmd.Flags().StringVar(&code, "code", "", "the `code` that your device shows; - reads it from standard input")
	cmd.Flags().StringVar(&risk, "accept-risk", "", "name the `risk` that you saw and accept")
	return cmd
}

func (a *app) approvalsDenyCommand() *cobra.Command {
	return &cobra.Command{
		Use: "deny ID", Short: "Refuse one held call", Args: oneID("deny"),
		Long: `Refuse one held call. A refusal stands for ten minutes: the same call is denied
without anybody being asked again. It takes back a grant that was not used yet.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.answer(cmd.Context(), args[0], false, "", "")
		},
	}
}

func oneID(verb string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) != 1 {
			return usage(verb+" takes the id of one request", "custos approvals list")
		}
		return nil
	}
}

// hiddenRisk is what somebody accepts who allows a call with characters that do
// not show.
const hiddenRisk = "hidden-characters"

// answer gives one answer, and says what it led to.
func (a *app) answer(ctx context.Context, id string, allow bool, risk, code string) error {
	c, err := a.counter()
	if errors.Is(err, errNoBook) {
		return &Error{Code: ExitFailure, Text: err.Error(), Hint: "name the state directory: --state DIR"}
	}
	if err != nil {
		return err
	}
	defer c.Close()
	v, err := c.look(ctx, id)
	if err != nil {
		return err
	}
	if allow && v.Hidden && risk != hiddenRisk {
		a.printView(v, time.Now())
		return &Error{
			Code: ExitDenied, Text: id + " contains characters that do not show, and was not allowed",
			Hint: "read it above, then: custos approvals allow " + id + " --accept-risk=" + hiddenRisk,
		}
	}
	how := approval.Host
	if code != "" {
		if err := a.takeCode(ctx, c, code); err != nil {
			return err
		}
		how = approval.Code
	}
	it, err := c.answer(ctx, id, allow, how)
	if err != nil {
		return notCounted(id, err)
	}
	if v, err = c.Look(ctx, &it); err != nil {
		return failure(err, "")
	}
	if a.json {
		return json.NewEncoder(a.Out).Encode(v)
	}
	fmt.Fprintln(a.Out, led(v))
	return nil
}

// answer counts the answer of the user who runs this process.
func (c *counter) answer(ctx context.Context, id string, allow bool, how approval.Assurance) (book.Item, error) {
	if err := c.log.open(); err != nil {
		return book.Item{}, err
	}
	by := operator()
	return c.Answer(ctx, id, approval.Vote{
		Answer: access.Answer{Allow: allow, By: by.ID, Channel: "cli", Assurance: string(how)}, Groups: by.Groups,
	})
}

// led says what an answer led to.
func led(v *ask.View) string {
	switch v.State {
	case access.ApprovalAllowed:
		return fmt.Sprintf("%s  %s is allowed once; repeated within %s it passes", v.ID, v.Title, span(time.Until(v.Expires)))
	case access.ApprovalRefused:
		return fmt.Sprintf("%s  %s is denied, and for %s without asking again", v.ID, v.Title, span(time.Until(v.Expires)))
	default:
		return fmt.Sprintf("%s  %s: counted; %d more must answer", v.ID, v.Title, v.Missing)
	}
}

// notCounted says why an answer does not count.
func notCounted(id string, err error) error {
	var settled *book.SettledError
	switch {
	case errors.As(err, &settled) && settled.Item.State == access.ApprovalLapsed:
		return &Error{Code: ExitTimedOut, Text: err.Error(), Hint: "when the call is repeated, it is asked about anew", Err: err}
	case errors.As(err, &settled):
		return &Error{Code: ExitFailure, Text: err.Error(), Hint: "custos approvals list --all", Err: err}
	case errors.Is(err, approval.ErrAssurance):
		return &Error{
			Code: ExitDenied, Text: "the answer to " + id + " does not count: " + err.Error(), Err: err,
			Hint: "with a device that is enrolled: custos approvals allow " + id + " --code CODE",
		}
	case errors.Is(err, approval.ErrSelf), errors.Is(err, approval.ErrGroup), errors.Is(err, approval.ErrUnknown):
		return &Error{Code: ExitDenied, Text: "the answer to " + id + " does not count: " + err.Error(), Err: err}
	case errors.Is(err, engine.ErrEvidence):
		return &Error{Code: ExitEvidence, Text: err.Error(), Err: err}
	default:
		return failure(err, "")
	}
}
