package opa

import (
	"slices"

	"github.com/open-policy-agent/opa/v1/ast"
)

// strict is a stage of the compiler: it rewrites what could be undefined, or
// false only because of a type, into calls that are errors then. It runs after
// imports were resolved, so that an import of input is seen too, and before
// calls inside expressions are taken apart.
//
// uses is filled with the fields of input that the policy reads.
func strict(c *ast.Compiler, uses map[string]bool) *ast.Error {
	for _, m := range c.Modules {
		w := &rewriter{uses: uses}
		for _, r := range m.Rules {
			if _, err := ast.Transform(w, r); err != nil {
				w.fail(r.Location, "%v", err)
			}
		}
		if w.err != nil {
			return w.err
		}
	}
	return nil
}

// rewriter is an [ast.Transformer]. It keeps the first problem.
type rewriter struct {
	uses map[string]bool
	err  *ast.Error
}

func (w *rewriter) fail(l *ast.Location, format string, args ...any) {
	if w.err == nil {
		w.err = ast.NewError(ast.CompileErr, l, format, args...)
	}
}

// Transform is called for every node, before those below it.
func (w *rewriter) Transform(x any) (any, error) {
	switch x := x.(type) {
	case *ast.Expr:
		switch terms := x.Terms.(type) {
		case []*ast.Term:
			w.call(terms)
		case *ast.Every: // not a node of its own
			terms.Domain = collection(terms.Domain)
		}
	case *ast.SomeDecl:
		return w.declared(x)
	case *ast.With:
		if ref, ok := x.Target.Value.(ast.Ref); ok && isInput(ref) {
			w.fail(x.Location, "`with` on input: what is judged is the request")
		}
	case ast.Call:
		w.call(x)
	case ast.Ref:
		return w.ref(x)
	}
	return x, nil
}

// declared handles `some x in xs`, which [ast.Transform] does not look into.
func (w *rewriter) declared(d *ast.SomeDecl) (any, error) {
	for _, s := range d.Symbols {
		call, ok := s.Value.(ast.Call)
		if !ok {
			continue
		}
		last := len(call) - 1
		call[last] = collection(call[last])
		for i := 1; i <= last; i++ {
			v, err := ast.Transform(w, call[i])
			if err != nil {
				return nil, err //nolint:wrapcheck // a fault of the rewriter
			}
			if value, ok := v.(ast.Value); ok {
				call[i].Value = value
			}
		}
	}
	return d, nil
}

// collection wraps what is iterated over: what is no collection has no
// members, and a rule over its members would be silent.
func collection(t *ast.Term) *ast.Term {
	return ast.NewTerm(ast.Call{operator(collectionName), t}).SetLocation(t.Location)
}

// call replaces the operators that answer where they cannot compare, and
// opens input to the functions that ask whether something is there.
func (w *rewriter) call(call []*ast.Term) {
	if len(call) < 2 {
		return
	}
	ref, ok := call[0].Value.(ast.Ref)
	if !ok {
		return
	}
	name := ref.String()
	operands := call[1:]
	switch {
	case slices.Contains(orderings(), name):
	case name == ast.Equal.Name || name == ast.NotEqual.Name:
		if slices.ContainsFunc(operands, func(t *ast.Term) bool { return certain(t) || isNull(t) }) {
			return
		}
	case name == ast.Member.Name && len(operands) == 2:
		if certain(operands[0]) {
			return
		}
	case slices.Contains(asking(), name):
		if in, ok := operands[0].Value.(ast.Ref); ok && isInput(in) {
			w.opened(operands, in)
		}
		return
	default:
		return
	}
	call[0] = operator("custos." + bare(name)).SetLocation(call[0].Location)
}

// isNull reports whether the author asks for null, which every value may be
// asked for.
func isNull(t *ast.Term) bool {
	_, null := t.Value.(ast.Null)
	return null
}

// certain reports whether t is always there and so has one type.
func certain(t *ast.Term) bool {
	ref, ok := t.Value.(ast.Ref)
	if !ok || !isInput(ref) || len(ref) != 2 {
		return false
	}
	first, ok := ref[1].Value.(ast.String)
	return ok && slices.Contains(plain(), string(first))
}

// opened replaces a path into input by what is there, an empty object where
// nothing is.
func (w *rewriter) opened(operands []*ast.Term, in ast.Ref) {
	path, rest := constant(in[1:])
	if len(rest) > 0 {
		w.fail(in[0].Location, "%s: a variable in a path cannot be followed", in)
		return
	}
	if len(in) > 1 {
		w.use(in[1])
	} else {
		for _, field := range open() {
			w.uses[field] = true
		}
	}
	operands[0] = ast.NewTerm(ast.Call{operator(openName), path}).SetLocation(in[0].Location)
}

// ref replaces a path into input.
func (w *rewriter) ref(ref ast.Ref) (any, error) {
	if !isInput(ref) {
		return ref, nil
	}
	at := ref[0].Location
	path, rest := constant(ref[1:])
	steps := len(ref) - 1 - len(rest)
	if steps == 0 {
		w.fail(at, "input as a value cannot be followed: name the field, or use object.get(input, PATH, DEFAULT)")
		return ref, nil
	}
	first, _ := ref[1].Value.(ast.String)
	switch field := string(first); {
	case slices.Contains(plain(), field) && len(ref) == 2:
		return ref, nil
	case !slices.Contains(open(), field):
		w.fail(at, "input has no %s", ref)
		return ref, nil
	case steps == 1 && field != "agent" && field != "now" && field != "places":
		w.fail(at, "input.%s as a value cannot be followed: name the member, or use object.get(input.%s, PATH, DEFAULT)", field, field)
		return ref, nil
	}
	w.use(ref[1])
	if len(rest) == 0 {
		return ast.Call{operator(readName), path}, nil
	}
	if len(rest) > 1 {
		w.fail(at, "%s: members behind a variable cannot be followed: use some … in and object.get", ref)
		return ref, nil
	}
	items := ast.NewTerm(ast.Call{operator(itemsName), path}).SetLocation(at)
	return append(ast.Ref{items}, rest...), nil
}

func (w *rewriter) use(field *ast.Term) {
	if name, ok := field.Value.(ast.String); ok {
		w.uses[string(name)] = true
	}
}

// constant splits a path behind its leading names and numbers.
func constant(path []*ast.Term) (steps *ast.Term, rest []*ast.Term) {
	for i, t := range path {
		switch t.Value.(type) {
		case ast.String, ast.Number:
		default:
			return ast.ArrayTerm(path[:i]...), path[i:]
		}
	}
	return ast.ArrayTerm(path...), nil
}

func isInput(ref ast.Ref) bool {
	return len(ref) > 0 && ref[0].Equal(ast.InputRootDocument)
}

// orderings are the operators that order values of different types too.
func orderings() []string {
	return []string{ast.LessThan.Name, ast.LessThanEq.Name, ast.GreaterThan.Name, ast.GreaterThanEq.Name}
}

// asking are the functions that answer where something is absent.
func asking() []string {
	return []string{ast.ObjectGet.Name, ast.ObjectKeys.Name, ast.Count.Name}
}

// bare is the name of an operator without its folder.
func bare(name string) string {
	if name == ast.Member.Name {
		return "member"
	}
	return name
}

func operator(name string) *ast.Term { return ast.NewTerm(ast.MustParseRef(name)) }
