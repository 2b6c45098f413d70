package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/custos-zt/custos/internal/admin"
	"github.com/custos-zt/custos/internal/approval"
	"github.com/custos-zt/custos/internal/ask"
	"github.com/custos-zt/custos/internal/canon"
	"github.com/custos-zt/custos/internal/engine"
	"github.com/custos-zt/custos/internal/pa"
	"github.com/custos-zt/custos/internal/pdp"
	"github.com/custos-zt/custos/internal/proof"
)

// grantFlags are the flags of `leases grant`.
type grantFlags struct {
	rules, is, under, any, policies             []string
	others                                      bool
	uses                                        int
	long, idle                                  time.Duration
	subject, agent, client, root, purpose, code string
}

func (a *app) leasesGrantCommand() *cobra.Command {
	var f grantFlags
	cmd := &cobra.Command{
		Use: "grant BACKEND.TOOL --rule ID… (--arg NAME=VALUE|--under NAME=DIR|--any NAME|--others)… [--uses N] [--for SPAN] [--code CODE]", Short: "Grant a lease for calls of one tool",
		Long: `Grant a lease: so many calls of one tool, with arguments as described, pass
although the named rules hold them. Each of the rules must let answers stand, as
far at least. To grant takes what an answer to those rules would take: their
group, their assurance, and their quorum of people, each of whom answers the
request that is opened. The rules are those of the policy in force for the server,
or of --policy; what counts in the end is the policy in force when a call is made.

  custos leases grant git.git_commit --rule git-commit --under repo_path=/home/dev/src/app --any message --uses 5 --for 2h`,
		DisableFlagsInUseLine: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usage("grant takes one tool", "custos leases grant BACKEND.TOOL --rule ID --others")
			}
			return a.grantLease(cmd.Context(), args[0], &f)
		},
	}
	fl := cmd.Flags()
	fl.StringArrayVar(&f.rules, "rule", nil, "`id` of a rule that it answers, may be repeated")
	fl.StringArrayVar(&f.is, "arg", nil, "an argument with the one value that it may have: `name=value`, JSON or a text")
	fl.StringArrayVar(&f.under, "under", nil, "an argument that is a path, and the directory it leads into: `name=dir`")
	fl.StringArrayVar(&f.any, "any", nil, "`name` of an argument that may have any value")
	fl.BoolVar(&f.others, "others", false, "other arguments may be given")
	fl.IntVar(&f.uses, "uses", 0, "for how many `calls` (default: as many as the rules say, or 20)")
	fl.DurationVar(&f.long, "for", 0, "for how long (default: as long as the rules say)")
	fl.DurationVar(&f.idle, "idle", 0, "how long it lives without being used (default: an hour)")
	fl.StringVar(&f.subject, "subject", "", "whom it is for, `issuer:id` (default: you)")
	fl.StringVar(&f.agent, "agent", "", "the proven `identity` of the agent")
	fl.StringVar(&f.client, "client", "", "the client `program` (default: any)")
	fl.StringVar(&f.root, "root", "", "the `directory` that the client works in (default: any)")
	fl.StringVar(&f.purpose, "purpose", "", "what for, for the log")
	fl.StringVar(&f.code, "code", "", "the `code` that your device shows; - reads it from standard input")
	fl.StringArrayVar(&f.policies, "policy", nil, "policy `file`, may be repeated (default: what is in force)")
	return cmd
}

func (a *app) grantLease(ctx context.Context, tool string, f *grantFlags) error {
	l, err := f.lease(tool)
	if err != nil {
		return err
	}
	snapshot, err := a.policyInForce(l.Scope.Backend, f.policies)
	if err != nil {
		return err
	}
	if l.Rules, err = heldBy(snapshot, f.rules); err != nil {
		return err
	}
	t := approval.DefaultTerms(l.Rules)
	if f.uses != 0 {
		t.Uses = f.uses
	}
	if f.long != 0 {
		t.For = approval.Span(f.long)
	}
	t.Idle = min(t.Idle, t.For)
	if f.idle != 0 {
		t.Idle = approval.Span(f.idle)
	}
	if err := approval.CheckTerms(l.Rules, &t); err != nil {
		return &Error{Code: ExitDenied, Text: err.Error(), Hint: "custos leases grant --help", Err: err}
	}
	l.Uses, l.For, l.Idle = t.Uses, t.For, t.Idle
	code := f.code
	if code != "" {
		if code, err = a.readCode(code); err != nil {
			return err
		}
	}
	return a.askForLease(func(op *admin.Operator) (*admin.LeaseAnswer, error) {
		return op.Grant(ctx, admin.LeaseRequest{Proposal: ask.Proposal{Lease: *l, Policy: snapshot.Digest()}, Code: code})
	})
}

