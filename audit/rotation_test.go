package audit

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"
)

// rotated returns the keys 1 to n of one instance, each replaced by the next.
func rotated(t testing.TB, n byte) Keys {
	t.Helper()
	k := NewKeys(public(testKey(1)))
	for i := byte(1); i < n; i++ {
		next, err := k.Rotate(testKey(i), testKey(i+1))
		if err != nil {
			t.Fatal(err)
		}
		k = next
	}
	return k
}

// underKey returns the options of a log that signs with key n.
func underKey(t testing.TB, n byte) Options {
	t.Helper()
	opt := signing(t)
	opt.Key, opt.Keys = testKey(n), rotated(t, n)
	return opt
}

// rotatedLog makes a closed log whose key was replaced twice, and heads of it
// that were kept after each part.
func rotatedLog(t testing.TB) (logDir, dir string, heads [][]byte) {
	t.Helper()
	logDir, dir = slot(t)
	for n := byte(1); n <= 3; n++ {
		l := mustOpen(t, dir, underKey(t, n))
		fill(t, l, 10)
		mustClose(t, l)
		bundle, _, err := Heads(logDir)
		if err != nil {
			t.Fatal(err)
		}
		heads = append(heads, bundle)
	}
	return logDir, dir, heads
}

func TestKeysTravelAsText(t *testing.T) {
	for n := byte(1); n <= 3; n++ {
		want := rotated(t, n)
		text, err := FormatKeys(want)
		if err != nil {
			t.Fatal(err)
		}
		got, err := ParseKeys(text)
		if err != nil || !got.Extends(want) || !want.Extends(got) || got.Instance() != want.Instance() || !got.Current().Equal(public(testKey(n))) {
			t.Fatalf("%d keys: %+v, %v", n, got, err)
		}
		for i := range text {
			changed := []byte(text)
			changed[i] ^= 2
			if k, err := ParseKeys(string(changed)); err == nil && k.Extends(want) != (k.Len() == want.Len()) {
				t.Fatalf("byte %d changed: read as other keys", i)
			}
		}
	}
}

// TestRotationNeedsTheOldKey: a key follows only where the one before it says
// so, for this instance and this place.
func TestRotationNeedsTheOldKey(t *testing.T) {
	k := rotated(t, 2)
	if _, err := k.Rotate(testKey(1), testKey(3)); err == nil {
		t.Error("a replaced key replaced itself again")
	}
	if _, err := k.Rotate(testKey(2), testKey(1)); err == nil {
		t.Error("returned to an earlier key")
	}
	if _, err := NewKeys(public(testKey(1))).after(rotated(t, 3).rotations[1]); err == nil {
		t.Error("left a rotation out")
	}
	if _, err := NewKeys(public(testKey(4))).after(k.rotations[0]); err == nil {
		t.Error("took the rotation of another instance")
	}
	for name, by := range map[string][]byte{"the new key alone": {9}, "a thief of no key": {4, 9}, "the old key alone": {1}} {
		var signers []note.Signer
		for _, n := range by {
			v, err := noteVerifier(originPrefix+k.Instance(), public(testKey(n)))
			if err != nil {
				t.Fatal(err)
			}
			signers = append(signers, noteSigner{v, testKey(n)})
		}
		forged, err := note.Sign(&note.Note{Text: rotationText(k.Instance(), 1, public(testKey(9)))}, signers...)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := NewKeys(public(testKey(1))).after(string(forged)); err == nil {
			t.Errorf("took a rotation that %s signed", name)
		}
	}
}

// TestLogFollowsItsKeys: the chain says each key, heads of every time still
// count, and proofs hold under the newest key.
func TestLogFollowsItsKeys(t *testing.T) {
	logDir, dir, heads := rotatedLog(t)
	for i, since := range append(heads, nil) {
		for _, keys := range []Keys{{}, rotated(t, 1), rotated(t, 2), rotated(t, 3)} {
			rep, err := Verify(logDir, VerifyOptions{Keys: keys, Since: since})
			if err != nil || rep.Tampered() || rep.Records() != 63 || rep.NotCheckpointed() != 0 {
				t.Fatalf("head %d, %d keys: %v, %+v, %d records", i, keys.Len(), err, rep.FirstBad(), rep.Records())
			}
		}
		agree(t, "rotated", logDir, since)
	}
	for _, seq := range []uint64{2, 24, 48} {
		data, err := Prove(logDir, FormatID(0, seq), rotated(t, 3))
		if err != nil || len(data) > 4096 {
			t.Fatalf("record %d: %d bytes, %v", seq, len(data), err)
		}
		for _, keys := range []Keys{{}, rotated(t, 1), rotated(t, 3)} {
			if v, err := CheckProof(data, keys); err != nil || !v.Key.Equal(public(testKey(3))) {
				t.Fatalf("record %d with %d keys: %v", seq, keys.Len(), err)
			}
		}
	}
	segs, err := listSegments(dir)
	if err != nil || len(segs) != 1 {
		t.Fatalf("%d segments, %v", len(segs), err)
	}
}

// TestRotationInALaterSegment: a process that opens a chain reads its last
// segment alone, and still knows the key in force.
func TestRotationInALaterSegment(t *testing.T) {
	logDir, dir := slot(t)
	for n := byte(1); n <= 3; n++ {
		for range 2 {
			opt := underKey(t, n)
			opt.SegmentSize = 4 << 10
			l := mustOpen(t, dir, opt)
			fill(t, l, 15)
			mustClose(t, l)
		}
	}
	rep, err := Verify(logDir, VerifyOptions{Keys: rotated(t, 3)})
	if err != nil || rep.Tampered() || rep.Slots[0].Segments < 4 {
		t.Fatalf("%v, %+v", err, rep.FirstBad())
	}
	agree(t, "rotated over segments", logDir, nil)
	if _, err := Open(dir, underKey(t, 2)); !errors.Is(err, ErrTampered) {
		t.Fatalf("a process with a replaced key went on: %v", err)
	}
}

