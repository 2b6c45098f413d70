package engine

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/audit"
	"github.com/custos-zt/custos/internal/inventory"
	"github.com/custos-zt/custos/internal/pdp"
	"github.com/custos-zt/custos/policy"
)

// compiled compiles files, each with its signer.
func compiled(t *testing.T, signer string, texts ...string) (*pdp.Snapshot, []policy.Source) {
	t.Helper()
	var sources []policy.Source
	for i, text := range texts {
		sources = append(sources, policy.Source{Name: string(rune('a'+i)) + ".yaml", Data: []byte(text), Signer: signer})
	}
	s, problems := policy.Compile(sources, policy.Options{Backend: "notes"})
	if s == nil {
		t.Fatal(problems)
	}
	return s, sources
}

const (
	onePolicy   = "policy: p\nrules:\n  - {id: one, allow: [\"notes.a\"]}\n"
	twoPolicy   = "policy: p\nrules:\n  - {id: one, allow: [\"notes.a\"]}\n  - {id: two, deny: [\"notes.b\"]}\n"
	otherPolicy = "policy: other\nrules:\n  - {id: more, deny: [\"notes.c\"]}\n"
)

// A start compares with what was last in force in front of the same server, a
// reload with what it replaces. Both say who and by which key.
func TestActivationsSayWhatChanged(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	registry, err := inventory.LoadRegistry()
	if err != nil {
		t.Fatal(err)
	}
	start := func(config string, s *pdp.Snapshot, sources []policy.Source) *Engine {
		ev, err := OpenEvidence(EvidenceOptions{StateDir: dir})
		if err != nil {
			t.Fatal(err)
		}
		e, err := New(ev, Options{
			Policy: s, Sources: sources, Registry: registry, Backend: "notes",
			Subject: access.Subject{Issuer: "os", ID: "dev", Known: true}, Config: &config,
		})
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	stop := func(e *Engine) {
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
	}
	one, oneSources := compiled(t, "", onePolicy)
	two, twoSources := compiled(t, "key1", twoPolicy)
	both, bothSources := compiled(t, "key1", twoPolicy, otherPolicy)

	e := start("", one, oneSources)
	if err := e.Activate(two, twoSources); err != nil {
		t.Fatal(err)
	}
	stop(e)
	stop(start("version: 1\n", both, bothSources))
	stop(start("version: 1\n", both, bothSources))
	stop(start("", two, twoSources))

	var policies, configs []audit.Record
	for r, err := range audit.Read(filepath.Join(dir, "log"), audit.ReadOptions{}) {
		if err != nil {
			t.Fatal(err)
		}
		switch r.Kind { //nolint:exhaustive // these two are under test
		case audit.KindPolicy:
			policies = append(policies, r)
		case audit.KindConfig:
			configs = append(configs, r)
		}
	}
	const added = "+  - {id: two, deny: [\"notes.b\"]}\n"
	for i, want := range []struct{ replaced, old, signer, diff string }{
		{"", "", "", ""},
		{one.Digest(), "", "key1", added},
		{"", two.Digest(), "key1", "+policy: other\n"},
		{"", both.Digest(), "key1", ""},
		{"", both.Digest(), "key1", "-policy: other\n"},
	} {
		r := policies[i]
		if r.OldPolicyDigest != want.replaced || r.Change.Old != want.old || r.Change.Actor != "os:dev" || r.Change.Signer != want.signer ||
			(r.Change.Diff == "") != (want.diff == "") || !strings.Contains(r.Change.Diff, want.diff) {
			t.Errorf("activation %d: %s, change %+v", i, r.OldPolicyDigest, r.Change)
		}
	}
	if len(policies) != 5 || len(configs) != 2 {
		t.Fatalf("%d policies, %d configurations", len(policies), len(configs))
	}
	if c := configs[0].Change; c.Old != "" || c.Digest == "" || c.Diff != "@@ -0,0 +1,1 @@\n+version: 1\n" || c.Actor != "os:dev" {
		t.Errorf("%+v", c)
	}
	if c := configs[1].Change; c.Digest != "" || c.Old != configs[0].Change.Digest || c.Diff != "@@ -1,1 +0,0 @@\n-version: 1\n" {
		t.Errorf("%+v", c)
	}
}
