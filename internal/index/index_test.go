package index

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/audit"
	"github.com/custos-zt/custos/internal/query"
)

// world is a log with an index beside it.
type world struct {
	t      testing.TB
	logDir string
	index  *Index
	logs   map[int]*audit.Log
	random *rand.Rand
	now    time.Time
	open   map[int][]uint64
	calls  int
	// segment is the size of a segment; 0 is the default.
	segment int64
}

func newWorld(t testing.TB, seed uint64) *world {
	t.Helper()
	dir := t.TempDir()
	w := &world{
		t: t, logDir: filepath.Join(dir, "log"), logs: map[int]*audit.Log{}, open: map[int][]uint64{},
		random: rand.New(rand.NewPCG(seed, 1)), now: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC),
	}
	if err := os.Mkdir(w.logDir, 0o700); err != nil {
		t.Fatal(err)
	}
	x, err := Open(filepath.Join(dir, "index"), w.logDir)
	if err != nil {
		t.Fatal(err)
	}
	w.index = x
	t.Cleanup(w.close)
	return w
}

func (w *world) close() {
	for slot, l := range w.logs {
		if err := l.Close(); err != nil {
			w.t.Error(err)
		}
		delete(w.logs, slot)
	}
}

// log returns the writing end of a slot.
func (w *world) log(slot int) *audit.Log {
	if l := w.logs[slot]; l != nil {
		return l
	}
	dir := filepath.Join(w.logDir, audit.SlotName(slot))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		w.t.Fatal(err)
	}
	l, err := audit.Open(dir, audit.Options{Slot: slot, Instance: "i_test", SegmentSize: w.segment, Now: func() time.Time { return w.now }})
	if err != nil {
		w.t.Fatal(err)
	}
	w.logs[slot] = l
	return l
}

func (w *world) wait(t audit.Ticket) {
	w.t.Helper()
	if err := t.Wait(); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) pick(list ...string) string { return list[w.random.IntN(len(list))] }

// digest is a digest of a judged value like those of records.
func digest(n int) string { return fmt.Sprintf("dig%05d", n) }

// admission is a call that some session makes.
func (w *world) admission() audit.Record {
	r := audit.Record{
		Kind: audit.KindAdmission, Method: "tools/call", Backend: w.pick("files", "git", "shell"), Tool: w.pick("read", "write", "list.all"),
		Decision: access.Allow, Reason: access.RuleAllowed, Rule: w.pick("a", "b", "c", ""), PolicyDigest: "sha256:" + w.pick("4f00", "4f01", "aa00"),
		Subject: w.pick("os:dev", "os:eve", "ldap:dev", ""), Session: fmt.Sprintf("s_%d", w.calls/40),
	}
	switch w.random.IntN(8) {
	case 0:
		r.Decision, r.Reason, r.Rule = access.Deny, access.DefaultDenied, ""
	case 1:
		r.Decision, r.Reason = access.Deny, access.RuleDenied
	case 2:
		r.Decision, r.Reason, r.Rule, r.Tool = access.Deny, access.ToolUnknown, "", fmt.Sprintf("evil\u202e%d", w.calls)
	case 3:
		r.Reason, r.Approval = access.ApprovalGranted, &audit.Approval{By: w.pick("os:dev", "os:boss")}
	case 4:
		r.Agent, r.OneWay = w.pick("spiffe://a", "spiffe://b"), true
	}
	if w.random.IntN(2) == 0 {
		r.Judged = &audit.Judged{Paths: []string{digest(w.random.IntN(4000)), digest(9000 + w.random.IntN(3))}}
	}
	if w.random.IntN(9) == 0 {
		r.Judged = &audit.Judged{Hosts: []string{digest(w.random.IntN(30))}, Args: []string{digest(w.random.IntN(30)), digest(9002)}}
	}
	return r
}

