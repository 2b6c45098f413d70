package audit

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
)

// place is where a record lies.
type place struct {
	seq    uint64
	file   string
	offset int64
}

// suspicion is a record that does not carry the hash of its predecessor. Which
// of the two was changed shows in the record after it: where that one vouches
// for the suspect, the predecessor was.
type suspicion struct {
	before, at place
	hash       [64]byte
}

// record checks the next record of the chain.
func (v *verifier) record(line []byte, p place) {
	if v.rep.Bad != nil {
		return
	}
	p.seq = v.chain.next
	if v.suspect != nil {
		v.resolve(line)
		return
	}
	before := v.last
	h, what := v.chain.add(line)
	switch what {
	case "":
		v.last = p
		v.noteExpired(&h, line)
		err := v.learn()
		if err == nil && string(h.kind) == string(KindGap) {
			err = checkGap(line, v.turned, v.instance, v.keys.Current())
		}
		if err != nil {
			v.bad(p.seq, p.file, p.offset, err.Error())
			return
		}
		v.cover.record(v.chain.head.Hash)
	case misfit:
		v.suspect = &suspicion{before: before, at: p}
		c := v.chain
		c.open = map[uint64]struct{}{}
		c.link(&h, line)
		v.suspect.hash = c.prev
	default:
		v.bad(p.seq, p.file, p.offset, what)
	}
}

// resolve names the bad one of two records that do not fit together. next is
// the record after them, nil at the end of the chain.
func (v *verifier) resolve(next []byte) {
	s := v.suspect
	if s == nil {
		return
	}
	v.suspect = nil
	h, ok := peek(next)
	vouched := ok && string(h.prev) == string(s.hash[:])
	switch {
	case s.before.seq == 0:
		v.bad(s.at.seq, s.at.file, s.at.offset, "the chain does not begin here")
	case vouched || next == nil:
		v.bad(s.before.seq, s.before.file, s.before.offset, fmt.Sprintf("does not have the hash that record %d says", s.at.seq))
	default:
		v.bad(s.at.seq, s.at.file, s.at.offset, misfit)
	}
}

// segmentCheck checks one segment of a chain.
type segmentCheck struct {
	v        *verifier
	file     segmentFile
	previous string // the segment before it, "" for the first
	last     bool
	begun    bool
}

// run walks the segment. Its error means that something could not be read.
func (c *segmentCheck) run() error {
	v := c.v
	if next := v.chain.next; c.file.first > next && v.suspect == nil {
		v.bad(next, segmentName(next), 0, fmt.Sprintf("records %d to %d are missing: no segment holds them", next, c.file.first-1))
		return nil
	}
	w, err := openWalker(filepath.Join(v.dir, c.file.name))
	if errors.Is(err, fs.ErrNotExist) && c.last {
		return nil // an unbegun segment, removed since it was listed
	}
	if errors.Is(err, errBroken) {
		return c.unbegun()
	}
	if err != nil {
		return err
	}
	defer w.close()
	for v.rep.Bad == nil {
		payload, at, err := w.next()
		if err == nil {
			c.frame(payload, at)
			continue
		}
		if !errors.Is(err, errEnd) && !errors.Is(err, errBroken) {
			return err
		}
		more, err := c.end(w, at)
		if !more {
			return err
		}
	}
	return nil
}

// frame checks the records of one whole frame.
func (c *segmentCheck) frame(payload []byte, at int64) {
	lines(payload, func(line []byte, off int) bool {
		p := place{file: c.file.name, offset: at + frameHeader + int64(off)}
		if !c.begun {
			c.begun = true
			c.begin(line, p)
		}
		c.v.record(line, p)
		return c.v.rep.Bad == nil
	})
}

