package pep

import (
	"context"
	"crypto/sha256"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/audit"
	"github.com/custos-zt/custos/internal/canon"
	"github.com/custos-zt/custos/internal/inventory"
)

// rules is an authority whose answers are functions.
type rules struct {
	decide  func(*access.Request, *access.Decision)
	visible bool
}

func (r rules) Authorize(req *access.Request, _ *inventory.Definition, d *access.Decision) {
	if len(req.Gates) > 0 {
		d.Refuse(req.Gates[0].Reason, req.Gates[0].Detail)
		return
	}
	r.decide(req, d)
}

func (r rules) Visible(*access.Request, *inventory.Definition) bool { return r.visible }

func allow(_ *access.Request, d *access.Decision) {
	d.Effect, d.Reason, d.Rule = access.Allow, access.RuleAllowed, "ok"
}

// point returns an enforcement point over a real log, and that log.
func point(t *testing.T, o Options) (*Point, *audit.Log, string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.Mkdir(dir+"/00", 0o700); err != nil {
		t.Fatal(err)
	}
	log, err := audit.Open(dir+"/00", audit.Options{Instance: "i_test"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = log.Close() })
	o.Evidence, o.Backend = log, "files"
	o.Keyed = func(p string, b []byte) [32]byte { return sha256.Sum256(append([]byte(p), b...)) }
	return New(o), log, dir
}

