package audit

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"sync"

	"golang.org/x/mod/sumdb/tlog"
)

// VerifyOptions configure [Verify].
type VerifyOptions struct {
	// Instance is the instance that the log must belong to; "": whichever the
	// first genesis record names.
	Instance string
	// Keys are the public log keys as they are known from elsewhere: every chain
	// MUST begin with the first of them and hold their rotations, and may hold
	// more. The zero Keys stands for whichever the first genesis record names.
	Keys Keys
	// Since is what [Heads] returned earlier and was kept elsewhere: the log
	// must still hold every record that it counts. nil: nothing was kept.
	Since []byte
	// Witnesses are the keys of witnesses that the reader knows: a head that one
	// of them cosigned counts like one from Since.
	Witnesses []WitnessKey
	// Workers is how many chains are checked at once; 0: as many as there are
	// processors.
	Workers int
}

// Verify checks every chain under a log directory: the checksum of each frame,
// the hash, slot and sequence of each record, that segments follow one another
// without a gap, that all of them belong to one instance, and that the records
// are those that the newest checkpoint was signed over, and those of the heads
// in Since. What it finds is
// in the [Report], tampering included; an error wraps [ErrCannotVerify] and
// means that there is no finding. Verify takes no lock and may run beside
// writers.
func Verify(logDir string, opt VerifyOptions) (Report, error) {
	slots, err := listSlots(logDir)
	if err != nil {
		return Report{}, fmt.Errorf("%w: %w", ErrCannotVerify, err)
	}
	if opt.Workers <= 0 {
		opt.Workers = runtime.GOMAXPROCS(0)
	}
	since, err := readSince(opt.Since)
	if err == nil {
		err = headsOfMissing(since, slots, opt.Keys)
	}
	if err != nil {
		return Report{}, fmt.Errorf("%w: the earlier head: %w", ErrCannotVerify, err)
	}
	found := make([]*verifier, len(slots))
	errs := make([]error, len(slots))
	limit := make(chan struct{}, opt.Workers)
	var wg sync.WaitGroup
	for i, s := range slots {
		limit <- struct{}{}
		wg.Go(func() {
			defer func() { <-limit }()
			for range 3 { // a segment may expire while it is looked for
				found[i] = newVerifier(s)
				found[i].expect(opt.Keys, since[s.slot], opt.Witnesses)
				if errs[i] = found[i].run(); !errors.Is(errs[i], fs.ErrNotExist) {
					break
				}
			}
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		return Report{}, fmt.Errorf("%w: %w", ErrCannotVerify, err)
	}
	r := Report{Instance: opt.Instance, Slots: make([]SlotReport, 0, len(slots))}
	for _, v := range found {
		r.join(v)
	}
	r.missingSlots(logDir, since)
	r.Scope = scope(since, r.Witnessed)
	return r, nil
}

// join adds one chain to the report and compares its instance.
func (r *Report) join(v *verifier) {
	if r.Instance == "" {
		r.Instance = v.instance
	}
	if v.instance != "" && v.instance != r.Instance && v.rep.Bad == nil {
		v.bad(1, segmentName(1), fileHeader, fmt.Sprintf("belongs to instance %s, not to %s", v.instance, r.Instance))
		v.rep.Records, v.rep.TailUnproven, v.rep.NotCheckpointed = 0, 0, 0
	}
	r.Slots = append(r.Slots, v.rep)
	if v.rep.Bad == nil {
		r.Witnessed = append(r.Witnessed, v.cosigned...)
	}
}

// missingSlots finds directories that are gone. Slots are taken from the
// lowest up, so that below a slot that exists every other one did too, and so
// did every slot of an earlier head.
func (r *Report) missingSlots(logDir string, since map[int][]*keptHead) {
	have := map[int]bool{}
	top := -1
	for n := range since {
		top = max(top, n+1)
	}
	for i := range r.Slots {
		have[r.Slots[i].Slot] = true
		top = max(top, r.Slots[i].Slot)
	}
	for n := range top {
		if !have[n] {
			bad := &Bad{Slot: n, Seq: 1, ID: FormatID(n, 1), File: filepath.Join(logDir, SlotName(n)), What: "the slot is missing"}
			r.Slots = append(r.Slots, SlotReport{Slot: n, Bad: bad, OutcomeUnknown: []uint64{}})
		}
	}
}

// verifier checks one chain.
type verifier struct {
	dir      string
	chain    chain
	rep      SlotReport
	instance string
	given    Keys        // known from elsewhere
	keys     Keys        // in force so far
	learned  int         // how many key records they come from
	since    []*keptHead // kept elsewhere
	cover    cover

	witnesses []WitnessKey
	witnessed *keptHead // cosigned, and lying beside the chain; nil: none
	cosigned  []Cosignature

	last    place      // of the record that was checked last
	turned  Head       // before the segment that is being checked
	base    uint64     // the records up to it expired
	before  tlog.Hash  // leaf of the last of them
	said    uint64     // how far a signed record says so
	suspect *suspicion // nil: none
}

func newVerifier(s slotDir) *verifier {
	v := &verifier{dir: s.path, rep: SlotReport{Slot: s.slot, OutcomeUnknown: []uint64{}}}
	v.chain = chain{slot: s.slot, next: 1, known: true, open: map[uint64]struct{}{}}
	copy(v.chain.prev[:], genesisPrev)
	return v
}

// expect says what is known of the chain from elsewhere.
func (v *verifier) expect(keys Keys, since []*keptHead, witnesses []WitnessKey) {
	v.given, v.since, v.witnesses = keys, since, witnesses
	if !keys.IsZero() {
		v.keys = NewKeys(keys.list[0])
	}
}

// run walks all segments. Its error means that something could not be read.
func (v *verifier) run() error {
	v.rep.Live = Live(v.dir)
	var signed []byte
	var err error
	if v.cover, signed, err = openCover(v, v.since); err != nil {
		return err
	}
	if err := v.openWitnessed(); err != nil {
		return err
	}
	list, err := listSegments(v.dir)
	if errors.Is(err, ErrTampered) {
		v.bad(1, "", 0, err.Error())
		return nil
	}
	if err != nil {
		return err
	}
	crumb, err := ReadBreadcrumb(v.dir)
	if errors.Is(err, fs.ErrPermission) {
		return err
	}
	v.rep.Failed, v.rep.Segments = crumb, len(list)
	v.started(len(list))
	if len(list) > 0 {
		if err := v.behindExpired(list[0].first - 1); err != nil {
			return err
		}
	}
	previous := ""
	for i, sf := range list {
		c := segmentCheck{v: v, file: sf, previous: previous, last: i == len(list)-1}
		if err := c.run(); err != nil {
			return fmt.Errorf("%s: %w", filepath.Join(v.dir, sf.name), err)
		}
		if v.rep.Bad != nil {
			break
		}
		previous = sf.name
	}
	v.resolve(nil)
	v.unrotated()
	v.expiredUnsaid()
	v.cover.end()
	if err := v.checkSince(); err != nil {
		return err
	}
	if err := v.checkSignature(signed); err != nil {
		return err
	}
	v.checkWitnessed()
	v.conclude()
	return nil
}

// started finds a chain whose segments are all gone. The emergency file is
// made only after the genesis record is durable.
func (v *verifier) started(segments int) {
	if segments > 0 {
		return
	}
	if _, err := os.Lstat(filepath.Join(v.dir, emergencyName)); err == nil {
		v.bad(1, segmentName(1), 0, "every segment is missing")
	}
}

// conclude fills what is known only at the end of a chain.
func (v *verifier) conclude() {
	v.rep.Records, v.rep.Expired = v.chain.count, v.base
	if v.rep.Bad != nil {
		v.rep.Records = min(v.rep.Records, v.rep.Bad.Seq-1)
	}
	v.rep.TailUnproven, v.rep.NotCheckpointed = v.rep.Records, v.rep.Records
	proven := uint64(0)
	for _, head := range v.since {
		proven = max(proven, head.Size)
	}
	if v.witnessed != nil {
		proven = max(proven, v.witnessed.Size)
	}
	v.rep.TailUnproven -= min(proven, v.rep.Records)
	if v.cover.own != nil {
		v.rep.NotCheckpointed -= min(v.cover.own.Size, v.rep.Records)
	}
	v.rep.Head, v.rep.Sealed = v.chain.head.prev(), v.chain.sealed
	v.rep.OutcomeUnknown = append(v.rep.OutcomeUnknown, v.chain.unknown...)
	if !v.rep.Live && v.rep.Bad == nil {
		v.rep.OutcomeUnknown = append(v.rep.OutcomeUnknown, sorted(v.chain.open)...)
	}
}

// bad records the first bad record.
func (v *verifier) bad(seq uint64, file string, offset int64, what string) {
	if v.rep.Bad != nil {
		return
	}
	v.rep.Bad = &Bad{Slot: v.chain.slot, Seq: seq, ID: FormatID(v.chain.slot, seq), File: filepath.Join(v.dir, file), Offset: offset, What: what}
}
