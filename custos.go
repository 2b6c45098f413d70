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
	"os"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/internal/engine"
	"github.com/custos-zt/custos/internal/pep"
	"github.com/custos-zt/custos/policy"
)

// Options say what guards what.
type Options struct {
	// Backend names what is guarded: the first half of "crm.create_ticket" in
	// policy and log.
	Backend string
	// PolicyFiles are read in order as one policy. Policy adds texts that are
	// not files; one of the two is required.
	PolicyFiles []string
	Policy      []policy.Source
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
}

// New compiles the policy, opens the log and returns a gate. A policy with an
// error is refused as a whole: see [PolicyError].
func New(o Options) (*Gate, error) {
	sources, err := read(o)
	if err != nil {
		return nil, err
	}
	home, _ := os.UserHomeDir() // unknown: patterns with ~ are errors
	snapshot, problems := policy.Compile(sources, policy.Options{Home: home, Backend: o.Backend})
	if snapshot == nil {
		return nil, &PolicyError{Problems: problems}
	}
	e, err := engine.OpenLibrary(engine.Library{
		StateDir: o.State, Policy: snapshot, Sources: sources, Backend: o.Backend,
		Files: o.PolicyFiles, Remote: o.Remote, Home: home, Failed: o.Failed,
	})
	if err != nil {
		return nil, err
	}
	return &Gate{engine: e}, nil
}

func read(o Options) ([]policy.Source, error) {
	var sources []policy.Source
	for _, name := range o.PolicyFiles {
		data, err := os.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("custos: policy: %w", err)
		}
		sources = append(sources, policy.Source{Name: name, Data: data})
	}
	sources = append(sources, o.Policy...)
	if len(sources) == 0 {
		return nil, errors.New("custos: no policy given: set PolicyFiles or Policy")
	}
	return sources, nil
}

// PolicyError says that a policy was refused, and everything that is wrong
// with it.
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

// Unwrap returns the malfunction behind the denial, nil where policy denied.
func (e *DeniedError) Unwrap() error { return e.cause }

// Decide decides and records a call without running anything. A denial is a
// value: the error is a malfunction, and the decision is a deny then.
func (g *Gate) Decide(_ context.Context, c Call) (access.Decision, error) {
	call, err := c.message()
	if err != nil {
		return refused(err), err
	}
	call.Direction = pep.Asked
	a := g.engine.Point.Admit(call)
	if err := a.Wait(); err != nil {
		a.Unrecorded()
		return a.Decision, fmt.Errorf("custos: %w", err)
	}
	return a.Decision, nil
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
