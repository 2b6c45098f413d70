package audit

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/custos-zt/custos/access"
)

// denial is a refused call of somebody.
func denial(subject, tool string) Record {
	r := admission(1)
	r.Subject, r.Tool, r.Decision, r.Reason, r.Rule = subject, tool, access.Deny, access.DefaultDenied, ""
	return r
}

// denials opens a log with what stands before it, on a clock that stands still.
func denials(t *testing.T) (*Denials, *Log, string) {
	t.Helper()
	logDir, dir := slot(t)
	l := mustOpen(t, dir, signing(t))
	d := NewDenials(l)
	now := time.Now()
	d.now = func() time.Time { return now }
	return d, l, logDir
}

// counted returns how many denials a log tells of, one by one and coalesced.
func counted(t *testing.T, logDir string) (single, coalesced int) {
	t.Helper()
	for _, r := range collect(t, logDir, ReadOptions{}) {
		switch {
		case r.Kind == KindAdmission && r.Decision == access.Deny:
			single++
		case r.Kind == KindDenials:
			sum := r.Coalesced.More
			for _, g := range r.Coalesced.Groups {
				sum += g.Count
			}
			if sum != r.Coalesced.Count || r.Coalesced.Last.Before(r.Coalesced.First) {
				t.Errorf("record %d counts %+v", r.Seq, r.Coalesced)
			}
			coalesced += sum
		}
	}
	return single, coalesced
}

// A flood from many at once: no denial is lost, none is answered before it is
// on record, and the log stays small.
func TestDenialsCoalesce(t *testing.T) {
	d, l, logDir := denials(t)
	d.now = time.Now
	const writers, each = 16, 40
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			for range each {
				tk := d.Append(denial("os:dev", "rm"))
				if err := tk.Wait(); err != nil {
					t.Error(err)
					return
				}
				if tk.Seq() != 0 {
					continue
				}
				r, err := Find(logDir, tk.ID())
				if err != nil || r.Decision != access.Deny || r.Subject != "os:dev" {
					t.Errorf("the id of a coalesced denial names %+v, %v", r, err)
					return
				}
			}
		})
	}
	wg.Wait()
	single, coalesced := counted(t, logDir)
	mustClose(t, l)
	if single+coalesced != writers*each || single < DenialBurst || single > writers*each/2 {
		t.Errorf("%d denials: %d one by one, %d coalesced", writers*each, single, coalesced)
	}
}

// A ticket resolves when the record that counts it is durable, not before.
func TestCoalescedDenialIsOnRecord(t *testing.T) {
	d, l, logDir := denials(t)
	for range DenialBurst + 1 {
		mustWait(t, d.Append(denial("os:dev", "rm")))
	}
	tk := d.Append(denial("os:dev", "mv"))
	if tk.Settled() {
		t.Fatal("answered before its window ended")
	}
	mustWait(t, tk)
	r, err := Last(logDir, func(r *Record) bool { return r.Kind == KindDenials })
	if err != nil || r.Coalesced.Count != 1 || r.Coalesced.Groups[0].Target != "mv" || FormatID(0, r.Admission) != tk.ID() {
		t.Errorf("record %+v, %v; ticket %s", r, err, tk.ID())
	}
	if l.Head().Seq < r.Seq {
		t.Errorf("record %d counts it and is not durable", r.Seq)
	}
	mustClose(t, l)
}

func TestWhatDoesNotCoalesce(t *testing.T) {
	d, l, _ := denials(t)
	for range DenialBurst + 1 {
		d.Append(denial("os:dev", "rm"))
	}
	allowed, other, answered := admission(7), denial("os:ann", "rm"), denial("os:dev", "rm")
	allowed.Subject = "os:dev"
	answered.Approval = &Approval{}
	for name, r := range map[string]Record{"an allowed call": allowed, "another principal": other, "what a person denied": answered} {
		if tk := d.Append(r); tk.Seq() == 0 {
			t.Errorf("%s was coalesced", name)
		} else {
			mustWait(t, tk)
		}
	}
	outcome := outcome(1)
	mustWait(t, d.Append(outcome))
	// A principal is not the name that the client gives itself.
	renamed := denial("os:dev", "rm")
	renamed.Client = "another"
	if d.Append(renamed).Seq() != 0 {
		t.Error("a client with another name has an account of its own")
	}
	d.Flush()
	mustClose(t, l)
}

