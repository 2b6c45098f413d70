package pdp_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/internal/canon"
	"github.com/custos-zt/custos/internal/pdp"
	"github.com/custos-zt/custos/policy"
)

// Roles and services of a generated policy grow with its rules, so that about
// eight rules share the prefix of a service.
const rulesPerService = 8

func roles(rules int) int { return max(rules/5, 2) }

// roleOf is the role that rule i of a generated policy names.
func roleOf(i, rules int) string { return fmt.Sprintf("role%d", i*7919%roles(rules)) }

// toolOf is a tool that rule i of a generated policy covers.
func toolOf(i int) string {
	return fmt.Sprintf("svc%d_act%d", i/rulesPerService, i%rulesPerService)
}

// generated writes a policy as teams write them: four of five rules name one
// tool and one a prefix, each one role and one or two arguments or a directory;
// 70 % allow, 10 % approve, 20 % deny.
func generated(rules int) string {
	rnd := rand.New(rand.NewPCG(1, uint64(rules)))
	var b strings.Builder
	b.WriteString("policy: generated\nbackend: hub\nrules:\n")
	for i := range rules {
		tool := "hub." + toolOf(i)
		if i%5 == 4 {
			tool = fmt.Sprintf("hub.svc%d_*", i/rulesPerService)
		}
		effect := "allow"
		switch i % 10 {
		case 3:
			effect = "approve"
		case 4, 8:
			effect = "deny"
		}
		fmt.Fprintf(&b, "  - {id: r%d, %s: [%q], roles: [%s], ", i, effect, tool, roleOf(i, rules))
		switch i % 3 {
		case 0:
			fmt.Fprintf(&b, "args: {limit: {type: integer, max: %d}, mode: {enum: [fast, safe]}}", 10+rnd.IntN(90))
		case 1:
			fmt.Fprintf(&b, "args: {limit: {type: integer, max: %d}, mode: {enum: [fast, safe], optional: true}}", 10+rnd.IntN(90))
		default:
			fmt.Fprintf(&b, "paths: [\"/srv/svc%d/**\"], args: {limit: {type: integer, max: 50}}", i/rulesPerService)
		}
		b.WriteString("}\n")
	}
	return b.String()
}

// withExpressions gives every rule of a generated policy an expression, a
// hundred different ones in all.
func withExpressions(policy string) string {
	var b strings.Builder
	n := 0
	for line := range strings.Lines(policy) {
		if rule, ok := strings.CutSuffix(line, "}\n"); ok && strings.HasPrefix(line, "  - {id:") {
			n++
			fmt.Fprintf(&b, "%s, when: \"args.limit < %d\"}\n", rule, 60+n%100)
			continue
		}
		b.WriteString(line)
	}
	return b.String()
}

// hot writes a policy whose rules all stand on one tool pattern and differ in
// the role: a scan of the tool's rules would be linear.
func hot(rules, roles int) string {
	var b strings.Builder
	b.WriteString("policy: hot\nbackend: hub\nrules:\n")
	for i := range rules {
		effect := [...]string{"allow", "allow", "allow", "approve", "deny"}[i%5]
		fmt.Fprintf(&b, "  - {id: r%d, %s: [\"hub.svc_*\"], roles: [role%d], args: {limit: {type: integer, max: %d}}}\n", i, effect, i%roles, 10+i%90)
	}
	return b.String()
}

func compile(t testing.TB, text string) *pdp.Snapshot {
	t.Helper()
	s, problems := policy.Compile([]policy.Source{{Name: "generated.yaml", Data: []byte(text)}}, policy.Options{Home: "/home/dev"})
	if s == nil {
		t.Fatal(problems)
	}
	return s
}

// target is what a generated request is meant for.
type target struct {
	tool, role, path string
}

// onRule aims request i at one rule of a generated policy: its tool and, four
// times in five, its role.
func onRule(rules int) func(i int) target {
	return func(i int) target {
		rule := i * 31 % rules
		role := roleOf(rule, rules)
		if i%5 == 4 {
			role = "guest"
		}
		return target{toolOf(rule), role, fmt.Sprintf("/srv/svc%d/data/%d.txt", rule/rulesPerService, i)}
	}
}

// requests builds n calls, the same ones each time.
func requests(t testing.TB, n int, aim func(i int) target) []*access.Request {
	t.Helper()
	rnd := rand.New(rand.NewPCG(2, uint64(n)))
	out := make([]*access.Request, n)
	for i := range out {
		to := aim(i)
		mode := [...]string{"fast", "safe", "safe", "slow"}[rnd.IntN(4)]
		args, err := canon.Parse(fmt.Sprintf(`{"limit":%d,"mode":%q,"path":%q}`, rnd.IntN(60), mode, to.path), canon.DefaultLimits())
		if err != nil {
			t.Fatal(err)
		}
		out[i] = &access.Request{
			Kind: access.Tool, Method: "tools/call", Backend: "hub", Name: to.tool, Args: args,
			Subject:     access.Subject{ID: fmt.Sprintf("u%d", i), Issuer: "corp", Known: true, Roles: []string{to.role, "staff"}},
			Tool:        access.ToolFacts{Described: true, Ops: access.OpRead},
			SchemaState: access.SchemaValid,
			Places: []access.Place{{
				Arg: "path", Raw: to.path, Declared: true, Grantable: true,
				Readings: []string{to.path}, Suspect: []string{to.path}, Folded: []string{to.path},
			}},
		}
	}
	return out
}
