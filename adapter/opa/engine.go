package opa

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/topdown"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/policy"
)

// query is the document that answers a request.
const query = "data.custos.decision"

// Engine decides by a compiled Rego policy. It is safe for concurrent use.
type Engine struct {
	prepared rego.PreparedEvalQuery
	uses     map[string]bool // the fields of input that the policy reads
	digest   string
}

var _ policy.Engine = (*Engine)(nil)

// New compiles the modules of one policy. Everything the package comment says
// is refused is an error here, with its position.
func New(sources ...policy.Source) (*Engine, error) {
	if len(sources) == 0 {
		return nil, errors.New("opa: there is no policy")
	}
	uses := map[string]bool{}
	options := []func(*rego.Rego){
		rego.Query(query),
		rego.StrictBuiltinErrors(true),
		rego.Strict(true),
		rego.UnsafeBuiltins(unsafe()),
		rego.CompilerHook(func(c *ast.Compiler) {
			c.WithStageAfterID(ast.StageResolveRefs, ast.CompilerStageDefinition{
				Name: "CustosStrictInput", MetricName: "custos_strict_input",
				Stage: func(c *ast.Compiler) *ast.Error { return strict(c, uses) },
			})
		}),
	}
	sum := sha256.New()
	for _, s := range sources {
		options = append(options, rego.Module(s.Name, string(s.Data)))
		fmt.Fprintf(sum, "%d %s\n%d\n", len(s.Name), s.Name, len(s.Data))
		sum.Write(s.Data)
	}
	prepared, err := rego.New(append(options, functions()...)...).PrepareForEval(context.Background())
	if err != nil {
		return nil, fmt.Errorf("opa: %w", err)
	}
	return &Engine{prepared: prepared, uses: uses, digest: "sha256:" + hex.EncodeToString(sum.Sum(nil))}, nil
}

// unsafe lists the built-in functions whose value is not that of their
// operands.
func unsafe() map[string]struct{} {
	out := map[string]struct{}{}
	for _, b := range ast.Builtins {
		if b.Nondeterministic {
			out[b.Name] = struct{}{}
		}
	}
	return out
}

// Decide answers one request: see [policy.Engine].
func (e *Engine) Decide(ctx context.Context, r *access.Request) (access.Decision, error) {
	d := access.Decision{PolicyDigest: e.digest}
	if err := ctx.Err(); err != nil {
		d.Refuse(access.Internal, "")
		return d, fmt.Errorf("opa: %w", err)
	}
	in, ok := document(r, e.uses)
	if !ok {
		d.Refuse(access.Indeterminate, "A number of this call is too large to be compared.")
		return d, nil
	}
	results, err := e.prepared.Eval(withDocument(ctx, in), rego.EvalParsedInput(in))
	if err != nil {
		return d, e.failed(&d, err)
	}
	if len(results) == 0 {
		d.Refuse(access.DefaultDenied, "")
		return d, nil
	}
	return d, e.read(&d, results)
}

// failed tells what a policy could not evaluate, which is a denial, from what
// OPA could not do. The text of an error may hold what a caller sent.
func (e *Engine) failed(d *access.Decision, err error) error {
	var at *topdown.Error
	if !errors.As(err, &at) {
		d.Refuse(access.Internal, "")
		return errors.New("opa: the evaluation failed")
	}
	switch at.Code {
	case topdown.BuiltinErr, topdown.TypeErr:
		d.Refuse(access.Indeterminate, "The policy asks for something that this call does not have or that has another type.")
		d.Position = position(at.Location)
		return nil
	default:
		d.Refuse(access.Internal, "")
		d.Position = position(at.Location)
		return fmt.Errorf("opa: %s at %s", at.Code, d.Position)
	}
}

func position(l *ast.Location) string {
	if l == nil || l.File == "" {
		return ""
	}
	return fmt.Sprintf("%s:%d", l.File, l.Row)
}