func TestDenialAccountsFillUp(t *testing.T) {
	d, l, _ := denials(t)
	now := time.Now()
	d.now = func() time.Time { return now }
	single := func(n int) (count int) {
		for range n {
			if d.Append(denial("os:dev", "rm")).Seq() != 0 {
				count++
			}
		}
		d.Flush()
		return count
	}
	if got := single(200); got != DenialBurst+1 {
		t.Errorf("at first %d were recorded one by one, want %d and one that opens the window", got, DenialBurst)
	}
	now = now.Add(2 * time.Second)
	if got := single(200); got != 2*DenialRate+1 {
		t.Errorf("after 2 s %d were recorded one by one", got)
	}
	now = now.Add(time.Hour)
	if got := single(200); got != DenialBurst+1 {
		t.Errorf("after an hour %d were recorded one by one", got)
	}
	mustClose(t, l)
}

// What an attacker chooses, names of tools and sessions, bounds nothing but
// itself.
func TestDenialsAreBounded(t *testing.T) {
	d, l, logDir := denials(t)
	for range DenialBurst + 1 {
		d.Append(denial("os:dev", "rm"))
	}
	for i := range 500 {
		d.Append(denial("os:dev", fmt.Sprint("tool", i)))
	}
	for i := range 2 * maxPrincipals {
		r := denial("os:dev", "rm")
		r.Session = fmt.Sprint("s", i)
		d.Append(r)
	}
	d.Flush()
	mustClose(t, l)
	if len(d.principals) > maxPrincipals+1 {
		t.Errorf("%d principals are remembered", len(d.principals))
	}
	for _, r := range collect(t, logDir, ReadOptions{}) {
		if c := r.Coalesced; c != nil && len(c.Groups) > maxDenialGroups {
			t.Errorf("record %d has %d groups", r.Seq, len(c.Groups))
		}
	}
	if single, coalesced := counted(t, logDir); single+coalesced != DenialBurst+1+500+2*maxPrincipals {
		t.Errorf("%d one by one, %d coalesced", single, coalesced)
	}
}

// A log that fails fails the denials that it counts too.
func TestDenialsFail(t *testing.T) {
	_, dir := slot(t)
	opt := signing(t)
	f := &failing{what: func(path string) bool { return filepath.Ext(path) == segmentSuffix }}
	opt.disk = f.disk()
	l := mustOpen(t, dir, opt)
	d := NewDenials(l)
	now := time.Now()
	d.now = func() time.Time { return now }
	var tickets []Ticket
	for range DenialBurst + 1 {
		mustWait(t, d.Append(denial("os:dev", "rm")))
	}
	f.on.Store(true)
	for range 10 {
		tickets = append(tickets, d.Append(denial("os:dev", "rm")))
	}
	for _, tk := range tickets {
		if err := tk.Wait(); !errors.Is(err, ErrFailed) {
			t.Errorf("on a broken disk: %v", err)
		}
	}
	if tk := d.Append(denial("os:dev", "rm")); tk.Seq() != 0 || !errors.Is(tk.Wait(), ErrFailed) {
		t.Error("a denial behind the failure has a ticket")
	}
	if err := l.Close(); !errors.Is(err, ErrFailed) {
		t.Error(err)
	}
	if !slices.ContainsFunc(tickets, func(tk Ticket) bool { return tk.Seq() == 0 }) {
		t.Error("none was coalesced")
	}
}
