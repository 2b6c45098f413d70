package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/internal/admin"
	"github.com/custos-zt/custos/internal/approval/book"
	"github.com/custos-zt/custos/internal/ask"
)

func (a *app) approvalsAllowCommand() *cobra.Command {
	var risk, code string
	var stand standingFlags
	cmd := &cobra.Command{
		Use: "allow ID [--standing[=N] [--as NAME] [--for SPAN]] [--code CODE] [--accept-risk=hidden-characters]", Short: "Let one held call pass, once", Args: oneID("allow"),
		Long: `Let one held call pass, once. A rule may ask for the code of a device that was
enrolled with custos approvals enrol.

Where the rule lets answers stand, --standing opens a lease: so many later calls
like this one pass without anybody being asked. --as says how much like it they
have to be: same, text, directory, names or any; custos approvals list shows what
each covers. See custos leases.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			said := admin.Answer{Allow: true, Code: code, AcceptRisk: risk}
			if err := stand.into(&said, cmd); err != nil {
				return err
			}
			return a.answer(cmd.Context(), args[0], said)
		},
	}
	stand.add(cmd)
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
			return a.answer(cmd.Context(), args[0], admin.Answer{})
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

// answer gives one answer, and says what it led to.
func (a *app) answer(ctx context.Context, id string, said admin.Answer) error {
	if _, err := book.ParseID(id); err != nil {
		return usage(err.Error(), "custos approvals list")
	}
	o, leave, err := a.operator(ctx)
	if errors.Is(err, errNoBook) {
		return &Error{Code: ExitFailure, Text: err.Error(), Hint: "name the state directory: --state DIR"}
	}
	if err != nil {
		return err
	}
	defer leave()
	if said.Code != "" {
		if said.Code, err = a.readCode(said.Code); err != nil {
			return err
		}
	}
	v, err := o.Answer(ctx, id, said)
	if refusedAs(err) == admin.Hidden {
		return a.showHidden(ctx, o, id, err)
	}
	if err != nil {
		return notCounted(id, err)
	}
	if a.json {
		return json.NewEncoder(a.Out).Encode(v)
	}
	fmt.Fprintln(a.Out, led(v))
	return nil
}

// showHidden shows what has to be seen before it is allowed.
func (a *app) showHidden(ctx context.Context, o answering, id string, why error) error {
	v, err := o.Approval(ctx, id)
	if err != nil {
		return notCounted(id, err)
	}
	a.printView(v, time.Now())
	return &Error{
		Code: ExitDenied, Text: why.Error(), Err: why,
		Hint: "read it above, then: custos approvals allow " + id + " --accept-risk=" + admin.HiddenCharacters,
	}
}

// led says what an answer led to.
func led(v *ask.View) string {
	switch v.State {
	case access.ApprovalUsed:
		return fmt.Sprintf("%s  %s is allowed: %s (see: custos leases)", v.ID, v.Title, v.Lease)
	case access.ApprovalAllowed:
		return fmt.Sprintf("%s  %s is allowed once; repeated within %s it passes%s", v.ID, v.Title, span(time.Until(v.Expires)), opened(v))
	case access.ApprovalRefused:
		return fmt.Sprintf("%s  %s is denied, and for %s without asking again", v.ID, v.Title, span(time.Until(v.Expires)))
	default:
		return fmt.Sprintf("%s  %s: counted; %d more must answer", v.ID, v.Title, v.Missing)
	}
}

// refusedAs returns the code of a refusal, "" where err is none.
func refusedAs(err error) admin.Code {
	var r *admin.Refusal
	if errors.As(err, &r) {
		return r.Code
	}
	return ""
}

// notCounted says why an answer does not count.
func notCounted(id string, err error) error {
	e := &Error{Code: ExitDenied, Text: "the answer to " + id + " does not count: " + err.Error(), Err: err}
	switch refusedAs(err) {
	case admin.NotFound:
		e.Code, e.Text, e.Hint = ExitFailure, "there is no request "+id, "custos approvals list"
	case admin.Expired:
		e.Code, e.Text, e.Hint = ExitTimedOut, err.Error(), "when the call is repeated, it is asked about anew"
	case admin.Settled:
		e.Code, e.Text, e.Hint = ExitFailure, err.Error(), "custos approvals list --all"
	case admin.Assurance:
		e.Hint = "with a device that is enrolled: custos approvals allow " + id + " --code CODE"
	case admin.Standing:
		e.Hint = "custos approvals list shows how far it can stand"
	case admin.Self, admin.Group, admin.Unknown, admin.Unshowable, admin.Invalid, admin.NotAllowed:
	case admin.NoDevice, admin.WrongCode, admin.CodeLocked:
		e.Text, e.Hint = err.Error(), codeHint(refusedAs(err))
	case admin.Evidence:
		e.Code, e.Text = ExitEvidence, err.Error()
	default:
		return failure(err, "")
	}
	return e
}

// codeHint says what to do about a code that does not count.
func codeHint(c admin.Code) string {
	switch c {
	case admin.NoDevice:
		return "custos approvals enrol"
	case admin.WrongCode:
		return "each code counts once: wait for the next one"
	default:
		return ""
	}
}
