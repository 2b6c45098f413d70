package opa

import (
	"context"
	"errors"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/types"
)

// The functions that strict calls. Policies have no reason to.
const (
	readName       = "custos.read"
	itemsName      = "custos.items"
	openName       = "custos.open"
	collectionName = "custos.collection"
)

// The errors carry no value: what was sent stays out of messages.
var (
	errAbsent     = errors.New("not there")
	errMistyped   = errors.New("values of different types")
	errObject     = errors.New("an object or a list of objects: name the member or use object.get")
	errCollection = errors.New("not a collection")
)

type documentKey struct{}

// withDocument lends the request to the functions: as an operand it would be
// looked up and copied for every read.
func withDocument(ctx context.Context, doc ast.Object) context.Context {
	return context.WithValue(ctx, documentKey{}, doc)
}

// functions are the options that declare the functions.
func functions() []func(*rego.Rego) {
	path := types.NewArray(nil, types.A)
	one := func(name string, in types.Type, f rego.Builtin1) func(*rego.Rego) {
		return rego.Function1(&rego.Function{Name: name, Decl: types.NewFunction(types.Args(in), types.A)}, f)
	}
	two := func(name string, f func(a, b *ast.Term) (bool, error)) func(*rego.Rego) {
		decl := &rego.Function{Name: "custos." + bare(name), Decl: types.NewFunction(types.Args(types.A, types.A), types.B)}
		return rego.Function2(decl, func(_ rego.BuiltinContext, a, b *ast.Term) (*ast.Term, error) {
			yes, err := f(a, b)
			if err != nil {
				return nil, err
			}
			return ast.InternedTerm(yes), nil
		})
	}
	return []func(*rego.Rego){
		one(readName, path, read),
		one(itemsName, path, items),
		one(openName, path, opened),
		one(collectionName, types.A, func(_ rego.BuiltinContext, v *ast.Term) (*ast.Term, error) { return members(v) }),
		two(ast.LessThan.Name, ordered(func(c int) bool { return c < 0 })),
		two(ast.LessThanEq.Name, ordered(func(c int) bool { return c <= 0 })),
		two(ast.GreaterThan.Name, ordered(func(c int) bool { return c > 0 })),
		two(ast.GreaterThanEq.Name, ordered(func(c int) bool { return c >= 0 })),
		two(ast.Equal.Name, func(a, b *ast.Term) (bool, error) { return a.Equal(b), comparison(a, b) }),
		two(ast.NotEqual.Name, func(a, b *ast.Term) (bool, error) { return !a.Equal(b), comparison(a, b) }),
		two(ast.Member.Name, member2),
	}
}

// find follows a path into the request.
func find(bctx rego.BuiltinContext, path *ast.Term) (*ast.Term, bool) {
	doc, ok := bctx.Context.Value(documentKey{}).(ast.Object)
	steps, isArray := path.Value.(*ast.Array)
	if !ok || !isArray {
		return nil, false
	}
	at := ast.NewTerm(doc)
	for i := range steps.Len() {
		switch v := at.Value.(type) {
		case ast.Object:
			at = v.Get(steps.Elem(i))
		case *ast.Array:
			at = v.Get(steps.Elem(i))
		default:
			return nil, false
		}
		if at == nil {
			return nil, false
		}
	}
	return at, true
}

// read returns a value that is there and whose members need no further read.
func read(bctx rego.BuiltinContext, path *ast.Term) (*ast.Term, error) {
	v, ok := find(bctx, path)
	if !ok {
		return nil, errAbsent
	}
	switch x := v.Value.(type) {
	case ast.Object:
		return nil, errObject
	case *ast.Array:
		for i := range x.Len() {
			if _, ok := x.Elem(i).Value.(ast.Object); ok {
				return nil, errObject
			}
		}
	}
	return v, nil
}

// items returns a list that is there.
func items(bctx rego.BuiltinContext, path *ast.Term) (*ast.Term, error) {
	v, err := read(bctx, path)
	if err != nil {
		return nil, err
	}
	return members(v)
}

func members(v *ast.Term) (*ast.Term, error) {
	switch v.Value.(type) {
	case *ast.Array, ast.Set, ast.Object:
		return v, nil
	default:
		return nil, errCollection
	}
}

// opened returns what is there, or an empty object.
func opened(bctx rego.BuiltinContext, path *ast.Term) (*ast.Term, error) {
	if v, ok := find(bctx, path); ok {
		return v, nil
	}
	return ast.ObjectTerm(), nil
}

func ordered(holds func(int) bool) func(a, b *ast.Term) (bool, error) {
	return func(a, b *ast.Term) (bool, error) {
		if kind(a) != kind(b) {
			return false, errMistyped
		}
		return holds(a.Value.Compare(b.Value)), nil
	}
}

// comparison reports values that can be neither equal nor different.
func comparison(a, b *ast.Term) error {
	if kind(a) != kind(b) {
		return errMistyped
	}
	return nil
}

// member2 is `a in b`. Where nothing in b has the type of a, a is mistyped,
// not different.
func member2(a, b *ast.Term) (bool, error) {
	found, alike, n := false, false, 0
	look := func(v *ast.Term) {
		n++
		alike = alike || kind(v) == kind(a)
		found = found || v.Equal(a)
	}
	switch x := b.Value.(type) {
	case *ast.Array:
		x.Foreach(look)
	case ast.Set:
		x.Foreach(look)
	case ast.Object:
		x.Foreach(func(_, v *ast.Term) { look(v) })
	default:
		return false, errCollection
	}
	if n > 0 && !alike {
		return false, errMistyped
	}
	return found, nil
}

func kind(t *ast.Term) string { return ast.ValueName(t.Value) }
