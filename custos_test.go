package custos_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/custos-zt/custos"
	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/audit"
	"github.com/custos-zt/custos/policy"
)

const testPolicy = `
policy: test
version: "1"
rules:
  - {id: ok, allow: ["app.do"]}
  - {id: files, allow: ["app.read"], paths: {all: ["/srv/**"]}}
  - {id: staff, allow: ["app.admin"], roles: [staff]}
  - {id: no, deny: ["app.do"], args: {mode: {enum: [wild], missing: skip}}, message: Not like this.}
`

func gate(t *testing.T) (*custos.Gate, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "state")
	g, err := custos.New(custos.Options{
		Backend: "app", State: dir,
		Policy: []policy.Source{{Name: "test.yaml", Data: []byte(testPolicy)}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = g.Close() })
	return g, dir
}

// records closes the gate and returns what it left of one kind.
func records(t *testing.T, g *custos.Gate, dir string, kind audit.Kind) []audit.Record {
	t.Helper()
	if err := g.Close(); err != nil {
		t.Fatal(err)
	}
	var out []audit.Record
	for r, err := range audit.Read(filepath.Join(dir, "log"), audit.ReadOptions{}) {
		if err != nil {
			t.Fatal(err)
		}
		if r.Kind == kind {
			out = append(out, r)
		}
	}
	return out
}

func TestADeniedCallNeverRuns(t *testing.T) {
	g, dir := gate(t)
	for _, c := range []struct {
		name   string
		call   custos.Call
		reason access.Reason
	}{
		{"no rule", custos.Call{Tool: "other"}, access.DefaultDenied},
		{"a deny rule", custos.Call{Tool: "do", Arguments: map[string]any{"mode": "wild"}}, access.RuleDenied},
		{"a path outside", custos.Call{Tool: "read", Arguments: map[string]any{"path": "/srv/../etc/passwd"}}, access.DefaultDenied},
		{"not in the role", custos.Call{Tool: "admin"}, access.DefaultDenied},
		{"two keys", custos.Call{Tool: "do", Arguments: json.RawMessage(`{"mode":"x","mode":"y"}`)}, access.RequestMalformed},
		{"no object", custos.Call{Tool: "do", Arguments: []int{1}}, access.RequestMalformed},
		{"not encodable", custos.Call{Tool: "do", Arguments: func() {}}, access.RequestMalformed},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := g.Enforce(t.Context(), c.call, func(context.Context) error {
				t.Error("the function ran")
				return nil
			})
			var denied *custos.DeniedError
			if !errors.As(err, &denied) || denied.Decision.Reason != c.reason || denied.Decision.Effect != access.Deny {
				t.Fatalf("got %v, %+v", err, denied)
			}
		})
	}
	if n := len(records(t, g, dir, audit.KindOutcome)); n != 0 {
		t.Errorf("%d outcomes of calls that never ran", n)
	}
}

func TestBothEndsAreRecorded(t *testing.T) {
	g, dir := gate(t)
	boom := errors.New("boom")
	for _, want := range []error{nil, boom} {
		if err := g.Enforce(t.Context(), custos.Call{Tool: "do"}, func(context.Context) error { return want }); !errors.Is(err, want) {
			t.Errorf("got %v, want %v", err, want)
		}
	}
	func() {
		defer func() { _ = recover() }()
		_ = g.Enforce(t.Context(), custos.Call{Tool: "do"}, func(context.Context) error { panic("x") })
	}()
	var got []string
	for _, r := range records(t, g, dir, audit.KindOutcome) {
		got = append(got, string(r.Status))
	}
	if s := strings.Join(got, " "); s != "ok error unknown" {
		t.Errorf("outcomes %q", s)
	}
}

