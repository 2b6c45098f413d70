package audit

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"
)

// probe measures the floor: one record's bytes written into space that exists,
// and fdatasync, from one goroutine.
type probe struct {
	f   *os.File
	rec []byte
	off int64
}

func newProbe(t testing.TB) *probe {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "raw"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	if _, err := f.Write(make([]byte, 4<<20)); err != nil {
		t.Fatal(err)
	}
	if err := f.Sync(); err != nil {
		t.Fatal(err)
	}
	r := admission(1)
	r.Prev = genesisPrev
	return &probe{f: f, rec: appendStored(nil, &r)}
}

func (p *probe) once(t testing.TB) {
	t.Helper()
	if _, err := p.f.WriteAt(p.rec, p.off); err != nil {
		t.Fatal(err)
	}
	if err := fdatasync(p.f); err != nil {
		t.Fatal(err)
	}
	p.off = (p.off + int64(len(p.rec))) % (4<<20 - 1024)
}

// timed returns the durations of n calls, sorted.
func timed(n int, f func()) []time.Duration {
	d := make([]time.Duration, n)
	for i := range d {
		began := time.Now()
		f()
		d[i] = time.Since(began)
	}
	slices.Sort(d)
	return d
}

// appendAll appends n records from a number of writers and waits for each.
func appendAll(t testing.TB, l *Log, writers, n int) {
	t.Helper()
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := w; i < n; i += writers {
				if err := l.Append(admission(i)).Wait(); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}

func BenchmarkRawFdatasync(b *testing.B) {
	p := newProbe(b)
	b.ResetTimer()
	d := timed(b.N, func() { p.once(b) })
	b.ReportMetric(float64(d[b.N/2].Nanoseconds()), "p50-ns")
}

func BenchmarkAppend(b *testing.B) {
	for _, writers := range []int{1, 8, 64} {
		b.Run(fmt.Sprintf("writers=%d", writers), func(b *testing.B) {
			_, dir := slot(b)
			l := mustOpen(b, dir, options(b))
			defer l.Close()
			b.ReportAllocs()
			b.ResetTimer()
			if writers == 1 {
				d := timed(b.N, func() { mustWait(b, l.Append(admission(1))) })
				b.ReportMetric(float64(d[b.N/2].Nanoseconds()), "p50-ns")
				return
			}
			appendAll(b, l, writers, b.N)
		})
	}
}

// TestBars compares the log with the disk beneath it in one run: a durable
// record costs one writer at most half as much again as a bare fdatasync, and
// 64 writers share theirs. Other load disturbs a single round, so that the
// best of several counts.
func TestBars(t *testing.T) {
	_, dir := slot(t)
	opt := signing(t)
	opt.every = 0 // as it is by default: the bar holds with checkpoints
	l := mustOpen(t, dir, opt)
	defer mustClose(t, l)
	p := newProbe(t)
	ratio, gain := 1e9, 0.0
	for range 8 {
		raw := timed(200, func() { p.once(t) })
		began := time.Now()
		one := timed(200, func() { mustWait(t, l.Append(admission(1))) })
		single := 200 / time.Since(began).Seconds()
		began = time.Now()
		appendAll(t, l, 64, 64*100)
		many := 6400 / time.Since(began).Seconds()
		ratio = min(ratio, float64(one[100])/float64(raw[100]))
		gain = max(gain, many/single)
		if ratio <= 1.5 && gain >= 8 {
			break
		}
	}
	maxRatio, minGain := 1.5, 8.0
	if raceEnabled {
		// The detector multiplies what a record costs the processor and leaves
		// the disk as it is.
		maxRatio, minGain = 3, 3
	}
	t.Logf("one writer: p50 %.2f of a raw fdatasync; 64 writers: %.1f times its rate", ratio, gain)
	if ratio > maxRatio {
		t.Errorf("one writer: p50 is %.2f times a raw fdatasync, want at most %.1f", ratio, maxRatio)
	}
	if gain < minGain {
		t.Errorf("64 writers: %.1f times the rate of one, want at least %.0f", gain, minGain)
	}
}
