package engine

import (
	"time"

	"github.com/custos-zt/custos/internal/pep"
	"github.com/custos-zt/custos/internal/sealed"
	"github.com/custos-zt/custos/internal/state"
)

// Replay says how long the arguments of calls are kept, sealed under a key of
// the state directory, and how much of them. Zero values are the defaults of
// package sealed.
type Replay struct {
	Keep time.Duration
	Size int64
	// Failed is told once why nothing is kept any more.
	Failed func(error)
}

// sealer is a store as the enforcement point sees it.
type sealer struct{ store *sealed.Store }

// Seal implements [pep.Sealer].
func (s sealer) Seal(slot int, seq uint64, hmac, method, params string) {
	s.store.Seal(sealed.Place{Slot: slot, Seq: seq, HMAC: hmac}, sealed.Call{Method: method, Params: params})
}

// seal makes the store for sealed calls, if there is to be one. It touches no
// file before the first call.
func (e *Engine) seal(o *Options) pep.Sealer {
	if o.Replay == nil {
		return nil
	}
	ev := e.evidence
	e.sealed = sealed.New(sealed.Options{
		Open: func() (string, []byte, error) { return ev.Dir.Sealed(ev.Slot.Number()) },
		Root: state.SealedRoot(ev.Dir.Path()),
		Keep: o.Replay.Keep, Size: o.Replay.Size, Mask: ev.Redactor.Mask, Failed: o.Replay.Failed,
	})
	return sealer{e.sealed}
}