// write appends n records to slots below slots.
func (w *world) write(n, slots int) {
	w.t.Helper()
	var last audit.Ticket
	for i := range n {
		if i%20 == 19 {
			w.wait(last)
		}
		w.now = w.now.Add(time.Duration(w.random.IntN(40_000)) * time.Millisecond)
		slot := w.random.IntN(slots)
		l := w.log(slot)
		switch {
		case w.random.IntN(50) == 0:
			last = l.Append(audit.Record{Kind: audit.KindStart, Backend: "files", Session: "s_1"})
		case len(w.open[slot]) > 0 && w.random.IntN(2) == 0:
			i := w.random.IntN(len(w.open[slot]))
			o := audit.Record{Kind: audit.KindOutcome, Admission: w.open[slot][i], Status: audit.StatusOK, Bytes: 10, DurationUS: int64(w.random.IntN(5000))}
			if w.random.IntN(10) == 0 {
				o.Labels = []string{w.pick("pii", "secret")}
			}
			w.open[slot] = slices.Delete(w.open[slot], i, i+1)
			last = l.Append(o)
		default:
			w.calls++
			r := w.admission()
			last = l.Append(r)
			if r.Decision == access.Allow && !r.OneWay {
				w.open[slot] = append(w.open[slot], last.Seq())
			}
		}
	}
	w.wait(last)
	for _, l := range w.logs { // the others too
		w.wait(l.Append(audit.Record{Kind: audit.KindStop}))
	}
}

func (w *world) update() Report {
	w.t.Helper()
	r, err := w.index.Update(context.Background(), UpdateOptions{Wait: time.Minute})
	if err != nil || len(r.Problems) > 0 {
		w.t.Fatalf("update: %+v, %v", r, err)
	}
	return r
}

// entries reads every entry from the log alone, in the order of reading.
func (w *world) entries() []query.Entry {
	w.t.Helper()
	var all []query.Entry
	var p query.Pairer
	at := map[string]int{}
	for r, err := range audit.Read(w.logDir, audit.ReadOptions{}) {
		if err != nil {
			w.t.Fatal(err)
		}
		e, known := p.Add(r)
		switch {
		case query.IsOutcome(r.Kind) && !known:
		case query.IsOutcome(r.Kind):
			all[at[e.Record.ID()]].Outcome = e.Outcome
		default:
			at[r.ID()] = len(all)
			all = append(all, e)
		}
	}
	return all
}

// matching returns the ids of the entries that match, the newest first.
func matching(all []query.Entry, f *query.Filter) []string {
	var ids []string
	for i := range slices.Backward(all) {
		if f.Match(&all[i]) {
			ids = append(ids, all[i].Record.ID())
		}
	}
	return ids
}

// search answers a filter from the index.
func (w *world) search(f *query.Filter, p Page) []string {
	w.t.Helper()
	entries, err := w.index.Search(context.Background(), f, p)
	if err != nil {
		w.t.Fatalf("%+v: %v", f, err)
	}
	var ids []string
	for _, e := range entries {
		ids = append(ids, e.Record.ID())
	}
	return ids
}

