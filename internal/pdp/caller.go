package pdp

import (
	"slices"
	"strings"

	"github.com/custos-zt/custos/access"
)

// key is a name together with what it is a name of. Once a decision the names
// of the caller that the policy speaks of become keys; everything that asks for
// the caller compares these.
type key int32

// The kinds of names, in the low bits of a key.
const (
	keyWord key = iota // a value of an argument
	keySubject
	keyGroup
	keyRole
	keyAgent
	keyBits = 3
)

// Where nobody proved who calls, every condition on it is unknown, and unknown
// restricts: every rule that names subjects, groups or roles also stands under
// stranger, every one that names agents under unproven. No text has number 0.
const (
	stranger = keySubject
	unproven = keyAgent
)

func keyOf(number int32, kind key) key { return key(number)<<keyBits | kind }

// crowd is a set of keys, one of 64 bits for each. Two keys may share a bit.
type crowd uint64

func (k key) crowd() crowd {
	return 1 << (uint32(k) * 0x9e3779b1 >> 26) //nolint:gosec // a number from 0
}

// callerRoom is how many names of a caller that the policy speaks of fit before
// a decision allocates.
const callerRoom = 16

// caller is who asks, in keys.
type caller struct {
	crowd  crowd
	issuer int32 // the number of its name, 0 where the policy has it nowhere
	n      int32
	few    [callerRoom]key
	many   []key // where few has no room
}

func (c *caller) add(k key) {
	c.crowd |= k.crowd()
	switch {
	case c.many != nil:
		c.many = append(c.many, k)
	case int(c.n) < len(c.few):
		c.few[c.n] = k
		c.n++
	default:
		c.many = append(slices.Clone(c.few[:]), k)
	}
}

func (c *caller) keys() []key {
	if c.many != nil {
		return c.many
	}
	return c.few[:c.n]
}

func (c *caller) has(k key) bool {
	for i := range c.few[:c.n] {
		if c.few[i] == k {
			return true
		}
	}
	return c.many != nil && slices.Contains(c.many, k)
}

// identify reads who asks, as far as the policy looks at it.
func (e *evaluation) identify() {
	s, who := e.s, &e.r.Subject
	if who.Known {
		if s.asked.has(keySubject) {
			e.name(who.ID, keySubject)
		}
		if s.asked.has(keyGroup) {
			for _, g := range who.Groups {
				e.name(g, keyGroup)
			}
		}
		if s.asked.has(keyRole) {
			for _, r := range who.Roles {
				if n := s.names.number(r); n != 0 {
					e.who.add(keyOf(n, keyRole))
				}
			}
		}
		if s.issuers {
			e.who.issuer = s.names.number(who.Issuer)
		}
	} else {
		e.who.add(stranger)
	}
	switch {
	case !s.asked.has(keyAgent):
	case e.r.Agent == "":
		e.who.add(unproven)
	default:
		e.name(e.r.Agent, keyAgent)
	}
}

func (e *evaluation) name(text string, kind key) {
	if n := e.s.names.number(text); n != 0 {
		e.who.add(keyOf(n, kind))
	}
}

// kinds is a set of the kinds of keys.
type kinds uint8

func (k kinds) has(kind key) bool { return k&(1<<kind) != 0 }

// principal is the pattern ISSUER:NAME, or a bare NAME of any issuer. A `*` at
// the end is any rest. Names and issuers are numbers of texts.
type principal struct {
	name   int32
	issuer int32 // 0 is any
	prefix bool
}

// kindOf says what a condition on the caller names.
func kindOf(c Code) key {
	switch c {
	case CodeSubjects:
		return keySubject
	case CodeGroups:
		return keyGroup
	case CodeRoles:
		return keyRole
	default:
		return keyAgent
	}
}

func (t *operands) principalsOf(code Code, texts []string) []principal {
	t.asked |= 1 << kindOf(code)
	out := make([]principal, len(texts))
	for i, name := range texts {
		p := &out[i]
		if issuer, rest, qualified := strings.Cut(name, ":"); qualified {
			p.issuer, t.issuers = t.names.add(issuer), true
			name = rest
		}
		name, p.prefix = strings.CutSuffix(name, "*")
		p.name = t.names.add(name)
	}
	return out
}

func (e *evaluation) subject(op *op) access.Truth {
	return e.held(op, []string{e.r.Subject.ID})
}

// held asks for one of the names of the subject.
func (e *evaluation) held(op *op, names []string) access.Truth {
	if !e.r.Subject.Known {
		return access.Unknown
	}
	kind := kindOf(op.code)
	if op.mask == oneName {
		return truth(e.who.has(key(op.ref)))
	}
	who := operandsOf(e.s.principals, op)
	for i := range who {
		p := &who[i]
		switch {
		case p.issuer != 0 && p.issuer != e.who.issuer:
		case !p.prefix:
			if e.who.has(keyOf(p.name, kind)) {
				return access.True
			}
		default:
			text := e.s.names.entries[p.name-1].text
			if slices.ContainsFunc(names, func(n string) bool { return strings.HasPrefix(n, text) }) {
				return access.True
			}
		}
	}
	return access.False
}
