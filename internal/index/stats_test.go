package index

import (
	"context"
	"testing"
	"time"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/audit"
	"github.com/custos-zt/custos/internal/query"
)

func TestBuckets(t *testing.T) {
	for us := int64(0); us < 5000; us++ {
		b := bucketOf(us)
		if end := bucketEnd(b); end < us || end > us+us/4+1 {
			t.Fatalf("%d µs: bucket %d ends at %d", us, b, end)
		}
		if b < bucketOf(us-1) {
			t.Fatalf("bucket of %d lies before that of %d", us, us-1)
		}
	}
	if bucketOf(-5) != 0 {
		t.Error("a negative duration has a bucket of its own")
	}
}

// The sums are those of the log, however many updates there were.
func TestStatsAddUpWhatTheLogSays(t *testing.T) {
	w := newWorld(t, 11)
	for range 4 {
		w.write(300, 2)
		w.wait(w.log(0).Append(audit.Record{Kind: audit.KindDenials, Backend: "files", Decision: access.Deny, Coalesced: &audit.Coalesced{
			Count: 45, Groups: []audit.DenialGroup{{Method: "tools/call", Target: "read", Reason: access.RuleDenied, Count: 40}}, More: 5,
		}}))
		w.update()
	}
	s, err := w.index.Stats(context.Background(), time.Time{}, time.Time{}, time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	records := map[string]int64{}
	var decided Decided
	var answered, bytes int64
	for r, err := range audit.Read(w.logDir, audit.ReadOptions{}) {
		if err != nil {
			t.Fatal(err)
		}
		records[string(r.Kind)]++
		if r.Kind == audit.KindAdmission {
			decided.add(r.Decision.String(), 1)
		}
		if r.Kind == audit.KindDenials {
			decided.add("deny", int64(r.Coalesced.Count))
		}
		if query.IsOutcome(r.Kind) {
			answered++
			bytes += r.Bytes
		}
	}
	for kind, n := range records {
		if s.Records[kind] != n {
			t.Errorf("%s: %d records, the log has %d", kind, s.Records[kind], n)
		}
	}
	var tools, days Decided
	var gotAnswered, gotBytes, reasons int64
	for _, x := range s.Tools {
		tools = Decided{tools.Allowed + x.Allowed, tools.Held + x.Held, tools.Denied + x.Denied}
		gotAnswered += x.Answered
		gotBytes += x.Bytes
		if x.Answered > 0 && (x.P50 <= 0 || x.P95 < x.P50 || x.Longest > 5000) {
			t.Errorf("%s.%s: p50 %d, p95 %d, longest %d", x.Backend, x.Tool, x.P50, x.P95, x.Longest)
		}
	}
	for _, x := range s.Days {
		days = Decided{days.Allowed + x.Allowed, days.Held + x.Held, days.Denied + x.Denied}
	}
	for _, x := range s.Reasons {
		reasons += x.Calls
	}
	if tools != decided || days != decided || reasons != decided.Allowed+decided.Held+decided.Denied {
		t.Errorf("by tool %+v, by day %+v, by reason %d, the log has %+v", tools, days, reasons, decided)
	}
	if gotAnswered != answered || gotBytes != bytes {
		t.Errorf("%d outcomes of %d bytes, the log has %d of %d", gotAnswered, gotBytes, answered, bytes)
	}
}

func TestStatsOfSomeHours(t *testing.T) {
	w := newWorld(t, 11)
	w.now = time.Date(2026, 11, 20, 10, 30, 0, 0, time.UTC)
	for range 3 {
		w.wait(w.log(0).Append(audit.Record{Kind: audit.KindAdmission, Backend: "files", Tool: "read", Decision: access.Deny, Reason: access.RuleDenied}))
		w.now = w.now.Add(time.Hour)
	}
	w.update()
	for _, c := range []struct {
		since, until string
		want         int64
	}{
		{"2026-11-20T11:59:00Z", "", 2},
		{"", "2026-11-20T11:00:00Z", 1},
		{"", "2026-11-20T11:00:01Z", 2},
		{"2026-11-20T11:00:00Z", "2026-11-20T12:00:00Z", 1},
		{"2026-11-20T14:00:00Z", "", 0},
	} {
		since, _ := time.Parse(time.RFC3339, c.since)
		until, _ := time.Parse(time.RFC3339, c.until)
		s, err := w.index.Stats(context.Background(), since, until, time.UTC)
		if err != nil {
			t.Fatal(err)
		}
		var got int64
		for _, d := range s.Days {
			got += d.Denied
		}
		if got != c.want {
			t.Errorf("%s to %s: %d, want %d", c.since, c.until, got, c.want)
		}
	}
}

func TestFirsts(t *testing.T) {
	w := newWorld(t, 11)
	start := w.now
	call := func(tool, host string, reason access.Reason) string {
		w.now = w.now.Add(time.Hour)
		ticket := w.log(0).Append(audit.Record{
			Kind: audit.KindAdmission, Backend: "web", Tool: tool, Decision: access.Deny, Reason: reason, Judged: &audit.Judged{Hosts: []string{host}},
		})
		w.wait(ticket)
		return ticket.ID()
	}
	call("get", digest(1), access.RuleDenied)
	since := w.now.Add(time.Minute)
	call("get", digest(1), access.RuleDenied)
	host := call("get", digest(2), access.RuleDenied)
	tool := call("put", digest(1), access.RuleDenied)
	call("no_such_tool", digest(1), access.ToolUnknown)
	w.update()
	got, err := w.index.Firsts(context.Background(), since)
	if err != nil || len(got) != 2 || got[0].ID != host || got[0].Tool != "" || got[1].ID != tool || got[1].Tool != "web.put" {
		t.Errorf("%+v, %v", got, err)
	}
	if all, err := w.index.Firsts(context.Background(), start); err != nil || len(all) != 4 {
		t.Errorf("%+v, %v", all, err)
	}
}
