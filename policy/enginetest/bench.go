package enginetest

import (
	"testing"
	"time"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/policy"
)

// Bench measures an engine over the same calls, again and again: see [Measure].
func Bench(b *testing.B, e policy.Engine, all []*access.Request) {
	b.Helper()
	ctx := b.Context()
	Measure(b, func(i int) {
		if _, err := e.Decide(ctx, all[i%len(all)]); err != nil {
			b.Fatal(err)
		}
	})
}

// Measure runs do b.N times and reports, beside the time that passed, what is
// comparable on a machine that others use too:
//
//   - cpu-ns/op: the processor time of the whole process, the garbage collector
//     included;
//   - cal-ns: one step of a calibration loop, measured just before, which says
//     how fast the processor is at this moment;
//   - cal/op: the first in units of the second.
func Measure(b *testing.B, do func(i int)) {
	b.Helper()
	step := calibrate()
	b.ReportAllocs()
	b.ResetTimer()
	before := cpu()
	for i := range b.N {
		do(i)
	}
	op := float64((cpu() - before).Nanoseconds()) / float64(b.N)
	b.StopTimer()
	b.ReportMetric(op, "cpu-ns/op")
	b.ReportMetric(step, "cal-ns")
	b.ReportMetric(op/step, "cal/op")
}

// calibrate returns how many nanoseconds one step of xorshift takes: three
// shifts and three exclusive ors, each on the result of the last. It is the
// shortest of several runs.
func calibrate() float64 {
	const steps = 1 << 19
	best := time.Duration(1 << 62)
	x := uint64(1)
	for range 5 {
		begin := time.Now()
		for range steps {
			x ^= x << 13
			x ^= x >> 7
			x ^= x << 17
		}
		best = min(best, time.Since(begin))
	}
	if x == 0 {
		return 0 // it never is: the loop has a result that is used
	}
	return float64(best.Nanoseconds()) / steps
}
