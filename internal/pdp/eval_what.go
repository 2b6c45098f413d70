package pdp

import (
	"slices"
	"strings"

	"github.com/custos-zt/custos/access"
)

// what judges what is known about the thing called. Discovery and its like are
// no call of a tool: where nobody says otherwise they do nothing that such a
// condition speaks of, so that a deny on what tools do does not end the session.
func (e *evaluation) what(op *op, g reading) access.Truth {
	f := &e.r.Tool
	if e.r.Passes && f.Ops == 0 && f.SideEffects == nil && f.Labels == nil && f.Tier == "" {
		return access.False
	}
	switch op.code {
	case CodeOps:
		return e.ops(op, g)
	case CodeSideEffects:
		return within(operandsOf(e.s.words, op), f.SideEffects, g)
	case CodeLabels:
		return e.labels(op, g)
	default:
		return e.tier(op)
	}
}

// ops compares what the call does with the list. A grant wants all of it in
// the list, a restriction one of it.
func (e *evaluation) ops(op *op, g reading) access.Truth {
	f := &e.r.Tool
	if len(f.OpsBy) == 0 {
		return opsWithin(access.Op(op.mask), f.Ops, g)
	}
	if !e.r.ArgsUnknown {
		return opsWithin(access.Op(op.mask), OpsOf(f, e.r.Args), g)
	}
	// Any of these may turn out to be what the call does.
	t := opsWithin(access.Op(op.mask), f.Ops, g)
	for i := range f.OpsBy {
		if opsWithin(access.Op(op.mask), f.OpsBy[i].Ops, g) != t {
			return access.Unknown
		}
	}
	return t
}

func opsWithin(mask, has access.Op, g reading) access.Truth {
	switch {
	case has == 0:
		return access.Unknown
	case g == granting:
		return truth(has&^mask == 0)
	default:
		return truth(has&mask != 0)
	}
}

// OpsOf returns what a call with these arguments does: the ops of every
// `by` entry whose argument matches, else the ops of the tool. A value that
// matches only when case is ignored adds to the ops of the tool instead of
// replacing them, because the backend may or may not ignore case.
func OpsOf(f *access.ToolFacts, args access.Value) access.Op {
	var exact, folded access.Op
	for i := range f.OpsBy {
		by := &f.OpsBy[i]
		v := args.Path(by.Arg)
		if v.IsAbsent() && strings.Contains(by.Arg, ".") {
			v = args.Path(strings.Split(by.Arg, ".")...)
		}
		text := v.Text()
		if v.Kind() != access.String {
			text = v.Raw()
		}
		switch {
		case v.IsAbsent():
		case wild(by.Pattern, text, 0):
			exact |= by.Ops
		case wild(strings.ToLower(by.Pattern), strings.ToLower(text), 0):
			folded |= by.Ops
		}
	}
	switch {
	case folded != 0:
		return exact | folded | f.Ops
	case exact != 0:
		return exact
	default:
		return f.Ops
	}
}

// within compares several words that a call has with a list. Nil is unknown;
// having none is false, because then nothing of the list is there.
func within(words, has []string, g reading) access.Truth {
	if has == nil {
		return access.Unknown
	}
	in := 0
	for _, h := range has {
		if slices.Contains(words, h) {
			in++
		}
	}
	if g == granting {
		return truth(in > 0 && in == len(has))
	}
	return truth(in > 0)
}

// labels compares the labels of what is called: those of the tool's facts and
// those that `labels:` gives it. A label that neither speaks of is unknown.
func (e *evaluation) labels(op *op, g reading) access.Truth {
	has, names := e.r.Tool.Labels, operandsOf(e.s.words, op)
	listed, unlisted := 0, 0
	for _, h := range has {
		if slices.Contains(names, h) {
			listed++
		} else {
			unlisted++
		}
	}
	declared := 0
	for i := range e.s.labels {
		l := &e.s.labels[i]
		in := slices.Contains(names, l.Name)
		if in {
			declared++
		}
		switch {
		case !e.carries(l):
		case in:
			listed++
		default:
			unlisted++
		}
	}
	switch {
	case listed > 0 && g == restricting:
		return access.True
	case g == granting && has == nil && e.r.Kind == access.Tool:
		return access.Unknown // there may be more labels
	case listed > 0:
		return truth(unlisted == 0)
	case has != nil || declared == len(names):
		return access.False
	default:
		return access.Unknown
	}
}

// carries reports whether the request's target has this label.
func (e *evaluation) carries(l *Label) bool {
	for i := range l.Targets {
		t := &l.Targets[i]
		if t.matches(e.r.Kind, e.r.Backend, e.r.Name) {
			return true
		}
		for _, u := range e.uris {
			if t.matches(e.r.Kind, e.r.Backend, u) {
				return true
			}
		}
	}
	return false
}

// tier asks how dangerous the tool is said to be.
func (e *evaluation) tier(op *op) access.Truth {
	if e.r.Tool.Tier == "" {
		return access.Unknown
	}
	return truth(slices.Contains(operandsOf(e.s.words, op), e.r.Tool.Tier))
}
