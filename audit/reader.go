package audit

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
)

// slotReader reads the records of one slot in order, across segments. At the
// end of what is written it reports that there is no more, and may be asked
// again later.
type slotReader struct {
	slotDir
	after   uint64 // the last record returned
	begun   bool   // one was returned: from here on there is no gap
	file    segmentFile
	w       *walker
	payload []byte // what is left of the current frame
	at      int64  // where that frame begins
}

func (s *slotReader) close() {
	if s.w != nil {
		s.w.close()
		s.w = nil
	}
}

// next returns the next record; ok is false where there is none yet.
func (s *slotReader) next() (r Record, ok bool, err error) {
	line, ok, err := s.record()
	if !ok || err != nil {
		return Record{}, false, err
	}
	r, err = Decode(line)
	return r, err == nil, err
}

// record returns the stored line of the next record, which is then s.after.
func (s *slotReader) record() (line []byte, ok bool, err error) {
	for {
		line, ok, err := s.line()
		if !ok || err != nil {
			return nil, false, err
		}
		h, ok := peek(line)
		if !ok {
			return nil, false, fmt.Errorf("%w: %s: not a record after record %d", ErrTampered, s.segmentPath(), s.after)
		}
		if h.seq <= s.after && !s.begun {
			continue
		}
		if s.begun && h.seq != s.after+1 {
			return nil, false, fmt.Errorf("%w: %s: record %d expected, found record %d", ErrTampered, s.segmentPath(), s.after+1, h.seq)
		}
		s.after, s.begun = h.seq, true
		return line, true, nil
	}
}

// line returns the next stored line.
func (s *slotReader) line() (line []byte, ok bool, err error) {
	for len(s.payload) == 0 {
		more, err := s.frame()
		if !more || err != nil {
			return nil, false, err
		}
	}
	line, s.payload, _ = bytes.Cut(s.payload, []byte{'\n'})
	return line, true, nil
}

// frame moves to the next frame that may hold a record after s.after.
func (s *slotReader) frame() (more bool, err error) {
	if s.w == nil {
		if opened, err := s.openAt(); !opened {
			return false, err
		}
	}
	for {
		payload, at, err := s.w.next()
		if err == nil {
			if lastSeq(payload) > s.after {
				s.payload, s.at = payload, at
				return true, nil
			}
			continue
		}
		if !errors.Is(err, errEnd) && !errors.Is(err, errBroken) {
			return false, err
		}
		more, err := s.turn(at)
		if !more || err != nil {
			return false, err
		}
	}
}

// turn decides what the end of whole frames at an offset means: the writer is
// here, a later segment goes on, or the log is broken. more says that s.w has
// something to read.
func (s *slotReader) turn(at int64) (more bool, err error) {
	next, found, err := s.following()
	if err != nil {
		return false, err
	}
	t, err := examineTail(s.w.f, at)
	if err != nil {
		return false, err
	}
	// Look again: the writer may have gone on, and then to another file,
	// between the look at this one and the list of files.
	off := s.w.off
	if _, _, err := s.w.next(); err == nil {
		s.w.off = off
		s.w.buf = s.w.buf[:0]
		return true, nil
	}
	if t.state == tailBroken || found && t.state != tailClean {
		return false, fmt.Errorf("%w: %s: broken frame after record %d at offset %d", ErrTampered, s.segmentPath(), s.after, at)
	}
	if !found {
		return false, nil
	}
	w, err := openWalker(filepath.Join(s.path, next.name))
	if errors.Is(err, errBroken) {
		return false, s.onlyLast(next) // it is being begun
	}
	if err != nil {
		return false, err
	}
	s.close()
	s.w, s.file = w, next
	return true, nil
}

// onlyLast refuses a segment without a header that is not the last one: the last
// is being begun, or a crash came while it was.
func (s *slotReader) onlyLast(sf segmentFile) error {
	list, err := listSegments(s.path)
	if err != nil || list[len(list)-1].first == sf.first {
		return err
	}
	return fmt.Errorf("%w: %s: the file header is broken", ErrTampered, filepath.Join(s.path, sf.name))
}

// following returns the segment after the current one.
func (s *slotReader) following() (segmentFile, bool, error) {
	list, err := listSegments(s.path)
	if err != nil {
		return segmentFile{}, false, err
	}
	for _, sf := range list {
		if sf.first > s.file.first {
			return sf, true, nil
		}
	}
	return segmentFile{}, false, nil
}

// openAt opens the segment that holds the record after s.after, or the first
// one where older segments are gone.
func (s *slotReader) openAt() (bool, error) {
	list, err := listSegments(s.path)
	if err != nil || len(list) == 0 {
		return false, err
	}
	i := 0
	for i+1 < len(list) && list[i+1].first <= s.after+1 {
		i++
	}
	w, err := openWalker(filepath.Join(s.path, list[i].name))
	if errors.Is(err, fs.ErrNotExist) && i == 0 && len(list) > 1 {
		return s.openAt() // it expired between the look and the opening
	}
	if errors.Is(err, errBroken) || errors.Is(err, fs.ErrNotExist) {
		if i+1 < len(list) {
			err = fmt.Errorf("%w: %s: the file header is broken", ErrTampered, filepath.Join(s.path, list[i].name))
			return false, err
		}
		return false, nil
	}
	if err != nil {
		return false, err
	}
	s.w, s.file = w, list[i]
	return true, nil
}

func (s *slotReader) segmentPath() string { return filepath.Join(s.path, s.file.name) }

// lastSeq returns the seq of the last record of a payload, and the largest
// number where it cannot be told, so that somebody looks closer.
func lastSeq(payload []byte) uint64 {
	b := bytes.TrimSuffix(payload, []byte{'\n'})
	h, ok := peek(b[bytes.LastIndexByte(b, '\n')+1:])
	if !ok {
		return maxSeq
	}
	return h.seq
}
