package audit

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/custos-zt/custos/access"
)

// sample returns the bytes of a small segment.
func sample(f *testing.F) []byte {
	f.Helper()
	_, dir := slot(f)
	l := mustOpen(f, dir, options(f))
	fill(f, l, 4)
	mustClose(f, l)
	b, err := os.ReadFile(filepath.Join(dir, segmentName(1)))
	if err != nil {
		f.Fatal(err)
	}
	return b
}

// FuzzDecodeFrame walks arbitrary bytes as a segment: it must end, and every
// frame must lie in the file.
func FuzzDecodeFrame(f *testing.F) {
	good := sample(f)
	f.Add(good)
	f.Add(good[:len(good)-3])
	f.Add(append(bytes.Clone(good), make([]byte, 64)...))
	f.Add(sealFileHeader(FormatVersion))
	f.Fuzz(func(t *testing.T, b []byte) {
		path := filepath.Join(t.TempDir(), segmentName(1))
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		w, err := openWalker(path)
		if err != nil {
			return
		}
		defer w.close()
		for {
			payload, at, err := w.next()
			if err != nil {
				if tl, err := examineTail(w.f, at); err != nil || tl.bytes > max(0, int64(len(b))-at) {
					t.Fatalf("tail at %d: %+v, %v", at, tl, err)
				}
				return
			}
			if !bytes.Equal(payload, b[at+frameHeader:at+frameHeader+int64(len(payload))]) {
				t.Fatalf("the payload at %d is not what the file holds", at)
			}
			lines(payload, func(line []byte, _ int) bool { _, _ = Decode(line); return true })
		}
	})
}

// FuzzVerify changes one place of a good log: what is not found must have
// left every record as it was, but for the end.
func FuzzVerify(f *testing.F) {
	good := sample(f)
	f.Add(100, []byte("x"), false)
	f.Add(len(good)-4, []byte{}, true)
	f.Add(20, []byte{0, 0, 0, 0}, false)
	path := filepath.Join(f.TempDir(), segmentName(1))
	if err := os.WriteFile(path, good, 0o600); err != nil {
		f.Fatal(err)
	}
	whole := slices.Concat(takeApart(f, path).frames...)
	f.Fuzz(func(t *testing.T, at int, patch []byte, cut bool) {
		if at < 0 || at > len(good) {
			return
		}
		b := append(bytes.Clone(good[:at]), patch...)
		if !cut && len(b) < len(good) {
			b = append(b, good[len(b):]...)
		}
		logDir, dir := slot(t)
		if err := os.WriteFile(filepath.Join(dir, segmentName(1)), b, 0o600); err != nil {
			t.Fatal(err)
		}
		rep, err := Verify(logDir, VerifyOptions{})
		if err != nil {
			t.Skip("not readable")
		}
		if rep.Tampered() {
			if _, err := Open(dir, options(t)); err == nil {
				t.Fatalf("opened what is tampered: %+v", rep.FirstBad())
			}
			return
		}
		n := 0
		for r, err := range Read(logDir, ReadOptions{}) {
			if err != nil {
				t.Fatal(err)
			}
			if line := appendStored(nil, &r); n < int(rep.Records())-1 && !bytes.Equal(whole[n], line) {
				t.Fatalf("record %d is not what was written:\n%s", r.Seq, line)
			}
			n++
		}
	})
}

// FuzzRecord stores records of arbitrary text and reads them back.
func FuzzRecord(f *testing.F) {
	f.Add("write_file", "file:///x", "no", uint64(1), 0, int64(5))
	f.Add("\x00\u202e\xff", strings.Repeat("é", 3000), "\"},{", uint64(1<<40), 1023, int64(-1))
	f.Fuzz(func(t *testing.T, tool, uri, message string, seq uint64, slot int, n int64) {
		r := Record{
			Version: 1, Slot: slot & (MaxSlots - 1), Seq: max(1, seq&maxSeq), Prev: genesisPrev, Kind: KindAdmission,
			Time: time.UnixMicro(n & 0xffffffffffff).UTC(), Tool: tool, URI: uri, Message: message, Rule: tool,
			Decision: access.Deny, Bytes: n, Labels: []string{uri, tool}, Args: &Args{Names: []string{tool}, Count: 1},
		}
		line := appendStored(nil, &r)
		if !json.Valid(line) || bytes.ContainsAny(line, "\n\x1b\x7f") {
			t.Fatalf("stored as %q", line)
		}
		got, err := Decode(line)
		if err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		cut := max(len(got.URI), len(got.Tool), len(got.Message)) > maxText
		if again := appendStored(nil, &got); !bytes.Equal(line, again) && !cut {
			t.Fatalf("(-stored +stored again)\n%s", cmp.Diff(string(line), string(again)))
		}
		if !json.Valid(got.ExportJSON()) {
			t.Fatalf("exported as %q", got.ExportJSON())
		}
		if slot, seq, err := ParseID(got.ID()); err != nil || slot != r.Slot || seq != r.Seq {
			t.Fatalf("id %s of %d:%d reads as %d:%d, %v", got.ID(), r.Slot, r.Seq, slot, seq, err)
		}
	})
}
