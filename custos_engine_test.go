package custos_test

import (
	"context"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/custos-zt/custos"
	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/audit"
	"github.com/custos-zt/custos/internal/bundle"
	"github.com/custos-zt/custos/policy"
)

// outside is an engine of somebody else's.
type outside func(ctx context.Context, r *access.Request) (access.Decision, error)

func (o outside) Decide(ctx context.Context, r *access.Request) (access.Decision, error) {
	return o(ctx, r)
}

func says(e access.Effect) outside {
	return func(context.Context, *access.Request) (access.Decision, error) {
		return access.Decision{Effect: e, Rule: "theirs", PolicyDigest: "sha256:theirs"}, nil
	}
}

// The most restrictive answer wins, and an engine that cannot answer denies.
func TestExternalEngines(t *testing.T) {
	for name, c := range map[string]struct {
		mode   policy.Mode
		engine outside
		tool   string
		want   access.Effect
		reason access.Reason
	}{
		"both allow":              {policy.ModeBoth, says(access.Allow), "do", access.Allow, access.RuleAllowed},
		"theirs denies":           {policy.ModeBoth, says(access.Deny), "do", access.Deny, access.RuleDenied},
		"theirs has no rule":      {policy.ModeBoth, says(access.None), "do", access.Deny, access.DefaultDenied},
		"theirs alone allows":     {policy.ModeBoth, says(access.Allow), "other", access.Deny, access.DefaultDenied},
		"theirs holds":            {policy.ModeBoth, says(access.Approve), "do", access.Deny, access.ApprovalUnavailable},
		"only theirs allows":      {policy.ModeExternalOnly, says(access.Allow), "other", access.Allow, ""},
		"only theirs denies":      {policy.ModeExternalOnly, says(access.Deny), "do", access.Deny, access.RuleDenied},
		"not asked":               {policy.ModeNative, says(access.Deny), "do", access.Allow, access.RuleAllowed},
		"an effect there is none": {policy.ModeExternalOnly, says(77), "do", access.Deny, access.Internal},
		"a panic":                 {policy.ModeBoth, func(context.Context, *access.Request) (access.Decision, error) { panic("x") }, "do", access.Deny, access.Internal},
		"an error": {policy.ModeBoth, func(context.Context, *access.Request) (access.Decision, error) {
			return access.Decision{Effect: access.Allow}, errors.New("fault")
		}, "do", access.Deny, access.Internal},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "state")
			g, err := custos.New(custos.Options{
				Backend: "app", State: dir, Policy: []policy.Source{{Name: "test.yaml", Data: []byte(testPolicy)}},
				External: &custos.External{Engine: c.engine, Mode: c.mode, Policy: []policy.Source{{Name: "their.policy", Data: []byte("theirs")}}},
			})
			if err != nil {
				t.Fatal(err)
			}
			d, err := g.Decide(t.Context(), custos.Call{Tool: c.tool})
			if err != nil || d.Effect != c.want || d.Reason != c.reason {
				t.Errorf("%s %s, %v; want %s %s", d.Effect, d.Reason, err, c.want, c.reason)
			}
			activated := records(t, g, dir, audit.KindPolicy)
			if len(activated) != 1 || activated[0].PolicyDigest != d.PolicyDigest {
				t.Errorf("the decision names %s, in force is %+v", d.PolicyDigest, activated)
			}
			kept, err := os.ReadFile(filepath.Join(dir, "policy", strings.Replace(d.PolicyDigest, ":", "-", 1)))
			if want := 2; err != nil || c.mode != policy.ModeNative && strings.Count(string(kept), "\n") != want {
				t.Errorf("nobody can show the policy: %q, %v", kept, err)
			}
		})
	}
}

