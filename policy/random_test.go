package policy_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/internal/pdp"
	"github.com/custos-zt/custos/policy"
)

// random makes policies and requests over a universe that is small enough for
// them to meet.
type random struct{ *rand.Rand }

func newRandom(seed uint64) random { return random{rand.New(rand.NewPCG(seed, 7))} }

func (r random) pick(words ...string) string { return words[r.IntN(len(words))] }

func (r random) often() bool { return r.IntN(3) > 0 }

func (r random) rarely() bool { return r.IntN(5) == 0 }

const universe = `policy: random
backend: b
labels: {pii: ["b.t2", "resource:b.file:///srv/hr/**"]}
tools:
  b.t1: {ops: [read], by: {x: {"del*": [delete]}}, side_effects: [], labels: [open]}
  b.t2: {ops: [read, write], side_effects: [fs_read, network_egress], paths: {path: local, source: local, destination: local}, tier: high}
  b.t3: {commands: [command], urls: [url]}
rules:
`

// rules writes n rules. named says an argument that every rule must name.
func (r random) rules(n int, named string) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = r.rule(fmt.Sprintf("r%d", i), r.pick("allow", "allow", "approve", "deny"), named)
	}
	return out
}

func (r random) rule(id, effect, named string) string {
	target := r.pick("b.t1", "b.t2", "b.t3", "b.t*", "b.*2", "*.*", `resource:b.file:///srv/**`, `prompt:b.*`, "method:tools/*")
	if effect == "deny" && r.rarely() {
		target = "*"
	}
	parts := []string{"id: " + id, fmt.Sprintf("%s: [%q]", effect, target)}
	parts = append(parts, r.conditions(effect, named)...)
	if effect == "delegate" { // its `to` is a layer
		parts = slices.DeleteFunc(parts, func(p string) bool { return strings.HasPrefix(p, "to: ") })
	}
	if effect == "approve" && r.rarely() {
		parts = append(parts, "grants: false")
	}
	if effect == "allow" && named == "" && r.rarely() {
		parts = append(parts, "else: approve")
	}
	if effect != "deny" {
		parts = append(parts, "unlisted_args: "+r.pick("declared", "reject", "allow", "allow"))
	}
	if r.rarely() {
		exception := fmt.Sprintf("[{%s}]", strings.Join(withoutWhen(r.conditions("", named)), ", "))
		if r.rarely() {
			exception = r.pick(`"args.x == 'a'"`, `"subject.tenant == 'acme' || facts['trust.score'] > 50"`)
		}
		parts = append(parts, "unless: "+exception)
	}
	if r.IntN(8) == 0 {
		then := r.pick("drop", "deny")
		if effect == "deny" {
			then = "drop"
		}
		parts = append(parts, "expires: {at: 2026-11-20T12:00:00Z, then: "+then+"}")
	}
	if r.IntN(20) == 0 {
		parts = append(parts, "mode: monitor")
	}
	return "  - {" + strings.Join(parts, ", ") + "}\n"
}

// conditions writes at least one condition, each field once.
func (r random) conditions(effect, named string) []string {
	all := []string{
		`subjects: ["corp:alice"]`, `groups: [g1]`, `roles: [r1, "corp:r2"]`, `issuers: [corp]`, `tenants: [acme]`,
		`agents: ["spiffe://a/**"]`, `ops: [read]`, `ops: [read, write]`, `ops: [delete]`,
		`side_effects: [fs_read]`, `side_effects: [network_egress]`, `labels: [open]`, `labels: [pii]`, `tool_tier: [high]`,
		`commands: ["git status|diff", pwd]`, `commands: [rm]`,
		`paths: ["/srv/**"]`, `paths: {all: ["/srv/**"], except: ["**/.env"], none: match}`, `paths: {any: ["**/.env"], except: ["/srv/ok/**"]}`,
		`from: ["/srv/**"]`, `to: {any: ["/srv/hr/**"], none: match}`,
		`urls: ["https://x.example/**"]`, `hosts: {any: ["**"], except: ["*.example"], none: match}`, `hosts: ["*.example"]`,
	}
	all = append(all, factConditions()...)
	if effect == "deny" || effect == "approve" {
		all = append(all, "clients: [c1]")
	}
	specs := []string{`enum: [1, a]`, `min: 2`, `type: integer, max: 5`, `pattern: "del"`, `same_as: subject.tenant`, `not: {enum: [a]}`, `items: {any: {enum: [a]}}`, `max_length: 3`}
	out := []string{}
	if named != "" {
		out = append(out, fmt.Sprintf("args: {%s: {%s}}", named, r.pick(specs...)))
	} else if r.often() {
		extra := ""
		if r.rarely() {
			extra = r.pick(", optional: true", ", missing: skip")
		}
		out = append(out, fmt.Sprintf("args: {x: {%s%s}}", r.pick(specs...), extra))
	}
	seen := map[string]bool{}
	for range r.IntN(3) {
		c := r.pick(all...)
		if name, _, _ := strings.Cut(c, ":"); !seen[name] {
			seen[name] = true
			out = append(out, c)
		}
	}
	if len(out) == 0 {
		out = append(out, "ops: [read]")
	}
	return out
}

