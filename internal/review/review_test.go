package review

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/audit"
	"github.com/custos-zt/custos/internal/query"
	"github.com/custos-zt/custos/internal/term"
)

var start = time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)

// story is a log in the making.
type story struct {
	c   Collector
	p   query.Pairer
	seq uint64
	now time.Time
}

func begin(tools, hosts []First) *story {
	s := &story{now: start}
	s.c.Begin(start, time.Time{}, tools, hosts)
	return s
}

// add appends a record a second later, and returns its id.
func (s *story) add(r audit.Record) string {
	s.seq++
	s.now = s.now.Add(time.Second)
	r.Seq, r.Time = s.seq, s.now
	e, _ := s.p.Add(r)
	s.c.Add(&e)
	return r.ID()
}

func allowed(session string) audit.Record {
	return audit.Record{Kind: audit.KindAdmission, Session: session, Subject: "os:dev", Backend: "files", Tool: "read", Decision: access.Allow, Reason: access.RuleAllowed}
}

func deny(session, tool string, why access.Reason) audit.Record {
	return audit.Record{Kind: audit.KindAdmission, Session: session, Subject: "os:dev", Backend: "files", Tool: tool, Decision: access.Deny, Reason: why}
}

// rulesFound returns which rules hold of which entries.
func (s *story) rulesFound() map[string][]string {
	out := map[string][]string{}
	for _, f := range s.c.Report().Findings {
		out[f.ID] = f.Rules
	}
	return out
}

