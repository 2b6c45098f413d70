package pdp_test

import (
	"fmt"
	"testing"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/internal/pdp"
	"github.com/custos-zt/custos/policy"
)

var sizes = [...]int{10, 100, 1000, 10000}

// BenchmarkDecide measures one decision: warm over 512 requests, cold over
// 65,536 distinct ones, cel with an expression on every rule, hot-tool with every rule on one pattern and 2,000
// roles. The calibration loop tells how fast the machine is.
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
	var effects [4]int
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		s.Decide(all[i%len(all)], &d)
		effects[d.Effect]++
	}
	b.StopTimer()
	b.ReportMetric(100*float64(effects[access.Deny])/float64(b.N), "%deny")
}

// BenchmarkCalibration is the loop that the bars are relative to.
func BenchmarkCalibration(b *testing.B) {
	x := uint64(1)
	for range b.N {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
	}
	if x == 0 {
		b.Fatal("xorshift reached zero")
	}
}

func BenchmarkVisible(b *testing.B) {
	s := compile(b, generated(10000))
	all := requests(b, 1000, onRule(10000))
	for _, r := range all {
		r.ArgsUnknown = true
	}
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		s.Visible(all[i%len(all)])
	}
}

func BenchmarkCompile(b *testing.B) {
	text := []byte(generated(10000))
	b.ReportAllocs()
	for range b.N {
		s, problems := policy.Compile([]policy.Source{{Name: "p.yaml", Data: text}}, policy.Options{})
		if s == nil {
			b.Fatal(problems)
		}
	}
}
