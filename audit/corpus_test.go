package audit

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// victim is a log that is attacked a thousand times, and what its owner kept
// elsewhere: the key and one head.
type victim struct {
	logDir string
	kept   []byte // a head of record upTo
	upTo   uint64
	last   uint64
	older  []string // the whole log, as it was before the head was kept
	forks  []string // other histories of the same length, under the same key
}

// newVictim makes a log in several segments, snapshots of it, and forks.
func newVictim(t *testing.T) *victim {
	t.Helper()
	v := &victim{}
	dir := v.begin(t, 0)
	v.logDir = filepath.Dir(dir)
	for range 4 {
		v.grow(t, dir, 12)
		v.older = append(v.older, v.copied(t, v.logDir))
	}
	v.grow(t, dir, 12)
	bundle, heads, err := Heads(v.logDir)
	if err != nil {
		t.Fatal(err)
	}
	v.kept, v.upTo = bundle, heads[0].Size
	v.last = v.grow(t, dir, 12)
	for n := range 4 {
		fork := v.begin(t, n+1)
		v.grow(t, fork, 80+n)
		v.forks = append(v.forks, filepath.Dir(fork))
	}
	return v
}

// begin makes an empty slot; one that is forked begins with records of its own.
func (v *victim) begin(t *testing.T, n int) string {
	t.Helper()
	_, dir := slot(t)
	l := mustOpen(t, dir, v.options(t))
	for i := range n {
		mustWait(t, l.Append(admission(1000+i)))
	}
	mustClose(t, l)
	return dir
}

func (v *victim) options(t *testing.T) Options {
	t.Helper()
	opt := signing(t)
	opt.SegmentSize = 16 << 10
	return opt
}

func (v *victim) grow(t *testing.T, dir string, calls int) uint64 {
	t.Helper()
	l := mustOpen(t, dir, v.options(t))
	fill(t, l, calls)
	mustClose(t, l)
	return l.Head().Seq
}

// copied returns a copy of a log.
func (v *victim) copied(t *testing.T, logDir string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "log")
	if err := os.CopyFS(to, os.DirFS(logDir)); err != nil {
		t.Fatal(err)
	}
	return to
}

// opened is a segment of the copy under attack that holds a record, with where.
type opened struct {
	*forged
	dir      string
	seq      uint64
	frame, i int
}

// openAt takes the segment apart that holds a record.
func openAt(t *testing.T, dir string, seq uint64) opened {
	t.Helper()
	segs, err := listSegments(dir)
	if err != nil {
		t.Fatal(err)
	}
	n := len(segs) - 1
	for segs[n].first > seq {
		n--
	}
	o := opened{forged: takeApart(t, filepath.Join(dir, segs[n].name)), dir: dir, seq: seq}
	if o.frame, o.i = o.locate(seq); o.frame < 0 {
		t.Fatalf("record %d is not there", seq)
	}
	return o
}

// assault changes a copy of the log. seq is a record that the kept head counts.
type assault struct {
	name string
	do   func(t *testing.T, v *victim, rng *rand.Rand, dir string, seq uint64)
}

// edited changes one letter of a record so that it stays a record.
func edited(r []byte) []byte {
	r = slices.Clone(r)
	for at := len(r) / 2; at < len(r)-2; at++ {
		if 'a' <= r[at] && r[at] < 'z' {
			r[at]++
			return r
		}
	}
	return append(r[:len(r)-1], `,"x":1}`...)
}

