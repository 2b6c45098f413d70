package enginetest

import (
	"testing"

	"github.com/custos-zt/custos/access"
)

// Cell is one call under a policy with a deny rule, and whether the call may
// be allowed.
type Cell struct {
	Name string
	// Mode says that the policy is Mode and not Limit.
	Mode bool
	Args string
	// Allowed is the answer; everything else is a deny.
	Allowed bool
}

// Table lists what a caller can send to a deny rule: the argument that it asks
// for is absent, mistyped, and what the rule is about. Callers choose their
// arguments, so a rule that is skipped where it cannot be evaluated is a way
// past it.
func Table() []Cell {
	return []Cell{
		{"limit kept", false, `{"limit":100}`, true},
		{"limit exceeded", false, `{"limit":5000}`, false},
		{"limit exceeded by a fraction", false, `{"limit":5000.5}`, false},
		{"limit exceeded, with an exponent", false, `{"limit":5e3}`, false},
		{"limit exceeded beyond all measure", false, `{"limit":1e400}`, false},
		{"limit exceeded by 2^64", false, `{"limit":18446744073709551616}`, false},
		{"no limit", false, `{}`, false},
		{"no limit but others", false, `{"Limit":1,"limits":1,"limit ":1}`, false},
		{"limit is a text", false, `{"limit":"5000"}`, false},
		{"limit is a small text", false, `{"limit":"1"}`, false},
		{"limit is null", false, `{"limit":null}`, false},
		{"limit is a boolean", false, `{"limit":true}`, false},
		{"limit is a list", false, `{"limit":[5000]}`, false},
		{"limit is an object", false, `{"limit":{"value":5000}}`, false},
		{"another mode", true, `{"mode":"gentle"}`, true},
		{"mode", true, `{"mode":"force"}`, false},
		{"mode, escaped", true, `{"mode":"\u0066orce"}`, false},
		{"no mode", true, `{}`, false},
		{"mode is null", true, `{"mode":null}`, false},
		{"mode is a number", true, `{"mode":7}`, false},
		{"mode is a list", true, `{"mode":["force"]}`, false},
		{"mode is an object", true, `{"mode":{"force":true}}`, false},
	}
}

// denyRule checks the table.
func (s Suite) denyRule(t *testing.T) {
	limit, mode := s.compile(t, s.Limit), s.compile(t, s.Mode)
	for _, c := range Table() {
		e := limit
		if c.Mode {
			e = mode
		}
		d, err := e.Decide(t.Context(), Call(t, "pay", c.Args))
		if err != nil || (d.Effect == access.Allow) != c.Allowed || !c.Allowed && d.Effect != access.Deny {
			t.Errorf("%s: %s is %v %s, error %v", c.Name, c.Args, d.Effect, d.Reason, err)
		}
	}
	d, err := limit.Decide(t.Context(), Call(t, "pay", ""))
	if err != nil || d.Effect != access.Deny {
		t.Errorf("without any arguments: %v %s, error %v", d.Effect, d.Reason, err)
	}
	// The rule is about one tool: what it asks for is not asked of others.
	if d, err := limit.Decide(t.Context(), Call(t, "read", `{"path":"/srv"}`)); err != nil || d.Effect != access.Allow {
		t.Errorf("another tool: %v %s, error %v", d.Effect, d.Reason, err)
	}
}

// exact compares numbers with 2^53, beyond which a float64 has gaps.
func (s Suite) exact(t *testing.T) {
	e := s.compile(t, s.Exact)
	for _, c := range []struct {
		id      string
		allowed bool
		// huge is a number that an engine may not be able to hold.
		huge bool
	}{
		{"0", true, false},
		{"-5", true, false},
		{"1e2", true, false},
		{"5.0", true, false},
		{"9007199254740992", true, false},
		{"9007199254740993", false, false},
		{"9007199254740992.5", false, false},
		{"9223372036854775807", false, false},
		{"9223372036854775808", false, false},
		{"18446744073709551617", false, false},
		{"1e400", false, false},
		{"1e999999999999", false, false},
		{"-9007199254740993", true, true},
		{"-18446744073709551617", true, true},
	} {
		d, err := e.Decide(t.Context(), Call(t, "big", `{"id":`+c.id+`}`))
		if err != nil {
			t.Errorf("%s: %v", c.id, err)
		}
		if denied := c.huge && !s.Exactly && d.Effect == access.Deny; !denied && (d.Effect == access.Allow) != c.allowed {
			t.Errorf("%s: %v %s, want allowed %v", c.id, d.Effect, d.Reason, c.allowed)
		}
	}
}

// facts asks about a device that is compliant, that is not, and of which
// nobody knows.
func (s Suite) facts(t *testing.T) {
	if s.Facts == "" {
		t.Skip("the policies of this engine name no facts")
	}
	e := s.compile(t, s.Facts)
	no := Call(t, "x", "false")
	for _, c := range []struct {
		name string
		fact func(*access.Request)
		want access.Effect
	}{
		{"compliant", func(r *access.Request) { r.Facts = fact(t, "true") }, access.Allow},
		{"not compliant", func(r *access.Request) { r.Facts = fact(t, "false") }, access.Deny},
		{"unknown", func(*access.Request) {}, access.Deny},
		{"another fact", func(r *access.Request) {
			r.Facts = map[string]access.Fact{"device.encrypted": {Value: no.Args, Source: "test"}}
		}, access.Deny},
		{"without a value", func(r *access.Request) {
			r.Facts = map[string]access.Fact{"device.compliant": {Source: "test"}}
		}, access.Deny},
		{"mistyped", func(r *access.Request) { r.Facts = fact(t, `"true"`) }, access.Deny},
	} {
		r := Call(t, "read", "{}")
		c.fact(r)
		if d, err := e.Decide(t.Context(), r); err != nil || d.Effect != c.want {
			t.Errorf("%s: %v %s, error %v; want %v", c.name, d.Effect, d.Reason, err, c.want)
		}
	}
}

func fact(t *testing.T, value string) map[string]access.Fact {
	t.Helper()
	return map[string]access.Fact{"device.compliant": {Value: Call(t, "x", value).Args, Source: "test"}}
}
