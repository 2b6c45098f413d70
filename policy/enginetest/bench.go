package enginetest

import (
	"testing"

	"github.com/custos-zt/custos/policy"
)

// Bench measures an engine over the same 512 calls, again and again. cpu-ns/op
// is the processor time of the whole process, the garbage collector included:
// on a machine that others use too it is the figure to compare.
func Bench(b *testing.B, e policy.Engine, rules int) {
	b.Helper()
	all := Requests(b, 512, rules)
	ctx := b.Context()
	b.ReportAllocs()
	b.ResetTimer()
	before := cpu()
	for i := range b.N {
		if _, err := e.Decide(ctx, all[i%len(all)]); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64((cpu()-before).Nanoseconds())/float64(b.N), "cpu-ns/op")
}