// Every rule finds what it is for, and nothing where one thing is different.
func TestRules(t *testing.T) {
	outcome := func(s *story, k audit.Kind, labels []string, bytes int64) {
		s.add(audit.Record{Kind: k, Admission: s.seq, Labels: labels, Bytes: bytes, Status: audit.StatusOK})
	}
	ask := func(s *story, wait time.Duration, by string) {
		s.add(audit.Record{Kind: audit.KindApproval, Subject: "os:dev", Approval: &audit.Approval{ID: "a_1", State: "pending"}})
		s.now = s.now.Add(wait)
		s.add(audit.Record{Kind: audit.KindApproval, Subject: "os:dev", Approval: &audit.Approval{ID: "a_1", State: "granted", By: by}})
	}
	for name, c := range map[string]struct{ yes, no func(*story) }{
		"own_files": {func(s *story) { s.add(deny("s", "read", access.ProtectedPath)) }, func(s *story) { s.add(deny("s", "read", access.RuleDenied)) }},
		"outcome_unknown": {
			func(s *story) { s.add(allowed("s")); outcome(s, audit.KindOutcomeUnknown, nil, 0) },
			func(s *story) { s.add(allowed("s")); outcome(s, audit.KindOutcome, nil, 0) },
		},
		"evidence_gap": {func(s *story) { s.add(audit.Record{Kind: audit.KindGap}) }, func(s *story) { s.add(audit.Record{Kind: audit.KindStop}) }},
		"host_after_label": {
			func(s *story) {
				s.add(allowed("s"))
				outcome(s, audit.KindOutcome, []string{"pii"}, 1)
				r := allowed("s")
				r.Judged = &audit.Judged{Hosts: []string{"x"}}
				s.add(r)
			},
			func(s *story) {
				s.add(allowed("s"))
				outcome(s, audit.KindOutcome, []string{"pii"}, 1)
				r := allowed("another session")
				r.Judged = &audit.Judged{Hosts: []string{"x"}}
				s.add(r)
			},
		},
		"quick_approval": {func(s *story) { ask(s, 0, "os:boss") }, func(s *story) { ask(s, 3*time.Second, "os:boss") }},
		"self_approved":  {func(s *story) { ask(s, time.Minute, "os:dev") }, func(s *story) { ask(s, time.Minute, "os:boss") }},
		"break_glass": {func(s *story) {
			r := allowed("s")
			r.Matched = []access.Match{{Rule: "frozen", Effect: access.Deny, Lifted: true}}
			s.add(r)
		}, func(s *story) { s.add(allowed("s")) }},
		"denial_burst": {
			func(s *story) { times(5, func() { s.add(deny("s", "read", access.RuleDenied)) }) },
			func(s *story) {
				times(4, func() { s.add(deny("s", "read", access.RuleDenied)) })
				s.now = s.now.Add(time.Minute)
				times(4, func() { s.add(deny("s", "read", access.RuleDenied)) })
			},
		},
		"probing": {
			func(s *story) { s.unknown("a", "b", "c", "d") },
			func(s *story) { s.unknown("a", "b", "a", "b") },
		},
		"tool_changed":    {func(s *story) { s.add(deny("s", "x", access.ToolChanged)) }, func(s *story) { s.add(deny("s", "x", access.DefaultDenied)) }},
		"session_trouble": {func(s *story) { s.add(deny("s", "x", access.BindingChanged)) }, func(s *story) { s.add(deny("s", "x", access.DefaultDenied)) }},
		"anomaly":         {func(s *story) { s.add(audit.Record{Kind: audit.KindAnomaly}) }, func(s *story) { s.add(audit.Record{Kind: audit.KindStart}) }},
		"observed": {func(s *story) {
			r := allowed("s")
			r.Reason = access.Observed
			s.add(r)
		}, func(s *story) { s.add(allowed("s")) }},
		"first_tool": {func(s *story) { s.add(allowed("s")) }, func(s *story) { s.add(deny("s", "x", access.DefaultDenied)) }},
		"first_host": {func(s *story) { s.add(allowed("s")); s.add(allowed("s")) }, func(s *story) { s.add(allowed("s")) }},
		"labelled_result": {
			func(s *story) { s.add(allowed("s")); outcome(s, audit.KindOutcome, []string{"pii"}, 1) },
			func(s *story) { s.add(allowed("s")); outcome(s, audit.KindOutcome, nil, 1) },
		},
		"large_result": {
			func(s *story) { s.add(allowed("s")); outcome(s, audit.KindOutcome, nil, largeResult+1) },
			func(s *story) { s.add(allowed("s")); outcome(s, audit.KindOutcome, nil, largeResult) },
		},
		"denial_flood": {func(s *story) { s.add(audit.Record{Kind: audit.KindDenials}) }, func(s *story) { s.add(deny("s", "x", access.DefaultDenied)) }},
		"clock_set":    {func(s *story) { s.add(audit.Record{Kind: audit.KindClock}) }, func(s *story) { s.add(audit.Record{Kind: audit.KindStop}) }},
		"key_changed":  {func(s *story) { s.add(audit.Record{Kind: audit.KindKey}) }, func(s *story) { s.add(audit.Record{Kind: audit.KindStop}) }},
		"torn_tail":    {func(s *story) { s.add(audit.Record{Kind: audit.KindTornTail}) }, func(s *story) { s.add(audit.Record{Kind: audit.KindStop}) }},
	} {
		for _, want := range []bool{true, false} {
			s := begin([]First{{ID: audit.FormatID(0, 1)}}, []First{{ID: audit.FormatID(0, 2)}})
			tell := c.no
			if want {
				tell = c.yes
			}
			tell(s)
			found := 0
			for _, rules := range s.rulesFound() {
				if slices.Contains(rules, name) {
					found++
				}
			}
			if want && found != 1 || !want && found != 0 {
				t.Errorf("%s, want %v: found %d times in %v", name, want, found, s.rulesFound())
			}
		}
	}
}

func times(n int, f func()) {
	for range n {
		f()
	}
}

// unknown asks for tools that are not there, slowly.
func (s *story) unknown(tools ...string) {
	for _, tool := range tools {
		s.now = s.now.Add(time.Minute)
		s.add(deny("s", tool, access.ToolUnknown))
	}
}

