// Package custos puts a policy in front of the tools of a Go program.
//
// A [Gate] decides every call before it runs and leaves evidence of both ends
// in a log that anyone can check with `custos audit verify`:
//
//	gate, err := custos.New(custos.Options{Backend: "crm", PolicyFiles: []string{"policy.yaml"}})
//	if err != nil {
//		return err
//	}
//	defer gate.Close()
//	err = gate.Enforce(ctx, custos.Call{Tool: "create_ticket", Arguments: args},
//		func(ctx context.Context) error { return crm.Create(ctx, args) })
//
// A denied call never runs the function: Enforce returns a [*DeniedError]. The
// record of a decision is durable before the function runs. What cannot be
// decided or recorded is denied.
//
// It is the engine behind `custos run`, with the same policy language and the
// same log. The words are those of package access.
package custos

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/internal/approval"
	"github.com/custos-zt/custos/internal/engine"
	"github.com/custos-zt/custos/internal/pep"
	"github.com/custos-zt/custos/policy"
)

// Options say what guards what.
type Options struct {
	// Backend names what is guarded: the first half of "crm.create_ticket" in
	// policy and log.
	Backend string
	// PolicyFiles are policy files and signed bundles (*.bundle), read in order as
	// one policy. Policy adds texts that are not files; one of the two is
	// required, unless an external engine decides alone.
	PolicyFiles []string
	Policy      []policy.Source
	// TrustRoot is a file of public keys in PEM. With it only bundles that one of
	// them signed are put in force, none older than one that was. Audience is what
	// this program is called in bundles.
	TrustRoot, Audience string
	// External puts another policy engine beside the native policy, or in its
	// place: OPA, Cedar or Casbin from the modules under adapter/, or one of your
	// own. Nil leaves decisions to the native policy.
	External *External
	// Approvals lets people answer what a rule holds: package desk makes one. The
	// call does not run and does not wait; see [DeniedError.Pending]. With nil what
	// a rule holds is denied.
	Approvals Approvals
	// State is the state directory: log, keys, policies. "" is the default
	// place, which `custos` uses too. Processes may share one.
	State string
	// Remote says that paths in arguments name files of another machine: they
	// are judged as written, and not resolved here.
	Remote bool
	// Failed is told once when evidence can no longer be written and every call
	// is denied from then on; nil tells nobody.
	Failed func(error)
}

// Approvals knows what people answered. A desk.Desk is one.
type Approvals interface {
	Consult(ctx context.Context, r *approval.Request) (access.Approval, error)
}

// External is another policy engine. Whatever it cannot decide is denied, and it
// lifts no gate; see [policy.Combine].
type External struct {
	Engine policy.Engine
	// Mode is [policy.ModeBoth], where the most restrictive answer wins, or
	// [policy.ModeExternalOnly]. The native policy describes tools in both.
	Mode policy.Mode
	// Policy are the texts that the engine decides by. They are kept by digest,
	// so that a decision can be shown the policy that took it.
	Policy []policy.Source
}

func (x *External) engine() *engine.External {
	if x == nil {
		return nil
	}
	return &engine.External{Engine: x.Engine, Mode: x.Mode, Sources: x.Policy}
}

// Call is one use of a tool.
type Call struct {
	Tool string
	// Arguments are the arguments as the tool will read them: a
	// json.RawMessage is judged byte for byte, anything else is encoded first.
	// The tool MUST use the same value. Nil means none.
	Arguments any
	// Subject is who the program proved the caller to be; the zero value is the
	// user that runs the program.
	Subject access.Subject
	// Agent is the proven identity of the software that acts, if there is one.
	Agent string
}

// Gate decides calls. It is safe for concurrent use.
type Gate struct {
	engine *engine.Engine
	asks   bool // people
}

// New compiles the policy, opens the log and returns a gate. A policy with an
// error is refused as a whole: see [PolicyError].
func New(o Options) (*Gate, error) {
	e, err := engine.OpenLibrary(engine.Library{
		StateDir: o.State, Files: o.PolicyFiles, Texts: o.Policy, TrustRoot: o.TrustRoot, Audience: o.Audience,
		External: o.External.engine(), Backend: o.Backend, Remote: o.Remote, Failed: o.Failed,
		Approvals: o.Approvals,
	})
	var refused *engine.ProblemsError
	switch {
	case errors.As(err, &refused):
		return nil, &PolicyError{Problems: refused.Problems}
	case err != nil:
		return nil, fmt.Errorf("custos: %w", err)
	}
	return &Gate{engine: e, asks: o.Approvals != nil}, nil
}

