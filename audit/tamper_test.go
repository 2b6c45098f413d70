package audit

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// forged is a segment taken apart: its frames, each a list of records.
type forged struct {
	path   string
	frames [][][]byte
}

// takeApart reads a segment as an attacker would.
func takeApart(t testing.TB, path string) *forged {
	t.Helper()
	w, err := openWalker(path)
	if err != nil {
		t.Fatal(err)
	}
	defer w.close()
	f := &forged{path: path}
	for {
		payload, _, err := w.next()
		if err != nil {
			return f
		}
		var recs [][]byte
		lines(payload, func(line []byte, _ int) bool {
			recs = append(recs, bytes.Clone(line))
			return true
		})
		f.frames = append(f.frames, recs)
	}
}

// write puts the segment back together.
func (f *forged) write(t testing.TB) {
	t.Helper()
	if err := os.WriteFile(f.path, f.bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}

// bytes returns the segment with every checksum right.
func (f *forged) bytes() []byte {
	b := sealFileHeader(FormatVersion)
	for _, recs := range f.frames {
		frame := make([]byte, frameHeader)
		for _, r := range recs {
			frame = append(append(frame, r...), '\n')
		}
		if len(recs) > 0 {
			b = append(b, sealFrame(frame)...)
		}
	}
	return b
}

// locate returns the frame and the place in it of a record.
func (f *forged) locate(seq uint64) (frame, i int) {
	for frame := range f.frames {
		for i, r := range f.frames[frame] {
			if h, _ := peek(r); h.seq == seq {
				return frame, i
			}
		}
	}
	return -1, -1
}

// grown makes a closed log of several segments whose groups hold several
// records, and returns its segments.
func grown(t testing.TB) (logDir, dir string, segs []segmentFile, last uint64) {
	t.Helper()
	logDir, dir = slot(t)
	opt := options(t)
	opt.SegmentSize = 24 << 10
	l := mustOpen(t, dir, opt)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for i := range 40 {
				_ = l.Append(admission(i)).Wait()
			}
		})
	}
	wg.Wait()
	last = l.Head().Seq
	mustClose(t, l)
	segs, err := listSegments(dir)
	if err != nil || len(segs) < 4 {
		t.Fatalf("%d segments, %v", len(segs), err)
	}
	return logDir, dir, segs, last
}

// attack changes the record seq of a segment and returns the seq that the
// verifier must name.
type attack struct {
	name string
	do   func(f *forged, frame, i int, seq uint64) uint64
}

func attacks() []attack {
	return []attack{
		{"edit", func(f *forged, frame, i int, seq uint64) uint64 {
			r := f.frames[frame][i]
			f.frames[frame][i] = bytes.Replace(r, []byte(`"allow"`), []byte(`"adlow"`), 1)
			return seq
		}},
		{"edit prev", func(f *forged, frame, i int, seq uint64) uint64 {
			r := f.frames[frame][i]
			at := bytes.Index(r, []byte(`"prev":"`)) + 8
			r[at] ^= 1
			return seq
		}},
		{"delete", func(f *forged, frame, i int, seq uint64) uint64 {
			f.frames[frame] = slices.Delete(f.frames[frame], i, i+1)
			return seq
		}},
		{"duplicate", func(f *forged, frame, i int, seq uint64) uint64 {
			f.frames[frame] = slices.Insert(f.frames[frame], i, f.frames[frame][i])
			return seq + 1
		}},
		{"insert", func(f *forged, frame, i int, seq uint64) uint64 {
			r := bytes.Replace(f.frames[frame][i], []byte(`"files"`), []byte(`"other"`), 1)
			f.frames[frame] = slices.Insert(f.frames[frame], i, r)
			return seq + 1
		}},
		{"renumber", func(f *forged, frame, i int, seq uint64) uint64 {
			r := f.frames[frame][i]
			f.frames[frame][i] = bytes.Replace(r, fmt.Appendf(nil, `"seq":%d`, seq), fmt.Appendf(nil, `"seq":%d`, seq+1), 1)
			return seq
		}},
		{"other slot", func(f *forged, frame, i int, seq uint64) uint64 {
			r := f.frames[frame][i]
			f.frames[frame][i] = bytes.Replace(r, []byte(`"slot":0`), []byte(`"slot":1`), 1)
			return seq
		}},
		{"swap frames", func(f *forged, frame, _ int, _ uint64) uint64 {
			h, _ := peek(f.frames[frame][0])
			f.frames[frame], f.frames[frame+1] = f.frames[frame+1], f.frames[frame]
			return h.seq
		}},
		{"garbage", func(f *forged, frame, i int, seq uint64) uint64 {
			f.frames[frame][i] = []byte("not json")
			return seq
		}},
	}
}

