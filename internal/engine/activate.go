package engine

import (
	"fmt"

	"github.com/custos-zt/custos/internal/pdp"
	"github.com/custos-zt/custos/internal/state"
	"github.com/custos-zt/custos/policy"
)

// Activate puts another policy in force: it is kept by digest, then recorded
// durably with the digest it replaces, and only then does it decide. Calls in
// flight are decided by the one or the other, never by both.
//
// On an error the old policy stays in force. One goroutine at a time may call
// it.
func (e *Engine) Activate(s *pdp.Snapshot, sources []policy.Source) error {
	old, digest := e.digest, e.external.digest(s, sources)
	if err := e.keep(sources); err != nil {
		return err
	}
	record := e.evidence.Log.Append(e.activation(old, digest, sources))
	if err := record.Wait(); err != nil {
		return fmt.Errorf("%w: %w", ErrEvidence, err)
	}
	e.digest = digest
	e.remember(lastPolicy+e.backend, digest)
	e.Authority.Publish(s)
	e.Degraded("")
	return nil
}

// Degraded tells other processes what is not as it should be with this one, ""
// where nothing is. One goroutine at a time may call it.
func (e *Engine) Degraded(why string) {
	e.degraded = why
	if err := e.describe(e.digest); err != nil {
		e.Anomaly("the policy in force could not be shown to other processes: " + err.Error())
	}
}

// keep stores what a policy was made of, by digest: a decision must never
// refer to a policy that nobody can show.
func (e *Engine) keep(sources []policy.Source) error {
	for _, kept := range policy.Kept(e.external.all(sources)) {
		if err := e.evidence.Dir.KeepPolicy(kept.Digest, kept.Data); err != nil {
			return err
		}
	}
	return nil
}

// describe tells other processes what is guarded here, and by which policy.
func (e *Engine) describe(digest string) error {
	return e.evidence.Slot.Describe(state.Description{
		Backend: e.backend, Policy: digest, Isolation: Isolation, Version: e.version, Degraded: e.degraded,
	})
}

// Protect adds files of Custos that no call may touch, such as what a policy's
// link leads to now. It is safe for concurrent use.
func (e *Engine) Protect(paths []string) { e.Authority.Protect(paths) }