// filters are every condition alone and many together.
func (w *world) filters() []query.Filter {
	mid := w.now.Add(-6 * time.Hour)
	single := []query.Filter{
		{},
		{Subject: []string{"os:dev"}},
		{Subject: []string{"os:nobody"}},
		{Subject: []string{"os:dev", "os:nobody", "ldap:dev"}},
		{Agent: []string{"spiffe://a"}},
		{Tool: []string{"write"}},
		{Tool: []string{"files.write"}},
		{Tool: []string{"list.all", "git.read"}},
		{Tool: []string{"evil\u202e7"}},
		{Decision: []access.Effect{access.Deny}},
		{Decision: []access.Effect{access.Allow, access.Deny}},
		{Reason: []string{"tool_unknown"}},
		{Rule: []string{"a"}},
		{Kind: []string{"start"}},
		{Kind: []string{"outcome"}},
		{Kind: []string{"genesis", "stop"}},
		{Approver: []string{"os:boss"}},
		{Policy: []string{"sha256:4f00"}},
		{Policy: []string{"sha256:4f"}},
		{Policy: []string{"sha256:ff"}},
		{Path: []string{"x"}, Digests: query.Digests{Path: []string{digest(17), digest(18)}}},
		{Path: []string{"x"}, Digests: query.Digests{Path: []string{digest(9001)}}},
		{Path: []string{"x"}},
		{Host: []string{"h"}, Digests: query.Digests{Host: []string{digest(3)}}},
		{Arg: []query.Arg{{Name: "n", Value: "v"}}, Digests: query.Digests{Arg: []string{digest(5), digest(9002)}}},
		{Arg: []query.Arg{{Name: "n", Value: "v"}}, Digests: query.Digests{Arg: []string{digest(17)}}}, // that of a path
		{Label: []string{"pii"}},
		{Label: []string{"pii", "secret"}},
		{Session: []string{"s_3"}},
		{Since: mid},
		{Until: mid},
		{Since: mid, Until: mid.Add(time.Hour)},
		{SelfApproved: true},
	}
	out := slices.Clone(single)
	for range rarely(60) {
		f := single[w.random.IntN(len(single))]
		for range 1 + w.random.IntN(2) {
			g := single[w.random.IntN(len(single))]
			f.Subject, f.Tool, f.Decision = append(f.Subject, g.Subject...), append(f.Tool, g.Tool...), append(f.Decision, g.Decision...)
			f.Rule, f.Kind, f.Label = append(f.Rule, g.Rule...), append(f.Kind, g.Kind...), append(f.Label, g.Label...)
			f.SelfApproved = f.SelfApproved || g.SelfApproved
			if f.Path == nil {
				f.Path, f.Digests.Path = g.Path, g.Digests.Path
			}
			if f.Arg == nil {
				f.Arg, f.Digests.Arg = g.Arg, g.Digests.Arg
			}
			if f.Since.IsZero() {
				f.Since = g.Since
			}
			if f.Until.IsZero() && g.Until.After(f.Since) {
				f.Until = g.Until
			}
		}
		out = append(out, f)
	}
	return out
}

// check holds every filter against a scan of the log.
func (w *world) check() {
	w.t.Helper()
	found := 0
	all := w.entries()
	for _, f := range w.filters() {
		want := matching(all, &f)
		found += len(want)
		if limit := 150; len(want) > limit {
			want = want[:limit] // each is read from the log again
		}
		if d := cmp.Diff(want, w.search(&f, Page{Limit: 150})); d != "" {
			w.t.Fatalf("%+v: (-log +index)\n%s", f, d)
		}
		if len(want) > 7 {
			first := w.search(&f, Page{Limit: 3})
			rest := w.search(&f, Page{Before: first[2], Limit: len(want) - 3})
			if d := cmp.Diff(want, append(first, rest...)); d != "" {
				w.t.Fatalf("%+v: in pages: (-log +index)\n%s", f, d)
			}
		}
	}
	if found < 500 {
		w.t.Errorf("all filters found %d entries: too few to mean anything", found)
	}
}

// rarely is how often a test repeats itself: less where each time takes long.
func rarely(n int) int {
	if race {
		return n / 3
	}
	return n
}

// The index says what the log says, however it came about: built at once, in
// many updates, or anew.
func TestTheIndexAnswersLikeTheLog(t *testing.T) {
	w := newWorld(t, 7)
	w.segment = 256 << 10
	for i := range 6 {
		w.write(rarely(500), 1+i%3)
		r := w.update()
		if r.Rebuilt != (i == 0) || r.Records == 0 {
			t.Fatalf("update %d: %+v", i, r)
		}
	}
	w.check()
	if r := w.update(); r.Records != 0 || r.Rebuilt {
		t.Errorf("nothing was new: %+v", r)
	}
	if r, err := w.index.Rebuild(context.Background(), UpdateOptions{}); err != nil || !r.Rebuilt {
		t.Fatalf("%+v, %v", r, err)
	}
	w.check()
}
