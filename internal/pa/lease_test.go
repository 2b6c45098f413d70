package pa

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/internal/approval"
	"github.com/custos-zt/custos/internal/canon"
	"github.com/custos-zt/custos/policy"
)

// generous leases answer whatever they are asked about, and open every entry of
// `break_glass`: nothing but the administrator keeps them from calls.
type generous struct {
	asked  []*approval.Call
	opened []string
	spent  []string
	err    error
	closed bool // between Lifts and Lift
}

func (g *generous) Use(_ context.Context, c *approval.Call) (string, error) {
	g.asked = append(g.asked, c)
	return "l_1", g.err
}

func (g *generous) Lifts(_ context.Context, _, _ string, of []approval.Glass) ([]string, error) {
	var out []string
	for _, e := range of {
		out = append(out, e.Name)
	}
	g.opened = append(g.opened, out...)
	return out, g.err
}

func (g *generous) Lift(_ context.Context, _, _ string, of []approval.Glass) (string, error) {
	if g.closed {
		return "", g.err
	}
	for _, e := range of {
		g.spent = append(g.spent, e.Name)
	}
	return "l_9", g.err
}

const leasing = `policy: leasing
backend: b
limits:
  - {id: flood, tools: [flooded], max: 1/1m, over: approve}
rules:
  - {id: stands, approve: [stands, both, denied, flooded], approval: {standing: {max: 1h, uses: 5}}}
  - {id: asks, approve: [asks, both]}
  - {id: no, deny: [denied, lifted, held]}
  - {id: open, allow: [lifted, held, either, frozen, other]}
  - {id: again, approve: [held], liftable: [other]}
  - {id: freeze, deny: [frozen, either, nothing], liftable: [incident]}
  - {id: cold, deny: [either], liftable: [other]}
  - {id: strange, deny: [other], liftable: [other]}
  - {id: never, approve: [never], grants: false, approval: {standing: {max: 1h}}}
break_glass:
  incident: {who: {subjects: [dev]}, approve: {group: leads, quorum: 2, assurance: code}, valid: 30m, uses: 3}
  other: {who: {subjects: [somebody]}, approve: {group: leads, self: allowed}, valid: 5m}
`

func leasingFrom(t *testing.T, text string, p *people, l Leases) *Administrator {
	t.Helper()
	s, problems := policy.Compile([]policy.Source{{Name: "leasing.yaml", Data: []byte(text)}}, policy.Options{})
	if s == nil {
		t.Fatal(problems)
	}
	adm := New(Options{Approvals: p, Leases: l, Wait: time.Second, Binding: Binding{Instance: "i", Root: "/src"}})
	adm.Publish(s)
	return adm
}

func TestWhatALeaseMayAnswer(t *testing.T) {
	for _, c := range []struct {
		tool    string
		reason  access.Reason
		lease   string
		askedOf int
	}{
		{"stands", access.LeaseAllowed, "l_1", 1},
		{"asks", access.ApprovalPending, "", 0},       // the rule lets no answer stand
		{"both", access.ApprovalPending, "", 0},       // nor does one of the two
		{"denied", access.RuleDenied, "", 0},          // a deny is not lifted
		{"nowhere", access.DefaultDenied, "", 0},      // nor is none
		{"never", access.ApprovalNotGrantable, "", 0}, // nothing allows it
		{"flooded", access.ApprovalPending, "", 0},    // a limit lets no answer stand
		{"lifted", access.RuleDenied, "", 0},          // not marked
		{"held", access.RuleDenied, "", 0},            // the mark is on another rule
		{"frozen", access.RuleAllowed, "l_9", 0},      // marked, and for this caller
		{"other", access.RuleDenied, "", 0},           // marked, for another caller
		{"either", access.RuleDenied, "", 0},          // one of two denies stays
		{"nothing", access.RuleDenied, "", 0},         // nothing allows it
	} {
		g := &generous{}
		d := decide(t, leasingFrom(t, leasing, &people{state: access.ApprovalOpen}, g), c.tool, true)
		want := access.Deny
		switch c.reason {
		case access.LeaseAllowed, access.RuleAllowed:
			want = access.Allow
		case access.ApprovalPending:
			want = access.Approve
		default:
		}
		if d.Reason != c.reason || d.Effect != want || d.Lease != c.lease || len(g.asked) != c.askedOf {
			t.Errorf("%s: %s %s %q, asked %d times", c.tool, d.Effect, d.Reason, d.Lease, len(g.asked))
		}
		if (len(g.spent) > 0) != (d.Lease == "l_9") {
			t.Errorf("%s: counted %v", c.tool, g.spent)
		}
	}
}

