package cedar

import (
	"math/big"
	"strconv"
	"strings"

	cedar "github.com/cedar-policy/cedar-go"

	"github.com/custos-zt/custos/access"
)

// convert turns a request into Cedar's, with the entities it names.
func convert(r *access.Request) (cedar.Request, cedar.EntityMap) {
	principal, resource := subject(&r.Subject), object(r)
	q := cedar.Request{
		Principal: principal.UID,
		Action:    cedar.NewEntityUID("Action", cedar.String(r.Method)),
		Resource:  resource.UID,
		Context:   environment(r),
	}
	return q, cedar.EntityMap{principal.UID: principal, resource.UID: resource}
}

func subject(s *access.Subject) cedar.Entity {
	parents := make([]cedar.EntityUID, 0, len(s.Roles)+len(s.Groups))
	for _, name := range s.Roles {
		parents = append(parents, cedar.NewEntityUID("Role", qualified(s.Issuer, name)))
	}
	for _, name := range s.Groups {
		parents = append(parents, cedar.NewEntityUID("Group", qualified(s.Issuer, name)))
	}
	attributes := cedar.RecordMap{"id": cedar.String(s.ID), "issuer": cedar.String(s.Issuer)}
	if s.Tenant != "" {
		attributes["tenant"] = cedar.String(s.Tenant)
	}
	return cedar.Entity{
		UID:        cedar.NewEntityUID("Subject", qualified(s.Issuer, s.ID)),
		Parents:    cedar.NewEntityUIDSet(parents...),
		Attributes: cedar.NewRecord(attributes),
	}
}

func qualified(issuer, name string) cedar.String {
	if issuer == "" {
		return cedar.String(name)
	}
	return cedar.String(issuer + ":" + name)
}

func object(r *access.Request) cedar.Entity {
	typ, id := cedar.EntityType("Method"), r.Name
	switch r.Kind {
	case access.Tool:
		typ = "Tool"
	case access.Resource:
		typ = "Resource"
	case access.Prompt:
		typ = "Prompt"
	case access.Method:
	}
	if r.Kind != access.Method {
		id = r.Backend + "." + r.Name
	}
	return cedar.Entity{
		UID:     cedar.NewEntityUID(typ, cedar.String(id)),
		Parents: cedar.NewEntityUIDSet(cedar.NewEntityUID("Backend", cedar.String(r.Backend))),
		Attributes: cedar.NewRecord(cedar.RecordMap{
			"backend": cedar.String(r.Backend), "name": cedar.String(r.Name),
		}),
	}
}

func environment(r *access.Request) cedar.Record {
	m := cedar.RecordMap{
		"args_unknown": cedar.Boolean(r.ArgsUnknown), "passes": cedar.Boolean(r.Passes),
		"client": cedar.String(r.Client), "tool": tool(&r.Tool), "facts": facts(r.Facts),
	}
	if !r.ArgsUnknown && !r.Args.IsAbsent() {
		m["args"] = value(r.Args)
	}
	if r.Agent != "" {
		m["agent"] = cedar.String(r.Agent)
	}
	if r.Session.ID != "" {
		m["session"] = cedar.String(r.Session.ID)
	}
	if !r.Now.IsZero() {
		m["now"] = cedar.NewDatetime(r.Now)
	}
	return cedar.NewRecord(m)
}

func tool(f *access.ToolFacts) cedar.Record {
	m := cedar.RecordMap{}
	if f.Ops != 0 {
		m["ops"] = set(f.Ops.Names())
	}
	if f.SideEffects != nil {
		m["side_effects"] = set(f.SideEffects)
	}
	if f.Labels != nil {
		m["labels"] = set(f.Labels)
	}
	if f.Tier != "" {
		m["tier"] = cedar.String(f.Tier)
	}
	return cedar.NewRecord(m)
}

func facts(all map[string]access.Fact) cedar.Record {
	m := make(cedar.RecordMap, len(all))
	for name, f := range all {
		if f.Value.IsAbsent() {
			continue // a fact without a value is unknown
		}
		m[cedar.String(name)] = cedar.NewRecord(cedar.RecordMap{
			"value": value(f.Value), "source": cedar.String(f.Source), "age_s": cedar.Long(f.Age.Seconds()),
		})
	}
	return cedar.NewRecord(m)
}

func set(items []string) cedar.Set {
	out := make([]cedar.Value, len(items))
	for i, s := range items {
		out[i] = cedar.String(s)
	}
	return cedar.NewSet(out...)
}

// value converts a JSON value that is there.
func value(v access.Value) cedar.Value {
	switch v.Kind() {
	case access.Bool:
		return cedar.Boolean(v.True())
	case access.Number:
		return number(v.Raw())
	case access.String:
		return cedar.String(v.Text())
	case access.Array:
		out := make([]cedar.Value, v.Len())
		for i := range out {
			out[i] = value(v.At(i).Value)
		}
		return cedar.NewSet(out...)
	case access.Object:
		out := make(cedar.RecordMap, v.Len())
		for _, m := range v.Members() {
			out[cedar.String(m.Key)] = value(m.Value)
		}
		return cedar.NewRecord(out)
	default:
		return untyped(v.Raw())
	}
}

// untyped is there, and is nothing that a policy can compare.
func untyped(literal string) cedar.Value {
	return cedar.NewRecord(cedar.RecordMap{"json": cedar.String(literal)})
}

// Beyond these a literal is neither a long nor a decimal, or only with zeros
// that nobody writes.
const (
	maxDigits   = 40
	maxExponent = 2
)

// number is exact or untyped.
func number(raw string) cedar.Value {
	if n, err := strconv.ParseInt(raw, 10, 64); err == nil {
		return cedar.Long(n)
	}
	i := strings.IndexAny(raw, "eE")
	if len(raw) > maxDigits || i >= 0 && len(strings.TrimLeft(raw[i+1:], "+-0")) > maxExponent {
		return untyped(raw)
	}
	rat, ok := new(big.Rat).SetString(raw)
	if !ok {
		return untyped(raw)
	}
	if rat.IsInt() && rat.Num().IsInt64() {
		return cedar.Long(rat.Num().Int64())
	}
	scaled := new(big.Rat).Mul(rat, big.NewRat(1e4, 1))
	if !scaled.IsInt() || !scaled.Num().IsInt64() {
		return untyped(raw)
	}
	d, err := cedar.NewDecimal(scaled.Num().Int64(), -4)
	if err != nil {
		return untyped(raw)
	}
	return d
}
