package engine

import (
	"github.com/custos-zt/custos/internal/inventory"
	"github.com/custos-zt/custos/internal/pa"
	"github.com/custos-zt/custos/internal/pdp"
	"github.com/custos-zt/custos/internal/state"
	"github.com/custos-zt/custos/policy"
)

// Library are the options of an engine inside another program.
type Library struct {
	StateDir string // "" is the default place
	Policy   *pdp.Snapshot
	Sources  []policy.Source
	Files    []string // the policy's files, which calls may not touch
	Backend  string
	Remote   bool
	Home     string
	Failed   func(error)
}

// OpenLibrary builds an engine inside another program: the program itself is
// the backend, so there is no inventory, and the subject is its user unless a
// call says otherwise.
func OpenLibrary(l Library) (*Engine, error) {
	dir := l.StateDir
	if dir == "" {
		var err error
		if dir, err = state.DefaultPath(); err != nil {
			return nil, err
		}
	}
	registry, err := inventory.LoadRegistry()
	if err != nil {
		return nil, err
	}
	ev, err := OpenEvidence(EvidenceOptions{StateDir: dir, Failed: l.Failed})
	if err != nil {
		return nil, err
	}
	return New(ev, Options{
		Policy: l.Policy, Sources: l.Sources, Registry: registry, Backend: l.Backend,
		Ground: pa.Ground{Local: !l.Remote, Home: l.Home}, Protected: l.Files,
		Subject: LocalSubject(),
	})
}
