package approval

import (
	"errors"
	"path"
	"slices"
	"strings"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/internal/canon"
)

// Scope says which calls a lease is about: of one tool, prompt, resource or
// method, with arguments as described.
type Scope struct {
	Backend string `json:"backend"`
	Method  string `json:"method"`
	Name    string `json:"name"`
	// Args describe arguments that MUST be given. Others says that more may be.
	Args   []Constraint `json:"arguments,omitempty"`
	Others bool         `json:"others,omitempty"`
}

// Constraint describes one argument. Without Is and Under it may have any value.
type Constraint struct {
	Arg string `json:"name"`
	// Is is the canonical JSON of the one value that it may have.
	Is string `json:"is,omitempty"`
	// Under is a directory: the argument MUST be a path that leads into it by
	// every reading, those of the kernel included.
	Under string `json:"under,omitempty"`
}

// Call is a held call as a lease sees it.
type Call struct {
	*Request
	// Args are the arguments that are judged.
	Args access.Value
	// Places are the readings of its paths. Without them lexical readings are
	// taken: enough to count what a lease would have answered, and never to let a
	// call pass.
	Places  []access.Place
	Lexical bool
}

// Covers reports whether a call is one of those that the lease is about, and
// made by whom it is for. Whether the lease answers it is another question.
func (l *Lease) Covers(c *Call) bool {
	return l.Glass == "" && l.Subject == c.Subject && l.Agent == c.Agent &&
		(l.Client == "" || l.Client == c.Client) && (l.Root == "" || l.Root == c.Root) && l.Scope.Covers(c)
}

// Covers reports whether a call is in the scope.
func (s *Scope) Covers(c *Call) bool {
	if c.Act != "" || s.Backend != c.Backend || s.Method != c.Method || s.Name != c.Name {
		return false
	}
	for i := range s.Args {
		if !s.Args[i].holds(c) {
			return false
		}
	}
	if s.Others {
		return true
	}
	for _, m := range c.Args.Members() {
		if !aside(c.Request, m.Key) && !slices.ContainsFunc(s.Args, func(k Constraint) bool { return k.Arg == m.Key }) {
			return false
		}
	}
	return true
}

// aside reports whether a member is no argument: what names the target, and
// what the protocol adds to every request.
func aside(r *Request, key string) bool {
	switch r.Kind {
	case access.Tool, access.Prompt:
		return false
	case access.Resource:
		return key == "uri" || key == "_meta"
	default:
		return key == "_meta"
	}
}

func (k *Constraint) holds(c *Call) bool {
	v := c.Args.Get(k.Arg)
	switch {
	case v.IsAbsent():
		return false
	case k.Under != "":
		return c.leadsInto(k.Arg, v, k.Under)
	case k.Is != "":
		return canonical(v) == k.Is
	default:
		return true
	}
}

func canonical(v access.Value) string { return string(canon.AppendCanonical(nil, v)) }

// leadsInto reports whether an argument is a path into a directory, by every
// reading.
func (c *Call) leadsInto(arg string, v access.Value, dir string) bool {
	form := canon.ReadPath(v.Text())
	if v.Kind() != access.String || !form.Absolute || !form.Grantable() || !slices.Contains(c.Paths, arg) {
		return false
	}
	for _, r := range canon.LexicalReadings(form, "") {
		if !within(r, dir) {
			return false
		}
	}
	if c.Lexical {
		return true
	}
	known := false
	for i := range c.Places {
		p := &c.Places[i]
		if p.Arg != arg {
			continue
		}
		known = true
		if !p.Declared || !p.Grantable || len(p.Readings) == 0 || slices.ContainsFunc(p.Readings, func(r string) bool { return !within(r, dir) }) {
			return false
		}
	}
	return known
}

// within reports whether a clean path is dir or lies in it.
func within(p, dir string) bool {
	return path.IsAbs(p) && path.IsAbs(dir) && (p == dir || strings.HasPrefix(p, strings.TrimSuffix(dir, "/")+"/"))
}

// Title is what is called: "git.git_commit".
func (s *Scope) Title() string {
	switch s.Method {
	case "tools/call":
		return s.Backend + "." + s.Name
	case "prompts/get":
		return "prompt " + s.Name
	case "resources/read":
		return "resource " + s.Name
	default:
		return s.Name
	}
}

// Words says what the scope covers. show returns an argument, or a value of one
// in canonical JSON, as it may be shown.
func (s *Scope) Words(show func(arg, value string) string) string {
	parts := make([]string, 0, len(s.Args)+1)
	for i := range s.Args {
		k := &s.Args[i]
		switch name := show(k.Arg, ""); {
		case k.Under != "":
			parts = append(parts, name+" in "+show(k.Arg, k.Under))
		case k.Is != "":
			parts = append(parts, name+" = "+show(k.Arg, k.Is))
		default:
			parts = append(parts, "any "+name)
		}
	}
	switch {
	case s.Others && len(parts) == 0:
		parts = append(parts, "any arguments")
	case s.Others:
		parts = append(parts, "any others")
	case len(parts) == 0:
		parts = append(parts, "no arguments")
	}
	return strings.Join(parts, ", ")
}

// ErrOther says that the params of a request are not those that were held.
var ErrOther = errors.New("what is stored is not the call that was held")

// CallOf reads the call off a request, as far as that is possible without
// whoever held it.
func CallOf(r *Request) (*Call, error) {
	params, err := canon.Parse(r.Params, canon.Limits{Bytes: 256 << 20, Depth: 1000, FoldDepth: -1})
	if err != nil || canon.RequestDigest(r.Method, params) != r.Digest {
		return nil, ErrOther
	}
	if r.Kind == access.Tool || r.Kind == access.Prompt {
		params = params.Get("arguments")
	}
	return &Call{Request: r, Args: params, Lexical: true}, nil
}