// What an entry of break_glass would open for the caller is listed, and a call of
// it is told why it is denied. What nobody can open is hidden.
func TestWhatCouldBeLiftedIsShown(t *testing.T) {
	for tool, shown := range map[string]bool{"frozen": true, "other": false, "lifted": false, "either": false, "open": false, "stands": true} {
		r := func() *access.Request {
			return &access.Request{Kind: access.Tool, Method: "tools/call", Backend: "b", Name: tool, Subject: access.Subject{ID: "dev", Issuer: "os", Known: true}}
		}
		with := leasingFrom(t, leasing, &people{}, &generous{})
		var d access.Decision
		with.Authorize(r(), nil, &d)
		if got := with.Visible(r(), nil); got != shown || d.Hidden == shown {
			t.Errorf("%s: shown %v, hidden %v", tool, got, d.Hidden)
		}
		if without := leasingFrom(t, leasing, &people{}, nil); tool == "frozen" && without.Visible(r(), nil) {
			t.Errorf("%s is shown where nothing can be lifted", tool)
		}
	}
}

// Where leases fail, or are closed meanwhile, the call is as if there were none.
func TestLeasesThatFailAnswerNothing(t *testing.T) {
	for _, c := range []struct {
		name, tool string
		leases     *generous
		wait       bool
		reason     access.Reason
	}{
		{"an error", "stands", &generous{err: errors.New("disk")}, true, access.ApprovalPending},
		{"an error", "frozen", &generous{err: errors.New("disk")}, true, access.RuleDenied},
		{"closed meanwhile", "frozen", &generous{closed: true}, true, access.RuleDenied},
		{"nobody waits", "stands", &generous{}, false, access.ApprovalUnavailable},
		{"nobody waits", "frozen", &generous{}, false, access.RuleDenied},
	} {
		d := decide(t, leasingFrom(t, leasing, &people{state: access.ApprovalOpen}, c.leases), c.tool, c.wait)
		if d.Reason != c.reason || d.Lease != "" || d.Effect == access.Allow {
			t.Errorf("%s, %s: %s %s %q", c.name, c.tool, d.Effect, d.Reason, d.Lease)
		}
	}
}

// Who only wants to know whether a call is held counts nothing, and is told that
// it is: the book is not for whoever reads what the client sends.
func TestLeasesAreCountedLater(t *testing.T) {
	for _, tool := range []string{"stands", "frozen"} {
		g := &generous{}
		a := leasingFrom(t, leasing, &people{state: access.ApprovalOpen}, g)
		r := &access.Request{
			Kind: access.Tool, Method: "tools/call", Backend: "b", Name: tool, Params: canon.String("x"), Later: true,
			Subject: access.Subject{ID: "dev", Issuer: "os", Known: true},
		}
		var d access.Decision
		a.Authorize(r, nil, &d)
		if d.Effect != access.Approve || d.Lease != "" || len(g.asked)+len(g.spent) != 0 {
			t.Errorf("%s: %s %q, %d asked, %v counted", tool, d.Effect, d.Lease, len(g.asked), g.spent)
		}
	}
}

