package policy

import "github.com/custos-zt/custos/internal/pdp"

// session: {read: [pii], max_calls: 100, max_age: 8h, idle: 30m}. What the
// session has read so far, and how long and how busy it has been: fewer than
// max_calls calls in the last hour, begun at most max_age ago.
func readSession(r *reader, f field, _ place) []pdp.Op {
	var out []pdp.Op
	parts := r.fields(f.node, "session")
	for _, part := range parts {
		switch part.name {
		case "read":
			test := &pdp.FactTest{Fact: "session.read", Words: r.labelWords(part)}
			r.remembers = true
			out = append(out, factOp(test, written(part.node)))
		case "max_calls":
			// The call that is decided is not among those counted.
			most := r.number(part.node, "max_calls", 1) - 1
			test := &pdp.FactTest{Fact: "session.calls_1h", Valid: isCount(), Spec: &pdp.Spec{Max: wholeNumber(most)}}
			out = append(out, factOp(test, "fewer than "+written(part.node)))
		case "max_age":
			out = append(out, r.spanFact(part, "session.age_s"))
		case "idle":
			out = append(out, r.spanFact(part, "session.idle_s"))
		default:
			r.unknown(part, "session", []string{"read", "max_calls", "max_age", "idle"})
		}
	}
	r.asks(f, "session", len(parts), "read", "max_calls", "max_age", "idle")
	return out
}

// spanFact reads how long something may have lasted.
func (r *reader) spanFact(f field, name string) pdp.Op {
	test := &pdp.FactTest{Fact: name, Within: r.duration(f.node, f.name)}
	return factOp(test, "at most "+written(f.node))
}

// labelWords reads names of labels.
func (r *reader) labelWords(f field) []string {
	out := []string{}
	for _, w := range r.words(f.node, f.name) {
		if !wordName().MatchString(w.text) {
			r.err(w.node, "", "%s is not a label: use a-z, 0-9, _ and -", show(w.text))
			continue
		}
		out = append(out, w.text)
	}
	return out
}
