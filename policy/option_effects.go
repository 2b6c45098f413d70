package policy

import (
	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/internal/pdp"
)

// marking reads `add_labels`: what an allowed call leaves on its session.
func (r *reader) marking(f field, rule *pdp.Rule) {
	rule.AddLabels = r.labelWords(f)
	r.remembers = true
	if rule.Effect == access.Deny {
		r.err(f.key, "", "add_labels marks the session of a call that passes, and this rule denies")
	}
}

// notifying reads `notify`: the channels that are told of a match.
func (r *reader) notifying(f field, rule *pdp.Rule) {
	for _, w := range r.words(f.node, f.name) {
		if !wordName().MatchString(w.text) {
			r.err(w.node, "", "%s is not the name of a channel: use a-z, 0-9, _ and -", show(w.text))
			continue
		}
		rule.Notify = append(rule.Notify, w.text)
	}
}
