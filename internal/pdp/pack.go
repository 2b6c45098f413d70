package pdp

import (
	"encoding/binary"
	"slices"
)

// What a decision touches is laid out for the cache: at ten thousand rules the
// memory that a rule is spread over costs more than the comparisons. Conditions
// of a rule stand in one row of small ops, operands in tables by kind, and equal
// texts are one text.

// op is one condition as it is evaluated.
type op struct {
	code  Code
	group Group
	// mask is the operand of CodeOps, the Admission of CodeUnlisted, how many
	// words of CodeExtensions are as written, and oneName.
	mask uint16
	// ref is where the operand begins in the table of its code, count how many
	// entries it has there.
	ref   int32
	count int32
}

// oneName in mask says that a condition on subjects, groups or roles has one
// plain name, and that ref is its key.
const oneName = 1

// operands are the tables that ops refer to.
type operands struct {
	names      table[struct{}] // of callers, issuers and enumerations
	asked      kinds           // which names of a caller some rule looks at
	issuers    bool            // some rule names one
	principals []principal
	words      []string
	globs      []PathPattern
	args       []arg
	argKeys    table[argWords] // of plain arguments
	wholeArgs  []*Arg
	unlisted   []*Unlisted
	commands   []Command
	places     []*Places
	urls       []*URLs
	facts      []*FactTest
	windows    []*Window
	whens      []Expression
	*packing
}

// packing is what only building needs: where operands stand that rules share.
type packing struct {
	shared map[any]int32
	lists  map[string]int32 // of words
	plain  map[arg]int32
}

func newPacking() *packing {
	return &packing{shared: map[any]int32{}, lists: map[string]int32{}, plain: map[arg]int32{}}
}

// pack files the operand of a condition.
func (t *operands) pack(in *Op) op {
	o := op{code: in.Code, group: in.Group}
	switch in.Code {
	case CodeOps:
		o.mask = uint16(in.Mask)
	case CodeSubjects, CodeGroups, CodeRoles:
		t.packNames(in, &o)
	case CodeAgents:
		o.ref, o.count = file(&t.globs, in.Globs...)
	case CodeArg:
		o.ref, o.count = t.packArg(in.Arg), 1
	case CodeUnlisted:
		o.mask = uint16(in.Unlisted.Admit)
		o.ref, o.count = share(t, &t.unlisted, in.Unlisted)
	case CodeCommands:
		o.ref, o.count = file(&t.commands, in.Commands...)
	case CodePlaces:
		o.ref, o.count = share(t, &t.places, in.Places)
	case CodeURLs, CodeHosts, CodePorts:
		o.ref, o.count = share(t, &t.urls, in.URLs)
	case CodeTime:
		o.ref, o.count = share(t, &t.windows, in.Window)
	case CodeWhen:
		o.ref, o.count = share(t, &t.whens, in.When)
	case CodeExtensions:
		o.mask = uint16(len(in.Names)) //nolint:gosec // package policy allows fewer
		o.ref, o.count = t.packWords(withFoldedWords(in.Names))
	case CodeFact:
		o.ref, o.count = share(t, &t.facts, in.Fact)
	default:
		o.ref, o.count = t.packWords(in.Names)
	}
	return o
}

// packNames files names of callers. One plain name needs no entry.
func (t *operands) packNames(in *Op, o *op) {
	names := t.principalsOf(in.Code, in.Names)
	if len(names) == 1 && names[0].issuer == 0 && !names[0].prefix {
		o.mask, o.ref, o.count = oneName, int32(keyOf(names[0].name, kindOf(in.Code))), 1
		return
	}
	o.ref, o.count = file(&t.principals, names...)
}

// packWords files a list of words once.
func (t *operands) packWords(words []string) (ref, count int32) {
	if len(words) == 0 {
		return 0, 0
	}
	var room [128]byte
	id := room[:0]
	for _, w := range words {
		id = append(binary.AppendUvarint(id, uint64(len(w))), w...)
	}
	ref, ok := t.lists[string(id)]
	if !ok {
		ref, _ = file(&t.words, words...)
		t.lists[string(id)] = ref
	}
	return ref, int32(len(words)) //nolint:gosec // a policy has far fewer words than 2^31
}

// file appends operands to their table and returns where they stand.
func file[T any](table *[]T, operands ...T) (ref, count int32) {
	ref = int32(len(*table)) //nolint:gosec // a policy has far fewer conditions than 2^31
	*table = append(*table, operands...)
	return ref, int32(len(operands)) //nolint:gosec // as above
}

// share files an operand once for all ops that hold the same pointer.
func share[P comparable](t *operands, table *[]P, operand P) (ref, count int32) {
	ref, ok := t.shared[operand]
	if !ok {
		ref, _ = file(table, operand)
		t.shared[operand] = ref
	}
	return ref, 1
}

// done drops what only building needed.
func (t *operands) done() {
	t.packing = nil
	t.principals, t.words, t.args = slices.Clip(slices.Clone(t.principals)), slices.Clone(t.words), slices.Clone(t.args)
}

// operandsOf returns the entries that an op refers to.
func operandsOf[T any](table []T, o *op) []T { return table[o.ref : o.ref+o.count] }