func TestEveryRuleSaysWhy(t *testing.T) {
	seen := map[string]bool{}
	last := 0
	for _, r := range Rules() {
		if r.Name == "" || seen[r.Name] || !strings.HasSuffix(r.Why, ".") || r.Severity.weight() < last {
			t.Errorf("%+v", r)
		}
		seen[r.Name], last = true, r.Severity.weight()
	}
}

func TestTheLists(t *testing.T) {
	s := begin([]First{{Name: "files.read", ID: audit.FormatID(0, 1), Time: start}}, nil)
	first := s.add(allowed("s_1"))
	s.add(deny("s_1", "write", access.RuleDenied))
	last := s.add(deny("s_2", "write", access.RuleDenied))
	gap := s.add(audit.Record{Kind: audit.KindGap, Detail: "disk full"})
	s.add(audit.Record{Kind: audit.KindReview, Subject: "os:boss", Judgement: &audit.Judgement{Of: first, Verdict: "ok"}})
	s.add(audit.Record{Kind: audit.KindReview, Subject: "os:boss", Judgement: &audit.Judgement{Of: first, Verdict: "bad", Note: "after all"}})
	s.add(audit.Record{Kind: audit.KindPolicy, Backend: "files", PolicyDigest: "sha256:b", OldPolicyDigest: "sha256:a", Change: &audit.Change{Actor: "os:dev"}})
	r := s.c.Report()
	if r.Allowed != 1 || r.Denied != 2 || r.Sessions != 2 {
		t.Errorf("%+v", r)
	}
	if d := cmp.Diff([]Refused{{Target: "files.write", Reason: "rule_denied", Count: 2, Last: last, Time: start.Add(3 * time.Second)}}, r.Refused); d != "" {
		t.Error(d)
	}
	if len(r.Findings) != 2 || r.Findings[0].ID != gap || r.Findings[1].ID != first || r.Findings[1].Verdict != "bad" || r.Findings[1].Note != "after all" {
		t.Errorf("%+v", r.Findings)
	}
	if len(r.Changes) != 1 || r.Changes[0].Actor != "os:dev" {
		t.Errorf("%+v", r.Changes)
	}
}

// Denials that were counted are counted here too.
func TestCoalescedDenials(t *testing.T) {
	s := begin(nil, nil)
	s.add(deny("s", "write", access.RuleDenied))
	s.add(audit.Record{Kind: audit.KindDenials, Backend: "files", Coalesced: &audit.Coalesced{
		Count: 45, Groups: []audit.DenialGroup{{Method: "tools/call", Target: "write", Reason: access.RuleDenied, Count: 40}}, More: 5,
	}})
	r := s.c.Report()
	if r.Denied != 46 || len(r.Refused) != 2 || r.Refused[0].Target != "files.write" || r.Refused[0].Count != 41 || r.Refused[1].Count != 5 {
		t.Errorf("%d denied: %+v", r.Denied, r.Refused)
	}
}

// A million refused tools of different names do not fill the memory.
func TestHostileNumbers(t *testing.T) {
	s := begin(nil, nil)
	for i := range maxKept + 500 {
		s.add(deny("s", strings.Repeat("x", i%7)+time.Duration(i).String(), access.ProtectedPath))
	}
	r := s.c.Report()
	if len(r.Findings) != maxFindings || r.More != maxKept+500-maxFindings || len(r.Refused) != maxRefused || r.Refused[0].Target != others || r.Refused[0].Count < 400 {
		t.Errorf("%d findings and %d more, %d refused, the first %+v", len(r.Findings), r.More, len(r.Refused), r.Refused[0])
	}
}

// hostile is what a tool could call itself.
const hostile = "\x1b[2J\x1b]8;;http://evil\x07<script>alert(1)</script><img src=x onerror=y>\u202egnp.exe\u200b\u2066\r\n[link](http://evil) ' \" & \x00\xff\U000e0041"

