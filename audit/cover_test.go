package audit

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// signedLog makes a closed log with checkpoints, and a head of it that was
// kept elsewhere before its second half was written.
func signedLog(t testing.TB) (logDir, dir string, since []byte) {
	t.Helper()
	logDir, dir = slot(t)
	for range 2 {
		l := mustOpen(t, dir, signing(t))
		fill(t, l, 10)
		mustClose(t, l)
		if since == nil {
			var err error
			if since, _, err = Heads(logDir); err != nil {
				t.Fatal(err)
			}
		}
	}
	return logDir, dir, since
}

// recompute changes a record and carries the change through to the end of the
// chain, as somebody would who wants no hash to betray it.
func recompute(t testing.TB, dir string, seq uint64) {
	t.Helper()
	f := takeApart(t, filepath.Join(dir, segmentName(1)))
	var prev string
	for frame := range f.frames {
		for i, r := range f.frames[frame] {
			h, _ := peek(r)
			if h.seq > seq {
				r = bytes.Replace(r, h.prev, []byte(prev), 1)
			} else if h.seq == seq {
				r = bytes.Replace(r, []byte(`"files"`), []byte(`"filez"`), 1)
			}
			f.frames[frame][i] = r
			sum := sha256.Sum256(r)
			prev = hex.EncodeToString(sum[:])
		}
	}
	f.write(t)
}

