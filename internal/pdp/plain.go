package pdp

import (
	"math"

	"github.com/custos-zt/custos/access"
)

// arg is an [Arg] with what is asked most often within reach: one key, types,
// short integer bounds, and a list of strings. Equal ones are one.
type arg struct {
	min, max int64
	key      int32 // from 1, in operands.argKeys
	words    int32 // the enum, in operands.words
	count    int32
	whole    int32 // from 1, in operands.wholeArgs; of equal ones the first
	types    Types
	hasMin   bool
	hasMax   bool
	plain    bool
	// number and text say that a plain condition judges numbers, or texts, and
	// that they are neither mistyped nor asked for what they do not have.
	number, text bool
	// optional and skip are those of the Arg: they part equal conditions.
	optional, skip bool
}

// argWords is what a default denial says where a condition on an argument
// failed.
type argWords struct{ says, suggestion string }

// packArg files an argument, a plain one once.
func (t *operands) packArg(in *Arg) int32 {
	a, ok := t.plainArg(in)
	if at, have := t.plain[a]; ok && have {
		return at
	}
	t.wholeArgs = append(t.wholeArgs, in)
	at := int32(len(t.args)) //nolint:gosec // a policy has far fewer conditions than 2^31
	if ok {
		t.plain[a] = at
	}
	a.whole = int32(len(t.wholeArgs)) //nolint:gosec // as above
	t.args = append(t.args, a)
	return at
}

// plainArg reports whether a condition asks for nothing but what an arg has,
// and returns it.
func (t *operands) plainArg(in *Arg) (a arg, plain bool) {
	s := &in.Spec
	a = arg{types: s.Types, optional: in.Optional, skip: in.Skip, key: t.argKeys.add(in.Path.Text)}
	if w := &t.argKeys.entries[a.key-1].value; w.says == "" {
		w.says = "The argument " + in.Path.Text + " is not what is allowed here."
		w.suggestion = "Send another value for " + in.Path.Text + ", or ask the person."
	}
	if len(in.Path.steps) != 1 || in.Path.steps[0].key != in.Path.Text || s.Pattern != nil || s.Length != nil ||
		s.Count != nil || s.Items != nil || s.SameAs != nil || s.Not != nil {
		return a, false
	}
	if s.Min != nil {
		a.min, a.hasMin = s.Min.short, true
	}
	if s.Max != nil {
		a.max, a.hasMax = s.Max.short, true
	}
	if s.Min != nil && !s.Min.isInt || s.Max != nil && !s.Max.isInt {
		return a, false
	}
	words := make([]string, 0, len(s.Enum))
	for _, v := range s.Enum {
		if v.Kind() != access.String {
			return a, false
		}
		words = append(words, v.Text())
	}
	a.words, a.count = t.packWords(words)
	a.plain = true
	a.number = a.count == 0 && (a.types == 0 || a.types&(TypeInteger|TypeNumber) != 0)
	a.text = !a.hasMin && !a.hasMax && (a.types == 0 || a.types&TypeString != 0)
	if !a.hasMin {
		a.min = math.MinInt64
	}
	if !a.hasMax {
		a.max = math.MaxInt64
	}
	return a, true
}

// sentArg is one argument of a call, looked up and read once for the rules
// that ask for it.
type sentArg struct {
	text  string // of a string
	n     int64
	key   int32            // 0 where nothing was looked up yet
	kind  access.ValueKind // absent where it was not sent
	short bool             // n is the value
}

// argRoom is how many arguments are remembered, a power of two.
const argRoom = 4

// argument returns the argument with this number.
func (e *evaluation) argument(key int32) *sentArg {
	a := &e.args[key%argRoom]
	if a.key != key {
		e.readArgument(a, key)
	}
	return a
}

func (e *evaluation) readArgument(a *sentArg, key int32) {
	*a = sentArg{key: key}
	name := e.s.argKeys.entries[key-1].text
	members := e.r.Arguments()
	for i := range members {
		if m := &members[i]; m.Key == name {
			var raw string
			if a.kind, raw, a.text = m.Parts(); a.kind == access.Number {
				a.n, a.short = shortRaw(raw)
			}
			return
		}
	}
}

// judgeArg answers plain questions about plain values here, and leaves the
// rest to the whole condition.
func (e *evaluation) judgeArg(a *arg, g reading) access.Truth {
	if a.plain {
		switch v := e.argument(a.key); {
		case v.short && a.number:
			return truth(v.n >= a.min && v.n <= a.max)
		case v.kind == access.String && a.text:
			return truth(a.count == 0 || contains(e.s.words[a.words:a.words+a.count], v.text))
		}
	}
	return e.s.wholeArgs[a.whole-1].judge(e, g)
}