// request makes a request and the line it was made from.
func (r random) line() line {
	l := line{ID: "1", Backend: r.pick("b", "b", "b", "c"), Schema: r.pick("", "valid", "valid", "invalid")}
	switch r.IntN(8) {
	case 0:
		l.URI = r.pick("file:///srv/a", "file:///srv/hr/a", "file:///srv/%2e%2e/a", "file:///SRV/hr/a")
	case 1:
		l.Prompt = "p"
	case 2:
		l.Method = r.pick("tools/list", "tasks/get")
		l.Passes = l.Method == "tools/list"
	default:
		l.Tool = r.pick("t1", "t2", "t3", "t4")
	}
	l.Arguments = []byte("{" + strings.Join(r.arguments(), ",") + "}")
	l.Facts = r.facts()
	l.Now = r.pick("", "2026-11-20T10:00:00Z", "2026-11-20T22:00:00Z", "2025-11-22T23:30:00Z")
	l.Agent = r.pick("", "spiffe://a/b", "spiffe://z/b")
	l.Client = r.pick("", "c1", "c2")
	if r.often() {
		l.Subject = &struct {
			ID, Issuer, Tenant string
			Groups, Roles      []string
		}{r.pick("alice", "bob"), r.pick("corp", "other"), r.pick("", "acme", "del"), []string{r.pick("g1", "g2")}, []string{r.pick("r1", "r2"), "r3"}}
	}
	return l
}

func (r random) arguments() []string {
	var out []string
	for _, a := range []struct {
		name   string
		values []string
	}{
		{"x", []string{"1", "1.0", "9007199254740993", `"a"`, `"delete"`, `"acme"`, "null", "true", `["a"]`, `[]`, `{"a":1}`}},
		{"path", []string{`"/srv/a"`, `"/srv/.env"`, `"/SRV/.ENV"`, `"rel/x"`, `"/srv/../etc"`, `"/srv/ok/.env"`, `["/srv/a","/etc"]`, `7`}},
		{"destination", []string{`"/srv/hr/x"`, `"/tmp/x"`}},
		{"source", []string{`"/srv/x"`, `"/tmp/x"`}},
		{"command", []string{`"git status"`, `"pwd; rm x"`, `"rm -rf x"`, `["pwd"]`, `5`}},
		{"url", []string{`"https://x.example/a"`, `"https://evil.test/"`, `"nonsense"`, `"a@b.example"`}},
	} {
		if r.IntN(3) == 0 {
			out = append(out, fmt.Sprintf("%q:%s", a.name, r.pick(a.values...)))
		}
	}
	return out
}

func mustCompile(t testing.TB, rules []string) *pdp.Snapshot {
	t.Helper()
	text := universe + strings.Join(rules, "")
	s, problems := policy.Compile([]policy.Source{{Name: "random.yaml", Data: []byte(text)}}, policy.Options{Home: "/home/dev"})
	if s == nil {
		t.Fatalf("%v\n%s", problems, text)
	}
	return s
}

func decide(s *pdp.Snapshot, r *access.Request) access.Decision {
	var d access.Decision
	s.Decide(r, &d)
	return d
}

// wide orders effects by how much they let through.
func wide(d access.Decision) int {
	return map[access.Effect]int{access.Deny: 0, access.Approve: 1, access.Allow: 2}[d.Effect]
}