// begin checks the record that opens a segment.
func (c *segmentCheck) begin(line []byte, p place) {
	c.v.turned = c.v.chain.head
	r, err := Decode(line)
	if err != nil {
		c.v.bad(c.file.first, p.file, p.offset, err.Error())
		return
	}
	if c.v.instance == "" {
		c.v.instance = r.Instance
	}
	err = r.beginsSegment(c.v.instance)
	if err == nil && c.v.base > 0 && c.file.first == c.v.base+1 {
		c.previous = r.Previous
		err = c.v.goesOn(&r)
	}
	if err == nil {
		err = c.v.learnKey(&r)
	}
	if err != nil {
		c.v.bad(c.file.first, p.file, p.offset, err.Error())
		return
	}
	if r.Seq != c.file.first || r.Previous != c.previous {
		c.v.bad(c.file.first, p.file, p.offset, fmt.Sprintf("begins with record %d after %q, expected %d after %q", r.Seq, r.Previous, c.file.first, c.previous))
	}
}

// end classifies what follows the last whole frame. more says that a live
// writer completed a frame meanwhile and the walk goes on.
func (c *segmentCheck) end(w *walker, at int64) (more bool, err error) {
	t, err := examineTail(w.f, at)
	if err != nil || t.state == tailClean && (c.begun || c.last) {
		return false, err
	}
	v := c.v
	v.rep.Live = v.rep.Live || Live(v.dir)
	if v.rep.Live && c.last {
		// A frame is looked at while it is written. If another one lies behind
		// it, it is whole by now.
		if whole, err := c.again(w); whole || err != nil {
			return whole, err
		}
	}
	switch {
	case t.state != tailTorn || !c.last:
		c.broken(w, at)
	case v.rep.Live:
		v.rep.Writing = true
	default:
		v.rep.TornTail += t.bytes
	}
	return false, nil
}

// again reports whether there is a whole frame now.
func (c *segmentCheck) again(w *walker) (bool, error) {
	payload, at, err := w.next()
	if err == nil {
		c.frame(payload, at)
		return true, nil
	}
	if errors.Is(err, errEnd) || errors.Is(err, errBroken) {
		err = nil
	}
	return false, err
}

// broken names the first bad record of a frame that was whole once.
func (c *segmentCheck) broken(w *walker, at int64) {
	v := c.v
	whole := c.rest(w, at)
	v.resolve(nil)
	seq, off := v.chain.next, at
	if whole && v.last.file == c.file.name && v.last.offset > at {
		// Every record but the last is vouched for by the one behind it.
		seq, off = v.last.seq, v.last.offset
	}
	v.bad(seq, c.file.name, off, "the frame is broken, and not the last")
}

// rest checks the records that a broken frame still holds. It reports whether
// the payload is there to its end.
func (c *segmentCheck) rest(w *walker, at int64) bool {
	var h [frameHeader]byte
	if n, _ := w.f.ReadAt(h[:], at); n < frameHeader {
		return false
	}
	size, ok := plausible(h[:])
	if !ok {
		return false
	}
	b := make([]byte, size)
	n, _ := w.f.ReadAt(b, at+frameHeader)
	b = b[:n]
	end := bytes.LastIndexByte(b, '\n') + 1
	c.frame(b[:end], at)
	return end == size
}

// unbegun handles a segment without a whole header: what a crash leaves when it
// comes while the last segment is begun, and tampering anywhere else.
func (c *segmentCheck) unbegun() error {
	path := filepath.Join(c.v.dir, c.file.name)
	f, err := openRead(path)
	if err != nil {
		return err
	}
	defer f.Close()
	t, err := examineTail(f, 0)
	if err != nil {
		return err
	}
	if t.state == tailBroken || !c.last {
		c.v.bad(c.file.first, c.file.name, 0, "the file header is broken")
		return nil
	}
	if c.v.rep.Live = c.v.rep.Live || Live(c.v.dir); c.v.rep.Live {
		c.v.rep.Writing = true
		return nil
	}
	c.v.rep.TornTail += t.bytes
	return nil
}
