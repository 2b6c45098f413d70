// Package engine assembles the decision path: state directory, log, policy
// administrator and enforcement point. The command line and the library both
// build on it, so that the two cannot drift apart.
package engine

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/audit"
	"github.com/custos-zt/custos/internal/clock"
	"github.com/custos-zt/custos/internal/inventory"
	"github.com/custos-zt/custos/internal/limit"
	"github.com/custos-zt/custos/internal/pa"
	"github.com/custos-zt/custos/internal/pdp"
	"github.com/custos-zt/custos/internal/pep"
	"github.com/custos-zt/custos/internal/redact"
	"github.com/custos-zt/custos/internal/sealed"
	"github.com/custos-zt/custos/internal/state"
	"github.com/custos-zt/custos/policy"
)

// Options say what to guard.
type Options struct {
	// Policy is the compiled policy and Sources what it was compiled from, which
	// is kept by digest.
	Policy   *pdp.Snapshot
	Sources  []policy.Source
	Registry *inventory.Registry
	// External is another policy engine; nil: the policy decides alone.
	External *External
	// Backend names what is guarded. Command is how it is started: it is
	// recorded as a digest, because command lines hold secrets.
	Backend string
	Command []string
	// Tools is the live inventory of the backend; nil where nothing is listed.
	Tools pep.Tools
	// Ground says what paths mean to the backend.
	Ground pa.Ground
	// Protected are files of Custos beside the state directory: configuration
	// and policy.
	Protected []string
	Subject   access.Subject
	Version   string
	// Config is the text of the configuration, "" for the defaults; nil where
	// nothing is configured by a file. A change is recorded.
	Config *string
	// Approvals knows what people answered; nil asks nobody. Root is where the
	// client works, which answers are bound to, and Wait how long a held call
	// waits for one.
	Approvals pa.Approvals
	Root      string
	Wait      time.Duration
	// Leases answer held calls in the place of people; nil: there are none.
	Leases pa.Leases
	// Replay says how long arguments are kept, sealed, apart from the log; nil:
	// they are not.
	Replay *Replay
}

// Engine is one assembled decision path. It is safe for concurrent use.
type Engine struct {
	Point     *pep.Point
	Authority *pa.Administrator

	evidence *Evidence
	denials  *audit.Denials
	sealed   *sealed.Store
	session  string
	backend  string
	version  string
	actor    string // who runs this process
	degraded string
	external *External
	digest   string // of the policy in force
	close    sync.Once
	closed   error
}

// Isolation is what this process can promise: it runs under the agent's uid.
const Isolation = "same-user"

// ErrEvidence marks an engine that could not be built because no evidence
// could be kept.
var ErrEvidence = errors.New("evidence cannot be kept")

// Evidence is an opened state directory with one slot of its log.
type Evidence struct {
	Dir  *state.Dir
	Slot *state.Slot
	Log  *audit.Log
	// Redactor hides what records must not say; nil hides nothing more.
	Redactor *redact.Redactor
}

// EvidenceOptions say where evidence goes. Zero sizes are the defaults.
type EvidenceOptions struct {
	StateDir    string
	SegmentSize int64
	SegmentAge  time.Duration
	// Retention is how long records are kept; 0: for ever. Secondary is where the
	// last words of a failing log go too; "": nowhere.
	Retention time.Duration
	Secondary string
	// Delivered returns which record of a slot each sink has, and Undelivered how
	// much longer than Retention the log waits for them; see [audit.Options].
	Delivered   func(dir *state.Dir, slot int) map[string]uint64
	Undelivered time.Duration
	// Keys is where the private log key is kept; nil: in the state directory.
	Keys state.KeyStore
	// Failed is told once when evidence can no longer be written.
	Failed func(error)
	// Redaction says what records hide; its key is that of the directory.
	Redaction redact.Options
}

// OpenEvidence opens the state directory and a free slot. An error wraps
// [ErrEvidence]; nothing is open then.
func OpenEvidence(o EvidenceOptions) (*Evidence, error) {
	dir, err := state.OpenWith(o.StateDir, state.Options{Keys: o.Keys})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrEvidence, err)
	}
	slot, err := dir.AcquireSlot()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrEvidence, err)
	}
	o.Redaction.Keyed = dir.HMAC
	redactor := redact.New(o.Redaction)
	var delivered func() map[string]uint64
	if o.Delivered != nil {
		delivered = func() map[string]uint64 { return o.Delivered(dir, slot.Number()) }
	}
	log, err := audit.Open(slot.LogDir(), audit.Options{
		Slot: slot.Number(), Instance: dir.Instance(), Key: dir.LogKey(), Keys: dir.LogKeys(),
		SegmentSize: o.SegmentSize, SegmentAge: o.SegmentAge, Failed: degrading(slot, o.Failed), Redact: redactor.Record,
		Retention: o.Retention, Delivered: delivered, Undelivered: o.Undelivered, Secondary: o.Secondary,
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%w: %w", ErrEvidence, err), slot.Close())
	}
	return &Evidence{Dir: dir, Slot: slot, Log: log, Redactor: redactor}, nil
}

