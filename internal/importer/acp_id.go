package importer

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"unicode/utf16"
)

// acpIDs gives rules without an id the one that mcp-acp gives them, so that its
// log and ours speak of the same rules, and refuses ids that stand twice.
func (r *reader) acpIDs(rules []*acpRule) {
	first := map[string]int{}
	for _, c := range rules {
		at, own := c.node.pos, c.id != ""
		if own {
			at = c.node.get("id").pos
		} else {
			c.id = acpID(c)
		}
		switch line := first[c.id]; {
		case line > 0 && own:
			r.err(at, "the id %s stands twice, first in line %d", show(c.id), line)
		case line > 0:
			r.err(at, "the rule is the same as the one in line %d, or has its id %s: give it an id", line, show(c.id))
		default:
			first[c.id] = at.line
		}
	}
}

// acpID is rule_ and the first eight digits of the SHA-256 of effect and
// conditions, written as Python's json.dumps(sort_keys=True) does.
func acpID(c *acpRule) string {
	conditions := c.node.get("conditions")
	var present []field
	if conditions != nil {
		present = slices.DeleteFunc(slices.Clone(conditions.fields), func(f field) bool { return f.node.kind == null })
	}
	var b strings.Builder
	pythonJSON(&b, &node{kind: object, fields: []field{
		{name: "effect", node: &node{kind: text, value: c.effect}},
		{name: "conditions", node: &node{kind: object, fields: present}},
	}})
	sum := sha256.Sum256([]byte(b.String()))
	return "rule_" + hex.EncodeToString(sum[:4])
}

// pythonJSON writes objects of lists of text.
func pythonJSON(b *strings.Builder, n *node) {
	switch n.kind {
	case object:
		fields := slices.SortedFunc(slices.Values(n.fields), func(x, y field) int { return strings.Compare(x.name, y.name) })
		b.WriteByte('{')
		for i, f := range fields {
			if i > 0 {
				b.WriteString(", ")
			}
			pythonString(b, f.name)
			b.WriteString(": ")
			pythonJSON(b, f.node)
		}
		b.WriteByte('}')
	case list:
		b.WriteByte('[')
		for i, item := range n.items {
			if i > 0 {
				b.WriteString(", ")
			}
			pythonJSON(b, item)
		}
		b.WriteByte(']')
	default:
		pythonString(b, n.value)
	}
}

func pythonString(b *strings.Builder, s string) {
	short := map[rune]string{'"': `\"`, '\\': `\\`, '\n': `\n`, '\r': `\r`, '\t': `\t`, '\b': `\b`, '\f': `\f`}
	b.WriteByte('"')
	for _, c := range s {
		switch {
		case short[c] != "":
			b.WriteString(short[c])
		case c >= ' ' && c < 0x7f:
			b.WriteRune(c)
		case c > 0xffff:
			high, low := utf16.EncodeRune(c)
			fmt.Fprintf(b, `\u%04x\u%04x`, high, low)
		default:
			fmt.Fprintf(b, `\u%04x`, c)
		}
	}
	b.WriteByte('"')
}