func TestWhatALeaseIsTold(t *testing.T) {
	g := &generous{}
	decide(t, leasingFrom(t, leasing, &people{}, g), "stands", true)
	want := []approval.Rule{{ID: "stands", Position: "leasing.yaml:6", Standing: approval.Standing{Allowed: true, Max: time.Hour, Uses: 5}}}
	if d := cmp.Diff(want, g.asked[0].Rules); d != "" {
		t.Error(d)
	}
	s := leasingFrom(t, leasing, nil, nil).Policy()
	got, ok := GlassRule(s, "incident")
	rule := approval.Rule{
		ID: "break_glass.incident", Position: "leasing.yaml:16", Group: "leads", Quorum: 2, Assurance: approval.Code, NotSelf: true,
		Standing: approval.Standing{Allowed: true, Max: 30 * time.Minute, Uses: 3},
	}
	if d := cmp.Diff(approval.Glass{Name: "incident", Rule: rule}, got); d != "" || !ok {
		t.Error(d)
	}
	if got, _ := GlassRule(s, "other"); got.Rule.NotSelf || got.Rule.Standing.Uses != approval.DefaultUses {
		t.Errorf("%+v", got)
	}
	for id, held := range map[string]bool{"stands": true, "no": false, "open": false, "gone": false} {
		if _, ok := HeldBy(s, id); ok != held {
			t.Errorf("%s: %v", id, ok)
		}
	}
}

// With leases that answer everything, of random policies, no call passes that a
// rule denies or nothing grants; no call passes by one where a rule that holds it
// lets no answer stand; and leases never keep a call from passing.
func TestNoLeaseLetsADeniedCallPass(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 20261121))
	byLease := 0
	for range 400 {
		text := randomPolicy(rng)
		for tool := range 4 {
			name := fmt.Sprintf("t%d", tool)
			without := decide(t, leasingFrom(t, text, &people{state: access.ApprovalOpen}, nil), name, true)
			d := decide(t, leasingFrom(t, text, &people{state: access.ApprovalOpen}, &generous{}), name, true)
			marked := slices.ContainsFunc(d.Matched, func(m access.Match) bool { return m.Lifted })
			switch {
			case without.Effect == access.Allow && d.Effect != access.Allow:
				t.Fatalf("%s: leases keep %s from passing: %s\n%s", name, without.Reason, d.Reason, text)
			case without.Effect == access.Deny && d.Effect != access.Deny && !marked:
				t.Fatalf("%s: a lease lets pass what was %s: %s\n%s", name, without.Reason, d.Reason, text)
			case d.Effect == access.Allow && d.Reason == access.LeaseAllowed:
				byLease++
				allStand(t, text, &d)
			case marked && d.Effect == access.Allow && !granted(&d):
				t.Fatalf("%s: lifting a rule granted a call\n%s", name, text)
			}
		}
	}
	if byLease < 50 {
		t.Errorf("only %d calls passed by a lease: they say little", byLease)
	}
}

// allStand fails where a rule that holds a call lets no answer stand.
func allStand(t *testing.T, text string, d *access.Decision) {
	t.Helper()
	for _, m := range d.Matched {
		if m.Effect == access.Deny && !m.Lifted || m.Effect == access.Approve && !m.Lifted && strings.HasPrefix(m.Rule, "asks") {
			t.Fatalf("%s passes by a lease although %s holds it\n%s", d.Rule, m.Rule, text)
		}
	}
}

// granted reports whether some rule allows a call.
func granted(d *access.Decision) bool {
	return slices.ContainsFunc(d.Matched, func(m access.Match) bool { return m.Effect == access.Allow || m.Effect == access.Approve })
}

// randomPolicy writes a policy of a few rules about four tools.
func randomPolicy(rng *rand.Rand) string {
	var b strings.Builder
	b.WriteString("policy: random\nbackend: b\nbreak_glass: {g: {who: {subjects: [dev]}, approve: {group: x}, valid: 1m}}\nrules:\n")
	for i := range 1 + rng.IntN(6) {
		tool := fmt.Sprintf("t%d", rng.IntN(4))
		switch rng.IntN(6) {
		case 0, 1:
			fmt.Fprintf(&b, "  - {id: stands%d, approve: [%s], approval: {standing: {max: 1h}}}\n", i, tool)
		case 2:
			fmt.Fprintf(&b, "  - {id: asks%d, approve: [%s]}\n", i, tool)
		case 3:
			fmt.Fprintf(&b, "  - {id: no%d, deny: [%s]}\n", i, tool)
		case 4:
			fmt.Fprintf(&b, "  - {id: glass%d, deny: [%s], liftable: [g]}\n", i, tool)
		default:
			fmt.Fprintf(&b, "  - {id: yes%d, allow: [%s]}\n", i, tool)
		}
	}
	return b.String()
}
