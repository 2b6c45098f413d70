package importer

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"
)

// Dialect names a system whose policies are read.
type Dialect string

// The dialects.
const (
	ZeroTrustMCP Dialect = "zero-trust-mcp"
	MCPACP       Dialect = "mcp-acp"
	AIRS         Dialect = "airs"
	OS371        Dialect = "371os"
)

// Dialects lists the dialects.
func Dialects() []Dialect { return []Dialect{ZeroTrustMCP, MCPACP, AIRS, OS371} }

// DefaultBackend is the name that `custos run` and `custos policy eval` give a
// server without one.
const DefaultBackend = "backend"

// Options say what a policy of another system leaves open.
type Options struct {
	// Backend is the server whose tools the policy is about; "" is
	// [DefaultBackend].
	Backend string
	// Known is the registry entry of that server, or "": what its tools do.
	Known string
	// Root is the directory below which 371OS's relative resources stand; ""
	// is "/".
	Root string
	// Zone is the time zone of 371OS's times of day; "" is UTC.
	Zone string
}

// Kind says what a note is about.
type Kind uint8

// The kinds.
const (
	// Refused: the source cannot be imported.
	Refused Kind = iota
	// Stricter: the native rule permits less than the original.
	Stricter
	// Wider: in this one respect the native rule permits what the original
	// refused, because the language cannot say it.
	Wider
	// Warning: the source looks wrong, by the rules of its own system.
	Warning
	// Remark: worth knowing; nothing is permitted or refused by it.
	Remark
)

// String returns the word that stands in reports.
func (k Kind) String() string {
	return [...]string{"error", "stricter", "wider", "warning", "note"}[k]
}

// MarshalText makes a kind a word in JSON.
func (k Kind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// Note is one line of the report: something at a place of the source.
type Note struct {
	File   string `json:"file"`
	Line   int    `json:"line"`   // from 1
	Column int    `json:"column"` // from 1
	Kind   Kind   `json:"kind"`
	// Text says what is the matter; for Stricter and Wider it is empty, and
	// Meant and Now say it.
	Text  string `json:"text,omitempty"`
	Meant string `json:"meant,omitempty"`
	Now   string `json:"now,omitempty"`
}

// String returns one line: FILE:LINE:COLUMN: KIND: TEXT. The form is stable.
func (n Note) String() string {
	text := n.Text
	if n.Meant != "" {
		text = "meant " + n.Meant + "; now " + n.Now
	}
	return fmt.Sprintf("%s:%d:%d: %s: %s", n.File, n.Line, n.Column, n.Kind, text)
}

// Result is what an import gives.
type Result struct {
	// Policy is the native policy in YAML, nil where a note says Refused.
	Policy []byte
	// Rules counts its rules.
	Rules int
	Notes []Note // in the order of the source
}

// maxSource is the largest source that is read.
const maxSource = 16 << 20

// Import reads a policy of another system. file stands in positions and in the
// comments of the native policy.
func Import(from Dialect, file string, data []byte, o Options) Result {
	if o.Backend == "" {
		o.Backend = DefaultBackend
	}
	r := &reader{file: file, options: o, origin: string(from)}
	r.doc.backend = o.Backend
	if root := r.parse(from, data); root != nil {
		switch from {
		case ZeroTrustMCP:
			r.zeroTrust(root)
		case MCPACP:
			r.mcpACP(root)
		case AIRS:
			r.airs(root)
		case OS371:
			r.os371(root)
		}
	}
	slices.SortStableFunc(r.notes, func(a, b Note) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	if r.refused() {
		// What the policy would mean is of no use before it can be read.
		r.notes = slices.DeleteFunc(r.notes, func(n Note) bool { return n.Kind != Refused && n.Kind != Warning })
	}
	out := Result{Notes: r.notes}
	if !r.refused() {
		r.doc.complete()
		out.Policy, out.Rules = r.doc.write(), len(r.doc.rules)
	}
	return out
}

// parse reads the syntax that the dialect is written in.
func (r *reader) parse(from Dialect, data []byte) *node {
	if len(data) > maxSource {
		r.err(pos{1, 1}, "the file is larger than %d MiB", maxSource>>20)
		return nil
	}
	parse := r.parseYAML
	switch from {
	case ZeroTrustMCP:
		if strings.HasSuffix(r.file, ".json") || strings.HasPrefix(strings.TrimSpace(string(data)), "{") {
			parse = r.parseJSON
		}
	case MCPACP:
		parse = r.parseJSON
	case AIRS:
		parse = r.parseTOML
	case OS371:
	default:
		r.err(pos{1, 1}, "%q is none of the systems that are imported", string(from))
		return nil
	}
	root := parse(data)
	if root != nil && root.kind != object {
		r.err(root.pos, "a policy is written as keys with values")
		return nil
	}
	return root
}

// ValidBackend reports whether a name can be that of a backend.
func ValidBackend(name string) bool { return backendName().MatchString(name) }

// ValidRoot reports whether a directory can be a root: absolute, written
// plainly, and without characters that mean something in a pattern.
func ValidRoot(dir string) bool {
	return path.IsAbs(dir) && path.Clean(dir) == dir && !strings.ContainsAny(dir, `*?[]{}\`)
}
