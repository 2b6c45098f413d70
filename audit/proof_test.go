package audit

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestProveAndCheck: the proof of a call holds its admission and its outcome,
// whichever of the two was asked for, with the stored tree and without it.
func TestProveAndCheck(t *testing.T) {
	logDir, dir, _ := signedLog(t)
	key := public(testKey(1))
	for _, tree := range []string{"stored", "removed"} {
		if tree == "removed" {
			_ = os.Remove(filepath.Join(dir, treeName))
		}
		for _, seq := range []uint64{14, 15, 1} {
			data, err := Prove(logDir, FormatID(0, seq), NewKeys(key))
			if err != nil {
				t.Fatalf("%s: %v", tree, err)
			}
			if len(data) > 4096 {
				t.Errorf("%d bytes, want at most 4 KiB", len(data))
			}
			for _, k := range []Keys{NewKeys(key), {}} {
				v, err := CheckProof(data, k)
				if err != nil {
					t.Fatal(err)
				}
				if want := min(seq, 2); seq > 1 && (len(v.Records) != int(want) || v.Records[0].Seq != 14 || v.Records[1].Seq != 15) {
					t.Errorf("record %d: proof of %d records", seq, len(v.Records))
				}
				if v.Embedded != k.IsZero() || !v.Key.Equal(key) {
					t.Errorf("key %v, embedded %v", v.Key, v.Embedded)
				}
			}
		}
	}
}

// TestProveAnApprovedCall: the answer of the person who approved a call is part
// of its proof, and another person's answer is not.
func TestProveAnApprovedCall(t *testing.T) {
	logDir, dir := slot(t)
	l := mustOpen(t, dir, signing(t))
	fill(t, l, 30)
	answer := func(id, by string) Ticket {
		r := admission(1)
		r.Kind, r.Decision, r.Approval = KindApproval, 0, &Approval{ID: id, State: "allowed", By: by, Channel: "tty", Assurance: "host"}
		return l.Append(r)
	}
	answer("a_1", "")
	answer("a_2", "os:eve")
	want := answer("a_1", "os:boss")
	approved := admission(2)
	approved.Approval = &Approval{ID: "a_1", State: "allowed", By: "os:boss", Channel: "tty", Assurance: "host"}
	call := l.Append(approved)
	other := l.Append(admission(3))
	end := l.Append(outcome(call.Seq()))
	mustClose(t, l)
	for _, id := range []string{call.ID(), end.ID()} {
		data, err := Prove(logDir, id, rotated(t, 1))
		if err != nil || len(data) > 4096 {
			t.Fatalf("%d bytes, %v", len(data), err)
		}
		v, err := CheckProof(data, rotated(t, 1))
		if err != nil {
			t.Fatal(err)
		}
		var seqs []uint64
		for i := range v.Records {
			seqs = append(seqs, v.Records[i].Seq)
		}
		if d := cmp.Diff([]uint64{call.Seq(), want.Seq(), end.Seq()}, seqs); d != "" {
			t.Errorf("%s (-want +got)\n%s", id, d)
		}
		file := filepath.Join(t.TempDir(), "proof")
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
		if status, out := python(t, "proof", file); status != 0 {
			t.Errorf("the independent verifier says %d\n%s", status, out)
		}
		var p proof
		if err := json.Unmarshal(data, &p); err != nil {
			t.Fatal(err)
		}
		// A true record that belongs to another call.
		strange, err := Prove(logDir, other.ID(), rotated(t, 1))
		if err != nil {
			t.Fatal(err)
		}
		var q proof
		if err := json.Unmarshal(strange, &q); err != nil {
			t.Fatal(err)
		}
		q.Records = append(q.Records, provenLine{Line: p.Records[1].Line})
		for _, i := range p.Records[1].Path {
			q.Records[1].Path = append(q.Records[1].Path, len(q.Hashes))
			q.Hashes = append(q.Hashes, p.Hashes[i])
		}
		forged, err := json.Marshal(&q)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := CheckProof(forged, rotated(t, 1)); !errors.Is(err, ErrTampered) || !strings.Contains(err.Error(), "does not belong") {
			t.Errorf("an approval of another call: %v", err)
		}
	}
}

