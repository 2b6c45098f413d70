package audit

import (
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// recovery is what the end of a chain looked like when it was opened.
type recovery struct {
	segment string // the file to continue; "": the chain begins
	end     int64
	began   time.Time
	head    Head
	open    map[uint64]struct{}

	sealed     bool
	generation int // of the key in force at the end, among the keys of the log

	signed    uint64 // what the newest checkpoint counts
	before    Head   // head without the last frame
	lastFrame int64  // where that frame begins

	cuts  []Record // what was removed
	crumb *Breadcrumb
	lost  error // why the emergency file could not be read
}

// errEmpty marks a segment without one whole frame.
var errEmpty = errors.New("no record")

// recoverChain reads the last segment of the chain in dir and removes what a
// crash or a failure left unfinished at its end. Earlier segments are the
// business of [Verify]. Up to the record signed a checkpoint vouches for all of
// them: nothing there is a crash's work, and nothing there is removed.
func recoverChain(dir string, opt *Options, signed uint64) (*recovery, error) {
	r := &recovery{open: map[uint64]struct{}{}, signed: signed}
	list, err := listSegments(dir)
	if err != nil {
		return nil, err
	}
	r.crumb, r.lost = findCrumb(dir, opt)
	if r.crumb != nil && r.crumb.Signature != "" {
		r.signed = max(signed, r.crumb.Seq)
	}
	for len(list) > 0 {
		last := list[len(list)-1]
		path := filepath.Join(dir, last.name)
		err := r.read(path, last, opt)
		if err == nil {
			var again bool
			if again, err = r.unacknowledged(path, opt.disk); again {
				continue
			}
		}
		if err == nil {
			err = r.reaches(path, r.head.Seq)
		}
		if err == nil {
			err = r.vouched(path)
		}
		if !errors.Is(err, errEmpty) {
			return r, err
		}
		if err := r.reaches(path, last.first-1); err != nil {
			return nil, err
		}
		// The crash came while this segment was begun, so that no record in it
		// was ever acknowledged.
		if err := removeSegment(opt.disk, path); err != nil {
			return nil, fmt.Errorf("audit: %w", err)
		}
		list = list[:len(list)-1]
	}
	*r = recovery{open: map[uint64]struct{}{}, signed: r.signed, cuts: r.cuts, crumb: r.crumb, lost: r.lost}
	return r, r.reaches(dir, 0)
}

// reaches refuses a chain that ends at a record below what was signed.
func (r *recovery) reaches(path string, seq uint64) error {
	if seq >= r.signed {
		return nil
	}
	return fmt.Errorf("%w: %s: record %d is missing: %d records were signed", ErrTampered, path, seq+1, r.signed)
}

// vouched refuses a chain that does not end with the record that a signed
// breadcrumb names.
func (r *recovery) vouched(path string) error {
	if r.crumb == nil || r.crumb.Signature == "" || r.crumb.Seq != r.head.Seq || r.crumb.is(r.head) {
		return nil
	}
	return fmt.Errorf("%w: %s: record %d is not the one that was durable when the log failed", ErrTampered, path, r.head.Seq)
}

// read walks one segment to its end and cuts a torn tail off.
func (r *recovery) read(path string, sf segmentFile, opt *Options) error {
	w, err := openWalker(path)
	if errors.Is(err, errBroken) {
		return r.unbegun(path, sf, 0)
	}
	if err != nil {
		return fmt.Errorf("audit: %s: %w", path, err)
	}
	defer w.close()
	c := chain{slot: opt.Slot, next: sf.first, open: map[uint64]struct{}{}}
	for {
		payload, at, err := w.next()
		if errors.Is(err, errEnd) || errors.Is(err, errBroken) {
			break
		}
		if err != nil {
			return fmt.Errorf("audit: %s: %w", path, err)
		}
		if c.count == 0 {
			if err := r.identify(payload, &c, opt); err != nil {
				return fmt.Errorf("%w: %s: %w", ErrTampered, path, err)
			}
		}
		if c.count > 0 {
			r.before = c.head
		}
		r.lastFrame = at
		var bad string
		lines(payload, func(line []byte, _ int) bool {
			_, bad = c.add(line)
			return bad == ""
		})
		if bad != "" {
			return fmt.Errorf("%w: %s: record %d at offset %d: %s", ErrTampered, path, c.next, at, bad)
		}
	}
	if c.count == 0 {
		return r.unbegun(path, sf, fileHeader)
	}
	if err := r.rotate(c.rotations, opt); err != nil {
		return fmt.Errorf("%w: %s: %w", ErrTampered, path, err)
	}
	r.segment, r.end, r.head, r.open, r.sealed = sf.name, w.off, c.head, c.open, c.sealed
	return r.trim(path, w.f, opt.disk)
}

// identify reads the record that begins a segment.
func (r *recovery) identify(payload []byte, c *chain, opt *Options) error {
	var first Record
	var err error
	lines(payload, func(line []byte, _ int) bool {
		first, err = Decode(line)
		return false
	})
	if err != nil {
		return err
	}
	if err := first.beginsSegment(opt.Instance); err != nil {
		return err
	}
	if r.generation, err = opt.Keys.begins(&first); err != nil {
		return err
	}
	for _, seq := range first.Open {
		c.open[seq] = struct{}{}
	}
	r.began = first.Time
	r.before = Head{Seq: first.Seq - 1}
	_, err = hex.Decode(r.before.Hash[:], []byte(first.Prev))
	return err
}

// beginsSegment checks that r may be the first record of a segment of this
// instance.
func (r *Record) beginsSegment(instance string) error {
	switch {
	case r.Kind != KindGenesis && r.Kind != KindSegment, (r.Kind == KindGenesis) != (r.Seq == 1):
		return fmt.Errorf("record %d, a %s record, begins a segment", r.Seq, r.Kind)
	case r.Instance != instance:
		return fmt.Errorf("record %d belongs to instance %s, not to %s", r.Seq, r.Instance, instance)
	default:
		return nil
	}
}

// trim classifies what follows the last whole frame, and cuts a torn one off.
func (r *recovery) trim(path string, f *os.File, d *disk) error {
	t, err := examineTail(f, r.end)
	if err != nil {
		return fmt.Errorf("audit: %s: %w", path, err)
	}
	switch t.state {
	case tailClean:
		return nil
	case tailBroken:
		return fmt.Errorf("%w: %s: record %d at offset %d: broken, and not the last", ErrTampered, path, r.head.Seq+1, r.end)
	case tailTorn:
	}
	if err := r.reaches(path, r.head.Seq); err != nil {
		return err
	}
	return r.cut(path, r.end, t.bytes, d)
}

// cut removes the end of a segment and remembers to record it.
func (r *recovery) cut(path string, at, bytes int64, d *disk) error {
	f, err := d.open(path, os.O_RDWR)
	if err != nil {
		return fmt.Errorf("audit: %w", err)
	}
	if err = d.resize(f, at); err == nil {
		err = d.sync(f)
	}
	if err := joinClose(err, f); err != nil {
		return fmt.Errorf("audit: cut a torn tail: %w", err)
	}
	r.cuts = append(r.cuts, Record{Kind: KindTornTail, Segment: filepath.Base(path), Offset: at, Cut: bytes})
	return nil
}

// unacknowledged cuts the last frame where a breadcrumb says that it was never
// made durable: its pages may live in memory alone, and a chain that went on
// from them could lose its middle. Only the one group that was being written
// can be in that state. It reports whether the segment has to be read again.
func (r *recovery) unacknowledged(path string, d *disk) (again bool, err error) {
	if r.crumb == nil {
		return false, nil
	}
	if !r.crumb.is(r.before) {
		return false, nil
	}
	if err := r.reaches(path, r.before.Seq); err != nil {
		return false, err
	}
	return true, r.cut(path, r.lastFrame, r.end-r.lastFrame, d)
}

// unbegun handles a segment without a whole frame: what a crash leaves when it
// comes while a segment is begun. Anything else in it is tampering.
func (r *recovery) unbegun(path string, sf segmentFile, at int64) error {
	f, err := openRead(path)
	if err != nil {
		return fmt.Errorf("audit: %w", err)
	}
	defer f.Close()
	t, err := examineTail(f, at)
	if err != nil {
		return fmt.Errorf("audit: %s: %w", path, err)
	}
	if t.state == tailBroken {
		return fmt.Errorf("%w: %s: record %d at offset %d: broken, and not the last", ErrTampered, path, sf.first, at)
	}
	r.cuts = append(r.cuts, Record{Kind: KindTornTail, Segment: sf.name, Cut: at + t.bytes})
	return errEmpty
}

// removeSegment deletes a segment that holds no record.
func removeSegment(d *disk, path string) error {
	if err := d.remove(path); err != nil {
		return err
	}
	return d.syncDir(filepath.Dir(path))
}

// report returns the records that say what recovery found and did.
func (r *recovery) report(opt *Options) []Record {
	var list []Record
	if r.crumb != nil {
		list = append(list, gapRecord(r.crumb, r.head, opt))
	}
	list = append(list, r.cuts...)
	if r.lost != nil {
		list = append(list, Record{Kind: KindAnomaly, Detail: r.lost.Error()})
	}
	for _, seq := range sorted(r.open) {
		list = append(list, Record{Kind: KindOutcomeUnknown, Admission: seq, Status: StatusUnknown})
	}
	return list
}
