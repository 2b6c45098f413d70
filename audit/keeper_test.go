package audit

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"
)

// testKey returns one of several fixed keys.
func testKey(n byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{n}, ed25519.SeedSize))
}

func public(key ed25519.PrivateKey) ed25519.PublicKey { return key.Public().(ed25519.PublicKey) }

// signing returns options of a log that signs checkpoints, and often.
func signing(t testing.TB) Options {
	t.Helper()
	opt := options(t)
	opt.Key = testKey(1)
	opt.Instance = InstanceID(public(opt.Key))
	opt.every = 5 * time.Millisecond
	return opt
}

// mustCheckpoint reads and checks the checkpoint in dir.
func mustCheckpoint(t testing.TB, dir string) Checkpoint {
	t.Helper()
	signed, err := readCheckpoint(dir)
	if err != nil || signed == nil {
		t.Fatalf("checkpoint: %v", err)
	}
	c, err := OpenCheckpoint(signed, public(testKey(1)))
	if err != nil {
		t.Fatalf("checkpoint: %v\n%s", err, signed)
	}
	return c
}

// storedLines returns every record of a chain as it is stored.
func storedLines(t testing.TB, dir string) [][]byte {
	t.Helper()
	r := slotReader{slotDir: slotDir{path: dir}}
	defer r.close()
	var all [][]byte
	for {
		line, ok, err := r.line()
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			return all
		}
		h, _ := peek(line)
		r.after = h.seq
		all = append(all, bytes.Clone(line))
	}
}

