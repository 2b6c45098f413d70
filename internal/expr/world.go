package expr

import (
	"errors"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/internal/pdp"
)

// member is one field of an object: its type, and its value in a request, which
// is nil where nobody supplied it.
type member struct {
	kind *types.Type
	get  func(*access.Request) any
}

// text is a field that is unknown while it is empty.
func text(get func(*access.Request) string) member {
	return member{cel.StringType, func(r *access.Request) any {
		if s := get(r); s != "" {
			return s
		}
		return nil
	}}
}

// words is a list that is unknown where it is nil.
func words(get func(*access.Request) []string) member {
	return member{cel.ListType(cel.StringType), func(r *access.Request) any {
		if list := get(r); list != nil {
			return list
		}
		return nil
	}}
}

// fact is a supplied fact as a field.
func fact(name string, kind *types.Type) member {
	return member{kind, func(r *access.Request) any {
		if f, ok := r.Facts[name]; ok {
			return typed(f.Value, kind)
		}
		return nil
	}}
}

// objects are the variables with fields.
func objects() map[string]map[string]member {
	principal := func(list func(*access.Subject) []string) func(*access.Request) []string {
		return func(r *access.Request) []string {
			if !r.Subject.Known {
				return nil
			}
			return append([]string{}, list(&r.Subject)...)
		}
	}
	who := func(name func(*access.Subject) string) func(*access.Request) string {
		return func(r *access.Request) string {
			if !r.Subject.Known {
				return ""
			}
			return name(&r.Subject)
		}
	}
	return map[string]map[string]member{
		"request": {
			"kind":    text(func(r *access.Request) string { return r.Kind.String() }),
			"method":  text(func(r *access.Request) string { return r.Method }),
			"backend": text(func(r *access.Request) string { return r.Backend }),
			"name":    text(func(r *access.Request) string { return r.Name }),
		},
		"subject": {
			"id":     text(who(func(s *access.Subject) string { return s.ID })),
			"issuer": text(who(func(s *access.Subject) string { return s.Issuer })),
			"tenant": text(who(func(s *access.Subject) string { return s.Tenant })),
			"groups": words(principal(func(s *access.Subject) []string { return s.Groups })),
			"roles":  words(principal(func(s *access.Subject) []string { return s.Roles })),
		},
		"agent": {"id": text(func(r *access.Request) string { return r.Agent })},
		"session": {
			"id":       text(func(r *access.Request) string { return r.Session.ID }),
			"calls_1h": fact("session.calls_1h", cel.IntType),
			"read":     fact("session.read", cel.ListType(cel.StringType)),
			"age_s":    fact("session.age_s", cel.DoubleType),
			"idle_s":   fact("session.idle_s", cel.DoubleType),
		},
		"tool": {
			"described":    {cel.BoolType, func(r *access.Request) any { return r.Tool.Described }},
			"ops":          words(func(r *access.Request) []string { return pdp.OpsOf(&r.Tool, r.Args).Names() }),
			"side_effects": words(func(r *access.Request) []string { return r.Tool.SideEffects }),
			"labels":       words(func(r *access.Request) []string { return r.Tool.Labels }),
			"tier":         text(func(r *access.Request) string { return r.Tool.Tier }),
		},
	}
}

// world gives CEL the types of the objects and turns values of requests into
// its own. It implements the provider and the adapter of cel-go.
type world struct {
	*types.Registry
	objects map[string]map[string]member
}

const typePrefix = "custos."

func typeName(variable string) string { return typePrefix + variable }

func (w *world) fields(name string) map[string]member {
	if len(name) < len(typePrefix) {
		return nil
	}
	return w.objects[name[len(typePrefix):]]
}

// FindStructType implements [types.Provider].
func (w *world) FindStructType(name string) (*types.Type, bool) {
	if w.fields(name) == nil {
		return nil, false
	}
	return types.NewTypeTypeWithParam(types.NewObjectType(name)), true
}

// FindStructFieldNames implements [types.Provider].
func (w *world) FindStructFieldNames(name string) ([]string, bool) {
	fields := w.fields(name)
	var out []string
	for f := range fields {
		out = append(out, f)
	}
	return out, fields != nil
}

var errUnknown = errors.New("unknown")

// FindStructFieldType implements [types.Provider].
func (w *world) FindStructFieldType(name, field string) (*types.FieldType, bool) {
	m, ok := w.fields(name)[field]
	if !ok {
		return nil, false
	}
	what := name[len(typePrefix):] + "." + field
	get := func(target any) any {
		if r, ok := target.(*access.Request); ok {
			return m.get(r)
		}
		return nil
	}
	return &types.FieldType{
		Type:  m.kind,
		IsSet: func(target any) bool { return get(target) != nil },
		GetFrom: func(target any) (any, error) {
			v := get(target)
			if v == nil {
				return nil, &unknownError{what}
			}
			if e, ok := v.(*types.Err); ok {
				return nil, e
			}
			return v, nil
		},
	}, true
}

// unknownError says what nobody supplied.
type unknownError struct{ what string }

func (e *unknownError) Error() string { return e.what + " is unknown" }

func (e *unknownError) Unwrap() error { return errUnknown }

// NewValue implements [types.Provider]: there is nothing to build.
func (w *world) NewValue(name string, _ map[string]ref.Val) ref.Val {
	return types.NewErr("%s is not built by an expression", name)
}

// NativeToValue implements [types.Adapter].
func (w *world) NativeToValue(v any) ref.Val {
	switch v := v.(type) {
	case *access.Value:
		return w.value(v)
	case access.Member:
		return w.value(&v.Value)
	case *access.Request:
		return types.NewErr("an object is not a value")
	case factMap:
		return &mapping{world: w, from: v}
	default:
		return w.Registry.NativeToValue(v)
	}
}
