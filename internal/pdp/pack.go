package pdp

import (
	"slices"
	"strings"

	"github.com/custos-zt/custos/access"
)

// What a decision touches is laid out for the cache: at ten thousand rules the
// memory that a rule is spread over costs more than the comparisons. Conditions
// of a rule stand in one row of small ops, operands in tables by kind, and equal
// texts are one text.

// op is one condition as it is evaluated.
type op struct {
	code  Code
	group Group
	// mask is the operand of CodeOps, the Admission of CodeUnlisted, and how many
	// words of CodeExtensions are as written.
	mask uint16
	// ref is where the operand begins in the table of its code, count how many
	// entries it has there.
	ref   int32
	count int32
}

// operands are the tables that ops refer to.
type operands struct {
	principals []principal
	words      []string
	globs      []PathPattern
	args       []arg
	unlisted   []*Unlisted
	commands   []Command
	places     []*Places
	urls       []*URLs
	facts      []*FactTest
	windows    []*Window
	whens      []Expression
	// While building: equal texts, and where operands stand that rules share.
	texts  map[string]string
	shared map[any]int32
}

// pack files the operand of a condition.
func (t *operands) pack(in *Op) op {
	o := op{code: in.Code, group: in.Group}
	switch in.Code {
	case CodeOps:
		o.mask = uint16(in.Mask)
	case CodeSubjects, CodeGroups, CodeRoles:
		o.ref, o.count = file(&t.principals, t.principalsOf(in.Names)...)
	case CodeAgents:
		o.ref, o.count = file(&t.globs, in.Globs...)
	case CodeArg:
		o.ref, o.count = share(t, &t.args, in.Arg, t.argOf)
	case CodeUnlisted:
		o.mask = uint16(in.Unlisted.Admit)
		o.ref, o.count = share(t, &t.unlisted, in.Unlisted, same)
	case CodeCommands:
		o.ref, o.count = file(&t.commands, in.Commands...)
	case CodePlaces:
		o.ref, o.count = share(t, &t.places, in.Places, same)
	case CodeURLs, CodeHosts, CodePorts:
		o.ref, o.count = share(t, &t.urls, in.URLs, same)
	case CodeTime:
		o.ref, o.count = share(t, &t.windows, in.Window, same)
	case CodeWhen:
		o.ref, o.count = share(t, &t.whens, in.When, same)
	case CodeExtensions:
		o.mask = uint16(len(in.Names)) //nolint:gosec // package policy allows fewer
		o.ref, o.count = file(&t.words, withFoldedWords(in.Names)...)
	case CodeFact:
		o.ref, o.count = share(t, &t.facts, in.Fact, same)
	default:
		o.ref, o.count = file(&t.words, in.Names...)
	}
	return o
}

// file appends operands to their table and returns where they stand.
func file[T any](table *[]T, operands ...T) (ref, count int32) {
	ref = int32(len(*table)) //nolint:gosec // a policy has far fewer conditions than 2^31
	*table = append(*table, operands...)
	return ref, int32(len(operands)) //nolint:gosec // as above
}

// share files an operand once for all ops that hold the same pointer.
func share[P comparable, T any](t *operands, table *[]T, operand P, make func(P) T) (ref, count int32) {
	ref, ok := t.shared[operand]
	if !ok {
		ref, _ = file(table, make(operand))
		t.shared[operand] = ref
	}
	return ref, 1
}

func same[P any](p P) P { return p }

// done drops what only building needed.
func (t *operands) done() {
	t.texts, t.shared = nil, nil
	t.principals, t.words, t.args = slices.Clone(t.principals), slices.Clone(t.words), slices.Clone(t.args)
}

// list returns the entries that an op refers to.
func list[T any](table []T, o *op) []T { return table[o.ref : o.ref+o.count] }

// text returns the one text that is equal to s.
func (t *operands) text(s string) string {
	one, ok := t.texts[s]
	if !ok {
		one = strings.Clone(s)
		t.texts[one] = one
	}
	return one
}

// principal is the pattern ISSUER:NAME, or a bare NAME of any issuer. A `*` at
// the end is any rest.
type principal struct {
	name, issuer string
	qualified    bool
	prefix       bool
}

func (t *operands) principalsOf(texts []string) []principal {
	out := make([]principal, len(texts))
	for i, text := range texts {
		p := principal{name: text}
		if issuer, name, ok := strings.Cut(text, ":"); ok {
			p = principal{issuer: t.text(issuer), name: name, qualified: true}
		}
		p.name, p.prefix = strings.CutSuffix(p.name, "*")
		p.name = t.text(p.name)
		out[i] = p
	}
	return out
}

// names reports whether the pattern means this name of this issuer.
func (p *principal) names(issuer, name string) bool {
	if p.qualified && p.issuer != issuer {
		return false
	}
	return p.name == name || p.prefix && strings.HasPrefix(name, p.name)
}

// arg is an [Arg] with what is asked most often within reach: one key, types,
// short integer bounds, and a list of strings. full has the rest.
type arg struct {
	key              string
	words            []string // the enum, if plain
	min, max         int64
	types            Types
	hasMin, hasMax   bool
	plain            bool
	full             *Arg
	says, suggestion string // what a default denial says where this failed
}

func (t *operands) argOf(in *Arg) arg {
	s := &in.Spec
	name := in.Path.Text
	a := arg{
		types: s.Types, full: in,
		says:       t.text("The argument " + name + " is not what is allowed here."),
		suggestion: t.text("Send another value for " + name + ", or ask the person."),
	}
	a.plain = len(in.Path.steps) == 1 && s.Pattern == nil && s.Length == nil && s.Count == nil &&
		s.Items == nil && s.SameAs == nil && s.Not == nil
	if !a.plain {
		return a
	}
	a.key = t.text(in.Path.steps[0].key)
	if s.Min != nil {
		a.min, a.hasMin, a.plain = s.Min.short, true, s.Min.isInt
	}
	if s.Max != nil {
		a.max, a.hasMax, a.plain = s.Max.short, true, a.plain && s.Max.isInt
	}
	for _, v := range s.Enum {
		a.plain = a.plain && v.Kind() == access.String
		a.words = append(a.words, t.text(v.Text()))
	}
	return a
}

// judge answers plain questions about plain values here, and leaves the rest
// to the whole condition.
func (a *arg) judge(e *evaluation, g reading) access.Truth {
	if !a.plain {
		return a.full.judge(e, g)
	}
	v := e.r.Args.Get(a.key)
	switch v.Kind() {
	case access.Number:
		n, short := shortInt(v)
		if !short || len(a.words) > 0 || a.types != 0 && a.types&(TypeInteger|TypeNumber) == 0 {
			return a.full.judge(e, g)
		}
		return truth((!a.hasMin || n >= a.min) && (!a.hasMax || n <= a.max))
	case access.String:
		if a.hasMin || a.hasMax || a.types != 0 && a.types&TypeString == 0 {
			return a.full.judge(e, g)
		}
		return truth(len(a.words) == 0 || contains(a.words, v.Text()))
	default:
		return a.full.judge(e, g)
	}
}
