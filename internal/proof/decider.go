package proof

import (
	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/internal/inventory"
	"github.com/custos-zt/custos/internal/pa"
	"github.com/custos-zt/custos/internal/pdp"
)

// anyBackend is the name of an unnamed `run`.
const anyBackend = "backend"

// Decider decides requests that are written down under one policy. It is safe
// for concurrent use.
type Decider struct {
	authority *pa.Administrator
	registry  *inventory.Registry
	backend   string
}

// NewDecider returns a decider for a policy. home is what `~` means in a call,
// "" where that is not known.
func NewDecider(s *pdp.Snapshot, registry *inventory.Registry, home string) *Decider {
	d := &Decider{registry: registry, backend: s.Backend()}
	if d.backend == "" {
		d.backend = anyBackend
	}
	d.authority = pa.New(pa.Options{Ground: pa.Ground{Home: home}, Registry: registry})
	d.authority.Publish(s)
	return d
}

// Backend is what a request without a backend means.
func (d *Decider) Backend() string { return d.backend }

// Complete adds to r what deciding it needs and returns the policy. What the
// request does not say about counters was not counted yet: nothing that is
// decided here is ever forwarded. Without a
// definition, and without facts of its own, a tool under `known:` has its
// newest recorded definition.
func (d *Decider) Complete(r *access.Request, def *inventory.Definition) *pdp.Snapshot {
	if def == nil && r.Kind == access.Tool && !factsGiven(r) {
		_, known := d.authority.Policy().Declared(r.Backend, r.Name)
		def = d.registry.Entry(known).Newest(r.Name)
	}
	for _, c := range d.authority.Policy().Counters(r, nil) {
		if _, given := r.Counters[c.ID]; !given && c.Known {
			if r.Counters == nil {
				r.Counters = map[string]int64{}
			}
			r.Counters[c.ID] = 0
		}
	}
	return d.authority.Complete(r, def)
}

// factsGiven reports whether the request says itself what the tool does.
func factsGiven(r *access.Request) bool {
	for _, name := range []string{"tool.ops", "tool.side_effects", "tool.labels", "tool.tier"} {
		if _, ok := r.Facts[name]; ok && r.Facts[name].Value.Len() > 0 {
			return true
		}
	}
	return false
}

// inPlaceOf makes a request without a backend mean this one, where the policy
// does not say otherwise.
func (d *Decider) inPlaceOf(backend string) {
	if backend != "" && d.authority.Policy().Backend() == "" {
		d.backend = backend
	}
}