// struck is one attack that was made.
type struck struct {
	path string
	seq  uint64 // of the record that was attacked
	want uint64 // the first that a verifier has to name
	undo func()
}

// strike attacks a record somewhere in a segment that is closed: neither its
// first, which is checked in its own way, nor one of the last frame, which has
// nothing behind it to swap with.
func (a *attack) strike(t *testing.T, rng *rand.Rand, dir string, segs []segmentFile) struck {
	t.Helper()
	n := rng.IntN(len(segs) - 1)
	path := filepath.Join(dir, segs[n].name)
	saved, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	f := takeApart(t, path)
	lo, hi := segs[n].first+1, segs[n+1].first-uint64(len(f.frames[len(f.frames)-1]))
	seq := lo + rng.Uint64N(hi-lo)
	frame, i := f.locate(seq)
	want := a.do(f, frame, i, seq)
	f.write(t)
	return struck{path, seq, want, func() {
		if err := os.WriteFile(path, saved, 0o600); err != nil {
			t.Fatal(err)
		}
	}}
}

func TestAttacker(t *testing.T) {
	logDir, dir, segs, _ := grown(t)
	rng := rand.New(rand.NewPCG(7, 7))
	for _, a := range attacks() {
		for range 20 {
			s := a.strike(t, rng, dir, segs)
			rep, err := Verify(logDir, VerifyOptions{})
			bad := rep.FirstBad()
			if err != nil || bad == nil {
				t.Fatalf("%s of record %d: not found (%v)", a.name, s.seq, err)
			}
			if bad.Seq != s.want || bad.File != s.path || bad.ID != FormatID(0, s.want) {
				t.Errorf("%s of record %d in %s: named record %d in %s (%s), want %d", a.name, s.seq, filepath.Base(s.path), bad.Seq, filepath.Base(bad.File), bad.What, s.want)
			}
			s.undo()
		}
	}
	if rep, err := Verify(logDir, VerifyOptions{}); err != nil || rep.Tampered() {
		t.Fatalf("the untouched log: %v, %+v", err, rep.FirstBad())
	}
}

func TestAttackOnFiles(t *testing.T) {
	tests := []struct {
		name, want string
		do         func(dir string, segs []segmentFile) error
	}{
		{"remove a middle segment", "missing", func(dir string, s []segmentFile) error { return os.Remove(filepath.Join(dir, s[1].name)) }},
		{"remove the first segment", "missing", func(dir string, s []segmentFile) error { return os.Remove(filepath.Join(dir, s[0].name)) }},
		{"remove every segment", "every segment", func(dir string, s []segmentFile) error {
			for _, sf := range s {
				_ = os.Remove(filepath.Join(dir, sf.name))
			}
			return nil
		}},
		{"cut a middle segment", "not the last", func(dir string, s []segmentFile) error {
			return os.Truncate(filepath.Join(dir, s[1].name), 10_000)
		}},
		{"empty a middle segment", "broken", func(dir string, s []segmentFile) error { return os.Truncate(filepath.Join(dir, s[1].name), 0) }},
		{"append to a middle segment", "not the last", func(dir string, s []segmentFile) error {
			return appendTo(filepath.Join(dir, s[1].name), "garbage")
		}},
		{"replace by a link", "regular file", func(dir string, s []segmentFile) error {
			p := filepath.Join(dir, s[1].name)
			if err := os.Rename(p, p+".moved"); err != nil {
				return err
			}
			return os.Symlink(p+".moved", p)
		}},
		{"rename", "missing", func(dir string, s []segmentFile) error {
			return os.Rename(filepath.Join(dir, s[1].name), filepath.Join(dir, segmentName(s[1].first+1)))
		}},
		{"add a file", "not a segment", func(dir string, _ []segmentFile) error { return appendTo(filepath.Join(dir, "extra.seg"), "x") }},
		{"move a slot away", "slot is missing", func(dir string, _ []segmentFile) error {
			return os.Rename(dir, filepath.Join(filepath.Dir(dir), SlotName(2)))
		}},
	}
	for _, c := range tests {
		t.Run(c.name, func(t *testing.T) {
			logDir, dir, segs, _ := grown(t)
			if err := c.do(dir, segs); err != nil {
				t.Fatal(err)
			}
			rep, err := Verify(logDir, VerifyOptions{})
			found := slices.ContainsFunc(rep.Slots, func(s SlotReport) bool { return s.Bad != nil && strings.Contains(s.Bad.What, c.want) })
			if err != nil || !found {
				t.Fatalf("verify: %v, %+v; want %q", err, rep.FirstBad(), c.want)
			}
		})
	}
}

func appendTo(path, text string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return joinClose(err, f)
}
