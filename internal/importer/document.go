package importer

import (
	"strconv"
	"strings"
)

// document is a native policy before it is written down.
type document struct {
	head           []string // comments
	name, version  string
	backend        string
	backendComment string
	define         []definition
	tools          []fact
	toolsComment   string
	returns        string
	rules          []*rule
}

// definition is a list under `define:`.
type definition struct {
	name    string
	comment string
	words   []string
}

// fact is one entry of `tools:`; text is written as it is.
type fact struct{ name, text string }

// rule is one rule. effect is allow, approve or deny.
type rule struct {
	comment []string
	id      string
	effect  string
	targets []string
	parts   []part
}

// part is one key of a rule: words, a text that is written as it is, or lines
// below the key.
type part struct {
	key   string
	words []string
	text  string
	lines []line
}

// line is one member of a part, with a comment of its own.
type line struct{ comment, key, text string }

func (r *rule) list(key string, words []string) {
	if len(words) > 0 {
		r.parts = append(r.parts, part{key: key, words: words})
	}
}

func (r *rule) raw(key, text string) { r.parts = append(r.parts, part{key: key, text: text}) }

// complete adds what a policy cannot be without. A policy without rules is an
// error in the language, since it looks like a mistake.
func (d *document) complete() {
	if len(d.rules) == 0 {
		d.rules = append(d.rules, &rule{
			comment: []string{"The original grants nothing."},
			id:      "nothing-granted", effect: "deny",
			targets: []string{"*.*", "resource:*.**", "prompt:*.*"},
		})
	}
}

// width is how long a line of the output may be before it is broken.
const width = 108

// write renders the document.
func (d *document) write() []byte {
	var b strings.Builder
	for _, h := range d.head {
		comment(&b, "", h)
	}
	b.WriteString("policy: " + quote(d.name) + "\n")
	if d.version != "" {
		b.WriteString("version: " + doubleQuote(d.version) + "\n")
	}
	if d.backend != "" {
		b.WriteString("backend: " + quote(d.backend))
		if d.backendComment != "" {
			b.WriteString("  # " + printable(d.backendComment))
		}
		b.WriteByte('\n')
	}
	d.writeDefine(&b)
	d.writeTools(&b)
	if d.returns != "" {
		b.WriteString("defaults: {returns: " + d.returns + "}\n")
	}
	b.WriteString("rules:\n")
	for _, r := range d.rules {
		r.write(&b)
	}
	return []byte(b.String())
}

func (d *document) writeDefine(b *strings.Builder) {
	if len(d.define) == 0 {
		return
	}
	b.WriteString("define:\n")
	for _, def := range d.define {
		comment(b, "  ", def.comment)
		writeWords(b, "  ", def.name, def.words)
	}
}

func (d *document) writeTools(b *strings.Builder) {
	if len(d.tools) == 0 {
		return
	}
	comment(b, "", d.toolsComment)
	b.WriteString("tools:\n")
	for _, f := range d.tools {
		b.WriteString("  " + quote(f.name) + ": " + f.text + "\n")
	}
}

func (r *rule) write(b *strings.Builder) {
	for _, c := range r.comment {
		comment(b, "  ", c)
	}
	b.WriteString("  - id: " + quote(r.id) + "\n")
	writeWords(b, "    ", r.effect, r.targets)
	for _, p := range r.parts {
		switch {
		case p.lines != nil:
			writeLines(b, "    ", p)
		case p.words != nil:
			writeWords(b, "    ", p.key, p.words)
		default:
			b.WriteString("    " + p.key + ": " + p.text + "\n")
		}
	}
}

// writeWords writes a list on one line where it fits, else one entry a line.
func writeWords(b *strings.Builder, indent, key string, words []string) {
	if one := indent + key + ": " + flowList(words); len(one) <= width {
		b.WriteString(one + "\n")
		return
	}
	b.WriteString(indent + key + ":\n")
	for _, w := range words {
		b.WriteString(indent + "  - " + quote(w) + "\n")
	}
}

// writeLines writes a mapping on one line where it fits and nothing in it has
// a comment, else one member a line.
func writeLines(b *strings.Builder, indent string, p part) {
	members, plain := make([]string, len(p.lines)), true
	for i, l := range p.lines {
		members[i] = quote(l.key) + ": " + l.text
		plain = plain && l.comment == ""
	}
	if one := indent + p.key + ": {" + strings.Join(members, ", ") + "}"; plain && len(one) <= width {
		b.WriteString(one + "\n")
		return
	}
	b.WriteString(indent + p.key + ":\n")
	for i, l := range p.lines {
		comment(b, indent+"  ", l.comment)
		b.WriteString(indent + "  " + members[i] + "\n")
	}
}

func flowList(words []string) string {
	out := make([]string, len(words))
	for i, w := range words {
		out[i] = quote(w)
	}
	return "[" + strings.Join(out, ", ") + "]"
}

// comment writes a text as comment lines.
func comment(b *strings.Builder, indent, text string) {
	out := indent + "#"
	for _, w := range strings.Fields(printable(text)) {
		if len(out) > len(indent)+1 && len(out)+1+len(w) > width {
			b.WriteString(out + "\n")
			out = indent + "#"
		}
		out += " " + w
	}
	if len(out) > len(indent)+1 {
		b.WriteString(out + "\n")
	}
}

// longest is how much of a description a comment repeats.
const longest = 600

// printable makes a text of the source fit for a comment: without line breaks
// and characters that YAML or a terminal would take for something else.
func printable(s string) string {
	if len(s) > longest {
		s = strings.ToValidUTF8(s[:longest], "") + "…"
	}
	return strings.Map(func(c rune) rune {
		if !strconv.IsPrint(c) {
			return ' '
		}
		return c
	}, s)
}
