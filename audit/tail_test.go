package audit

import (
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
)

// frameEnds returns where the payloads of a segment's frames end, behind the
// file header as the end of none.
func frameEnds(t testing.TB, path string) []int64 {
	t.Helper()
	w, err := openWalker(path)
	if err != nil {
		t.Fatal(err)
	}
	defer w.close()
	ends := []int64{fileHeader}
	for {
		payload, at, err := w.next()
		if err != nil {
			return ends
		}
		ends = append(ends, at+frameHeader+int64(len(payload)))
	}
}

// TestTruncation cuts the last segment at every byte of its end: a log that is
// cut inside its last frame is torn, and opening it says so.
func TestTruncation(t *testing.T) {
	region, records := int64(3<<10), 40
	if os.Getenv("CUSTOS_RELIABILITY") != "" {
		region, records = 256<<10, 300
	}
	logDir, dir := slot(t)
	l := mustOpen(t, dir, options(t))
	fill(t, l, records)
	mustClose(t, l)
	path := filepath.Join(dir, segmentName(1))
	ends := frameEnds(t, path)
	size := ends[len(ends)-1]
	for n := size - 1; n >= max(0, size-region); n-- {
		if err := os.Truncate(path, n); err != nil {
			t.Fatal(err)
		}
		for n < ends[len(ends)-1] && len(ends) > 1 {
			ends = ends[:len(ends)-1]
		}
		rep, err := Verify(logDir, VerifyOptions{})
		if err != nil {
			t.Fatalf("cut at %d: %v", n, err)
		}
		// Zeros that are cut off go unmissed: the padding behind a frame, and
		// the upper bytes of the next one's length.
		s, left := rep.Slots[0], max(0, n-align(ends[len(ends)-1]))
		if n < fileHeader {
			left = n // a header that is cut is torn as a whole
		}
		if s.Bad != nil || s.TornTail > left || left > frameHeader && s.TornTail != left {
			t.Fatalf("cut at %d of %d: bad %+v, torn %d, %d bytes behind the last whole frame", n, size, s.Bad, s.TornTail, left)
		}
	}
	torn, err := Verify(logDir, VerifyOptions{})
	if err != nil {
		t.Fatal(err)
	}
	mustClose(t, mustOpen(t, dir, options(t)))
	r, err := Last(logDir, func(r *Record) bool { return r.Kind == KindTornTail })
	if got := torn.Slots[0].TornTail; (got > 0) != (err == nil) || r.Cut != got {
		t.Fatalf("torn tail of %d bytes, recorded as %d (%v)", got, r.Cut, err)
	}
}

// TestBitFlips changes single bits: in the last frame that looks like a torn
// tail, anywhere else it is tampering, and Open refuses what lies in its
// segment.
func TestBitFlips(t *testing.T) {
	flips := 400
	if os.Getenv("CUSTOS_RELIABILITY") != "" {
		flips = 10_000
	}
	logDir, dir, segs, _ := grown(t)
	rng := rand.New(rand.NewPCG(3, 3))
	for range flips {
		n := rng.IntN(len(segs))
		path := filepath.Join(dir, segs[n].name)
		saved, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		ends := frameEnds(t, path)
		at := rng.Int64N(int64(len(saved)))
		flipped := append([]byte(nil), saved...)
		flipped[at] ^= 1 << rng.IntN(8)
		if err := os.WriteFile(path, flipped, 0o600); err != nil {
			t.Fatal(err)
		}
		inLast := n == len(segs)-1 && at >= align(ends[len(ends)-2])
		rep, err := Verify(logDir, VerifyOptions{})
		if err != nil {
			t.Fatalf("bit at %d of %s: %v", at, segs[n].name, err)
		}
		if !rep.Tampered() && (!inLast || rep.Slots[0].TornTail == 0) {
			t.Fatalf("bit at %d of %s (last frame: %v): not found", at, segs[n].name, inLast)
		}
		if n == len(segs)-1 && !inLast {
			if _, err := Open(dir, options(t)); !errors.Is(err, ErrTampered) {
				t.Fatalf("bit at %d of %s: opened, %v", at, segs[n].name, err)
			}
		}
		if err := os.WriteFile(path, saved, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// TestHeaderLost tears the page with the frame's header and keeps the rest, as
// a power cut may; with a whole frame behind it that is no crash.
func TestHeaderLost(t *testing.T) {
	logDir, dir := slot(t)
	l := mustOpen(t, dir, options(t))
	fill(t, l, 20)
	mustClose(t, l)
	path := filepath.Join(dir, segmentName(1))
	ends := frameEnds(t, path)
	for back, tampered := range map[int]bool{2: false, 3: true} {
		at := align(ends[len(ends)-back])
		f, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		saved := make([]byte, 100)
		if _, err := f.ReadAt(saved, at); err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteAt(make([]byte, 100), at); err != nil {
			t.Fatal(err)
		}
		rep, err := Verify(logDir, VerifyOptions{})
		if err != nil || rep.Tampered() != tampered {
			t.Errorf("header of frame %d from the end lost: %v, %+v", back, err, rep.Slots)
		}
		if _, err := f.WriteAt(saved, at); err != nil {
			t.Fatal(err)
		}
		f.Close()
	}
}

// TestPadding: not even the zeros behind a frame may be changed unnoticed.
func TestPadding(t *testing.T) {
	logDir, dir := slot(t)
	l := mustOpen(t, dir, options(t))
	fill(t, l, 10)
	mustClose(t, l)
	path := filepath.Join(dir, segmentName(1))
	for _, end := range frameEnds(t, path)[1:8] {
		for at := end; at < align(end); at++ {
			flip(t, path, at)
			if rep, err := Verify(logDir, VerifyOptions{}); err != nil || !rep.Tampered() {
				t.Errorf("padding at %d changed: %v, not found", at, err)
			}
			flip(t, path, at)
		}
	}
}

// flip changes one bit of a file.
func flip(t *testing.T, path string, at int64) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	b[at] ^= 1
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}
