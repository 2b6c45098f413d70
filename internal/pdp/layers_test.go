package pdp_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/internal/pdp"
	"github.com/custos-zt/custos/policy"
)

// layeredTeams compiles a root that delegates everything, and the layers of n
// teams with a few rules each.
func layeredTeams(t testing.TB, n int) *pdp.Snapshot {
	t.Helper()
	var to, names []string
	var o policy.Options
	sources := []policy.Source{{Name: "root.yaml"}}
	for i := range n {
		name := fmt.Sprintf("t%d", i)
		names = append(names, "team/"+name)
		o.Teams = append(o.Teams, policy.Team{Name: name, Issuer: "corp", Groups: []string{"g" + name}})
		var b strings.Builder
		fmt.Fprintf(&b, "policy: %s\nlayer: team/%s\nbackend: hub\nlimits:\n  - {id: l%d, tools: [unused], max: 1/1m}\nrules:\n", name, name, i)
		for k := range 8 {
			fmt.Fprintf(&b, "  - {id: %s-%d, %s: [\"svc%d_*\"]}\n", name, k, [...]string{"allow", "approve", "deny", "allow"}[k%4], k)
		}
		sources = append(sources, policy.Source{Name: name + ".yaml", Data: []byte(b.String())})
	}
	to = append(to, strings.Join(names, ", "))
	sources[0].Data = []byte("policy: root\nbackend: hub\nrules:\n  - {id: root, delegate: [\"*\"], to: [" + to[0] + "]}\n  - {id: no, deny: [drop]}\n")
	s, problems := policy.Compile(sources, o)
	if s == nil {
		t.Fatal(problems)
	}
	return s
}

func ofTeam(team, tool int) *access.Request {
	return &access.Request{
		Kind: access.Tool, Method: "tools/call", Backend: "hub", Name: fmt.Sprintf("svc%d_x", tool),
		Subject: access.Subject{ID: "u", Issuer: "corp", Known: true, Groups: []string{fmt.Sprintf("gt%d", team)}},
		Tool:    access.ToolFacts{Described: true}, SchemaState: access.SchemaValid,
	}
}

// Layers of others cost nothing and layers of the caller do not allocate.
func TestDecideInLayersDoesNotAllocate(t *testing.T) {
	s := layeredTeams(t, 50)
	d := access.Decision{Matched: make([]access.Match, 0, 8)}
	effects := map[access.Effect]int{}
	for i := range 64 {
		r := ofTeam(i%50, i%9)
		s.Decide(r, &d)
		effects[d.Effect]++
		if len(d.Matched) > 2 {
			t.Fatalf("rules of other teams match: %+v", d.Matched)
		}
		if n := testing.AllocsPerRun(10, func() { s.Decide(r, &d) }); n > 0 {
			t.Fatalf("%v allocations to %s %s (%s)", n, d.Effect, r.Name, d.Reason)
		}
	}
	for _, e := range []access.Effect{access.Allow, access.Approve, access.Deny} {
		if effects[e] < 5 {
			t.Errorf("only %d of the requests are decided %s", effects[e], e)
		}
	}
}

// Every layer that may be the caller's is looked at, however many there are.
func TestAnUnknownCallerMeetsEveryLayer(t *testing.T) {
	s := layeredTeams(t, 50)
	r := ofTeam(0, 2)
	r.Subject = access.Subject{}
	var d access.Decision
	s.Decide(r, &d)
	if d.Reason != access.Indeterminate || len(d.Matched) != 51 {
		t.Errorf("%s, %d matches", d.Reason, len(d.Matched))
	}
}

// Counters name what has to be counted for a request and by what.
func TestCountersKeyOnWhatTheySay(t *testing.T) {
	s := compile(t, "policy: x\nbackend: hub\nlimits:\n"+
		"  - {id: flood, tools: [\"*.*\"], per: [subject], max: 2/1h}\n"+
		"  - {id: other, tools: [\"other.*\"], max: 2/1h}\n"+
		"rules:\n  - {id: r, allow: [svc1_x], rate: {max: 1/1m, per: [subject, tool]}}\n  - {id: a, allow: [svc2_x]}\n")
	keys := func(r *access.Request) map[string]pdp.Counter {
		out := map[string]pdp.Counter{}
		for _, c := range s.Counters(r, nil) {
			out[c.ID] = c
		}
		return out
	}
	one, same, two := keys(ofTeam(1, 1)), keys(ofTeam(2, 1)), keys(ofTeam(1, 2))
	if len(one) != 2 || !one["flood"].Known || one["flood"].Rule || !one["r"].Rule || len(two) != 1 {
		t.Fatalf("%+v %+v", one, two)
	}
	if one["flood"] != same["flood"] || one["flood"] != two["flood"] || one["flood"].Key == one["r"].Key {
		t.Errorf("%+v %+v %+v", one, same, two)
	}
	stranger := ofTeam(1, 1)
	stranger.Subject = access.Subject{}
	if keys(stranger)["flood"].Known {
		t.Error("nobody has an account")
	}
}

// BenchmarkDecideLayers measures a decision that a team answers, beside the
// layers of many other teams.
func BenchmarkDecideLayers(b *testing.B) {
	for _, teams := range []int{1, 10, 100} {
		s := layeredTeams(b, teams)
		all := make([]*access.Request, 512)
		for i := range all {
			all[i] = ofTeam(i%teams, i%9)
		}
		b.Run(fmt.Sprintf("teams=%d", teams), func(b *testing.B) { decideAll(b, s, all) })
	}
}
