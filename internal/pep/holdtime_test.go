package pep

import (
	"testing"
	"time"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/audit"
)

// TestHoldTime: a record says how long its call waited for a person, from when
// it arrived and over every time that it was decided again.
func TestHoldTime(t *testing.T) {
	opened := true
	p, log, dir := point(t, Options{Authority: waiting(&opened)})
	c := call(t, "tools/call", `{"name":"git_commit","arguments":{}}`)
	c.Waits = true
	p.Admit(c)
	opened = false
	c.Since = time.Now().Add(-time.Minute)
	p.GiveUp(p.Admit(c), access.ApprovalExpired, "nobody answered in time", "")
	p.opt.Authority = rules{decide: allow}
	p.Admit(c)
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	n := 0
	for r, err := range audit.Read(dir, audit.ReadOptions{}) {
		if err != nil {
			t.Fatal(err)
		}
		switch r.Kind {
		case audit.KindApproval:
			if r.HoldUS != 0 {
				t.Errorf("asked after %d µs", r.HoldUS)
			}
		case audit.KindAdmission:
			n++
			if held := time.Duration(r.HoldUS) * time.Microsecond; held < time.Minute || held > 2*time.Minute {
				t.Errorf("%s after %v", r.Decision, held)
			}
		default:
		}
	}
	if n != 2 {
		t.Errorf("%d admissions", n)
	}
}
