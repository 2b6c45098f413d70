package approval

import (
	"path"
	"slices"
	"strings"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/internal/canon"
)

// Candidate is one way in which an answer to a call could stand for later ones.
type Candidate struct {
	// Name is what people choose it by, one of [CandidateNames].
	Name string `json:"name"`
	// Scope repeats values that an agent sent; Text says it as people may see it,
	// and is for whoever shows it to fill.
	Scope     Scope  `json:"-"`
	Text      string `json:"text"`
	AnyClient bool   `json:"any_client,omitempty"`
	// Answered of Of held calls before this one it would have answered too.
	Answered int `json:"answered"`
	Of       int `json:"of"`
}

// CandidateNames are the names of candidates, from exact to broad.
func CandidateNames() []string { return []string{"same", "text", "directory", "names", "any"} }

// Issued is how far every answer to a call stands by itself, nil where the rules
// that hold it do not all say so. The most exact of the candidates that they
// name decides; where the call has none of that name, the next more exact one.
func Issued(c *Call) *Terms {
	at := len(CandidateNames())
	for i := range c.Rules {
		at = min(at, slices.Index(CandidateNames(), c.Rules[i].Standing.Issue))
	}
	if at < 0 || len(c.Rules) == 0 {
		return nil
	}
	for _, cand := range slices.Backward(Candidates(c)) {
		if slices.Index(CandidateNames(), cand.Name) <= at {
			t := DefaultTerms(c.Rules)
			t.Scope, t.AnyClient = cand.Scope, cand.AnyClient
			return &t
		}
	}
	return nil
}

// Candidates returns up to five ways in which an answer to a call could stand,
// from exact to broad, each of which covers the call. What would be run is never
// left open: a tool whose arguments hold a command or code has no candidate that
// covers another one.
func Candidates(c *Call) []Candidate {
	var out []Candidate
	offer := func(name string, anyClient bool, others bool, of func(m access.Member) Constraint) {
		s := Scope{Backend: c.Backend, Method: c.Method, Name: c.Name, Others: others}
		for _, m := range c.Args.Members() {
			if aside(c.Request, m.Key) || others && !runs(m.Key) {
				continue
			}
			s.Args = append(s.Args, of(m))
		}
		fresh := !slices.ContainsFunc(out, func(have Candidate) bool { return have.AnyClient == anyClient && equal(&have.Scope, &s) })
		if fresh && s.Covers(c.lexically()) {
			out = append(out, Candidate{Name: name, Scope: s, AnyClient: anyClient})
		}
	}
	exact := func(m access.Member) Constraint { return Constraint{Arg: m.Key, Is: canonical(m.Value)} }
	open := func(m access.Member) Constraint {
		if runs(m.Key) {
			return exact(m)
		}
		return Constraint{Arg: m.Key}
	}
	offer("same", false, false, exact)
	offer("text", false, false, func(m access.Member) Constraint {
		if c.isText(m) {
			return open(m)
		}
		return exact(m)
	})
	offer("directory", false, false, func(m access.Member) Constraint {
		if dir := c.directory(m); dir != "" {
			return Constraint{Arg: m.Key, Under: dir}
		}
		if c.isText(m) {
			return open(m)
		}
		return exact(m)
	})
	offer("names", true, false, open)
	offer("any", true, true, exact)
	return out
}

// lexically is the call without what the kernel knows of its paths.
func (c *Call) lexically() *Call { return &Call{Request: c.Request, Args: c.Args, Lexical: true} }

func equal(a, b *Scope) bool { return a.Others == b.Others && slices.Equal(a.Args, b.Args) }

// runs reports whether an argument holds what a tool would run.
func runs(arg string) bool {
	switch strings.ToLower(arg) {
	case "command", "commands", "cmd", "args", "argv", "code", "script", "sql", "query", "statement", "expression", "program":
		return true
	}
	return false
}

// shortText is up to where a text without spaces is taken for a choice, which a
// candidate keeps, and not for something that somebody wrote.
const shortText = 32

// isText reports whether an argument is free text.
func (c *Call) isText(m access.Member) bool {
	text := m.Value.Text()
	return m.Value.Kind() == access.String && !slices.Contains(c.Paths, m.Key) && !strings.Contains(text, "://") &&
		(len(text) > shortText || strings.ContainsAny(text, " \n\t"))
}

// directory is where an argument leads that is a path, "" where it is none, or
// where the directory is the root or right below it.
func (c *Call) directory(m access.Member) string {
	form := canon.ReadPath(m.Value.Text())
	if m.Value.Kind() != access.String || !slices.Contains(c.Paths, m.Key) || !form.Absolute || !form.Grantable() {
		return ""
	}
	dir := path.Dir(canon.Clean(form.Unwrapped))
	if strings.Count(dir, "/") < 2 {
		return ""
	}
	return dir
}
