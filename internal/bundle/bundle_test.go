package bundle

import (
	"bytes"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var now = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// pair makes a key from a seed: tests need no secrecy.
func pair(seed byte) (ed25519.PublicKey, ed25519.PrivateKey) {
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize))
	public, _ := key.Public().(ed25519.PublicKey) // it is one
	return public, key
}

func manifest() Manifest {
	return Manifest{Name: "laptop", Revision: 7, Audience: []string{"desk"}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour)}
}

func members() []Member {
	return []Member{{"a.yaml", []byte("policy: a\n")}, {"b.toml", []byte("policy = \"b\"\n")}}
}

func signed(t *testing.T, m Manifest, files []Member) []byte {
	t.Helper()
	_, key := pair(1)
	data, err := Sign(key, m, files)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func trust() Trust {
	public, _ := pair(1)
	return Trust{Keys: []Key{{Public: public}}, Audience: "desk", Now: now}
}

func TestOpen(t *testing.T) {
	data := signed(t, manifest(), members())
	b, err := Open(data, trust())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(members(), b.Members); diff != "" {
		t.Error(diff)
	}
	if b.Manifest.Revision != 7 || b.KeyID != KeyID(trust().Keys[0].Public) || !strings.HasPrefix(b.Digest, "sha256:") {
		t.Errorf("opened %+v", b)
	}
	unchecked := trust()
	unchecked.Keys = nil
	if b, err := Open(data, unchecked); err != nil || b.KeyID != "" {
		t.Errorf("without keys: %+v, %v", b, err)
	}
}

// TestThreats changes a good bundle as an attacker would.
func TestThreats(t *testing.T) {
	other, _ := pair(2)
	_, otherKey := pair(2)
	change := func(fn func(*file)) func([]byte) []byte {
		return func(data []byte) []byte {
			var f file
			if err := json.Unmarshal(data, &f); err != nil {
				t.Fatal(err)
			}
			fn(&f)
			out, err := json.Marshal(f)
			if err != nil {
				t.Fatal(err)
			}
			return out
		}
	}
	replaced := func(old, by string) func(*file) {
		return func(f *file) {
			f.Envelope.Payload = bytes.Replace(f.Envelope.Payload, []byte(old), []byte(by), 1)
		}
	}
	for _, c := range []struct {
		name   string
		attack func([]byte) []byte
		trust  func(*Trust)
		want   error
	}{
		{"an altered member", change(func(f *file) { f.Members[0].Data = []byte("policy: b\n") }), nil, ErrMember},
		{"members that change places", change(func(f *file) { f.Members[0], f.Members[1] = f.Members[1], f.Members[0] }), nil, ErrMember},
		{"members that change names", change(func(f *file) { f.Members[0].Name, f.Members[1].Name = f.Members[1].Name, f.Members[0].Name }), nil, ErrMember},
		{"a member more", change(func(f *file) { f.Members = append(f.Members, Member{"c.yaml", nil}) }), nil, ErrMember},
		{"a member less", change(func(f *file) { f.Members = f.Members[:1] }), nil, ErrMember},
		{"a member twice", change(func(f *file) { f.Members[1] = f.Members[0] }), nil, ErrMember},
		{"an altered manifest", change(replaced(`"revision":7`, `"revision":9`)), nil, ErrSignature},
		{"a manifest without its audience", change(replaced(`"audience":["desk"],`, ``)), nil, ErrSignature},
		{"no signature", change(func(f *file) { f.Envelope.Signatures = nil }), nil, ErrSignature},
		{"an empty signature", change(func(f *file) { f.Envelope.Signatures[0].Sig = nil }), nil, ErrSignature},
		{"a signature without the encoding", change(func(f *file) {
			f.Envelope.Signatures[0].Sig = ed25519.Sign(otherKey, f.Envelope.Payload)
		}), func(x *Trust) { x.Keys = []Key{{Public: other}} }, ErrSignature},
		{"another type", change(func(f *file) { f.Envelope.PayloadType = "text/plain" }), nil, ErrMalformed},
		{"another key", nil, func(x *Trust) { x.Keys = []Key{{Public: other}} }, ErrSignature},
		{"the id of a trusted key", change(func(f *file) {
			f.Envelope.Signatures[0] = signature{KeyID(trust().Keys[0].Public), ed25519.Sign(otherKey, encoded(payloadType, f.Envelope.Payload))}
		}), nil, ErrSignature},
		{"an expired one", nil, func(x *Trust) { x.Now = now.Add(time.Hour) }, ErrExpired},
		{"one of tomorrow", nil, func(x *Trust) { x.Now = now.Add(-2 * time.Hour) }, ErrTooEarly},
		{"another audience", nil, func(x *Trust) { x.Audience = "server" }, ErrAudience},
		{"no audience", nil, func(x *Trust) { x.Audience = "" }, ErrAudience},
		{"a second document", func(data []byte) []byte { return append(data, data...) }, nil, ErrMalformed},
		{"an unknown member of the file", func(data []byte) []byte {
			return bytes.Replace(data, []byte(`"envelope"`), []byte(`"x": 1, "envelope"`), 1)
		}, nil, ErrMalformed},
	} {
		t.Run(c.name, func(t *testing.T) {
			data, x := signed(t, manifest(), members()), trust()
			if c.attack != nil {
				data = c.attack(data)
			}
			if c.trust != nil {
				c.trust(&x)
			}
			if _, err := Open(data, x); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}

// forged signs a manifest as it is, with the trusted key: whoever holds it must
// not be able to make Custos write outside of its place either.
func forged(t *testing.T, m Manifest, files []Member) []byte {
	t.Helper()
	_, key := pair(1)
	m.Version = version
	for _, f := range files {
		m.Members = append(m.Members, Digest{f.Name, sum(f.Data)})
	}
	body, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(file{Version: version, Members: files, Envelope: envelope{
		PayloadType: payloadType, Payload: body, Signatures: []signature{{"", ed25519.Sign(key, encoded(payloadType, body))}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestManifestsThatAreRefused(t *testing.T) {
	_, key := pair(1)
	for name, c := range map[string]struct {
		change func(*Manifest)
		files  []Member
	}{
		"duplicate members":  {nil, []Member{{"a.yaml", nil}, {"a.yaml", nil}}},
		"alike but for case": {nil, []Member{{"a.yaml", nil}, {"A.yaml", nil}}},
		"a path":             {nil, []Member{{"x/a.yaml", nil}}},
		"a path upwards":     {nil, []Member{{"../a.yaml", nil}}},
		"two dots":           {nil, []Member{{"..", nil}}},
		"an absolute path":   {nil, []Member{{"/etc/custos/a.yaml", nil}}},
		"a backslash":        {nil, []Member{{`..\a.yaml`, nil}}},
		"a control":          {nil, []Member{{"a\x00.yaml", nil}}},
		"an empty name":      {nil, []Member{{"", nil}}},
		"no members":         {nil, nil},
		"no name":            {func(m *Manifest) { m.Name = "" }, members()},
		"no validity":        {func(m *Manifest) { m.NotAfter = m.NotBefore }, members()},
		"an empty audience":  {func(m *Manifest) { m.Audience = []string{""} }, members()},
	} {
		t.Run(name, func(t *testing.T) {
			m, x := manifest(), trust()
			if c.change != nil {
				c.change(&m)
			}
			if _, err := Sign(key, m, c.files); !errors.Is(err, ErrMalformed) {
				t.Errorf("it is signed: %v", err)
			}
			if x.Audience = "desk"; name == "an empty audience" {
				x.Audience = ""
			}
			if _, err := Open(forged(t, m, c.files), x); !errors.Is(err, ErrMalformed) {
				t.Errorf("it is opened: %v", err)
			}
		})
	}
}

func TestKeys(t *testing.T) {
	public, private := pair(3)
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	open, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	encode := func(kind string, der []byte) []byte {
		return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
	}
	if got, err := PrivateKey(encode("PRIVATE KEY", secret)); err != nil || !got.Equal(private) {
		t.Errorf("private key: %v", err)
	}
	both := append(encode("PUBLIC KEY", open), encode("PUBLIC KEY", open)...)
	if got, err := PublicKeys(both); err != nil || len(got) != 2 || !got[0].Public.Equal(public) {
		t.Errorf("public keys: %v, %v", got, err)
	}
	capped := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Headers: map[string]string{"Custos-Layer": "team/a"}, Bytes: open})
	if got, err := PublicKeys(capped); err != nil || got[0].Layer != "team/a" {
		t.Errorf("a capped key: %v, %v", got, err)
	}
	slip := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Headers: map[string]string{"Layer": "team/a"}, Bytes: open})
	for _, bad := range [][]byte{nil, slip, []byte("x"), encode("PUBLIC KEY", secret), encode("PUBLIC KEY", []byte("x"))} {
		if got, err := PublicKeys(bad); err == nil {
			t.Errorf("%q gives %v", bad, got)
		}
	}
	if _, err := PrivateKey(encode("PRIVATE KEY", open)); err == nil || strings.Contains(err.Error(), string(open)) {
		t.Errorf("a public key as a private one: %v", err)
	}
}

// A key that is capped gives its cap; one that is not goes before it.
func TestLayerOfTheKey(t *testing.T) {
	one, key := pair(1)
	two, second := pair(2)
	var f file
	if err := json.Unmarshal(signed(t, manifest(), members()), &f); err != nil {
		t.Fatal(err)
	}
	f.Envelope.Signatures = append(f.Envelope.Signatures, signature{"", ed25519.Sign(second, encoded(payloadType, f.Envelope.Payload))})
	both, err := json.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	alone, err := Sign(key, manifest(), members())
	if err != nil {
		t.Fatal(err)
	}
	x := trust()
	x.Keys = []Key{{one, "team/a"}, {two, ""}}
	for want, data := range map[string][]byte{"": both, "team/a": alone} {
		if b, err := Open(data, x); err != nil || b.Layer != want {
			t.Errorf("got %+v, %v, want the layer %q", b, err, want)
		}
	}
}

// FuzzOpen: no bytes open that the key did not sign.
func FuzzOpen(f *testing.F) {
	_, key := pair(1)
	good, err := Sign(key, manifest(), members())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte(`{"custos_bundle":1,"envelope":{},"members":[]}`))
	x := trust()
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := Open(data, x)
		if err != nil {
			return
		}
		if diff := cmp.Diff(members(), b.Members); diff != "" {
			t.Errorf("something else opens: %s", diff)
		}
	})
}
