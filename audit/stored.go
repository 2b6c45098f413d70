package audit

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"path/filepath"
)

// Place says where a record lies: in which segment, by the seq of its first
// record, and at which offset its frame begins. It is a hint that saves a
// reader the way through the segment; a wrong one costs time, not truth. The
// zero Place is no hint.
type Place struct {
	Segment uint64
	Offset  int64
}

// Stored is one record as it lies in the log: what its hash is computed over.
type Stored struct {
	Slot int
	Seq  uint64
	// Line is valid until the next record is asked for.
	Line  []byte
	Place Place
}

// Slots returns the numbers of the chains in a log directory, in order. The
// error wraps fs.ErrNotExist where there is no log.
func Slots(logDir string) ([]int, error) {
	list, err := listSlots(logDir)
	if err != nil {
		return nil, fmt.Errorf("audit: %w", err)
	}
	out := make([]int, len(list))
	for i, s := range list {
		out[i] = s.slot
	}
	return out, nil
}

// FirstSeq returns the seq of the oldest record that a slot still has, 0 where
// it has none.
func FirstSeq(logDir string, slot int) (uint64, error) {
	list, err := listSegments(filepath.Join(logDir, SlotName(slot)))
	if err != nil || len(list) == 0 {
		return 0, err
	}
	return list[0].first, nil
}

// ReadStored yields the stored records of one slot that follow record after,
// without decoding them, and ends where the log ends now. from is the place of
// record after, where it is known. What [Read] checks, it checks. An error is
// the last thing that it yields.
func ReadStored(logDir string, slot int, after uint64, from Place) iter.Seq2[Stored, error] {
	return func(yield func(Stored, error) bool) {
		s := slotReader{slotDir: slotDir{slot: slot, path: filepath.Join(logDir, SlotName(slot))}, after: after}
		defer s.close()
		s.seek(from)
		for {
			line, ok, err := s.record()
			if err != nil {
				yield(Stored{}, err)
				return
			}
			if !ok || !yield(Stored{slot, s.after, line, Place{s.file.first, s.at}}, nil) {
				return
			}
		}
	}
}

// FindStored returns the record slot:seq, with a hint where to look: its own
// place or that of an earlier record.
func FindStored(logDir string, slot int, seq uint64, from Place) (Record, error) {
	for s, err := range ReadStored(logDir, slot, seq-1, from) {
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return Record{}, err
		case s.Seq == seq:
			return Decode(s.Line)
		}
		break
	}
	return Record{}, fmt.Errorf("%w: %s", ErrNotFound, FormatID(slot, seq))
}

// seekWindow is how much is read at once from a place on.
const seekWindow = 16 << 10

// seek goes to a place at which a frame begins that does not lie behind the
// record wanted. Where there is none it does nothing, and the reader looks for
// itself.
func (s *slotReader) seek(p Place) {
	if p.Segment == 0 || p.Offset < fileHeader || p.Offset%frameAlign != 0 {
		return
	}
	name := segmentName(p.Segment)
	w, err := openWalker(filepath.Join(s.path, name))
	if err != nil {
		return
	}
	w.off, w.ahead = p.Offset, seekWindow
	payload, at, err := w.next()
	if err != nil || firstSeq(payload) > s.after+1 {
		w.close()
		return
	}
	s.w, s.file = w, segmentFile{name: name, first: p.Segment}
	s.payload, s.at = payload, at
}

// firstSeq returns the seq of the first record of a payload, and the largest
// number where it cannot be told.
func firstSeq(payload []byte) uint64 {
	line, _, _ := bytes.Cut(payload, []byte{'\n'})
	h, ok := peek(line)
	if !ok {
		return maxSeq
	}
	return h.seq
}
