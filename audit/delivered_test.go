package audit

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// waiting makes a reader of the log that has as many records as the result says,
// and counts how often the log asked.
func (a *aged) waiting() (has *atomic.Uint64, asked *atomic.Int64) {
	has, asked = &atomic.Uint64{}, &atomic.Int64{}
	a.opt.every = time.Millisecond
	a.opt.steady = func() time.Duration { return time.Duration(a.now.Load()) }
	a.opt.Delivered = func() map[string]uint64 {
		asked.Add(1)
		return map[string]uint64{"syslog": has.Load(), "jsonl": 1 << 40}
	}
	return has, asked
}

// within waits until a condition holds.
func within(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not in half a minute", what)
		}
	}
}

// A record that a sink does not have stays, however old it is; once the sink has
// it, it goes, and no later one with it.
func TestRetentionWaitsForReaders(t *testing.T) {
	a := newAged(t)
	has, asked := a.waiting()
	l := mustOpen(t, a.dir, a.opt)
	mustWait(t, l.Append(admission(1)))
	looked := func() bool { // a log that nobody writes to does not look
		mustWait(t, l.Append(admission(1)))
		a.now.Add(int64(a.opt.look))
		return asked.Load() > 2
	}
	within(t, "the log asks", looked)
	if base, err := firstKept(a.dir); err != nil || base != 0 {
		t.Fatalf("records 1 to %d are gone, and the reader has none of them (%v)", base, err)
	}
	has.Store(30)
	within(t, "what the reader has expires", func() bool {
		looked()
		base, err := firstKept(a.dir)
		return err == nil && base > 0
	})
	asked.Store(0)
	within(t, "the log asks again", looked)
	if base, err := firstKept(a.dir); err != nil || base > 30 {
		t.Errorf("records 1 to %d are gone, and the reader has 30 (%v)", base, err)
	}
	mustClose(t, l)
	rec, err := Last(a.logDir, func(r *Record) bool { return r.Kind == KindExpired })
	if err != nil || rec.Expired.Missed != nil {
		t.Errorf("nothing was missed, the log says %+v (%v)", rec.Expired, err)
	}
	if rep, err := Verify(a.logDir, VerifyOptions{Since: a.heads}); err != nil || rep.Tampered() {
		t.Errorf("verify: %v, %+v", err, rep.FirstBad())
	}
}

// Where a limit is set the log waits no longer than that, and a signed record
// says who missed what.
func TestRetentionWaitsForSoLong(t *testing.T) {
	a := newAged(t)
	has, _ := a.waiting()
	has.Store(3)
	a.opt.Undelivered = 100 * 24 * time.Hour
	a.expire(t)
	rec, err := Last(a.logDir, func(r *Record) bool { return r.Kind == KindExpired })
	if err != nil {
		t.Fatal(err)
	}
	through := rec.Expired.Through
	if d := cmp.Diff([]Missed{{Reader: "syslog", After: 3, Records: through - 3}}, rec.Expired.Missed); d != "" {
		t.Error(d)
	}
	if limit := a.opt.Now().Add(-retention - a.opt.Undelivered); !rec.Expired.Before.Before(limit) {
		t.Errorf("records of %v went, the limit is %v", rec.Expired.Before, limit)
	}
	has.Store(0) // it has lost what it had: what went before is not counted again
	a.now.Add(int64(200 * 24 * time.Hour))
	l := mustOpen(t, a.dir, a.opt)
	mustWait(t, l.Append(admission(1)))
	within(t, "more expires", func() bool {
		base, err := firstKept(a.dir)
		return err == nil && base > through
	})
	mustClose(t, l)
	rec, err = Last(a.logDir, func(r *Record) bool { return r.Kind == KindExpired })
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]Missed{{Reader: "syslog", Records: rec.Expired.Through - through}}, rec.Expired.Missed); d != "" {
		t.Error(d)
	}
	agree(t, "expired, missed", a.logDir, a.heads)
}
