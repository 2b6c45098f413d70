package pdp_test

import (
	"fmt"
	"runtime"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/internal/pdp"
	"github.com/custos-zt/custos/policy"
	"github.com/custos-zt/custos/policy/enginetest"
)

var sizes = [...]int{10, 100, 1000, 10000}

// The figures that the bars are about are cpu-ns/op, and cal/op where machines
// are compared: see [enginetest.Measure].

// BenchmarkDecide measures one decision: warm over 512 requests, cold over
// 65,536 distinct ones, cel with an expression on every rule, hot-tool with
// every rule on one pattern and 2,000 roles.
func BenchmarkDecide(b *testing.B) {
	for _, rules := range sizes {
		s := compile(b, generated(rules))
		b.Run(fmt.Sprintf("rules=%d/warm", rules), func(b *testing.B) {
			decideAll(b, s, requests(b, 512, onRule(rules)))
		})
		b.Run(fmt.Sprintf("rules=%d/cold", rules), func(b *testing.B) {
			decideAll(b, s, requests(b, 65536, onRule(rules)))
		})
		b.Run(fmt.Sprintf("rules=%d/cel", rules), func(b *testing.B) {
			decideAll(b, compile(b, withExpressions(generated(rules))), requests(b, 512, onRule(rules)))
		})
		b.Run(fmt.Sprintf("rules=%d/hot-tool", rules), func(b *testing.B) {
			roles := min(rules, 2000)
			s := compile(b, hot(rules, roles))
			decideAll(b, s, requests(b, 512, func(i int) target {
				return target{"svc_x", fmt.Sprintf("role%d", i*7%roles), "/srv/x"}
			}))
		})
	}
}

func decideAll(b *testing.B, s *pdp.Snapshot, all []*access.Request) {
	b.Helper()
	d := access.Decision{Matched: make([]access.Match, 0, 64)}
	var effects [5]int
	runtime.GC() // what compiling left is not what deciding costs
	enginetest.Measure(b, func(i int) {
		s.Decide(all[i%len(all)], &d)
		effects[d.Effect]++
	})
	b.ReportMetric(100*float64(effects[access.Deny])/float64(b.N), "%deny")
}

// BenchmarkFilter measures what a caller sees of a list of a thousand tools,
// under ten thousand rules.
func BenchmarkFilter(b *testing.B) {
	const rules, tools = 10000, 1000
	s := compile(b, generated(rules))
	b.Run(fmt.Sprintf("tools=%d", tools), func(b *testing.B) {
		r := requests(b, 1, onRule(rules))[0]
		r.ArgsUnknown, r.Args, r.Places = true, access.Value{}, nil
		names := make([]string, tools)
		for i := range names {
			names[i] = toolOf(i * 31 % rules)
		}
		runtime.GC()
		seen := 0
		enginetest.Measure(b, func(int) {
			for _, name := range names {
				r.Name = name
				if s.Visible(r) {
					seen++
				}
			}
		})
		b.ReportMetric(float64(seen)/float64(b.N), "seen")
	})
}

// BenchmarkReload measures a policy from its text to a snapshot that could
// take over, and what the snapshot holds on to.
func BenchmarkReload(b *testing.B) {
	const rules = 10000
	b.Run(fmt.Sprintf("rules=%d", rules), func(b *testing.B) {
		sources := []policy.Source{{Name: "p.yaml", Data: []byte(generated(rules))}}
		before := heap()
		var s *pdp.Snapshot
		enginetest.Measure(b, func(int) {
			var problems []policy.Problem
			if s, problems = policy.Compile(sources, policy.Options{}); s == nil {
				b.Fatal(problems)
			}
		})
		b.ReportMetric((heap()-before)/(1<<20), "heap-MB")
		runtime.KeepAlive(s)
	})
}

// BenchmarkYAML measures what of a reload is the parser's.
func BenchmarkYAML(b *testing.B) {
	const rules = 10000
	b.Run(fmt.Sprintf("rules=%d", rules), func(b *testing.B) {
		text := []byte(generated(rules))
		enginetest.Measure(b, func(int) {
			var n yaml.Node
			if err := yaml.Unmarshal(text, &n); err != nil {
				b.Fatal(err)
			}
		})
	})
}

// heap returns the bytes in use once everything that can be is collected.
func heap() float64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}
