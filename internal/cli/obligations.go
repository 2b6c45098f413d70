package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/custos-zt/custos/internal/config"
	"github.com/custos-zt/custos/internal/pdp"
	"github.com/custos-zt/custos/internal/term"
)

// sayObligations tells how far what a policy asks for beside decisions goes in
// this version: nobody should believe in a message that nobody gets.
func (a *app) sayObligations(s *pdp.Snapshot, c *config.Approvals) {
	if s.Remembers() {
		a.say("labels of sessions are kept in this process alone, and start anew with the next one")
	}
	if silent := silent(s, c); len(silent) > 0 {
		a.say("nothing is sent to %s, which rules name under notify: webhook and slack are told, where approvals configure them", term.Escape(strings.Join(silent, ", ")))
	}
}

// silent are the names under notify that nothing is sent to.
func silent(s *pdp.Snapshot, c *config.Approvals) []string {
	var out []string
	for _, r := range s.Rules() {
		for _, name := range r.Notify {
			told := name == config.ChannelWebhook && c.Webhook != nil || name == config.ChannelSlack && c.Slack != nil
			if !told && !slices.Contains(out, name) {
				out = append(out, name)
			}
		}
	}
	return out
}

// printWords prints a line of what a record says, where it says so.
func (a *app) printWords(what string, words []string) {
	if len(words) > 0 {
		fmt.Fprintf(a.Out, "%-9s %s\n", what, term.Escape(strings.Join(words, ", ")))
	}
}