// resign signs what the log holds now, as somebody with a stolen key would.
func resign(t testing.TB, dir string, key ed25519.PrivateKey) {
	t.Helper()
	var tree fold
	d := osDisk()
	file, err := openTree(&d, dir, Checkpoint{Root: emptyRoot()}, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer file.f.Close()
	for _, line := range storedLines(t, dir) {
		if err := file.append(sha256.Sum256(line)); err != nil {
			t.Fatal(err)
		}
	}
	if err := file.flush(); err != nil {
		t.Fatal(err)
	}
	tree = file.fold
	c := Checkpoint{Instance: InstanceID(public(testKey(1))), Size: tree.size, Root: tree.root()}
	signed, err := c.Sign(key)
	if err != nil {
		t.Fatal(err)
	}
	if err := replaceFile(&d, dir, checkpointName, signed, func() bool { return true }); err != nil {
		t.Fatal(err)
	}
}

// cutFrames removes the last n frames.
func cutFrames(t testing.TB, dir string, n int) {
	t.Helper()
	f := takeApart(t, filepath.Join(dir, segmentName(1)))
	f.frames = f.frames[:len(f.frames)-n]
	f.write(t)
}

// TestHeads: what each head finds, and what it cannot.
func TestHeads(t *testing.T) {
	tests := []struct {
		name string
		do   func(t *testing.T, dir string)
		own  string // what verify says without an earlier head; "": intact
		kept string // and with one
	}{
		{"untouched", func(*testing.T, string) {}, "", ""},
		{"torn tail", func(t *testing.T, dir string) {
			t.Helper()
			path := filepath.Join(dir, segmentName(1))
			st, err := os.Stat(path)
			if err == nil {
				err = os.Truncate(path, st.Size()-20)
			}
			if err != nil {
				t.Fatal(err)
			}
		}, "is missing", "is missing"},
		{"cut", func(t *testing.T, dir string) {
			t.Helper()
			cutFrames(t, dir, 3)
		}, "is missing", "is missing"},
		{"recomputed", func(t *testing.T, dir string) {
			t.Helper()
			recompute(t, dir, 4)
		}, "is not the record", "is not the record"},
		{"recomputed, tree removed", func(t *testing.T, dir string) {
			t.Helper()
			recompute(t, dir, 4)
			_ = os.Remove(filepath.Join(dir, treeName))
		}, "are not those", "are not those"},
		{"recomputed, checkpoint removed", func(t *testing.T, dir string) {
			t.Helper()
			recompute(t, dir, 4)
			_ = os.Remove(filepath.Join(dir, checkpointName))
		}, "", "is not the record"},
		{"recomputed and signed with the stolen key", func(t *testing.T, dir string) {
			t.Helper()
			recompute(t, dir, 4)
			resign(t, dir, testKey(1))
		}, "", "are not those"},
		{"cut behind the head and signed with the stolen key", func(t *testing.T, dir string) {
			t.Helper()
			cutFrames(t, dir, 3)
			resign(t, dir, testKey(1))
		}, "", ""},
		{"cut before the head and signed with the stolen key", func(t *testing.T, dir string) {
			t.Helper()
			cutFrames(t, dir, 30)
			resign(t, dir, testKey(1))
		}, "", "is missing"},
		{"signed with another key", func(t *testing.T, dir string) {
			t.Helper()
			resign(t, dir, testKey(2))
		}, "not signed", "not signed"},
		{"garbage for a checkpoint", func(t *testing.T, dir string) {
			t.Helper()
			if err := os.WriteFile(filepath.Join(dir, checkpointName), []byte("x"), 0o600); err != nil {
				t.Fatal(err)
			}
		}, "not a checkpoint", "not a checkpoint"},
	}
	for _, c := range tests {
		t.Run(c.name, func(t *testing.T) {
			logDir, dir, since := signedLog(t)
			c.do(t, dir)
			for head, want := range map[string]string{"": c.own, string(since): c.kept} {
				opt := VerifyOptions{Keys: NewKeys(public(testKey(1)))}
				if head != "" {
					opt.Since = since
				}
				rep, err := Verify(logDir, opt)
				bad := rep.FirstBad()
				switch {
				case err != nil:
					t.Fatal(err)
				case want == "" && bad != nil, want != "" && (bad == nil || !strings.Contains(bad.What, want)):
					t.Errorf("with an earlier head: %v: %+v, want %q", head != "", bad, want)
				case strings.Contains(want, "is not the record") && bad.Seq != 4:
					t.Errorf("named record %d, record 4 was changed", bad.Seq)
				}
			}
		})
	}
}

func TestScopeAndCounts(t *testing.T) {
	logDir, dir, since := signedLog(t)
	rep, err := Verify(logDir, VerifyOptions{Since: since})
	if err != nil || rep.Scope != "checked against a head of record 21 of slot 00" {
		t.Fatalf("scope %q, %v", rep.Scope, err)
	}
	if rep.TailUnproven() != 20 || rep.NotCheckpointed() != 0 || rep.Records() != 41 {
		t.Fatalf("%d unproven, %d not checkpointed of %d", rep.TailUnproven(), rep.NotCheckpointed(), rep.Records())
	}
	if err := os.Remove(filepath.Join(dir, checkpointName)); err != nil {
		t.Fatal(err)
	}
	rep, err = Verify(logDir, VerifyOptions{})
	if err != nil || rep.Scope != ScopeLocal || rep.NotCheckpointed() != 41 || rep.TailUnproven() != 41 {
		t.Fatalf("without a checkpoint: %+v, %v", rep, err)
	}
}

// TestWrongHead: a head that cannot be read, or is signed by another key, is no
// finding about the log; another key than the log's is.
func TestWrongHead(t *testing.T) {
	logDir, _, _ := signedLog(t)
	foreign := Checkpoint{Instance: InstanceID(public(testKey(2))), Size: 1}
	signed, err := foreign.Sign(testKey(2))
	if err != nil {
		t.Fatal(err)
	}
	for name, head := range map[string][]byte{"empty": {}, "text": []byte("a\n\nb\n"), "foreign": signed} {
		if _, err := Verify(logDir, VerifyOptions{Since: head}); !errors.Is(err, ErrCannotVerify) {
			t.Errorf("%s: %v", name, err)
		}
	}
	rep, err := Verify(logDir, VerifyOptions{Keys: NewKeys(public(testKey(2)))})
	if err != nil || !rep.Tampered() || !strings.Contains(rep.FirstBad().What, "expected sha256:") {
		t.Fatalf("another key: %v, %+v", err, rep.FirstBad())
	}
}

// TestGenesisNamesItsKey: nobody can put another key into a log under the name
// of the same instance, whatever else is computed and signed anew.
func TestGenesisNamesItsKey(t *testing.T) {
	logDir, dir, _ := signedLog(t)
	f := takeApart(t, filepath.Join(dir, segmentName(1)))
	mine, other := recordKey(public(testKey(1))), recordKey(public(testKey(2)))
	f.frames[0][0] = bytes.Replace(f.frames[0][0], []byte(mine), []byte(other), 1)
	f.write(t)
	recompute(t, dir, 1)
	resign(t, dir, testKey(2))
	rep, err := Verify(logDir, VerifyOptions{})
	if err != nil || !rep.Tampered() || !strings.Contains(rep.FirstBad().What, "not that of its instance") {
		t.Fatalf("%v, %+v", err, rep.FirstBad())
	}
}

func TestKeyText(t *testing.T) {
	key := public(testKey(1))
	text, err := FormatKey(key)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := ParseKey(text + "\n"); err != nil || !got.Equal(key) {
		t.Fatalf("%v, %v", got, err)
	}
	for _, bad := range []string{"", "x", text[:len(text)-2], "custos/i_OTHER" + text[strings.Index(text, "+"):]} {
		if _, err := ParseKey(bad); err == nil {
			t.Errorf("accepted %q", bad)
		}
	}
}

func FuzzCheckpoint(f *testing.F) {
	c := Checkpoint{Instance: InstanceID(public(testKey(1))), Slot: 3, Size: 9}
	signed, err := c.Sign(testKey(1))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(signed)
	f.Add([]byte("custos/i/00\n1\n\n\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if got, err := OpenCheckpoint(data, public(testKey(1))); err == nil && got != c {
			t.Fatalf("opened what was never signed: %+v", got)
		}
		if list, err := SplitHeads(data); err == nil && len(list) == 0 {
			t.Fatal("no heads and no error")
		}
	})
}
