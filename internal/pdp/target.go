package pdp

import (
	"strings"

	"github.com/custos-zt/custos/access"
)

// Target says which requests a rule is about.
type Target struct {
	// Everything is "*" on a deny: every kind on every backend.
	Everything bool
	Kind       access.Kind
	// Backend matches the backend; it is not looked at for methods.
	Backend Name
	Name    Name
}

// Name is a pattern for a name. In names of tools and prompts `*` is any run
// of characters; in URIs and methods `*` stays within a segment, `**` does
// not, and `dir/**` includes `dir`.
type Name struct {
	// Text is the pattern as written.
	Text  string
	shape shape
	lit   string
	sep   byte
}

type shape uint8

const (
	shapeExact  shape = iota
	shapeAll          // *
	shapePrefix       // lit*
	shapeSuffix       // *lit
	shapeGlob
)

// ParseName reads a pattern for a name of this kind. Every text is a pattern.
func ParseName(kind access.Kind, text string) Name {
	n := Name{Text: text, lit: text}
	any := "*"
	if kind == access.Resource || kind == access.Method {
		n.sep, any = '/', "**"
	}
	switch first := strings.IndexByte(text, '*'); {
	case first < 0:
		n.shape = shapeExact
	case strings.Trim(text, "*") == "" && (n.sep == 0 || len(text) > 1):
		n.shape = shapeAll
	case strings.HasSuffix(text, any) && first == len(text)-len(any):
		n.shape, n.lit = shapePrefix, text[:first]
	case n.sep == 0 && first == 0 && strings.LastIndexByte(text, '*') == 0:
		n.shape, n.lit = shapeSuffix, text[1:]
	default:
		n.shape = shapeGlob
	}
	return n
}

// Matches reports whether s is such a name.
func (n *Name) Matches(s string) bool {
	switch n.shape {
	case shapeExact:
		return s == n.lit
	case shapeAll:
		return true
	case shapePrefix:
		return strings.HasPrefix(s, n.lit) || n.sep != 0 && n.isDir(s)
	case shapeSuffix:
		return strings.HasSuffix(s, n.lit)
	default:
		dir, under := strings.CutSuffix(n.Text, "/**")
		return wild(n.Text, s, n.sep) || n.sep != 0 && under && wild(dir, s, n.sep)
	}
}

// isDir reports whether the pattern is s + "/**".
func (n *Name) isDir(s string) bool {
	return len(n.lit) == len(s)+1 && n.lit[len(s)] == '/' && n.lit[:len(s)] == s
}

// Exact reports whether the pattern is a plain name.
func (n *Name) Exact() bool { return n.shape == shapeExact }

// matches reports whether the target covers this name.
func (t *Target) matches(kind access.Kind, backend, name string) bool {
	if t.Everything {
		return true
	}
	if t.Kind != kind || !t.Name.Matches(name) {
		return false
	}
	return kind == access.Method || t.Backend.Matches(backend)
}

// Specificity, most specific first: exact > longest literal prefix > `*`.
const exactSpecificity = 1 << 16

// specificity orders targets that cover the same request. It never changes an
// outcome; it names the determining rule.
func (t *Target) specificity() int {
	switch {
	case t.Everything:
		return 0
	case t.Name.Exact() && (t.Backend.Exact() || t.Kind == access.Method):
		return exactSpecificity
	default:
		prefix := strings.IndexByte(t.Name.Text, '*')
		if prefix < 0 {
			prefix = len(t.Name.Text)
		}
		if t.Backend.Exact() && t.Kind != access.Method {
			prefix += len(t.Backend.Text) + 1
		}
		return 1 + prefix
	}
}

// String returns the pattern in its full form.
func (t *Target) String() string {
	switch {
	case t.Everything:
		return "*"
	case t.Kind == access.Method:
		return "method:" + t.Name.Text
	case t.Kind == access.Tool:
		return t.Backend.Text + "." + t.Name.Text
	default:
		return t.Kind.String() + ":" + t.Backend.Text + "." + t.Name.Text
	}
}
