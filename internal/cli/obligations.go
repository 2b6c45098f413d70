package cli

import (
	"slices"

	"github.com/custos-zt/custos/internal/pdp"
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
