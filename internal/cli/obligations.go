package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/custos-zt/custos/internal/pdp"
	"github.com/custos-zt/custos/internal/term"
)

// sayObligations tells how far what a policy asks for beside decisions goes in
// this version: nobody should believe in a message that nobody gets.
func (a *app) sayObligations(s *pdp.Snapshot) {
	if s.Remembers() {
		a.say("labels of sessions are kept in this process alone, and start anew with the next one")
	}
	if slices.ContainsFunc(s.Rules(), func(r pdp.RuleInfo) bool { return len(r.Notify) > 0 }) {
		a.say("channels under notify are recorded with the decision; nothing is sent to them yet")
	}
}

// printWords prints a line of what a record says, where it says so.
func (a *app) printWords(what string, words []string) {
	if len(words) > 0 {
		fmt.Fprintf(a.Out, "%-9s %s\n", what, term.Escape(strings.Join(words, ", ")))
	}
}
