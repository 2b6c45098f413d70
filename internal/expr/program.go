package expr

import (
	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"github.com/custos-zt/custos/access"
)

// Program is a compiled expression. It is immutable and safe for concurrent
// use.
type Program struct{ prog cel.Program }

// Judge evaluates the expression. r is only read.
func (p *Program) Judge(r *access.Request) access.Truth {
	v, err := p.eval(r)
	switch {
	case err != nil:
		return access.Unknown
	case v == types.True:
		return access.True
	case v == types.False:
		return access.False
	default:
		return access.Unknown
	}
}

// Seen says what the expression comes to, or why that is unknown. It may repeat
// values of the call.
func (p *Program) Seen(r *access.Request) string {
	if _, err := p.eval(r); err != nil {
		return "unknown: " + err.Error()
	}
	return p.Judge(r).String()
}

func (p *Program) eval(r *access.Request) (ref.Val, error) {
	v, _, err := p.prog.Eval((*variables)(r))
	return v, err //nolint:wrapcheck // shown to the person who owns the call
}

// variables are what an expression sees of a request.
type variables access.Request

// ResolveName implements [cel.Activation].
func (v *variables) ResolveName(name string) (any, bool) {
	r := (*access.Request)(v)
	switch name {
	case "args":
		return &r.Args, true
	case "facts":
		return factMap(r.Facts), true
	case "now":
		return r.Now, !r.Now.IsZero()
	case "request", "subject", "agent", "session", "tool":
		return r, true
	default:
		return nil, false
	}
}

// Parent implements [cel.Activation].
func (v *variables) Parent() cel.Activation { return nil }
