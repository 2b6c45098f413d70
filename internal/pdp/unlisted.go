package pdp

import (
	"strings"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/internal/canon"
)

// Admission says which arguments a grant admits that no condition of the rule
// names.
type Admission uint8

// The three values of `unlisted_args`.
const (
	// AdmitDeclared admits what the tool's input schema declares. Without a
	// schema a rule with `args` admits nothing more, one without admits all.
	AdmitDeclared Admission = iota
	// AdmitNone admits nothing more.
	AdmitNone
	// AdmitAll admits anything.
	AdmitAll
)

// Unlisted is the operand of [CodeUnlisted]. It speaks on grants only: a rule
// that restricts is not disarmed by one argument more.
type Unlisted struct {
	Admit Admission
	// HasArgs says that the rule has `args`.
	HasArgs bool
	// Roles, Commands and URLs say which values other conditions of the rule
	// judge wholly: these count as named.
	Roles    RoleSet
	Commands bool
	URLs     bool
	tree     listed
}

// listed is a tree of the argument paths that a rule names.
type listed struct {
	whole bool
	keys  map[string]*listed
	each  *listed
}

// Name adds an argument that a condition of the rule names.
func (u *Unlisted) Name(p ArgPath) {
	n := &u.tree
	for _, st := range p.steps {
		if st.each {
			if n.each == nil {
				n.each = &listed{}
			}
			n = n.each
			continue
		}
		if n.keys == nil {
			n.keys = map[string]*listed{}
		}
		if n.keys[st.key] == nil {
			n.keys[st.key] = &listed{}
		}
		n = n.keys[st.key]
	}
	n.whole = true
}

func (e *evaluation) unlisted(op *op, g reading) access.Truth {
	if g == restricting || op.mask == uint16(AdmitAll) {
		return access.True
	}
	if op.mask == uint16(AdmitDeclared) && e.r.Kind == access.Tool && e.r.SchemaState != access.SchemaMissing {
		return truth(e.r.SchemaState == access.SchemaValid)
	}
	return e.s.unlisted[op.ref].judge(e.r)
}

func (u *Unlisted) judge(r *access.Request) access.Truth {
	if u.Admit == AdmitDeclared && !u.HasArgs {
		return access.True
	}
	for i := range r.Args.Len() {
		m := r.Args.At(i)
		if !u.tree.keys[m.Key].covers(m.Value) && !u.judged(r, m) {
			return access.False
		}
	}
	return access.True
}

// covers reports whether every part of v is named.
func (n *listed) covers(v access.Value) bool {
	switch {
	case n == nil:
		return false
	case n.whole:
		return true
	case v.Kind() != access.Object && (v.Kind() != access.Array || n.each == nil):
		return false
	}
	for i := range v.Len() {
		m, next := v.At(i), n.each
		if v.Kind() == access.Object {
			next = n.keys[m.Key]
		}
		if !next.covers(m.Value) {
			return false
		}
	}
	return true
}

// judged reports whether another condition of the rule judges the whole
// argument: its strings are declared places, URLs or commands.
func (u *Unlisted) judged(r *access.Request, m access.Member) bool {
	if u.Commands && contains(r.Tool.Commands, m.Key) || u.URLs && contains(r.Tool.URLs, m.Key) {
		return true
	}
	switch m.Value.Kind() {
	case access.String:
	case access.Array:
		for i := range m.Value.Len() {
			if m.Value.At(i).Value.Kind() != access.String {
				return false
			}
		}
	default:
		return false
	}
	for i := range r.Places {
		p := &r.Places[i]
		if rest, ok := strings.CutPrefix(p.Arg, m.Key); ok && p.Declared && u.Roles.has(p.Role) && (rest == "" || rest[0] == '[') {
			return true
		}
	}
	return false
}

func contains(list []string, s string) bool {
	for _, l := range list {
		if l == s {
			return true
		}
	}
	return false
}

func sameValue(a, b access.Value) access.Truth {
	if a.IsAbsent() || b.IsAbsent() || a.Kind() != b.Kind() {
		return access.Unknown
	}
	return truth(canon.EqualValues(a, b))
}
