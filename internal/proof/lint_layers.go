package proof

import (
	"slices"
	"strings"

	"github.com/custos-zt/custos/access"
)

// layers looks at what rules of different layers have to do with each other: a
// layer below the root grants only what the root consents to, and a delegation
// that nobody answers denies.
func (l *linter) layers(r *writtenRule) {
	switch {
	case r.Monitor:
	case r.Layer != rootLayer && !r.NoGrant && (r.Effect == access.Allow || r.Effect == access.Approve):
		l.consented(r)
	case r.Effect == access.Delegate:
		l.answered(r)
	}
}

// rootLayer is the layer above all others.
const rootLayer = "global"

// consented reports a rule of a layer whose calls the root neither allows nor
// leaves to the layer: it grants none of them, whatever it seems to say.
func (l *linter) consented(r *writtenRule) {
	if l.snapshot.Observes() {
		return
	}
	root := false
	for _, s := range l.rules {
		if s.Layer != rootLayer {
			continue
		}
		root = true
		consents := s.Effect == access.Allow || s.Effect == access.Approve && !s.NoGrant ||
			s.Effect == access.Delegate && slices.Contains(s.words(member(s.node, "to")), r.Layer)
		if consents && !s.Monitor && r.meets(s) {
			return
		}
	}
	if root { // a layer by itself is checked without what is above it
		l.find("warning", "widening", r, r.node, "it never grants: no rule of the root allows what it is about, or delegates it to %s", r.Layer)
	}
}

// answered reports a delegation to a layer that grants nothing of it.
func (l *linter) answered(r *writtenRule) {
	for _, layer := range r.words(member(r.node, "to")) {
		present := false
		for _, s := range l.rules {
			if s.Layer != layer {
				continue
			}
			present = true
			if !s.Monitor && !s.NoGrant && s.Effect != access.Deny && r.meets(s) {
				return
			}
		}
		if !present {
			return // its file may be read beside these
		}
	}
	l.find("warning", "unanswered", r, r.node, "no rule of %s grants what is delegated: every such call is denied", strings.Join(r.words(member(r.node, "to")), ", "))
}

// meets reports whether the patterns of two rules may cover one thing together.
// It may say so wrongly, and never says wrongly that they do not.
func (r *writtenRule) meets(s *writtenRule) bool {
	return slices.ContainsFunc(r.patterns, func(p pattern) bool {
		return slices.ContainsFunc(s.patterns, p.meets)
	})
}

func (p pattern) meets(q pattern) bool {
	switch {
	case p.everything || q.everything:
		return true
	case p.kind != q.kind:
		return false
	case p.kind != access.Method && !globsMeet(p.backend, q.backend):
		return false
	}
	return globsMeet(p.name, q.name)
}

// globsMeet reports whether some text matches both patterns, in which a * stands
// for any characters.
func globsMeet(a, b string) bool {
	// meet[j] says whether the rest of a meets the rest of b from j on.
	meet := make([]bool, len(b)+1)
	for i := len(a); i >= 0; i-- {
		diagonal := false // of the rest of a behind i, and of b behind j
		for j := len(b); j >= 0; j-- {
			behind := meet[j]
			switch {
			case i == len(a) && j == len(b):
				meet[j] = true
			case i < len(a) && a[i] == '*':
				meet[j] = behind || j < len(b) && meet[j+1]
			case j < len(b) && b[j] == '*':
				meet[j] = meet[j+1] || i < len(a) && behind
			default:
				meet[j] = i < len(a) && j < len(b) && a[i] == b[j] && diagonal
			}
			diagonal = behind
		}
	}
	return meet[0]
}