func assaults() []assault {
	withSegment := func(change func(o opened, rng *rand.Rand)) func(*testing.T, *victim, *rand.Rand, string, uint64) {
		return func(t *testing.T, _ *victim, rng *rand.Rand, dir string, seq uint64) {
			t.Helper()
			o := openAt(t, dir, seq)
			change(o, rng)
			o.write(t)
		}
	}
	return []assault{
		{"edit", withSegment(func(o opened, _ *rand.Rand) { o.frames[o.frame][o.i] = edited(o.frames[o.frame][o.i]) })},
		{"delete", withSegment(func(o opened, _ *rand.Rand) { o.frames[o.frame] = slices.Delete(o.frames[o.frame], o.i, o.i+1) })},
		{"swap", withSegment(func(o opened, _ *rand.Rand) {
			other := (o.frame + 1) % len(o.frames)
			o.frames[o.frame], o.frames[other] = o.frames[other], o.frames[o.frame]
		})},
		{"duplicate", withSegment(func(o opened, _ *rand.Rand) {
			o.frames[o.frame] = slices.Insert(o.frames[o.frame], o.i, o.frames[o.frame][o.i])
		})},
		{"insert", withSegment(func(o opened, _ *rand.Rand) {
			o.frames[o.frame] = slices.Insert(o.frames[o.frame], o.i, edited(o.frames[o.frame][o.i]))
		})},
		{"recompute", func(t *testing.T, _ *victim, rng *rand.Rand, dir string, seq uint64) {
			t.Helper()
			recomputeAll(t, dir, seq)
			if rng.IntN(2) == 0 {
				_ = os.Remove(filepath.Join(dir, checkpointName))
			}
		}},
		{"cut", func(t *testing.T, _ *victim, _ *rand.Rand, dir string, seq uint64) {
			t.Helper()
			cutBehind(t, dir, seq-1)
			resign(t, dir, testKey(1))
		}},
		{"restore", func(t *testing.T, v *victim, rng *rand.Rand, dir string, _ uint64) {
			t.Helper()
			replaceLog(t, filepath.Dir(dir), v.older[rng.IntN(len(v.older))])
		}},
		{"inode", func(t *testing.T, _ *victim, _ *rand.Rand, dir string, seq uint64) {
			t.Helper()
			o := openAt(t, dir, seq)
			o.frames[o.frame][o.i] = edited(o.frames[o.frame][o.i])
			if err := os.Remove(o.path); err != nil {
				t.Fatal(err)
			}
			o.write(t)
		}},
		{"symlink", func(t *testing.T, _ *victim, _ *rand.Rand, dir string, seq uint64) {
			t.Helper()
			o := openAt(t, dir, seq)
			if err := os.Rename(o.path, o.path+".moved"); err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink(o.path+".moved", o.path); err != nil {
				t.Fatal(err)
			}
		}},
		{"fork", func(t *testing.T, v *victim, rng *rand.Rand, dir string, _ uint64) {
			t.Helper()
			replaceLog(t, filepath.Dir(dir), v.forks[rng.IntN(len(v.forks))])
		}},
		{"stolen key", func(t *testing.T, _ *victim, _ *rand.Rand, dir string, seq uint64) {
			t.Helper()
			recomputeAll(t, dir, seq)
			resign(t, dir, testKey(1))
		}},
	}
}

// replaceLog puts another log in the place of one.
func replaceLog(t *testing.T, logDir, other string) {
	t.Helper()
	if err := os.RemoveAll(logDir); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(logDir, os.DirFS(other)); err != nil {
		t.Fatal(err)
	}
}

// recomputeAll changes a record and carries the change through to the end.
func recomputeAll(t *testing.T, dir string, seq uint64) {
	t.Helper()
	segs, err := listSegments(dir)
	if err != nil {
		t.Fatal(err)
	}
	recomputeFrom(t, dir, segs, seq)
}

// cutBehind removes every record behind seq, and every later segment.
func cutBehind(t *testing.T, dir string, seq uint64) {
	t.Helper()
	segs, err := listSegments(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, sf := range segs {
		if sf.first > seq {
			if err := os.Remove(filepath.Join(dir, sf.name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	o := openAt(t, dir, seq)
	o.frames = o.frames[:o.frame+1]
	o.frames[o.frame] = o.frames[o.frame][:o.i+1]
	o.write(t)
}

// TestAttackerCorpus: whatever an attacker does to what a head kept elsewhere
// counts is found by whoever holds it, a thief of the key included.
func TestAttackerCorpus(t *testing.T) {
	t.Parallel()
	v := newVictim(t)
	opt := VerifyOptions{Keys: NewKeys(public(testKey(1))), Since: v.kept}
	rep, err := Verify(v.logDir, opt)
	if err != nil || rep.Tampered() || rep.TailUnproven() != v.last-v.upTo {
		t.Fatalf("untouched: %v, %+v, %d unproven", err, rep.FirstBad(), rep.TailUnproven())
	}
	n := rounds(20, 1000)
	for _, a := range assaults() {
		t.Run(a.name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(11, uint64(len(a.name))))
			for round := range n {
				dir := filepath.Join(v.copied(t, v.logDir), SlotName(0))
				// Not the genesis record, which cannot be cut off, and one that
				// has something changed behind it.
				seq := 2 + rng.Uint64N(v.upTo-4)
				a.do(t, v, rng, dir, seq)
				rep, err := Verify(filepath.Dir(dir), opt)
				if err != nil || !rep.Tampered() {
					t.Fatalf("round %d, record %d: not found (%v)", round, seq, err)
				}
				_ = os.RemoveAll(filepath.Dir(dir))
			}
		})
	}
}
