package importer

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/custos-zt/custos/internal/spell"
)

// pos is a place in the source, from 1.
type pos struct{ line, column int }

type kind uint8

const (
	null kind = iota
	boolean
	number
	text
	list
	object
	moment // a date or time of TOML
)

// String returns how a value of this kind is spoken of.
func (k kind) String() string {
	return [...]string{"null", "true or false", "a number", "text", "a list", "keys with values", "a date"}[k]
}

// node is one value of a source, whatever syntax it was written in.
type node struct {
	pos
	kind   kind
	value  string // of text; the literal of a number or boolean
	items  []*node
	fields []field
}

// field is one key with its value.
type field struct {
	pos
	name string
	node *node
}

// get returns the value of a key, or nil.
func (n *node) get(name string) *node {
	for _, f := range n.fields {
		if f.name == name {
			return f.node
		}
	}
	return nil
}

// keyAt returns where a key stands, or else where the mapping does.
func (n *node) keyAt(name string) pos {
	for _, f := range n.fields {
		if f.name == name {
			return f.pos
		}
	}
	return n.pos
}

// reader turns one source into a document and notes what it finds.
type reader struct {
	file    string
	origin  string
	options Options
	notes   []Note
	doc     document
	said    map[string]bool
}

func (r *reader) note(at pos, n Note) {
	n.File, n.Line, n.Column = r.file, max(at.line, 1), max(at.column, 1)
	r.notes = append(r.notes, n)
}

func (r *reader) err(at pos, format string, args ...any) {
	r.note(at, Note{Kind: Refused, Text: fmt.Sprintf(format, args...)})
}

func (r *reader) stricter(at pos, meant, now string) {
	r.note(at, Note{Kind: Stricter, Meant: meant, Now: now})
}

func (r *reader) wider(at pos, meant, now string) {
	r.note(at, Note{Kind: Wider, Meant: meant, Now: now})
}

func (r *reader) remark(at pos, format string, args ...any) {
	r.note(at, Note{Kind: Remark, Text: fmt.Sprintf(format, args...)})
}

func (r *reader) warn(at pos, format string, args ...any) {
	r.note(at, Note{Kind: Warning, Text: fmt.Sprintf(format, args...)})
}

// once reports whether something is to be said for the first time.
func (r *reader) once(what string) bool {
	if r.said == nil {
		r.said = map[string]bool{}
	}
	first := !r.said[what]
	r.said[what] = true
	return first
}

func (r *reader) refused() bool {
	return slices.ContainsFunc(r.notes, func(n Note) bool { return n.Kind == Refused })
}

// short is the name of the source without the folders, which say nothing on
// another machine.
func (r *reader) short() string { return r.file[strings.LastIndexAny(r.file, `/\`)+1:] }

// from names a place of the source in a comment.
func (r *reader) from(at pos) string { return r.short() + ":" + strconv.Itoa(at.line) }

// head begins the comment above the policy.
func (r *reader) head() []string {
	return []string{"Imported from " + r.short() + " (" + r.origin + "). Each rule names its line there."}
}

// keys checks the keys of a mapping. It reports whether n is one.
func (r *reader) keys(n *node, what string, known ...string) bool {
	if n == nil || n.kind != object {
		if n != nil {
			r.err(n.pos, "%s is written as keys with values, and this is %s", what, n.kind)
		}
		return false
	}
	for _, f := range n.fields {
		if !slices.Contains(known, f.name) {
			r.err(f.pos, "unknown key %s in %s%s", show(f.name), what, didYouMean(f.name, known))
		}
	}
	return true
}

func didYouMean(word string, known []string) string {
	if near, ok := spell.Nearest(word, known); ok {
		return " (did you mean " + show(near) + "?)"
	}
	return ""
}

// text returns a value that is text and not blank.
func (r *reader) text(n *node, what string) string {
	switch {
	case n == nil:
		return ""
	case n.kind != text:
		r.err(n.pos, "%s is text, and this is %s", what, n.kind)
	case strings.TrimSpace(n.value) == "":
		r.err(n.pos, "%s is empty", what)
	default:
		return n.value
	}
	return ""
}

// word returns text, or the literal of a number: versions are written as both.
func (r *reader) word(n *node, what string) string {
	if n != nil && n.kind == number {
		return n.value
	}
	return r.text(n, what)
}

// flag returns true or false.
func (r *reader) flag(n *node, what string, otherwise bool) bool {
	switch {
	case n == nil:
		return otherwise
	case n.kind != boolean:
		r.err(n.pos, "%s is true or false, and this is %s", what, n.kind)
		return otherwise
	}
	return n.value == "true"
}

// choice returns one of the words.
func (r *reader) choice(n *node, what string, words ...string) string {
	s := r.text(n, what)
	if s != "" && !slices.Contains(words, s) {
		r.err(n.pos, "%s is one of %s, and this is %s%s", what, strings.Join(words, ", "), show(s), didYouMean(s, words))
		return ""
	}
	return s
}

// list returns the entries of a list.
func (r *reader) list(n *node, what string) []*node {
	if n == nil {
		return nil
	}
	if n.kind != list {
		r.err(n.pos, "%s is a list, and this is %s", what, n.kind)
		return nil
	}
	return n.items
}

// texts returns the entries of a list of text; with one, a single text is a
// list of it.
func (r *reader) texts(n *node, what string, one bool) []*node {
	if one && n != nil && n.kind == text {
		n = &node{pos: n.pos, kind: list, items: []*node{n}}
	}
	var out []*node
	for _, i := range r.list(n, what) {
		if r.text(i, "an entry of "+what) != "" {
			out = append(out, i)
		}
	}
	return out
}

// show quotes a piece of the source, in short.
func show(s string) string {
	if len(s) > 80 {
		s = strings.ToValidUTF8(s[:80], "") + "…"
	}
	return strconv.Quote(s)
}

var notInID = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`[^A-Za-z0-9._/-]+`) })

// plainID makes a name what an id may be.
func plainID(name string) string {
	return strings.Trim(notInID().ReplaceAllString(name, "-"), "._/-")
}

// id makes a name an id of the language that no other rule has.
func (r *reader) id(name string) string {
	id := plainID(name)
	if len(id) > 56 {
		id = strings.TrimRight(id[:56], "._/-")
	}
	if id == "" {
		id = "rule"
	}
	for n, base := 2, id; !r.once("id " + id); n++ {
		id = base + "-" + strconv.Itoa(n)
	}
	return id
}

var backendName = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-z0-9-]{1,32}$`) })
