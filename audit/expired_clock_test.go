package audit

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// A clock that is set makes nothing expire; time that passes does.
func TestSetClockExpiresNothing(t *testing.T) {
	for _, c := range []struct {
		name   string
		passes bool
	}{{"set", false}, {"passed", true}} {
		// In a bubble each millisecond is one look of the keeper, at least.
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := newAged(t)
				var steady atomic.Int64
				a.opt.Retention = 10 * retention
				a.opt.steady = func() time.Duration { return time.Duration(steady.Load()) }
				l := mustOpen(t, a.dir, a.opt)
				mustWait(t, l.Append(admission(1)))
				a.now.Add(int64(a.opt.Retention))
				if c.passes {
					steady.Add(int64(a.opt.Retention))
				}
				gone := func() bool {
					base, err := firstKept(a.dir)
					return err == nil && base > 0
				}
				for i := 0; i < 200 && !gone(); i++ {
					mustWait(t, l.Append(admission(2)))
					time.Sleep(time.Millisecond)
				}
				mustClose(t, l)
				if gone() != c.passes {
					t.Errorf("records are gone: %v, want %v", gone(), c.passes)
				}
				unharmed(t, a.logDir, c.name, 0)
			})
		})
	}
}
