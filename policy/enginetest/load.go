package enginetest

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/policy"
)

// Load is a policy with the calls that an engine is measured with.
type Load struct {
	Name  string
	Rules []Rule
	Calls []*access.Request
}

// Loads returns the four loads of n rules: warm is [Workload] under 512 calls,
// cold the same under 65,536 distinct ones, condition gives every rule an
// expression in the language of the engine, and hot-tool has all rules on one
// pattern, for as many as 2,000 roles.
func Loads(t testing.TB, n int) []Load {
	t.Helper()
	rules := Workload(n)
	conditions := make([]Rule, n)
	copy(conditions, rules)
	for i := range conditions {
		conditions[i].Below = 60 + (i+1)%100
	}
	warm := Requests(t, 512, n)
	return []Load{
		{"warm", rules, warm},
		{"cold", rules, Requests(t, 65536, n)},
		{"condition", conditions, warm},
		hot(t, n),
	}
}

// hot is a policy whose rules differ in the role alone: a scan of the tool's
// rules would be linear.
func hot(t testing.TB, n int) Load {
	t.Helper()
	roles := min(n, 2000)
	l := Load{Name: "hot-tool", Rules: make([]Rule, n), Calls: Requests(t, 512, n)}
	for i := range l.Rules {
		effect := [...]access.Effect{access.Allow, access.Allow, access.Allow, access.Approve, access.Deny}[i%5]
		l.Rules[i] = Rule{
			ID: fmt.Sprintf("r%d", i), Effect: effect, Tool: "svc", Prefix: true,
			Role: fmt.Sprintf("role%d", i%roles), Max: 10 + i%90,
		}
	}
	for i, r := range l.Calls {
		r.Subject.Roles = []string{fmt.Sprintf("role%d", i*7%roles), "staff"}
	}
	return l
}

// BenchAll measures the native engine and others side by side, as
// rules=N/LOAD/ENGINE, for 10 to 10,000 rules.
func BenchAll(b *testing.B, others map[string]func(testing.TB, []Rule) policy.Engine) {
	b.Helper()
	for _, n := range []int{10, 100, 1000, 10000} {
		for _, l := range Loads(b, n) {
			run := func(name string, compile func(testing.TB, []Rule) policy.Engine) {
				engine := sync.OnceValue(func() policy.Engine { return compile(b, l.Rules) })
				b.Run(fmt.Sprintf("rules=%d/%s/%s", n, l.Name, name), func(b *testing.B) { Bench(b, engine(), l.Calls) })
			}
			run("native", NativeEngine)
			for _, name := range slices.Sorted(maps.Keys(others)) {
				run(name, others[name])
			}
		}
	}
}
