package auditor

import (
	"bytes"
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"filippo.io/age"
)

func identity(t testing.TB) (recipient string, file []byte) {
	t.Helper()
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	return id.Recipient().String(), []byte("# created: today\n" + id.String() + "\n")
}

func TestOnlyTheAuditorReadsIt(t *testing.T) {
	public, file := identity(t)
	r, err := ParseRecipient(public + "\n")
	if err != nil {
		t.Fatal(err)
	}
	plain := []byte(`{"q":"canary"}`)
	sealed, err := r.Encrypt(plain)
	if err != nil || strings.Contains(sealed, "canary") {
		t.Fatalf("%s, %v", sealed, err)
	}
	if got, err := Decrypt(sealed, file); err != nil || !bytes.Equal(got, plain) {
		t.Errorf("%s, %v", got, err)
	}
	_, other := identity(t)
	if got, err := Decrypt(sealed, other); !errors.Is(err, ErrIdentity) {
		t.Errorf("another identity: %s, %v", got, err)
	}
	raw, err := base64.StdEncoding.DecodeString(sealed)
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range []int{0, len(raw) / 2, len(raw) - 1} {
		changed := bytes.Clone(raw)
		changed[at] ^= 1
		if got, err := Decrypt(base64.StdEncoding.EncodeToString(changed), file); err == nil {
			t.Errorf("byte %d changed: %s", at, got)
		}
	}
}

func TestWhatIsNoKeyIsNotRepeated(t *testing.T) {
	public, file := identity(t)
	secret := strings.TrimSpace(strings.SplitN(string(file), "\n", 2)[1])
	for _, text := range []string{"", "age1", secret, strings.ToLower(secret), public + "\n" + public, "ssh-ed25519 AAAA", public[:20]} {
		_, err := ParseRecipient(text)
		if err == nil {
			t.Errorf("%q is a recipient", text)
		} else if len(text) > 4 && strings.Contains(err.Error(), text) {
			t.Errorf("the error repeats the text: %v", err)
		}
	}
	if _, err := ParseRecipient(secret); !strings.Contains(err.Error(), "this is a secret key") {
		t.Errorf("a secret key: %v", err)
	}
	r, err := ParseRecipient(public)
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := r.Encrypt([]byte("x"))
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string][2]string{
		"no identity":  {sealed, "AGE-SECRET-KEY-1WRONG"},
		"empty file":   {sealed, ""},
		"not base64":   {"%%%", string(file)},
		"not age":      {"aGVsbG8=", string(file)},
		"half of it":   {sealed[:len(sealed)/2/4*4], string(file)},
		"public given": {sealed, public},
	} {
		if _, err := Decrypt(c[0], []byte(c[1])); err == nil || strings.Contains(err.Error(), "WRONG") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func BenchmarkEncrypt(b *testing.B) {
	public, _ := identity(b)
	r, err := ParseRecipient(public)
	if err != nil {
		b.Fatal(err)
	}
	plain := bytes.Repeat([]byte("x"), 400)
	for b.Loop() {
		if _, err := r.Encrypt(plain); err != nil {
			b.Fatal(err)
		}
	}
}
