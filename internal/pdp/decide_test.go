package pdp_test

import (
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/custos-zt/custos/access"
)

// A decision by native conditions allocates nothing, whatever it says.
func TestDecideDoesNotAllocate(t *testing.T) {
	const rules = 500
	s := compile(t, generated(rules))
	d := access.Decision{Matched: make([]access.Match, 0, 16)}
	effects := map[access.Effect]int{}
	for _, r := range requests(t, 512, onRule(rules)) {
		s.Decide(r, &d)
		if strings.HasPrefix(d.Message, "/srv/") {
			continue // a default denial repeats the path
		}
		effects[d.Effect]++
		if n := testing.AllocsPerRun(10, func() { s.Decide(r, &d) }); n > 0 {
			t.Fatalf("%v allocations to %s %s (%s)", n, d.Effect, r.Name, d.Reason)
		}
	}
	for _, e := range []access.Effect{access.Allow, access.Approve, access.Deny} {
		if effects[e] < 10 {
			t.Errorf("only %d of the requests are decided %s", effects[e], e)
		}
	}
}

// One snapshot serves everybody at once; the race detector watches.
func TestASnapshotIsSafeForConcurrentUse(t *testing.T) {
	const rules = 200
	s := compile(t, generated(rules))
	all := requests(t, 128, onRule(rules))
	want := make([]access.Effect, len(all))
	var d access.Decision
	for i, r := range all {
		s.Decide(r, &d)
		want[i] = d.Effect
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			var d access.Decision
			for i, r := range all {
				s.Decide(r, &d)
				if d.Effect != want[i] {
					t.Errorf("request %d: %s, alone it was %s", i, d.Effect, want[i])
				}
				s.Explain(r)
			}
		})
	}
	wg.Wait()
}

// The same file gives the same digest, another one another.
func TestDigestIsThatOfTheFile(t *testing.T) {
	one, two, other := compile(t, generated(10)), compile(t, generated(10)), compile(t, generated(11))
	if one.Digest() != two.Digest() || one.Digest() == other.Digest() || !strings.HasPrefix(one.Digest(), "sha256:") {
		t.Errorf("%s, %s, %s", one.Digest(), two.Digest(), other.Digest())
	}
}

// A policy of ten thousand rules stays within its share of memory.
func TestHeapOfALargePolicy(t *testing.T) {
	text := generated(10000)
	heap := func() uint64 {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	s := compile(t, text)
	used := float64(heap()-before) / (1 << 20)
	t.Logf("10,000 rules: %.1f MiB", used)
	if used > 24 {
		t.Errorf("10,000 rules take %.1f MiB", used)
	}
	runtime.KeepAlive(s)
}

func TestRulesDescribeThePolicy(t *testing.T) {
	s := compile(t, "policy: x\nbackend: b\nrules:\n"+
		"  - {id: a, approve: [t, \"resource:b.note://**\"], roles: [r], approval: {valid: 10m, standing: {max: 8h, uses: 3}}, returns: {secrets: redact}}\n"+
		"  - {id: z, deny: [\"*\"], agents: [x], mode: monitor}\n")
	rules := s.Rules()
	if len(rules) != 2 || s.Backend() != "b" {
		t.Fatalf("%+v", rules)
	}
	a, ok := s.Rule("a")
	if !ok || a.Effect != access.Approve || strings.Join(a.Patterns, " ") != "b.t resource:b.note://**" ||
		strings.Join(a.Conditions, " ") != "roles unlisted_args" || a.Position != "generated.yaml:4" ||
		a.Approval.Valid.Minutes() != 10 || a.Approval.Standing.Uses != 3 || a.Returns.Marks["secrets"] != "redact" {
		t.Errorf("%+v %+v %+v", a, a.Approval, a.Returns)
	}
	if z, _ := s.Rule("z"); !z.Monitor || z.Patterns[0] != "*" {
		t.Errorf("%+v", z)
	}
	if _, ok := s.Rule("none"); ok {
		t.Error("there is no such rule")
	}
}

func TestDeclaredFactsMergeFieldByField(t *testing.T) {
	s := compile(t, "policy: x\nlabels: {pii: [\"crm.read*\"]}\ntools:\n"+
		"  crm: {known: server-crm, ops: [read], by: {m: {\"d*\": [delete]}}, side_effects: [db_read], paths: {path: local}}\n"+
		"  crm.write: {ops: [write], side_effects: [], labels: [a]}\n"+
		"rules: [{id: a, deny: [\"*\"]}]\n")
	facts, known := s.Declared("crm", "write")
	if known != "server-crm" || facts.Ops != access.OpWrite || len(facts.OpsBy) != 0 || facts.SideEffects == nil ||
		len(facts.SideEffects) != 0 || len(facts.Paths) != 1 || !facts.Described || facts.Source != "policy" || len(facts.Labels) != 1 {
		t.Errorf("%+v %s", facts, known)
	}
	facts, _ = s.Declared("crm", "read_x")
	if facts.Ops != access.OpRead || len(facts.OpsBy) != 1 || strings.Join(facts.Labels, " ") != "pii" {
		t.Errorf("%+v", facts)
	}
	if facts, known = s.Declared("other", "x"); facts.Described || known != "" || facts.Source != "" {
		t.Errorf("%+v %s", facts, known)
	}
}

// Where nobody proved who calls, a deny for some role may mean this caller: a
// long list that is divided by role must not hide it.
func TestAnUnknownCallerMeetsEveryRestriction(t *testing.T) {
	s := compile(t, hot(100, 20)+"  - {id: open, allow: [hub.svc_x]}\n")
	r := requests(t, 1, func(int) target { return target{"svc_x", "role99", "/srv/x"} })[0]
	var d access.Decision
	if s.Decide(r, &d); d.Effect != access.Allow {
		t.Fatalf("%+v", d)
	}
	r.Subject = access.Subject{}
	if s.Decide(r, &d); d.Effect != access.Deny || d.Reason != access.Indeterminate {
		t.Fatalf("%+v", d)
	}
}
