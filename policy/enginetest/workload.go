package enginetest

import (
	"fmt"
	"math/rand/v2" //nolint:depguard // the same policies and calls each time, from a seed
	"strings"
	"testing"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/internal/canon"
	"github.com/custos-zt/custos/policy"
)

// Rule is one rule of the workload. All its conditions must hold.
type Rule struct {
	ID     string
	Effect access.Effect
	// Tool is a tool of the backend hub, or with Prefix how its name begins.
	Tool   string
	Prefix bool
	Role   string
	// Max bounds the argument limit, an integer.
	Max int
	// Moded asks that the argument mode is fast or safe.
	Moded bool
	// Optional says that mode need not be there.
	Optional bool
	// Dir is the directory that the argument path lies in, "" for any.
	Dir string
	// Below is a bound of the argument limit, itself excluded, that is written as
	// an expression; 0 is none.
	Below int
}

// Roles and services grow with the rules, so that about eight rules share the
// prefix of a service.
const rulesPerService = 8

func roleOf(i, rules int) string { return fmt.Sprintf("role%d", i*7919%max(rules/5, 2)) }

func toolOf(i int) string { return fmt.Sprintf("svc%d_act%d", i/rulesPerService, i%rulesPerService) }

// Workload returns n rules as teams write them: four of five name one tool and
// one a prefix, each one role and one or two arguments or a directory; 70 %
// allow, 10 % approve, 20 % deny. The same n gives the same rules.
func Workload(n int) []Rule {
	rnd := rand.New(rand.NewPCG(1, uint64(n))) //nolint:gosec // repeatable on purpose
	out := make([]Rule, n)
	for i := range out {
		r := Rule{ID: fmt.Sprintf("r%d", i), Effect: access.Allow, Tool: toolOf(i), Role: roleOf(i, n)}
		if i%5 == 4 {
			r.Tool, r.Prefix = fmt.Sprintf("svc%d_", i/rulesPerService), true
		}
		switch i % 10 {
		case 3:
			r.Effect = access.Approve
		case 4, 8:
			r.Effect = access.Deny
		}
		switch i % 3 {
		case 0:
			r.Max, r.Moded = 10+rnd.IntN(90), true
		case 1:
			r.Max, r.Moded, r.Optional = 10+rnd.IntN(90), true, true
		default:
			r.Max, r.Dir = 50, fmt.Sprintf("/srv/svc%d", i/rulesPerService)
		}
		out[i] = r
	}
	return out
}

// NativeText writes the rules in the language of Custos.
func NativeText(rules []Rule) string {
	var b strings.Builder
	b.WriteString("policy: generated\nbackend: hub\nrules:\n")
	for _, r := range rules {
		tool := "hub." + r.Tool
		if r.Prefix {
			tool += "*"
		}
		fmt.Fprintf(&b, "  - {id: %s, %s: [%q], roles: [%s], ", r.ID, r.Effect, tool, r.Role)
		switch {
		case r.Dir != "":
			fmt.Fprintf(&b, "paths: [\"%s/**\"], args: {limit: {type: integer, max: %d}}", r.Dir, r.Max)
		case r.Optional:
			fmt.Fprintf(&b, "args: {limit: {type: integer, max: %d}, mode: {enum: [fast, safe], optional: true}}", r.Max)
		case r.Moded:
			fmt.Fprintf(&b, "args: {limit: {type: integer, max: %d}, mode: {enum: [fast, safe]}}", r.Max)
		default:
			fmt.Fprintf(&b, "args: {limit: {type: integer, max: %d}}", r.Max)
		}
		if r.Below > 0 {
			fmt.Fprintf(&b, ", when: \"args.limit < %d\"", r.Below)
		}
		b.WriteString("}\n")
	}
	return b.String()
}

// NativeEngine compiles the rules for the native engine.
func NativeEngine(t testing.TB, rules []Rule) policy.Engine {
	t.Helper()
	s, problems := policy.Compile([]policy.Source{{Name: "generated.yaml", Data: []byte(NativeText(rules))}}, policy.Options{Home: "/home/dev"})
	if s == nil {
		t.Fatal(problems)
	}
	return policy.Native(s)
}

// Requests builds n calls for a workload of so many rules, the same ones each
// time. Each aims at one rule: its tool and, four times in five, its role.
func Requests(t testing.TB, n, rules int) []*access.Request {
	t.Helper()
	rnd := rand.New(rand.NewPCG(2, uint64(n))) //nolint:gosec // repeatable on purpose
	out := make([]*access.Request, n)
	for i := range out {
		rule := i * 31 % rules
		role := roleOf(rule, rules)
		if i%5 == 4 {
			role = "guest"
		}
		path := fmt.Sprintf("/srv/svc%d/data/%d.txt", rule/rulesPerService, i)
		mode := [...]string{"fast", "safe", "safe", "slow"}[rnd.IntN(4)]
		args, err := canon.Parse(fmt.Sprintf(`{"limit":%d,"mode":%q,"path":%q}`, rnd.IntN(60), mode, path), canon.DefaultLimits())
		if err != nil {
			t.Fatal(err)
		}
		out[i] = &access.Request{
			Kind: access.Tool, Method: "tools/call", Backend: "hub", Name: toolOf(rule), Args: args,
			Subject:     access.Subject{ID: fmt.Sprintf("u%d", i), Issuer: "corp", Known: true, Roles: []string{role, "staff"}},
			Tool:        access.ToolFacts{Described: true, Ops: access.OpRead},
			SchemaState: access.SchemaValid,
			Places: []access.Place{{
				Arg: "path", Raw: path, Declared: true, Grantable: true,
				Readings: []string{path}, Suspect: []string{path}, Folded: []string{path},
			}},
		}
	}
	return out
}

// Agree checks that an engine decides the workload like the native one.
// compile writes the rules in the language of the engine.
func Agree(t *testing.T, sizes []int, compile func(testing.TB, []Rule) policy.Engine) {
	t.Helper()
	for _, n := range sizes {
		rules := Workload(n)
		native, other := NativeEngine(t, rules), compile(t, rules)
		seen := map[access.Effect]int{}
		for i, r := range Requests(t, min(512, 40000/n+64), n) {
			want, err := native.Decide(t.Context(), r)
			if err != nil {
				t.Fatal(err)
			}
			got, err := other.Decide(t.Context(), r)
			if err != nil || got.Effect != want.Effect {
				t.Errorf("%d rules, call %d of %s: %v %s by %q, error %v; native %v by %q",
					n, i, r.Name, got.Effect, got.Reason, got.Rule, err, want.Effect, want.Rule)
			}
			seen[want.Effect]++
		}
		if seen[access.Allow] == 0 || seen[access.Deny] == 0 {
			t.Errorf("%d rules: the workload only says %v", n, seen)
		}
	}
}
