package audit

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"testing"
	"time"
)

// TestCosignature: a witness's word counts for this text, this key, this name
// and this time, and for nothing else.
func TestCosignature(t *testing.T) {
	head := Checkpoint{Instance: InstanceID(public(testKey(1))), Slot: 2, Size: 4711}
	signed, err := head.Sign(testKey(1))
	if err != nil {
		t.Fatal(err)
	}
	w := NewCosigner("witness.example/w1", testKey(7))
	at := time.Unix(1679315147, 0).UTC()
	line, err := w.Cosign(signed, at)
	if err != nil {
		t.Fatal(err)
	}
	whole := append(bytes.Clone(signed), line...)
	if got, ok := w.At(whole); !ok || !got.Equal(at) {
		t.Fatalf("cosigned at %v, %v", got, ok)
	}
	if lines := w.Lines(whole); !bytes.Equal(lines, line) {
		t.Fatalf("lines %q, want %q", lines, line)
	}
	later := bytes.Clone(whole)
	raw, err := base64.StdEncoding.DecodeString(string(bytes.Fields(line)[2]))
	if err != nil {
		t.Fatal(err)
	}
	binary.BigEndian.PutUint64(raw[4:], uint64(at.Unix())+60)
	later = bytes.Replace(later, bytes.Fields(line)[2], []byte(base64.StdEncoding.EncodeToString(raw)), 1)
	for name, c := range map[string]struct {
		key    WitnessKey
		signed []byte
	}{
		"another size":   {w.WitnessKey, bytes.Replace(whole, []byte("\n4711\n"), []byte("\n4712\n"), 1)},
		"another origin": {w.WitnessKey, bytes.Replace(whole, []byte("/02\n"), []byte("/03\n"), 1)},
		"another time":   {w.WitnessKey, later},
		"another key":    {NewWitnessKey(w.Name(), public(testKey(8))), whole},
		"another name":   {NewWitnessKey("witness.example/w2", public(testKey(7))), whole},
		"not cosigned":   {w.WitnessKey, signed},
	} {
		if got, ok := c.key.At(c.signed); ok {
			t.Errorf("%s: believed, at %v", name, got)
		}
	}
}

func TestWitnessKeyText(t *testing.T) {
	want := NewWitnessKey("witness.example/w1", public(testKey(7)))
	got, err := ParseWitnessKey(want.String() + "\n")
	if err != nil || got.String() != want.String() || got.Name() != want.Name() {
		t.Fatalf("%v, %v", got, err)
	}
	plain, err := FormatKey(public(testKey(7)))
	if err != nil {
		t.Fatal(err)
	}
	text := want.String()
	for _, bad := range []string{"", "x", plain, text[:len(text)-4], "other" + text, "a b" + text, text + "+x"} {
		if _, err := ParseWitnessKey(bad); err == nil {
			t.Errorf("accepted %q", bad)
		}
	}
}
