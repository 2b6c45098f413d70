package expr

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/internal/canon"
)

// value turns a value of a call into one of CEL. What is nested is turned when
// it is looked at.
func (w *world) value(v *access.Value) ref.Val {
	switch v.Kind() {
	case access.Null:
		return types.NullValue
	case access.Bool:
		return types.Bool(v.True())
	case access.Number:
		return number(v)
	case access.String:
		return types.String(v.Text())
	case access.Array:
		return types.NewList(w, v.Members())
	default:
		return &mapping{world: w, from: (*object)(v)}
	}
}

// exactFloat is where a double begins to leave out integers.
const exactFloat = 1 << 53

func number(v *access.Value) ref.Val {
	if i, err := strconv.ParseInt(v.Raw(), 10, 64); err == nil {
		return types.Int(i)
	}
	if u, err := strconv.ParseUint(v.Raw(), 10, 64); err == nil {
		return types.Uint(u)
	}
	f, err := strconv.ParseFloat(v.Raw(), 64)
	if err != nil || math.Abs(f) > exactFloat && canon.IsInteger(*v) {
		return types.NewErr("a number is too large to be compared exactly")
	}
	return types.Double(f)
}

// typed turns a fact into the type of its field. What has another type is an
// error, which is unknown.
func typed(v access.Value, kind *types.Type) any {
	switch kind.Kind() {
	case types.ListKind:
		if out, ok := texts(v); ok {
			return out
		}
	case types.IntKind:
		if i, err := strconv.ParseInt(v.Raw(), 10, 64); err == nil && v.Kind() == access.Number {
			return i
		}
	default:
		if f, err := strconv.ParseFloat(v.Raw(), 64); err == nil && v.Kind() == access.Number {
			return f
		}
	}
	return types.NewErr("a fact is not %s", article(kind))
}

func texts(v access.Value) ([]string, bool) {
	out := make([]string, v.Len())
	for i := range out {
		if v.At(i).Value.Kind() != access.String {
			return nil, false
		}
		out[i] = v.At(i).Value.Text()
	}
	return out, v.Kind() == access.Array
}

// members is what a mapping is made from.
type members interface {
	// find returns the value under a key, or nil.
	find(key string) *access.Value
	// keys lists the keys.
	keys() []string
}

type object access.Value

func (o *object) find(key string) *access.Value {
	all := (*access.Value)(o).Members()
	for i := range all {
		if all[i].Key == key {
			return &all[i].Value
		}
	}
	return nil
}

func (o *object) keys() []string {
	all := (*access.Value)(o).Members()
	out := make([]string, len(all))
	for i := range all {
		out[i] = all[i].Key
	}
	return out
}

// factMap is the variable `facts`.
type factMap map[string]access.Fact

func (m factMap) find(key string) *access.Value {
	f, ok := m[key]
	if !ok {
		return nil
	}
	return &f.Value
}

func (m factMap) keys() []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// mapping is a map of CEL over an object or the facts.
type mapping struct {
	world *world
	from  members
}

var _ traits.Mapper = (*mapping)(nil)

// Find implements [traits.Mapper].
func (m *mapping) Find(key ref.Val) (ref.Val, bool) {
	name, ok := key.(types.String)
	if !ok {
		return nil, false
	}
	v := m.from.find(string(name))
	if v == nil {
		return nil, false
	}
	return m.world.value(v), true
}

// Get implements [traits.Indexer].
func (m *mapping) Get(key ref.Val) ref.Val {
	if v, ok := m.Find(key); ok {
		return v
	}
	return types.NewErr("no such key: %v", key)
}

// Contains implements [traits.Container].
func (m *mapping) Contains(key ref.Val) ref.Val {
	_, ok := m.Find(key)
	return types.Bool(ok)
}

// Size implements [traits.Sizer].
func (m *mapping) Size() ref.Val { return types.Int(len(m.from.keys())) }

// Iterator implements [traits.Iterable]: over the keys, as in every map of CEL.
func (m *mapping) Iterator() traits.Iterator {
	return types.NewStringList(m.world, m.from.keys()).Iterator()
}

// Equal implements [ref.Val].
func (m *mapping) Equal(other ref.Val) ref.Val {
	o, ok := other.(traits.Mapper)
	if !ok || o.Size() != m.Size() {
		return types.False
	}
	for _, k := range m.from.keys() {
		key := types.String(k)
		theirs, found := o.Find(key)
		if !found {
			return types.False
		}
		if equal := types.Equal(m.Get(key), theirs); equal != types.True {
			return equal
		}
	}
	return types.True
}

// Type implements [ref.Val].
func (m *mapping) Type() ref.Type { return types.MapType }

// Value implements [ref.Val].
func (m *mapping) Value() any { return m }

// ConvertToType implements [ref.Val].
func (m *mapping) ConvertToType(t ref.Type) ref.Val {
	switch t {
	case types.MapType:
		return m
	case types.TypeType:
		return types.MapType
	default:
		return types.NewErr("a map is not a %s", t.TypeName())
	}
}

// ConvertToNative implements [ref.Val]: nothing here needs it.
func (m *mapping) ConvertToNative(t reflect.Type) (any, error) {
	return nil, fmt.Errorf("a map is not a %v", t)
}