// TestCheckpointCoversTheLog: at an orderly end the checkpoint counts every
// record and has the root of their bytes, over several processes and segments.
func TestCheckpointCoversTheLog(t *testing.T) {
	_, dir := slot(t)
	opt := signing(t)
	opt.SegmentSize = 8 << 10
	for round := range 4 {
		l := mustOpen(t, dir, opt)
		fill(t, l, 30)
		mustClose(t, l)
		c := mustCheckpoint(t, dir)
		lines := storedLines(t, dir)
		want := Checkpoint{Instance: opt.Instance, Size: l.Head().Seq, Root: tlog.Hash(naiveRoot(hashesOf(lines)))}
		if c != want || c.Size != uint64(len(lines)) {
			t.Fatalf("round %d: %+v, want %+v of %d records", round, c, want, len(lines))
		}
		if round == 1 {
			if err := os.Remove(filepath.Join(dir, treeName)); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestCheckpointFollowsWhileActive: a log that grows is signed without being
// closed, and never beyond what is durable.
func TestCheckpointFollowsWhileActive(t *testing.T) {
	_, dir := slot(t)
	l := mustOpen(t, dir, signing(t))
	defer mustClose(t, l)
	fill(t, l, 20)
	want := l.Head().Seq
	for began := time.Now(); ; time.Sleep(time.Millisecond) {
		if signed, _ := readCheckpoint(dir); signed != nil {
			c := mustCheckpoint(t, dir)
			if durable := l.Head().Seq; c.Size > durable {
				t.Fatalf("signed up to %d, durable up to %d", c.Size, durable)
			}
			if c.Size == want {
				return
			}
		}
		if time.Since(began) > time.Minute {
			t.Fatal("never signed")
		}
	}
}

// TestOpenRefusesLessThanWasSigned: what a checkpoint counts was durable, so
// that no crash explains its absence, and nothing is cut to make it fit.
func TestOpenRefusesLessThanWasSigned(t *testing.T) {
	tests := []struct {
		name string
		do   func(dir string) error
	}{
		{"torn tail", func(dir string) error {
			path := filepath.Join(dir, segmentName(1))
			st, err := os.Stat(path)
			if err != nil {
				return err
			}
			return os.Truncate(path, st.Size()-20)
		}},
		{"last frame cut", func(dir string) error {
			path := filepath.Join(dir, segmentName(1))
			w, err := openWalker(path)
			if err != nil {
				return err
			}
			defer w.close()
			last := int64(0)
			for {
				_, at, err := w.next()
				if err != nil {
					return os.Truncate(path, last)
				}
				last = at
			}
		}},
		{"no record left", func(dir string) error { return os.Truncate(filepath.Join(dir, segmentName(1)), fileHeader) }},
		{"no segment left", func(dir string) error { return os.Remove(filepath.Join(dir, segmentName(1))) }},
		{"forged checkpoint", func(dir string) error {
			c := Checkpoint{Instance: InstanceID(public(testKey(1))), Size: 2}
			signed, err := c.Sign(testKey(2))
			if err != nil {
				return err
			}
			return os.WriteFile(filepath.Join(dir, checkpointName), signed, 0o600)
		}},
	}
	for _, c := range tests {
		t.Run(c.name, func(t *testing.T) {
			_, dir := slot(t)
			l := mustOpen(t, dir, signing(t))
			fill(t, l, 10)
			mustClose(t, l)
			if err := c.do(dir); err != nil {
				t.Fatal(err)
			}
			before, _ := os.ReadDir(dir)
			if _, err := Open(dir, signing(t)); !errors.Is(err, ErrTampered) {
				t.Fatalf("opened: %v", err)
			}
			after, _ := os.ReadDir(dir)
			names := func(list []os.DirEntry) (out []string) {
				for _, e := range list {
					info, _ := e.Info()
					out = append(out, fmt.Sprint(e.Name(), " ", info.Size()))
				}
				return out
			}
			if !slices.Equal(names(before), names(after)) {
				t.Fatalf("evidence was changed: %v, now %v", names(before), names(after))
			}
		})
	}
}

// TestKeeperDoesNotSignWhatItDidNotWrite: a record changed on disk before it
// was signed ends the log, the last one too, which none behind it vouches for.
func TestKeeperDoesNotSignWhatItDidNotWrite(t *testing.T) {
	for _, seq := range []uint64{4, 21} {
		_, dir := slot(t)
		opt := signing(t)
		opt.every = time.Hour
		l := mustOpen(t, dir, opt)
		fill(t, l, 10)
		f := takeApart(t, filepath.Join(dir, segmentName(1)))
		frame, i := f.locate(seq)
		f.frames[frame][i] = bytes.Replace(f.frames[frame][i], []byte(`"kind":"`), []byte(`"kind":"x`), 1)
		f.write(t)
		if err := l.Close(); !errors.Is(err, ErrTampered) {
			t.Fatalf("record %d changed, close: %v", seq, err)
		}
		if signed, err := readCheckpoint(dir); err != nil || signed != nil {
			t.Fatalf("record %d changed, signed: %q, %v", seq, signed, err)
		}
	}
}

func TestOpenChecksTheKey(t *testing.T) {
	_, dir := slot(t)
	opt := signing(t)
	opt.Instance = "i_OTHER"
	if _, err := Open(dir, opt); err == nil || errors.Is(err, ErrTampered) {
		t.Fatalf("a key of another instance: %v", err)
	}
}

// BenchmarkSigning measures what a durable record costs beside a keeper that
// signs every second, and beside none.
func BenchmarkSigning(b *testing.B) {
	for _, on := range []bool{false, true} {
		for _, writers := range []int{1, 64} {
			b.Run(fmt.Sprintf("checkpoints=%v/writers=%d", on, writers), func(b *testing.B) {
				_, dir := slot(b)
				opt := options(b)
				if on {
					opt = signing(b)
					opt.every = 0
				}
				l := mustOpen(b, dir, opt)
				defer l.Close()
				b.ResetTimer()
				if writers > 1 {
					appendAll(b, l, writers, b.N)
					return
				}
				d := timed(b.N, func() { mustWait(b, l.Append(admission(1))) })
				b.ReportMetric(float64(d[b.N/2].Nanoseconds()), "p50-ns")
				b.ReportMetric(float64(d[b.N*99/100].Nanoseconds()), "p99-ns")
			})
		}
	}
}
