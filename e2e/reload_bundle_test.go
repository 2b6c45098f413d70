package e2e

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/custos-zt/custos/e2e/client"
	"github.com/custos-zt/custos/e2e/peers"
)

// signer makes bundles in a directory that holds its keys.
type signer struct {
	t   *testing.T
	dir string
}

func newSigner(t *testing.T) signer {
	t.Helper()
	s := signer{t, t.TempDir()}
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	open, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(s.dir, "policy.key"), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})))
	write(t, filepath.Join(s.dir, "policy.pub"), string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: open})))
	return s
}

// publishes renames a bundle of this revision over the one in use.
func (s signer) publishes(text string, revision int) {
	s.t.Helper()
	source, next := write(s.t, filepath.Join(s.dir, "policy.yaml"), text), filepath.Join(s.dir, "next.bundle")
	run(s.t, 0, "policy", "sign", "-q", "--key", filepath.Join(s.dir, "policy.key"), "--revision", strconv.Itoa(revision), "-o", next, source)
	if err := os.Rename(next, filepath.Join(s.dir, "in-use.bundle")); err != nil {
		s.t.Fatal(err)
	}
}

// A bundle that is replaced while a session lives is verified as at the start,
// and an older one is not put in force again.
func TestReloadOfBundles(t *testing.T) {
	t.Parallel()
	s := newSigner(t)
	s.publishes(echoAllowed, 4)
	conf := write(t, filepath.Join(s.dir, "custos.yaml"), "policy: {trust_root: policy.pub, files: [{path: \"*.bundle\"}]}\n")
	state := filepath.Join(t.TempDir(), "state")
	command := append(peers.Custos(t, "--state", state, "--config", conf, "run", "--name", "files", "--"), peers.Bad(t)...)
	r := reloading{guarded{client.Start(t, command, client.Env(alone(t, nil)...)), state}, t, filepath.Join(s.dir, "in-use.bundle")}
	r.Initialize("{}")
	r.echoes(true)
	s.publishes(echoDenied, 5)
	r.echoes(false)
	s.publishes(echoAllowed, 4)
	r.says("is older than revision 5, which was in force")
	r.echoes(false)
	s.publishes(echoAllowed, 6)
	r.echoes(true)
	signed, err := os.ReadFile(r.policy)
	if err != nil {
		t.Fatal(err)
	}
	s.publishes(echoDenied, 7)
	r.echoes(false)
	r.replace(strings.Replace(string(signed), `"sig": "`, `"sig": "AAAA`, 1))
	r.says("no trusted key signed the bundle")
	r.echoes(false)
	r.finish(t)
	if got := r.activations(); len(got) != 4 {
		t.Errorf("activations: %q", got)
	}
}