// Gates and what no engine may lift come first, also where there is no native
// policy at all.
func TestAnExternalEngineLiftsNoGate(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	g, err := custos.New(custos.Options{Backend: "app", State: dir, External: &custos.External{
		Engine: says(access.Allow), Mode: policy.ModeExternalOnly, Policy: []policy.Source{{Name: "their.policy", Data: []byte("theirs")}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	for path, want := range map[string]access.Reason{filepath.Join(dir, "keys/log"): access.ProtectedPath, "/srv/a": ""} {
		d, err := g.Decide(t.Context(), custos.Call{Tool: "read", Arguments: map[string]any{"path": path}})
		if err != nil || d.Reason != want {
			t.Errorf("%s: %s %s, %v", path, d.Effect, d.Reason, err)
		}
	}
}

func TestExternalEnginesThatAreIncomplete(t *testing.T) {
	theirs := []policy.Source{{Name: "their.policy", Data: []byte("theirs")}}
	for name, x := range map[string]*custos.External{
		"no mode":   {Engine: says(access.Allow), Policy: theirs},
		"no engine": {Mode: policy.ModeBoth, Policy: theirs},
		"no texts":  {Engine: says(access.Allow), Mode: policy.ModeBoth},
	} {
		g, err := custos.New(custos.Options{Backend: "app", State: filepath.Join(t.TempDir(), "state"), Policy: []policy.Source{{Name: "test.yaml", Data: []byte(testPolicy)}}, External: x})
		if err == nil {
			_ = g.Close()
			t.Errorf("%s: a gate", name)
		}
	}
}

// signed writes a bundle of this revision, and the trust root for its key.
func signed(t *testing.T, dir string, private ed25519.PrivateKey, revision uint64, text string) (file, root string) {
	t.Helper()
	now := time.Now()
	data, err := bundle.Sign(private, bundle.Manifest{Name: "app", Revision: revision, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour)},
		[]bundle.Member{{Name: "test.yaml", Data: []byte(text)}})
	if err != nil {
		t.Fatal(err)
	}
	public, err := x509.MarshalPKIXPublicKey(private.Public())
	if err != nil {
		t.Fatal(err)
	}
	file, root = filepath.Join(dir, "app.bundle"), filepath.Join(dir, "app.pub")
	for name, content := range map[string][]byte{file: data, root: pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public})} {
		if err := os.WriteFile(name, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return file, root
}

func TestSignedBundles(t *testing.T) {
	_, mine, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	_, other, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	_, foreign := signed(t, t.TempDir(), other, 1, testPolicy)
	open := func(o custos.Options) error {
		o.Backend, o.State = "app", filepath.Join(dir, "state")
		g, err := custos.New(o)
		if err != nil {
			return err
		}
		d, err := g.Decide(t.Context(), custos.Call{Tool: "do"})
		if err != nil || d.Effect != access.Allow || !strings.HasSuffix(d.Position, "app.bundle/test.yaml:5") {
			t.Errorf("%+v, %v", d, err)
		}
		return g.Close()
	}
	text := []policy.Source{{Name: "x.yaml", Data: []byte(testPolicy)}}
	failing := testPolicy + "tests: {cases: [{name: never, backend: app, tool: do, expect: {decision: deny, rule: no}}]}\n"
	for _, c := range []struct {
		name     string
		revision uint64
		text     string
		o        func(file, root string) custos.Options
		refused  string
	}{
		{"signed", 2, testPolicy, func(f, r string) custos.Options { return custos.Options{PolicyFiles: []string{f}, TrustRoot: r} }, ""},
		{"older", 1, testPolicy, func(f, r string) custos.Options { return custos.Options{PolicyFiles: []string{f}, TrustRoot: r} }, "is older than revision 2"},
		{"newer", 3, testPolicy, func(f, r string) custos.Options { return custos.Options{PolicyFiles: []string{f}, TrustRoot: r} }, ""},
		{"by somebody else", 4, testPolicy, func(f, _ string) custos.Options { return custos.Options{PolicyFiles: []string{f}, TrustRoot: foreign} }, "no trusted key signed"},
		{"without a trust root", 4, testPolicy, func(f, _ string) custos.Options { return custos.Options{PolicyFiles: []string{f}} }, ""},
		{"a text beside", 4, testPolicy, func(f, r string) custos.Options {
			return custos.Options{PolicyFiles: []string{f}, Policy: text, TrustRoot: r}
		}, "x.yaml is not signed"},
		{"no root", 4, testPolicy, func(f, r string) custos.Options { return custos.Options{PolicyFiles: []string{f}, TrustRoot: r + "x"} }, "trust root"},
		{"its own tests fail", 5, failing, func(f, r string) custos.Options { return custos.Options{PolicyFiles: []string{f}, TrustRoot: r} }, `the test "never" fails`},
	} {
		file, root := signed(t, dir, mine, c.revision, c.text)
		err := open(c.o(file, root))
		if c.refused == "" && err != nil || c.refused != "" && (err == nil || !strings.Contains(err.Error(), c.refused)) {
			t.Errorf("%s: %v, want %q", c.name, err, c.refused)
		}
	}
}
