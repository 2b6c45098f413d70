package policy

import (
	"strings"

	"github.com/custos-zt/custos/internal/pdp"
)

// commands: ["git status|diff", "go test ./...", pwd]. The whole command for a
// grant, a run of its words for a restriction.
func readCommands(r *reader, f field, _ place) []pdp.Op {
	var out []pdp.Command
	for _, w := range r.words(f.node, f.name) {
		if strings.TrimSpace(w.text) == "" {
			r.err(w.node, "", "a command pattern is empty")
			continue
		}
		if i := strings.IndexAny(w.text, "&;<>()$`\\\"'[]#~!{}%^\n"); i >= 0 {
			r.err(w.node, "a command with a shell character is unknown and matches nothing", "the command pattern %s holds %q", show(w.text), w.text[i])
			continue
		}
		for word := range strings.FieldsSeq(w.text) {
			if has(strings.Split(word, "|"), "") {
				r.err(w.node, "a|b are two words to choose from", "the command pattern %s has an empty alternative", show(w.text))
			}
		}
		out = append(out, pdp.ParseCommand(w.text))
	}
	return []pdp.Op{{Code: pdp.CodeCommands, Commands: out}}
}