func hostileReport() Report {
	s := begin([]First{{Name: hostile, ID: audit.FormatID(0, 1), Time: start}}, nil)
	r := allowed(hostile)
	r.Tool, r.Backend, r.Subject = hostile, hostile, hostile
	s.add(r)
	r.Decision, r.Reason, r.Rule = access.Deny, access.ProtectedPath, hostile
	s.add(r)
	s.add(audit.Record{Kind: audit.KindAnomaly, Detail: hostile})
	s.add(audit.Record{Kind: audit.KindApproval, Tool: hostile, Subject: hostile, Approval: &audit.Approval{By: hostile, State: hostile, Channel: hostile, Assurance: hostile}})
	s.add(audit.Record{Kind: audit.KindReview, Subject: hostile, Judgement: &audit.Judgement{Of: audit.FormatID(0, 1), Verdict: hostile, Note: hostile}})
	s.add(audit.Record{Kind: audit.KindPolicy, Backend: hostile, PolicyDigest: hostile, OldPolicyDigest: hostile, Change: &audit.Change{Actor: hostile}})
	s.add(audit.Record{Kind: audit.KindConfig, Change: &audit.Change{Actor: hostile, Digest: hostile, Old: hostile}})
	return s.c.Report()
}

func TestHostileTextInTheTerminal(t *testing.T) {
	r := hostileReport()
	var b strings.Builder
	if err := r.WriteText(&b, term.Printer{}, time.UTC); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(b.String()) {
		if line = strings.TrimSuffix(line, "\n"); term.Escape(line) != line {
			t.Errorf("%q is not safe to print", line)
		}
	}
}

func TestHostileTextInHTML(t *testing.T) {
	r := hostileReport()
	var b strings.Builder
	if err := r.WriteHTML(&b, time.UTC); err != nil {
		t.Fatal(err)
	}
	checkHTML(t, b.String())
	if !strings.Contains(b.String(), "&lt;script&gt;") {
		t.Error("the hostile name is not on the page")
	}
}

// checkHTML holds a page against the few elements that there are.
func checkHTML(t *testing.T, page string) {
	t.Helper()
	body := page[strings.Index(page, "<body>"):]
	for rest := body; ; {
		i := strings.IndexByte(rest, '<')
		if i < 0 {
			break
		}
		end := strings.IndexByte(rest[i:], '>')
		if end < 0 {
			t.Fatalf("an element does not end: %.80q", rest[i:])
		}
		tag := rest[i : i+end+1]
		switch tag {
		case "<body>", "</body>", "</html>", "<h1>", "</h1>", "<h2>", "</h2>", "<p>", "</p>", "<table>", "</table>", "<thead>", "</thead>", "<tbody>", "</tbody>",
			"<tr>", "</tr>", `<th scope="col">`, "</th>", "<td>", "</td>", `<td class="bad">`, `<td class="fair">`, `<td class="good">`:
		default:
			t.Fatalf("the page has an element %q", tag)
		}
		rest = rest[i+end+1:]
	}
	for line := range strings.Lines(body) {
		if line = strings.TrimSuffix(line, "\n"); term.Escape(line) != line {
			t.Fatalf("%q is not safe to show", line)
		}
	}
	if !strings.Contains(page, "default-src 'none'") {
		t.Error("the page has no policy of its own")
	}
}

func FuzzPage(f *testing.F) {
	f.Add(hostile, hostile, hostile)
	f.Fuzz(func(t *testing.T, tool, subject, detail string) {
		s := begin(nil, nil)
		r := deny("s", tool, access.ProtectedPath)
		r.Subject, r.Rule = subject, detail
		s.add(r)
		s.add(audit.Record{Kind: audit.KindAnomaly, Detail: detail, Subject: subject})
		report := s.c.Report()
		var b strings.Builder
		if err := report.WriteHTML(&b, time.UTC); err != nil {
			t.Fatal(err)
		}
		checkHTML(t, b.String())
	})
}
