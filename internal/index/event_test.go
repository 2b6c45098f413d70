package index

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/audit"
)

// same compares what two ways of reading took from one record.
func same(a, b event) string {
	a.line, b.line = "", ""
	return cmp.Diff(a, b, cmp.AllowUnexported(event{}), cmpopts.EquateEmpty())
}

// FuzzRead holds the quick way to read a record against the thorough one, for
// records with any text in them.
func FuzzRead(f *testing.F) {
	f.Add("files", "read", "os:dev", "rule", "s_1", "pii", "ZGlnZXN0", int64(1), true)
	f.Add("\"\\", "\x1b[2J\u202e", "\xff\xfe", "a\nb", "\U000e0041", "{}[],:", "x", int64(-1), false)
	f.Fuzz(func(t *testing.T, backend, tool, subject, rule, session, label, digest string, n int64, allow bool) {
		r := audit.Record{
			Version: 1, Seq: 3, Kind: audit.KindAdmission, Time: time.Date(2026, 11, 20, 1, 2, 3, 4000, time.UTC), Admission: uint64(max(n, 0)),
			Backend: backend, Tool: tool, Subject: subject, Agent: rule, Rule: rule, Session: session, Labels: []string{label}, Bytes: n, DurationUS: -n,
			Decision: access.Deny, Reason: access.Reason(rule), PolicyDigest: session, Status: audit.Status(label), OneWay: allow,
			Message: tool, Detail: backend, Provenance: []audit.Origin{{Of: tool, From: subject}},
			Approval: &audit.Approval{By: subject, Channel: tool}, Judged: &audit.Judged{Paths: []string{digest, tool}, Args: []string{label}},
			Args:    &audit.Args{Names: []string{tool, session}, Types: []string{"string"}, Lengths: []int{1, 2}},
			Matched: []access.Match{{Rule: rule, Effect: access.Deny, Position: tool}},
		}
		if allow {
			r.Decision, r.Judged.Hosts = access.Allow, []string{digest}
		}
		line := string(r.ExportJSON())
		quick := event{line: line}
		w := walker{s: line}
		if !w.object(quick.member) || w.i != len(line) {
			t.Fatalf("not understood at %d: %s", w.i, line)
		}
		var read audit.Record
		if err := json.Unmarshal([]byte(line), &read); err != nil {
			t.Fatal(err)
		}
		var thorough event
		thorough.take(&read)
		if d := same(thorough, quick); d != "" {
			t.Fatalf("%s\n(-thorough +quick)\n%s", line, d)
		}
	})
}

// FuzzWalker: whatever the line is, reading it ends, and what is not a record is
// refused.
func FuzzWalker(f *testing.F) {
	f.Add([]byte(`{"kind":"outcome","time":"2026-11-20T10:02:11.123456Z","labels":["a"],"x":{"y":[1,"]"]}}`))
	f.Add([]byte(`{"kind":"outcome","labels":[`))
	f.Fuzz(func(t *testing.T, line []byte) {
		var e event
		if err := e.read(audit.Stored{Line: line}); err == nil && e.time == 0 {
			t.Errorf("%q has no time", line)
		}
	})
}
