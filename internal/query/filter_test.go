package query

import (
	"strings"
	"testing"
	"time"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/audit"
)

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// call is an entry with something to say on every condition.
func call() *Entry {
	return &Entry{
		Record: audit.Record{
			Slot: 1, Seq: 12, Kind: audit.KindAdmission, Time: noon, Backend: "files", Tool: "write.file",
			Decision: access.Allow, Reason: access.ApprovalGranted, Rule: "writes", PolicyDigest: "sha256:4f00aa",
			Subject: "os:dev", Agent: "spiffe://corp/a", Session: "s_1",
			Approval: &audit.Approval{By: "os:dev"},
			Judged:   &audit.Judged{Paths: []string{"cGF0aDE", "cGF0aDI"}, Hosts: []string{"aG9zdDE"}, Args: []string{"YXJnMQ"}},
		},
		Outcome: &audit.Record{Kind: audit.KindOutcome, Status: audit.StatusOK, Labels: []string{"pii", "secret"}},
	}
}

func TestEveryConditionMatchesAndExcludes(t *testing.T) {
	for name, c := range map[string]struct{ yes, no Terms }{
		"subject":       {Terms{Subject: []string{"os:dev"}}, Terms{Subject: []string{"os:de"}}},
		"local subject": {Terms{Subject: []string{"dev"}}, Terms{Subject: []string{"Dev"}}},
		"one of two":    {Terms{Subject: []string{"os:eve", "os:dev"}}, Terms{Subject: []string{"os:eve", "ldap:dev"}}},
		"pseudonym":     {Terms{Subject: []string{"dev", "p_abcdefghijklmnop"}}, Terms{Subject: []string{"p_abcdefghijklmnop"}}},
		"agent":         {Terms{Agent: []string{"spiffe://corp/a"}}, Terms{Agent: []string{"spiffe://corp"}}},
		"tool":          {Terms{Tool: []string{"write.file"}}, Terms{Tool: []string{"file"}}},
		"backend.tool":  {Terms{Tool: []string{"files.write.file"}}, Terms{Tool: []string{"file.swrite.file"}}},
		"decision":      {Terms{Decision: []string{"allow"}}, Terms{Decision: []string{"deny", "approve"}}},
		"reason":        {Terms{Reason: []string{"approval_granted"}}, Terms{Reason: []string{"rule_denied"}}},
		"rule":          {Terms{Rule: []string{"writes"}}, Terms{Rule: []string{"write"}}},
		"kind":          {Terms{Kind: []string{"admission"}}, Terms{Kind: []string{"start"}}},
		"outcome kind":  {Terms{Kind: []string{"outcome"}}, Terms{Kind: []string{"outcome_unknown"}}},
		"approver":      {Terms{Approver: []string{"dev"}}, Terms{Approver: []string{"eve"}}},
		"policy":        {Terms{Policy: []string{"sha256:4f00aa"}}, Terms{Policy: []string{"sha256:4f00ab"}}},
		"policy prefix": {Terms{Policy: []string{"4f00"}}, Terms{Policy: []string{"4f01"}}},
		"label":         {Terms{Label: []string{"pii"}}, Terms{Label: []string{"pi"}}},
		"session":       {Terms{Session: []string{"s_1"}}, Terms{Session: []string{"s_2"}}},
		"since":         {Terms{Since: "2026-11-20T12:00:00Z"}, Terms{Since: "2026-11-20T12:00:01Z"}},
		"until":         {Terms{Until: "2026-11-20T12:00:01Z"}, Terms{Until: "2026-11-20T12:00:00Z"}},
		"two":           {Terms{Subject: []string{"dev"}, Rule: []string{"writes"}}, Terms{Subject: []string{"dev"}, Rule: []string{"reads"}}},
		"path":          {Terms{}, Terms{Path: []string{"/etc"}}},
		"host":          {Terms{}, Terms{Host: []string{"example.org"}}},
		"argument":      {Terms{}, Terms{Arg: []string{"limit=5"}}},
	} {
		yes, err := Parse(c.yes, noon)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		no, err := Parse(c.no, noon)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if !yes.Match(call()) {
			t.Errorf("%s: %+v does not match", name, c.yes)
		}
		if no.Match(call()) {
			t.Errorf("%s: %+v matches", name, c.no)
		}
		if empty := (&Entry{Record: audit.Record{Kind: audit.KindGenesis}}); yes.Match(empty) || no.Match(empty) {
			t.Errorf("%s: bookkeeping matches", name)
		}
	}
}