// TestStolenKey: who stole a key that was replaced since cannot use it, and who
// stole the one in force is found by a head from elsewhere.
func TestStolenKey(t *testing.T) {
	known := rotated(t, 3)
	tests := []struct {
		name, want string
		kept       int // the head kept elsewhere; 0: none
		do         func(t *testing.T, dir string)
	}{
		{"the old key signs the head anew", "key that was replaced", 0, func(t *testing.T, dir string) {
			t.Helper()
			resign(t, dir, testKey(2))
		}},
		{"the first key signs a chain without rotations", "the key was replaced by", 0, func(t *testing.T, dir string) {
			t.Helper()
			cutTo(t, dir, 21)
			resign(t, dir, testKey(1))
		}},
		{"the first key signs another rotation", "not the one that the key file holds", 0, func(t *testing.T, dir string) {
			t.Helper()
			cutTo(t, dir, 21)
			resign(t, dir, testKey(1))
			forgedKeys, err := NewKeys(public(testKey(1))).Rotate(testKey(1), testKey(9))
			if err != nil {
				t.Fatal(err)
			}
			opt := signing(t)
			opt.Key, opt.Keys = testKey(9), forgedKeys
			l := mustOpen(t, dir, opt)
			fill(t, l, 40)
			mustClose(t, l)
		}},
		{"an unknown key signs", "not signed by the key", 0, func(t *testing.T, dir string) {
			t.Helper()
			resign(t, dir, testKey(9))
		}},
		{"the key in force signs a changed chain", "are not those that were signed", 3, func(t *testing.T, dir string) {
			t.Helper()
			recompute(t, dir, 31)
			resign(t, dir, testKey(3))
		}},
		{"the key in force signs a cut chain", "is missing", 3, func(t *testing.T, dir string) {
			t.Helper()
			cutTo(t, dir, 50)
			resign(t, dir, testKey(3))
		}},
	}
	for _, c := range tests {
		t.Run(c.name, func(t *testing.T) {
			logDir, dir, heads := rotatedLog(t)
			c.do(t, dir)
			opt := VerifyOptions{Keys: known}
			if c.kept > 0 {
				if rep, err := Verify(logDir, opt); err != nil || rep.Tampered() {
					t.Fatalf("found without the head: %v, %+v", err, rep.FirstBad())
				}
				opt.Since = heads[c.kept-1]
			}
			rep, err := Verify(logDir, opt)
			if err != nil || !rep.Tampered() || !strings.Contains(rep.FirstBad().What, c.want) {
				t.Fatalf("%v, %+v; want %q", err, rep.FirstBad(), c.want)
			}
			pythonAgrees(t, logDir, opt)
		})
	}
}

// cutTo removes every record behind seq.
func cutTo(t testing.TB, dir string, seq uint64) {
	t.Helper()
	f := takeApart(t, filepath.Join(dir, segmentName(1)))
	frame, i := f.locate(seq)
	f.frames = f.frames[:frame+1]
	f.frames[frame] = f.frames[frame][:i+1]
	f.write(t)
}

// pythonAgrees runs the independent verifier with a key file and, where there
// is one, an earlier head.
func pythonAgrees(t *testing.T, logDir string, opt VerifyOptions) {
	t.Helper()
	text, err := FormatKeys(opt.Keys)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	args := []string{"log", logDir, "--key", filepath.Join(dir, "keys")}
	if err := os.WriteFile(filepath.Join(dir, "keys"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if opt.Since != nil {
		args = append(args, "--since", filepath.Join(dir, "head"))
		if err := os.WriteFile(filepath.Join(dir, "head"), opt.Since, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if status, out := python(t, args...); status != verdict(t, logDir, opt) {
		t.Errorf("the independent verifier says %d\n%s", status, out)
	}
}

// TestOldKeyProvesNothing: a proof whose head an old key signed is asked for
// anew, because a thief could have signed it.
func TestOldKeyProvesNothing(t *testing.T) {
	logDir, _, _ := signedLog(t)
	data, err := Prove(logDir, FormatID(0, 14), rotated(t, 1))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := CheckProof(data, rotated(t, 2)); !errors.Is(err, ErrCannotVerify) {
		t.Fatalf("under a key that was replaced: %v", err)
	}
	if _, err := CheckProof(data, NewKeys(public(testKey(2)))); !errors.Is(err, ErrTampered) {
		t.Fatalf("under another key: %v", err)
	}
}

func FuzzKeys(f *testing.F) {
	text, err := FormatKeys(rotated(f, 3))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	first := public(testKey(1))
	f.Fuzz(func(t *testing.T, text string) {
		k, err := ParseKeys(text)
		if err != nil {
			return
		}
		if k.Len() > 1 && first.Equal(k.list[0]) && !rotated(t, 3).Extends(k) {
			t.Fatal("a key follows that the one before it never signed")
		}
		again, err := FormatKeys(k)
		if parsed, perr := ParseKeys(again); err != nil || perr != nil || !parsed.Extends(k) {
			t.Fatal("not read again as written", err, perr)
		}
	})
}
