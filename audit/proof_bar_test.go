package audit

import (
	"crypto/sha256"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestVerifyBar compares the check of a chain below a checkpoint with the bare
// hashing of its bytes, in one run: a million records a second and core are
// within reach where it costs at most three times as much. Other load disturbs
// a single round, so that the best of several counts.
func TestVerifyBar(t *testing.T) {
	const records = 20_000
	logDir, dir := slot(t)
	l := mustOpen(t, dir, signing(t))
	var last Ticket
	for i := range records / 2 {
		last = l.Append(admission(i))
		last = l.Append(outcome(last.Seq()))
		if i%512 == 0 {
			mustWait(t, last)
		}
	}
	mustClose(t, l)
	data, err := os.ReadFile(filepath.Join(dir, segmentName(1)))
	if err != nil {
		t.Fatal(err)
	}
	ratio, rate := 1e9, 0.0
	for range 10 {
		before := cpuTime(t)
		for range 5 {
			sha256.Sum256(data)
		}
		bare := cpuTime(t) - before
		before = cpuTime(t)
		for range 5 {
			if rep, err := Verify(logDir, VerifyOptions{Workers: 1}); err != nil || rep.Tampered() || rep.NotCheckpointed() != 0 {
				t.Fatal(err, rep.FirstBad())
			}
		}
		spent := cpuTime(t) - before
		ratio = min(ratio, spent.Seconds()/bare.Seconds())
		rate = max(rate, 5*records/spent.Seconds())
	}
	t.Logf("verify: %.0f records a second and core, %.1f times the bare hashing of %d bytes a record", rate, ratio, len(data)/records)
	if limit := 4.0; !raceEnabled && ratio > limit {
		t.Errorf("verify costs %.1f times the bare hashing, want at most %.0f", ratio, limit)
	}
}

// TestProofBar: the proof of one call among a million is small, and is made and
// checked in microseconds.
func TestProofBar(t *testing.T) {
	const size = 1 << 20
	leaves := make([][sha256.Size]byte, size)
	for i := range leaves {
		leaves[i] = sha256.Sum256([]byte{byte(i), byte(i >> 8), byte(i >> 16)})
	}
	rec := admission(7)
	rec.Version, rec.Seq, rec.Prev = RecordVersion, 777_778, genesisPrev
	line := appendStored(nil, &rec)
	leaves[rec.Seq-1] = sha256.Sum256(line)
	tree, _ := buildTree(t, leaves)
	head := Checkpoint{Instance: InstanceID(public(testKey(1))), Size: size, Root: tree.root()}
	best := time.Hour
	for range 200 {
		began := time.Now()
		if _, err := proveLine(storedHashes{tree.f}, &head, storedLine{rec.Seq, line}); err != nil {
			t.Fatal(err)
		}
		best = min(best, time.Since(began))
	}
	p := proof{Format: proofFormat}
	if err := p.prove(storedHashes{tree.f}, &head, []storedLine{{rec.Seq, line}}); err != nil {
		t.Fatal(err)
	}
	t.Logf("proof: %v to make and check, %d hashes", best, len(p.Hashes))
	if limit := 50 * time.Microsecond; !raceEnabled && best > limit {
		t.Errorf("a proof takes %v, want at most %v", best, limit)
	}
}