func TestSelfApproved(t *testing.T) {
	f := Filter{SelfApproved: true}
	own, other, none, nobody := call(), call(), call(), call()
	other.Record.Approval = &audit.Approval{By: "os:eve"}
	none.Record.Approval = nil
	nobody.Record.Approval, nobody.Record.Subject = &audit.Approval{}, ""
	for name, c := range map[string]struct {
		e    *Entry
		want bool
	}{"own": {own, true}, "another's": {other, false}, "none": {none, false}, "nobody's": {nobody, false}} {
		if got := f.Match(c.e); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestJudgedValuesMatchByDigest(t *testing.T) {
	for name, c := range map[string]struct {
		f    Filter
		want bool
	}{
		"a path":               {Filter{Path: []string{"/etc"}, Digests: Digests{Path: []string{"other", "cGF0aDI"}}}, true},
		"another path":         {Filter{Path: []string{"/etc"}, Digests: Digests{Path: []string{"cGF0aDM"}}}, false},
		"a host":               {Filter{Host: []string{"h"}, Digests: Digests{Host: []string{"aG9zdDE"}}}, true},
		"a host is no path":    {Filter{Host: []string{"h"}, Digests: Digests{Host: []string{"cGF0aDI"}}}, false},
		"both":                 {Filter{Path: []string{"p"}, Host: []string{"h"}, Digests: Digests{Path: []string{"cGF0aDE"}, Host: []string{"aG9zdDE"}}}, true},
		"one of both":          {Filter{Path: []string{"p"}, Host: []string{"h"}, Digests: Digests{Path: []string{"cGF0aDE"}, Host: []string{"x"}}}, false},
		"an argument":          {Filter{Arg: []Arg{{"n", "v"}}, Digests: Digests{Arg: []string{"other", "YXJnMQ"}}}, true},
		"another argument":     {Filter{Arg: []Arg{{"n", "v"}}, Digests: Digests{Arg: []string{"aG9zdDE"}}}, false},
		"digests nobody asked": {Filter{Digests: Digests{Path: []string{"x"}}}, true},
	} {
		if got := c.f.Match(call()); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	if f := (Filter{Path: []string{"/etc"}}); f.Match(&Entry{Record: audit.Record{Kind: audit.KindAdmission}}) {
		t.Error("a record without digests matches")
	}
}

func TestTermsThatMeanNothing(t *testing.T) {
	for name, c := range map[string]struct {
		terms Terms
		says  string
	}{
		"decision":   {Terms{Decision: []string{"denied"}}, "allow, approve, deny"},
		"policy":     {Terms{Policy: []string{"laptop.yaml"}}, "sha256:"},
		"short":      {Terms{Policy: []string{"4f"}}, "4 to 64"},
		"empty":      {Terms{Tool: []string{""}}, "tool"},
		"long":       {Terms{Tool: []string{strings.Repeat("x", 5000)}}, "4096"},
		"many":       {Terms{Rule: make([]string, 33)}, "rule: at most 32"},
		"since":      {Terms{Since: "soon"}, "since"},
		"until":      {Terms{Until: "soon"}, "until"},
		"turned":     {Terms{Since: "1h", Until: "2h"}, "is not before"},
		"empty span": {Terms{Since: "1h", Until: "1h"}, "is not before"},
	} {
		_, err := Parse(c.terms, noon)
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v does not say %q", name, err, c.says)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("dev", "files.read_file", "deny", "sha256:4f00", "24h", "now")
	f.Add("", "", "allow", "", "", "")
	f.Fuzz(func(t *testing.T, subject, tool, decision, policy, since, until string) {
		got, err := Parse(Terms{
			Subject: []string{subject}, Tool: []string{tool}, Decision: []string{decision}, Policy: []string{policy},
			Since: since, Until: until,
		}, noon)
		if err != nil {
			return
		}
		if subject == "" || tool == "" || len(got.Decision) != 1 || !strings.HasPrefix(got.Policy[0], "sha256:") {
			t.Errorf("accepted as %+v", got)
		}
		got.Match(call())
	})
}

func TestPairer(t *testing.T) {
	var p Pairer
	a := audit.Record{Slot: 1, Seq: 5, Kind: audit.KindAdmission, Decision: access.Allow, Tool: "t"}
	o := audit.Record{Slot: 1, Seq: 9, Kind: audit.KindOutcome, Admission: 5}
	if e, known := p.Add(a); !known || e.Outcome != nil {
		t.Fatalf("the call: %+v %v", e, known)
	}
	elsewhere := o
	elsewhere.Slot = 2
	if _, known := p.Add(elsewhere); known {
		t.Error("an outcome was put beside a call of another slot")
	}
	if e, known := p.Add(o); !known || e.Record.Tool != "t" || e.Outcome.Seq != 9 {
		t.Errorf("the outcome: %+v %v", e, known)
	}
	if e, known := p.Add(o); known || e.Record.Kind != audit.KindOutcome {
		t.Errorf("a second outcome: %+v %v", e, known)
	}
}

// What was answered is not remembered, however many calls there are.
func TestPairerStaysSmall(t *testing.T) {
	var p Pairer
	for seq := uint64(1); seq < 20*maxOpen; seq += 2 {
		p.Add(audit.Record{Seq: seq, Kind: audit.KindAdmission, Decision: access.Allow})
		if _, known := p.Add(audit.Record{Seq: seq + 1, Kind: audit.KindOutcome, Admission: seq}); !known {
			t.Fatalf("the call %d is not remembered", seq)
		}
	}
	if len(p.open) != 0 || len(p.order) > 4*maxOpen {
		t.Errorf("%d calls, %d places", len(p.open), len(p.order))
	}
}

func TestPairerForgetsTheOldest(t *testing.T) {
	var p Pairer
	for seq := uint64(1); seq <= 3*maxOpen; seq++ {
		p.Add(audit.Record{Seq: seq, Kind: audit.KindAdmission, Decision: access.Allow})
	}
	if len(p.open) > maxOpen || len(p.order) > 4*maxOpen {
		t.Fatalf("%d calls, %d places", len(p.open), len(p.order))
	}
	if _, known := p.Add(audit.Record{Kind: audit.KindOutcome, Admission: 1}); known {
		t.Error("the first call is remembered")
	}
	if _, known := p.Add(audit.Record{Kind: audit.KindOutcome, Admission: 3 * maxOpen}); !known {
		t.Error("the last call is not remembered")
	}
}
