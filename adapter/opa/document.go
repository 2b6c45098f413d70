package opa

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/custos-zt/custos/access"
)

// plain lists the fields of input that are always there; they are read as in
// any Rego policy, so that rules are indexed by them.
func plain() []string {
	return []string{"kind", "method", "backend", "name", "client", "passes", "args_unknown"}
}

// open lists the fields that may be absent, or hold what may be.
func open() []string {
	return []string{"args", "subject", "agent", "session", "tool", "facts", "places", "now"}
}

// document is the request as input, as far as the policy reads it. It reports
// false where a number cannot be compared.
func document(r *access.Request, uses map[string]bool) (ast.Object, bool) {
	doc := ast.NewObject(
		pair("kind", text(r.Kind.String())), pair("method", text(r.Method)),
		pair("backend", text(r.Backend)), pair("name", text(r.Name)), pair("client", text(r.Client)),
		pair("passes", boolean(r.Passes)), pair("args_unknown", boolean(r.ArgsUnknown)),
	)
	add := func(name string, known bool, convert func() *ast.Term) {
		if known && uses[name] {
			doc.Insert(key(name), convert())
		}
	}
	certain := true
	add("args", !r.ArgsUnknown && !r.Args.IsAbsent(), func() *ast.Term {
		return value(r.Args, &certain)
	})
	add("subject", r.Subject.Known, func() *ast.Term { return subject(&r.Subject) })
	add("agent", r.Agent != "", func() *ast.Term { return text(r.Agent) })
	add("session", r.Session.ID != "", func() *ast.Term { return ast.ObjectTerm(pair("id", text(r.Session.ID))) })
	add("now", !r.Now.IsZero(), func() *ast.Term { return text(r.Now.UTC().Format(time.RFC3339Nano)) })
	add("tool", true, func() *ast.Term { return tool(&r.Tool) })
	add("facts", true, func() *ast.Term { return supplied(r.Facts, &certain) })
	add("places", !r.ArgsUnknown, func() *ast.Term { return places(r.Places) })
	return doc, certain
}

func subject(s *access.Subject) *ast.Term {
	o := ast.NewObject(
		pair("id", text(s.ID)), pair("issuer", text(s.Issuer)), pair("name", text(s.String())),
		pair("groups", list(s.Groups)), pair("roles", list(s.Roles)),
	)
	if s.Tenant != "" {
		o.Insert(key("tenant"), text(s.Tenant))
	}
	return ast.NewTerm(o)
}

func tool(f *access.ToolFacts) *ast.Term {
	o := ast.NewObject()
	if f.Ops != 0 {
		o.Insert(key("ops"), list(f.Ops.Names()))
	}
	if f.SideEffects != nil {
		o.Insert(key("side_effects"), list(f.SideEffects))
	}
	if f.Labels != nil {
		o.Insert(key("labels"), list(f.Labels))
	}
	if f.Tier != "" {
		o.Insert(key("tier"), text(f.Tier))
	}
	return ast.NewTerm(o)
}

func supplied(facts map[string]access.Fact, certain *bool) *ast.Term {
	o := ast.NewObject()
	for name, f := range facts {
		if f.Value.IsAbsent() {
			continue // a fact without a value is unknown
		}
		o.Insert(key(name), ast.ObjectTerm(
			pair("value", value(f.Value, certain)), pair("source", text(f.Source)), pair("age_s", ast.FloatNumberTerm(f.Age.Seconds())),
		))
	}
	return ast.NewTerm(o)
}

func places(all []access.Place) *ast.Term {
	out := make([]*ast.Term, len(all))
	for i := range all {
		p := &all[i]
		out[i] = ast.ObjectTerm(
			pair("arg", text(p.Arg)), pair("raw", text(p.Raw)),
			pair("declared", boolean(p.Declared)), pair("grantable", boolean(p.Grantable)),
			pair("readings", list(p.Readings)), pair("suspect", list(p.Suspect)), pair("folded", list(p.Folded)),
		)
	}
	return ast.ArrayTerm(out...)
}

// value converts a JSON value that is there. It clears certain where a number
// cannot be compared.
func value(v access.Value, certain *bool) *ast.Term {
	switch v.Kind() {
	case access.Bool:
		return boolean(v.True())
	case access.Number:
		if !comparable(v.Raw()) {
			*certain = false
			return ast.NullTerm()
		}
		return ast.NumberTerm(json.Number(v.Raw()))
	case access.String:
		return text(v.Text())
	case access.Array:
		out := make([]*ast.Term, v.Len())
		for i := range out {
			out[i] = value(v.At(i).Value, certain)
		}
		return ast.ArrayTerm(out...)
	case access.Object:
		o := ast.NewObjectWithCapacity(v.Len())
		for _, m := range v.Members() {
			o.Insert(key(m.Key), value(m.Value, certain))
		}
		return ast.NewTerm(o)
	default:
		return ast.NullTerm()
	}
}

// maxExponent bounds exponents: OPA compares by writing numbers out.
const maxExponent = 4

// comparable reports whether OPA compares the number, and does so in little
// time.
func comparable(raw string) bool {
	if len(raw) > 1000 {
		return false
	}
	i := strings.IndexAny(raw, "eE")
	return i < 0 || len(strings.TrimLeft(raw[i+1:], "+-0")) <= maxExponent
}

func text(s string) *ast.Term { return ast.StringTerm(s) }

func key(s string) *ast.Term { return ast.InternedTerm(s) }

func boolean(b bool) *ast.Term { return ast.InternedTerm(b) }

func pair(name string, v *ast.Term) [2]*ast.Term { return [2]*ast.Term{key(name), v} }

func list(items []string) *ast.Term {
	out := make([]*ast.Term, len(items))
	for i, s := range items {
		out[i] = text(s)
	}
	return ast.ArrayTerm(out...)
}
