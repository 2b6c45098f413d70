package pdp

import (
	"errors"
	"strings"

	"github.com/custos-zt/custos/access"
)

// ArgPath is a JSON path into the arguments: keys joined by dots, `[]` for
// each item of an array, `["a.b"]` for a key with a dot in it.
type ArgPath struct {
	Text  string
	steps []step
}

type step struct {
	key  string
	each bool
}

// ParseArgPath reads a path such as `priority`, `opts.dest`, `edits[].path`
// or `meta["x.y"]`.
func ParseArgPath(text string) (ArgPath, error) {
	p := ArgPath{Text: text}
	rest := text
	for first := true; rest != "" || first; first = false {
		var st step
		var err error
		if strings.HasPrefix(rest, "[") {
			st, rest, err = bracket(rest)
		} else {
			if !first {
				rest = strings.TrimPrefix(rest, ".")
			}
			end := strings.IndexAny(rest, ".[")
			if end < 0 {
				end = len(rest)
			}
			st, rest = step{key: rest[:end]}, rest[end:]
			if st.key == "" {
				err = errors.New("an argument path has an empty name in it")
			}
		}
		if err != nil {
			return ArgPath{}, err
		}
		p.steps = append(p.steps, st)
	}
	if p.steps[0].each {
		return ArgPath{}, errors.New("an argument path begins with the name of an argument")
	}
	return p, nil
}

func bracket(s string) (step, string, error) {
	for _, each := range [...]string{"[]", "[*]"} {
		if rest, ok := strings.CutPrefix(s, each); ok {
			return step{each: true}, rest, nil
		}
	}
	if body, ok := strings.CutPrefix(s, `["`); ok {
		if key, rest, ok := strings.Cut(body, `"]`); ok && key != "" {
			return step{key: key}, rest, nil
		}
	}
	return step{}, "", errors.New(`in an argument path, brackets are [] for each item or ["name"]`)
}

// Keys returns the keys that lead along the path, "" into every item of a list.
func (p *ArgPath) Keys() []string {
	out := make([]string, len(p.steps))
	for i, st := range p.steps {
		out[i] = st.key
	}
	return out
}

// Reference names what an argument must be equal to.
type Reference struct {
	// Text is "subject.id", "subject.issuer", "subject.tenant", "agent.id",
	// "args.<path>" or the name of a fact.
	Text string
	arg  *ArgPath
}

// ParseReference reads what `same_as` names.
func ParseReference(text string) (*Reference, error) {
	r := &Reference{Text: text}
	if rest, ok := strings.CutPrefix(text, "args."); ok {
		p, err := ParseArgPath(rest)
		if err != nil {
			return nil, err
		}
		for _, st := range p.steps {
			if st.each {
				return nil, errors.New("same_as names one value, not each item of a list")
			}
		}
		r.arg = &p
	}
	return r, nil
}

// judge compares v with what the reference names, which may be unknown.
func (r *Reference) judge(e *evaluation, v access.Value) access.Truth {
	if r.arg != nil {
		w := e.r.Args
		for _, st := range r.arg.steps {
			w = w.Get(st.key)
		}
		return sameValue(v, w)
	}
	var text string
	switch s := &e.r.Subject; r.Text {
	case "subject.id":
		text = s.ID
	case "subject.issuer":
		text = s.Issuer
	case "subject.tenant":
		text = s.Tenant
	case "agent.id":
		if e.r.Agent == "" || v.Kind() != access.String {
			return access.Unknown
		}
		return truth(v.Text() == e.r.Agent)
	default:
		return sameValue(v, e.r.Facts[r.Text].Value)
	}
	if !e.r.Subject.Known || text == "" || v.Kind() != access.String {
		return access.Unknown
	}
	return truth(v.Text() == text)
}