// PolicyError says that a policy was refused, and everything that is wrong
// with it, its own tests that fail among it.
type PolicyError struct{ Problems []policy.Problem }

// Error returns the first problem and how many there are.
func (e *PolicyError) Error() string {
	return fmt.Sprintf("custos: the policy has %d problems, the first: %s", len(e.Problems), e.Problems[0])
}

// DeniedError says that a call did not run.
type DeniedError struct {
	// ID is the decision's id: `custos why ID` explains it.
	ID string
	// Decision is the precise answer. Its reason and rule are for the owner of
	// the policy; callers should be shown the text of Error.
	Decision access.Decision
	text     string
	cause    error
}

// Error returns the text that a caller may see.
func (e *DeniedError) Error() string { return e.text }

// Pending returns the id of the request that a person can still answer
// (`custos approvals allow ID`), "" where there is none. Once it is allowed the
// same call passes, once, for as long as the rule says.
func (e *DeniedError) Pending() string {
	if a := e.Decision.Approval; a != nil && e.Decision.Reason == access.ApprovalPending {
		return a.ID
	}
	return ""
}

// Unwrap returns the malfunction behind the denial, nil where policy denied.
func (e *DeniedError) Unwrap() error { return e.cause }

// Decide decides and records a call without running anything. A denial is a
// value: the error is a malfunction, and the decision is a deny then. So is a
// call that waits for a person: the effect is [access.Approve] and Approval says
// what is asked. An allow that a person gave is used up by the decision: whoever
// asks for it MUST be the one who runs the call.
func (g *Gate) Decide(_ context.Context, c Call) (access.Decision, error) {
	call, err := c.message()
	if err != nil {
		return refused(err), err
	}
	call.Direction, call.Waits = pep.Asked, g.asks
	a := g.engine.Point.Admit(call)
	d := a.Decision
	if a.Held() {
		a = g.engine.Point.Pend(a)
	}
	if err := a.Wait(); err != nil {
		a.Unrecorded()
		return a.Decision, fmt.Errorf("custos: %w", err)
	}
	return d, nil
}

// Enforce decides a call and, where it is allowed, runs fn and records how it
// ended. fn runs at most once, in the calling goroutine, after the record of
// the decision is durable; its error is returned as it is. A call that was
// not run returns a [*DeniedError].
func (g *Gate) Enforce(ctx context.Context, c Call, fn func(context.Context) error) error {
	call, err := c.message()
	if err != nil {
		return &DeniedError{Decision: refused(err), text: "Custos denied " + c.Tool + ": " + err.Error(), cause: err}
	}
	call.Waits = g.asks
	err = g.engine.Point.Handle(ctx, call, func(ctx context.Context) (pep.Result, error) {
		return pep.Result{}, fn(ctx)
	})
	var denied *pep.Denied
	if errors.As(err, &denied) {
		a := denied.Admission
		return &DeniedError{ID: a.ID, Decision: a.Decision, text: a.Text(), cause: denied.Cause}
	}
	return err
}

// Close records the end and closes the log. Calls after it are denied.
func (g *Gate) Close() error { return g.engine.Close() }

func refused(err error) access.Decision {
	return access.Decision{Effect: access.Deny, Reason: access.RequestMalformed, Message: err.Error()}
}

// message turns a call into what the engine decides.
func (c *Call) message() (pep.Call, error) {
	args := []byte("{}")
	switch v := c.Arguments.(type) {
	case nil:
	case json.RawMessage:
		args = v
	default:
		var err error
		if args, err = json.Marshal(v); err != nil {
			return pep.Call{}, fmt.Errorf("custos: the arguments cannot be encoded: %w", err)
		}
	}
	return pep.ToolCall(c.Tool, args, pep.Caller{Subject: c.Subject, Agent: c.Agent})
}
