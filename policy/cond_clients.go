package policy

import (
	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/internal/pdp"
)

// clients: [claude-code]. What the client program calls itself: a hint, which
// may restrict and never loosens.
func readClients(r *reader, f field, at place) []pdp.Op {
	switch {
	case at.exception:
		r.err(f.key, "agents: names proven identities", "clients is what a client says about itself, and cannot make an exception")
	case at.effect == access.Allow || at.effect == access.Delegate:
		r.err(f.key, "agents: names proven identities", "clients is what a client says about itself, and cannot allow anything")
	}
	return []pdp.Op{{Code: pdp.CodeClients, Names: r.texts(f.node, f.name)}}
}
