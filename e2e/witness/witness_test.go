package witness

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"testing"
	"time"

	flog "github.com/transparency-dev/formats/log"
	fnote "github.com/transparency-dev/formats/note"
	"golang.org/x/mod/sumdb/note"

	"github.com/custos-zt/custos/audit"
)

const witnessName = "witness.example/w1"

func key(n byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{n}, ed25519.SeedSize))
}

func public(n byte) ed25519.PublicKey { return ed25519.PublicKey(key(n)[ed25519.SeedSize:]) }

// checkpoint signs a checkpoint as Custos does.
func checkpoint(t *testing.T) (audit.Checkpoint, []byte) {
	t.Helper()
	c := audit.Checkpoint{Instance: audit.InstanceID(public(1)), Slot: 3, Size: 20852163}
	for i := range c.Root {
		c.Root[i] = byte(i)
	}
	signed, err := c.Sign(key(1))
	if err != nil {
		t.Fatal(err)
	}
	return c, signed
}

// TestTheirParserReadsOurCheckpoint: origin, size, root and signature.
func TestTheirParserReadsOurCheckpoint(t *testing.T) {
	c, signed := checkpoint(t)
	origin := audit.CheckpointOrigin(c.Instance, c.Slot)
	text, err := note.NewEd25519VerifierKey(origin, public(1))
	if err != nil {
		t.Fatal(err)
	}
	v, err := note.NewVerifier(text)
	if err != nil {
		t.Fatal(err)
	}
	got, rest, _, err := flog.ParseCheckpoint(signed, origin, v)
	if err != nil || got.Size != c.Size || !bytes.Equal(got.Hash, c.Root[:]) || len(rest) != 0 {
		t.Fatalf("%+v, %q, %v", got, rest, err)
	}
}

// TestTheirVerifierBelievesOurWitness: the key as we print it, the cosignature
// as we make it, and its time.
func TestTheirVerifierBelievesOurWitness(t *testing.T) {
	_, signed := checkpoint(t)
	w := audit.NewCosigner(witnessName, key(7))
	at := time.Unix(1679315147, 0)
	line, err := w.Cosign(signed, at)
	if err != nil {
		t.Fatal(err)
	}
	v, err := fnote.NewVerifierForCosignatureV1(w.String())
	if err != nil {
		t.Fatal(err)
	}
	n, err := note.Open(append(signed, line...), note.VerifierList(v))
	if err != nil || len(n.Sigs) != 1 {
		t.Fatalf("%+v, %v", n, err)
	}
	if got, err := fnote.CoSigV1Timestamp(n.Sigs[0]); err != nil || !got.Equal(at) {
		t.Fatalf("cosigned at %v, %v; want %v", got, err, at)
	}
}

// TestWeBelieveTheirWitness: the same key and the same statement by their
// signer, and not once a byte of it is another one.
func TestWeBelieveTheirWitness(t *testing.T) {
	_, signed := checkpoint(t)
	plain := audit.NewWitnessKey(witnessName, public(7))
	v1, err := note.NewEd25519VerifierKey(witnessName, public(7))
	if err != nil {
		t.Fatal(err)
	}
	var hash uint32
	if v, err := note.NewVerifier(v1); err == nil {
		hash = v.KeyHash()
	}
	signer, err := fnote.NewSignerForCosignatureV1(fmt.Sprintf("PRIVATE+KEY+%s+%08x+%s", witnessName, hash,
		base64.StdEncoding.EncodeToString(append([]byte{1}, key(7).Seed()...))))
	if err != nil {
		t.Fatal(err)
	}
	text, _, _ := bytes.Cut(signed, []byte("\n\n"))
	cosigned, err := note.Sign(&note.Note{Text: string(text) + "\n"}, signer)
	if err != nil {
		t.Fatal(err)
	}
	at, ok := plain.At(cosigned)
	if !ok || time.Since(at).Abs() > time.Minute {
		t.Fatalf("cosigned at %v, %v\n%s", at, ok, cosigned)
	}
	changed := bytes.Replace(cosigned, []byte("\n20852163\n"), []byte("\n20852164\n"), 1)
	if _, ok := plain.At(changed); ok {
		t.Fatal("believed a cosignature of another size")
	}
}
