package cli

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/audit"
)

// Denials that were too many to be recorded one by one are counted with the
// others.
func TestTodayCountsCoalescedDenials(t *testing.T) {
	logDir := t.TempDir()
	slot := filepath.Join(logDir, audit.SlotName(0))
	if err := os.Mkdir(slot, 0o700); err != nil {
		t.Fatal(err)
	}
	l, err := audit.Open(slot, audit.Options{Instance: "i_test"})
	if err != nil {
		t.Fatal(err)
	}
	l.Append(audit.Record{Kind: audit.KindAdmission, Decision: access.Deny, Reason: access.RuleDenied, Rule: "secret"})
	l.Append(audit.Record{Kind: audit.KindDenials, Decision: access.Deny, Coalesced: &audit.Coalesced{
		Count: 45, More: 5, Groups: []audit.DenialGroup{{Reason: access.RuleDenied, Rule: "secret", Count: 30}, {Reason: access.DefaultDenied, Count: 10}},
	}})
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	h := &health{Today: today{DeniedBy: map[string]int{}}}
	h.count(logDir)
	want := today{Denied: 46, DeniedBy: map[string]int{"secret": 31, "default_denied": 10}}
	if d := cmp.Diff(want, h.Today); d != "" {
		t.Error(d)
	}
}