// askForLease asks and says what became of it.
func (a *app) askForLease(do func(*admin.Operator) (*admin.LeaseAnswer, error)) error {
	c, err := a.enrolCounter()
	if err != nil {
		return err
	}
	defer c.Close()
	got, err := do(c.op)
	if err != nil {
		return leaseError(err, "")
	}
	switch {
	case a.json:
		return json.NewEncoder(a.Out).Encode(got)
	case got.Lease == nil:
		fmt.Fprintf(a.Out, "%s  %s: %d more must answer: custos approvals allow %s\n", got.Request.ID, got.Request.Title, got.Request.Missing, got.Request.ID)
	default:
		a.printLease(got.Lease, time.Now())
	}
	return nil
}

// lease reads the flags.
func (f *grantFlags) lease(tool string) (*approval.Lease, error) {
	backend, name, ok := strings.Cut(tool, ".")
	if !ok || backend == "" || name == "" {
		return nil, usage(fmt.Sprintf("%q names no tool of a server", tool), "custos leases grant BACKEND.TOOL …")
	}
	if len(f.rules) == 0 {
		return nil, usage("which rules it answers was not said", "--rule ID; custos why says which rule holds a call")
	}
	if len(f.is)+len(f.under)+len(f.any) == 0 && !f.others {
		return nil, usage("which arguments it covers was not said", "--arg, --under, --any, or --others for whatever is given")
	}
	l := &approval.Lease{
		Origin: approval.FromGrant, Subject: f.subject, Agent: f.agent, Client: f.client, Root: f.root, Purpose: f.purpose,
		Scope: approval.Scope{Backend: backend, Method: "tools/call", Name: name, Others: f.others},
	}
	if l.Subject == "" {
		l.Subject = engine.LocalSubject().String()
	}
	if s := proof.ParseSubject(l.Subject); s.Issuer == "" {
		return nil, usage(fmt.Sprintf("%q has no issuer", l.Subject), "--subject issuer:id, such as os:dev")
	}
	for _, text := range f.is {
		arg, value, ok := strings.Cut(text, "=")
		if !ok || arg == "" {
			return nil, usage(fmt.Sprintf("%q is no name=value", text), "--arg mode=append")
		}
		l.Scope.Args = append(l.Scope.Args, approval.Constraint{Arg: arg, Is: valueOf(value)})
	}
	for _, text := range f.under {
		arg, dir, ok := strings.Cut(text, "=")
		if !ok || arg == "" || !path.IsAbs(dir) || path.Clean(dir) != dir || dir == "/" {
			return nil, usage(fmt.Sprintf("%q is no name=dir with a whole directory below the root", text), "--under path=/home/dev/src/app")
		}
		l.Scope.Args = append(l.Scope.Args, approval.Constraint{Arg: arg, Under: dir})
	}
	for _, arg := range f.any {
		l.Scope.Args = append(l.Scope.Args, approval.Constraint{Arg: arg})
	}
	names := map[string]bool{}
	for _, k := range l.Scope.Args {
		if names[k.Arg] {
			return nil, usage("the argument "+k.Arg+" is described twice", "describe each once")
		}
		names[k.Arg] = true
	}
	return l, nil
}

// valueOf is a value as JSON: what is JSON already, else a text.
func valueOf(text string) string {
	v, err := canon.Parse(text, canon.DefaultLimits())
	if err != nil {
		v = canon.String(text)
	}
	return string(canon.AppendCanonical(nil, v))
}

// heldBy finds the rules that a lease is to answer, all of which let answers
// stand.
func heldBy(s *pdp.Snapshot, ids []string) ([]approval.Rule, error) {
	var out []approval.Rule
	for _, id := range ids {
		rule, ok := pa.HeldBy(s, id)
		if !ok {
			return nil, &Error{Code: ExitFailure, Text: fmt.Sprintf("no rule %q of the policy holds calls for a person", id), Hint: "rules that do and let answers stand: " + strings.Join(standingRules(s), ", ")}
		}
		out = append(out, rule)
	}
	return out, nil
}

// standingRules names the rules of a policy that let answers stand.
func standingRules(s *pdp.Snapshot) []string {
	var out []string
	for _, r := range s.Rules() {
		if r.Approval != nil && r.Approval.Standing != nil && !slices.Contains(out, r.ID) {
			out = append(out, r.ID)
		}
	}
	if len(out) == 0 {
		return []string{"none"}
	}
	return out
}