func call(t *testing.T, method, params string) Call {
	t.Helper()
	v, err := canon.Parse(params, canon.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	return Call{Method: method, Params: v, ID: "1"}
}

func TestWhatACallAsksFor(t *testing.T) {
	for _, c := range []struct {
		method, params string
		direction      Direction
		kind           access.Kind
		name           string
		passes, ok     bool
	}{
		{"tools/call", `{"name":"a","arguments":{"x":1}}`, FromClient, access.Tool, "a", false, true},
		{"tools/call", `{"name":"a"}`, FromClient, access.Tool, "a", false, true},
		{"tools/call", `{"arguments":{}}`, FromClient, access.Tool, "", false, false},
		{"tools/call", `{"name":7}`, FromClient, access.Tool, "", false, false},
		{"tools/call", `{"name":"a","arguments":[1]}`, FromClient, access.Tool, "a", false, false},
		{"prompts/get", `{"name":"p"}`, FromClient, access.Prompt, "p", false, true},
		{"resources/read", `{"uri":"file:///x"}`, FromClient, access.Resource, "file:///x", false, true},
		{"tools/list", `{}`, FromClient, access.Method, "tools/list", true, true},
		{"x/list", `{}`, FromClient, access.Method, "x/list", true, true},
		{"initialize", `{}`, FromClient, access.Method, "initialize", true, true},
		{"notifications/roots/list_changed", `{}`, FromClient, access.Method, "notifications/roots/list_changed", true, true},
		{"notifications/x", `{}`, FromClient, access.Method, "notifications/x", false, true},
		{"x/y", `{}`, FromClient, access.Method, "x/y", false, true},
		// A server cannot borrow the client's rights: its tools/call is a method.
		{"tools/call", `{"name":"a"}`, FromBackend, access.Method, "tools/call", false, true},
		{"sampling/createMessage", `{}`, FromBackend, access.Method, "sampling/createMessage", false, true},
		{"roots/list", `{}`, FromBackend, access.Method, "roots/list", true, true},
		{"tools/list", `{}`, FromBackend, access.Method, "tools/list", false, true},
		{"roots/list", `{"roots":[]}`, Reply, access.Method, "roots/list", false, true},
		{"elicitation/create", `{"action":"accept"}`, Reply, access.Method, "elicitation/create", true, true},
	} {
		in := call(t, c.method, c.params)
		in.Direction = c.direction
		got, ok := in.target()
		if ok != c.ok || got.kind != c.kind || got.name != c.name || got.passes != c.passes {
			t.Errorf("%s %s %s: got %+v, %v", c.direction, c.method, c.params, got, ok)
		}
	}
}

func TestHandleForwardsAfterTheRecordAndOnce(t *testing.T) {
	p, log, dir := point(t, Options{Authority: rules{decide: allow}})
	ran := 0
	err := p.Handle(t.Context(), call(t, "tools/call", `{"name":"a"}`), func(context.Context) (Result, error) {
		ran++
		if _, err := audit.Last(dir, func(r *audit.Record) bool { return r.Kind == audit.KindAdmission && r.Tool == "a" }); err != nil {
			t.Errorf("the call runs before its record: %v", err)
		}
		return Result{Bytes: 5}, nil
	})
	if err != nil || ran != 1 {
		t.Fatalf("ran %d times, %v", ran, err)
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	r, err := audit.Last(dir, func(r *audit.Record) bool { return r.Kind == audit.KindOutcome })
	if err != nil || r.Status != audit.StatusOK || r.Bytes != 5 {
		t.Errorf("outcome %+v, %v", r, err)
	}
}

func TestHandleRunsNothingWithoutEvidence(t *testing.T) {
	p, log, _ := point(t, Options{Authority: rules{decide: allow}})
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	err := p.Handle(t.Context(), call(t, "tools/call", `{"name":"a"}`), func(context.Context) (Result, error) {
		t.Error("the call ran without a record")
		return Result{}, nil
	})
	var denied *Denied
	if !errors.As(err, &denied) || denied.Admission.Wire() != "unavailable" || !errors.Is(err, audit.ErrFailed) {
		t.Errorf("got %v", err)
	}
}

func TestDenialsReadTheSameWhateverIsHidden(t *testing.T) {
	tools := &inventory.Backend{}
	list, err := canon.Parse(`{"tools":[{"name":"hidden","inputSchema":{"type":"object"}}]}`, canon.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	defs, _ := inventory.ParseTools(list)
	tools.Replace(inventory.Page{Tools: defs})
	p, _, _ := point(t, Options{Tools: tools, Authority: rules{decide: func(_ *access.Request, d *access.Decision) {
		d.Refuse(access.DefaultDenied, "a text that would tell them apart")
		d.Hidden = true
	}}})
	texts := map[string]string{}
	for _, name := range []string{"hidden", "absent"} {
		a := p.Admit(call(t, "tools/call", `{"name":"`+name+`"}`))
		if !a.Decision.Denied() || a.Wire() != "not_available" {
			t.Errorf("%s: %+v, %s", name, a.Decision, a.Wire())
		}
		texts[name] = strings.NewReplacer(name, "X", a.ID, "ID").Replace(a.Text())
	}
	if texts["hidden"] != texts["absent"] {
		t.Errorf("%q\n%q", texts["hidden"], texts["absent"])
	}
}

func TestDenialText(t *testing.T) {
	for want, a := range map[string]*Admission{
		"Custos denied files.write: No writes here. Ask first. [d_1]": {
			Title: "files.write", ID: "d_1", Decision: access.Decision{Message: "No writes here", Remediation: "Ask first."},
		},
		"Custos denied x: the policy does not allow it. [d_2]": {Title: "x", ID: "d_2"},
	} {
		if got := a.Text(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	long := (&Admission{Title: strings.Repeat("é", 500)}).Text()
	if len(long) > 300 || !strings.Contains(long, "é…") {
		t.Errorf("a long name is not cut between letters: %q", long)
	}
}

// A chatty server must not write the log; what is refused, or needs a grant,
// is recorded.
func TestPassLeavesNoRecordOfWhatPasses(t *testing.T) {
	effect := access.Allow
	p, log, dir := point(t, Options{Authority: rules{decide: func(_ *access.Request, d *access.Decision) { d.Effect = effect }}})
	note := call(t, "notifications/message", `{}`)
	note.Direction, note.ID = FromBackend, ""
	if p.Pass(note) != nil {
		t.Error("a record for nothing")
	}
	unknown := note
	unknown.Method = "notifications/unknown"
	if p.Pass(unknown) == nil {
		t.Error("what needs a grant leaves no record")
	}
	effect = access.Deny
	a := p.Pass(note)
	if a == nil || !a.Decision.Denied() {
		t.Fatal("a refusal leaves no record")
	}
	if err := a.Wait(); err != nil {
		t.Error(err)
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	for r, err := range audit.Read(dir, audit.ReadOptions{}) {
		if err != nil || r.Kind == audit.KindAdmission && !r.OneWay {
			t.Errorf("%+v, %v: a notification has no outcome", r, err)
		}
	}
}

func TestToolCallReadsStrictly(t *testing.T) {
	for _, bad := range []string{`{"a":1,"a":2}`, `{"a":1,"A":2}`, `[]`, `{} {}`, `"x"`, ``, "{\"a\":\"\xff\"}"} {
		if _, err := ToolCall("t", []byte(bad), Caller{}); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
	c, err := ToolCall(`na"me`, []byte(`{"n":9007199254740993}`), Caller{})
	if err != nil || c.Params.Get("name").Text() != `na"me` || c.Params.Path("arguments", "n").Raw() != "9007199254740993" {
		t.Errorf("got %+v, %v", c, err)
	}
}