// TestCheckFindsEveryChange: no byte of a proof can be changed so that it shows
// something else.
func TestCheckFindsEveryChange(t *testing.T) {
	logDir, _, _ := signedLog(t)
	key := public(testKey(1))
	data, err := Prove(logDir, FormatID(0, 14), NewKeys(key))
	if err != nil {
		t.Fatal(err)
	}
	good, err := CheckProof(data, NewKeys(key))
	if err != nil {
		t.Fatal(err)
	}
	for i := range data {
		changed := bytes.Clone(data)
		changed[i] ^= 1
		v, err := CheckProof(changed, NewKeys(key))
		if err == nil && (strings.Join(v.Lines, "\n") != strings.Join(good.Lines, "\n") || v.Head != good.Head) {
			t.Fatalf("byte %d changed, %q shows another call", i, changed[max(0, i-10):i+10])
		}
		if err != nil && !errors.Is(err, ErrTampered) && !errors.Is(err, ErrCannotVerify) {
			t.Fatalf("byte %d: %v", i, err)
		}
	}
}

func TestCheckRefuses(t *testing.T) {
	logDir, dir, _ := signedLog(t)
	key := public(testKey(1))
	data, err := Prove(logDir, FormatID(0, 14), NewKeys(key))
	if err != nil {
		t.Fatal(err)
	}
	edit := func(do func(p *proof)) []byte {
		var p proof
		if err := json.Unmarshal(data, &p); err != nil {
			t.Fatal(err)
		}
		do(&p)
		b, err := json.Marshal(&p)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	forged := edit(func(p *proof) {
		c := Checkpoint{Instance: InstanceID(key), Size: 1, Root: leafHash(sha256.Sum256([]byte(p.Records[0].Line)))}
		signed, _ := c.Sign(testKey(2))
		p.Checkpoint = string(signed)
	})
	for name, c := range map[string]struct {
		data []byte
		want error
	}{
		"denied made allowed": {edit(func(p *proof) { p.Records[0].Line = strings.Replace(p.Records[0].Line, "files", "filez", 1) }), ErrTampered},
		"no record":           {edit(func(p *proof) { p.Records = nil }), ErrTampered},
		"another call":        {edit(func(p *proof) { p.Records[0], p.Records[1] = p.Records[1], p.Records[0] }), ErrTampered},
		"bad index":           {edit(func(p *proof) { p.Records[0].Path[0] = 99 }), ErrTampered},
		"another key":         {forged, ErrTampered},
		"newer format":        {edit(func(p *proof) { p.Format = 2 }), ErrCannotVerify},
		"not JSON":            {[]byte("x"), ErrCannotVerify},
	} {
		if _, err := CheckProof(c.data, NewKeys(key)); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	if _, err := CheckProof(data, NewKeys(public(testKey(2)))); !errors.Is(err, ErrTampered) {
		t.Errorf("checked with another key: %v", err)
	}
	recompute(t, dir, 4)
	if _, err := Prove(logDir, FormatID(0, 4), NewKeys(key)); !errors.Is(err, ErrTampered) {
		t.Errorf("proved a changed record: %v", err)
	}
	if _, err := Prove(logDir, FormatID(0, 400), NewKeys(key)); !errors.Is(err, ErrCannotVerify) {
		t.Errorf("proved what was not signed: %v", err)
	}
}

func FuzzCheckProof(f *testing.F) {
	// Every worker of the fuzzer makes this log, and must make the same.
	logDir, dir := slot(f)
	opt := signing(f)
	opt.Now = func() time.Time { return time.Unix(1_700_000_000, 0) }
	l := mustOpen(f, dir, opt)
	fill(f, l, 10)
	mustClose(f, l)
	key := public(testKey(1))
	data, err := Prove(logDir, FormatID(0, 14), NewKeys(key))
	if err != nil {
		f.Fatal(err)
	}
	good, err := CheckProof(data, NewKeys(key))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte(`{"custos_proof":1}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if v, err := CheckProof(data, NewKeys(key)); err == nil && v.Head != good.Head {
			t.Fatalf("proved with a head that was never signed: %+v", v.Head)
		}
	})
}

// BenchmarkProof proves and checks one record of a million.
func BenchmarkProof(b *testing.B) {
	const size = 1 << 20
	leaves, hashes := make([][]byte, size), make([][sha256.Size]byte, size)
	for i := range leaves {
		leaves[i] = []byte{byte(i), byte(i >> 8), byte(i >> 16)}
		hashes[i] = sha256.Sum256(leaves[i])
	}
	tree, _ := buildTree(b, hashes)
	head := Checkpoint{Size: size, Root: tree.root()}
	i := 0
	for b.Loop() {
		i = (i + 7919) % size
		if _, err := proveLine(storedHashes{tree.f}, &head, storedLine{uint64(i + 1), leaves[i]}); err != nil {
			b.Fatal(err)
		}
	}
}