// degrading tells the owner of a log that it failed, and then other processes:
// on a disk that hangs nobody may wait for the second.
func degrading(slot *state.Slot, failed func(error)) func(error) {
	return func(err error) {
		if failed != nil {
			failed(err)
		}
		_ = slot.Degrade("evidence: " + err.Error()) // the failure was told; this is a courtesy
	}
}

// Evidence returns what the engine keeps evidence in, and owns.
func (e *Engine) Evidence() *Evidence { return e.evidence }

// Close closes the log and gives the slot back.
func (e *Evidence) Close() error { return errors.Join(e.Log.Close(), e.Slot.Close()) }

// New builds an engine over opened evidence, which it owns from then on, also
// where it fails. An error wraps [ErrEvidence]: nothing may be guarded then.
func New(ev *Evidence, o Options) (*Engine, error) {
	e := &Engine{evidence: ev, session: "s_" + strings.ToLower(rand.Text()[:16]), backend: o.Backend, version: o.Version, actor: o.Subject.String(), external: o.External}
	e.assemble(&o)
	if err := e.begin(&o); err != nil {
		return nil, errors.Join(fmt.Errorf("%w: %w", ErrEvidence, err), ev.Close())
	}
	return e, nil
}

// assemble wires administrator and enforcement point.
func (e *Engine) assemble(o *Options) {
	e.denials = audit.NewDenials(e.evidence.Log)
	watched := clock.New(clock.Source{}, e.clockStepped)
	e.Authority = pa.New(pa.Options{
		Ground: o.Ground, Registry: o.Registry, Limits: limit.New(), Now: watched.Now, Steady: watched.Steady, Engine: e.over,
		Protected: append([]string{e.evidence.Dir.Path()}, o.Protected...),
		Approvals: o.Approvals, Binding: pa.Binding{Instance: commandDigest(o.Command), Root: o.Root}, Wait: o.Wait, Leases: o.Leases,
	})
	e.digest = o.External.digest(o.Policy, o.Sources)
	e.Authority.Publish(o.Policy)
	e.Point = pep.New(pep.Options{
		Authority: e.Authority, Evidence: e.denials, Tools: o.Tools, Backend: o.Backend,
		Subject: o.Subject, Session: access.Session{ID: e.session, Started: time.Now()},
		Isolation: Isolation, Keyed: e.evidence.Dir.HMAC, Keep: e.evidence.Redactor, Seal: e.seal(o),
	})
}

// begin keeps the policy and records that it is in force and what is guarded,
// durably.
func (e *Engine) begin(o *Options) error {
	digest := e.digest
	if err := e.keep(o.Sources); err != nil {
		return err
	}
	e.evidence.Log.Append(audit.Record{
		Kind: audit.KindStart, Backend: o.Backend, CommandDigest: commandDigest(o.Command),
		Session: e.session, Subject: o.Subject.String(), Isolation: Isolation,
	})
	last := e.evidence.Log.Append(e.activation("", digest, o.Sources))
	if err := e.configuration(o.Config); err != nil {
		return err
	}
	if err := last.Wait(); err != nil {
		return err
	}
	e.remember(lastPolicy+e.backend, digest)
	return e.describe(digest)
}

// commandDigest identifies a command line without repeating it.
func commandDigest(command []string) string {
	if len(command) == 0 {
		return ""
	}
	sum := sha256.Sum256([]byte(strings.Join(command, "\x00")))
	return "sha256:" + hex.EncodeToString(sum[:])
}

// clockStepped records what happened to the wall clock.
func (e *Engine) clockStepped(s clock.Step) {
	e.evidence.Log.Append(audit.Record{
		Kind: audit.KindClock, Backend: e.backend, Session: e.session,
		Clock: &audit.ClockStep{State: string(s.State), Expected: s.Expected, Read: s.Read},
	})
}

// Failed is closed when evidence can no longer be kept; nothing passes then.
func (e *Engine) Failed() <-chan struct{} { return e.evidence.Log.Done() }

// Anomaly records something that should not have happened.
func (e *Engine) Anomaly(detail string) {
	e.evidence.Log.Append(audit.Record{Kind: audit.KindAnomaly, Backend: e.backend, Session: e.session, Detail: detail})
}

// Close records the orderly end and gives the slot back. It returns the error
// that the log failed with, if it did.
func (e *Engine) Close() error {
	e.close.Do(func() {
		e.denials.Flush()
		if e.evidence.Log.Err() == nil {
			e.evidence.Log.Append(audit.Record{Kind: audit.KindStop, Backend: e.backend, Session: e.session})
		}
		e.closed = e.evidence.Close()
		e.sealed.Close()
	})
	return e.closed
}