// The record of the decision is on disk before the function runs.
func TestEvidenceComesFirst(t *testing.T) {
	g, dir := gate(t)
	err := g.Enforce(t.Context(), custos.Call{Tool: "do"}, func(context.Context) error {
		_, err := audit.Last(filepath.Join(dir, "log"), func(r *audit.Record) bool { return r.Kind == audit.KindAdmission && r.Tool == "do" })
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func TestTheCallerCanBeSomebody(t *testing.T) {
	g, dir := gate(t)
	staff := access.Subject{ID: "ann", Issuer: "corp", Roles: []string{"staff"}, Known: true}
	if err := g.Enforce(t.Context(), custos.Call{Tool: "admin", Subject: staff}, func(context.Context) error { return nil }); err != nil {
		t.Error(err)
	}
	if r := records(t, g, dir, audit.KindAdmission); len(r) != 1 || r[0].Subject != "corp:ann" {
		t.Errorf("records %+v", r)
	}
}

func TestDecideRunsNothing(t *testing.T) {
	g, dir := gate(t)
	for tool, want := range map[string]access.Effect{"do": access.Allow, "other": access.Deny} {
		d, err := g.Decide(t.Context(), custos.Call{Tool: tool})
		if err != nil || d.Effect != want {
			t.Errorf("%s: %v, %v", tool, d.Effect, err)
		}
	}
	if n := len(records(t, g, dir, audit.KindAdmission)); n != 2 {
		t.Errorf("%d admissions", n)
	}
}

func TestAfterCloseEverythingIsDenied(t *testing.T) {
	g, _ := gate(t)
	if err := g.Close(); err != nil {
		t.Fatal(err)
	}
	err := g.Enforce(t.Context(), custos.Call{Tool: "do"}, func(context.Context) error { t.Error("ran"); return nil })
	var denied *custos.DeniedError
	if !errors.As(err, &denied) || denied.Decision.Reason != access.EvidenceUnavailable || !errors.Is(err, audit.ErrClosed) {
		t.Errorf("got %v", err)
	}
	if d, err := g.Decide(t.Context(), custos.Call{Tool: "do"}); err == nil || d.Effect != access.Deny {
		t.Errorf("got %+v, %v", d, err)
	}
}

func TestManyCallersAtOnce(t *testing.T) {
	g, dir := gate(t)
	var ran atomic.Int64
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for range 20 {
				if err := g.Enforce(context.Background(), custos.Call{Tool: "do"}, func(context.Context) error { ran.Add(1); return nil }); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if n := len(records(t, g, dir, audit.KindOutcome)); ran.Load() != 320 || n != 320 {
		t.Errorf("%d ran, %d outcomes", ran.Load(), n)
	}
	report, err := audit.Verify(filepath.Join(dir, "log"), audit.VerifyOptions{})
	if err != nil || report.Tampered() {
		t.Errorf("%+v, %v", report, err)
	}
}

func TestABrokenPolicyIsRefusedWhole(t *testing.T) {
	_, err := custos.New(custos.Options{
		Backend: "app", State: t.TempDir(),
		Policy: []policy.Source{{Name: "p.yaml", Data: []byte("policy: p\nrules:\n  - {id: a, alow: [\"x.y\"]}\n")}},
	})
	var pe *custos.PolicyError
	if !errors.As(err, &pe) || len(pe.Problems) == 0 || !strings.Contains(err.Error(), "p.yaml:3") {
		t.Errorf("got %v", err)
	}
	if _, err := custos.New(custos.Options{Backend: "app", State: t.TempDir()}); err == nil {
		t.Error("a gate without a policy")
	}
}

// The example in the README is the one that compiles.
func TestReadmeShowsTheExample(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	doc, err := os.ReadFile("custos.go")
	if err != nil {
		t.Fatal(err)
	}
	_, after, ok := strings.Cut(string(readme), "```go\n")
	code, _, closed := strings.Cut(after, "```")
	if !ok || !closed {
		t.Fatal("README.md has no Go example")
	}
	for line := range strings.Lines(code) {
		if want := strings.TrimSpace(line); want != "" && !strings.Contains(string(doc), want) {
			t.Errorf("README.md says %q, the package comment does not", want)
		}
	}
}
