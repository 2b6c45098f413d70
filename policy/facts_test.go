package policy_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/custos-zt/custos/internal/pdp"
	"github.com/custos-zt/custos/policy"
)

const factsPolicy = `policy: facts
backend: b
rules:
  - id: all
    allow: [read]
    device: {compliant: true, max_age: 10m, source: mdm}
    network: {cidrs: ["10.0.0.0/8"]}
    session: {read: [public], idle: 30m}
    trust: {min: 60}
    time: {between: "22:00-20:00", zone: Europe/Paris, days: [mon-sun]}
`

// Explain shows each fact with its value, source and age, and why one that was
// supplied does not count.
func TestExplainShowsFacts(t *testing.T) {
	s, problems := policy.Compile([]policy.Source{{Name: "f.yaml", Data: []byte(factsPolicy)}}, policy.Options{})
	if s == nil {
		t.Fatal(problems)
	}
	facts := map[string]string{
		"device.compliant": `{"value":true,"source":"mdm","age_s":1200}`,
		"network.ip":       `{"value":"10.1.2.3","source":"gateway","age_s":1.4}`,
		"session.read":     `["public","pii"]`,
		"trust.score":      `{"value":72,"source":"trust","age_s":3}`,
	}
	l := line{Tool: "read"}
	for name, raw := range facts {
		if l.Facts == nil {
			l.Facts = map[string]json.RawMessage{}
		}
		l.Facts[name] = json.RawMessage(raw)
	}
	got := []string{}
	for _, c := range s.Explain(l.request(t, s)).Rules[0].Conditions {
		if c.Field != "unlisted_args" && c.Field != "time" {
			got = append(got, c.Field+" | "+c.Text+" | "+c.Seen+" | "+c.Truth.String())
		}
	}
	want := []string{
		"device.compliant | true, max_age 10m0s, source mdm | true, from mdm, 20m0s old, which is too old | unknown",
		"network.ip | [10.0.0.0/8] | \"10.1.2.3\", from gateway, 1s old | true",
		"session.read | [public] | [\"public\",\"pii\"], from request, 0s old | false",
		"session.idle_s | at most 30m | unknown | unknown",
		"trust.score | {min: 60} | 72, from trust, 3s old | true",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// A decision on facts allocates nothing.
func TestFactsAllocateNothing(t *testing.T) {
	s, _ := policy.Compile([]policy.Source{{Name: "f.yaml", Data: []byte(factsPolicy)}}, policy.Options{})
	l := line{Tool: "read", Now: "2026-11-20T10:00:00Z", Facts: map[string]json.RawMessage{
		"device.compliant": json.RawMessage(`{"value":true,"source":"mdm","age_s":1}`), "network.ip": json.RawMessage(`"10.1.2.3"`),
		"session.read": json.RawMessage(`["public"]`), "session.idle_s": json.RawMessage(`3`), "trust.score": json.RawMessage(`72.5`),
	}}
	allocatesNothing(t, s, l)
}

func allocatesNothing(t *testing.T, s *pdp.Snapshot, l line) {
	t.Helper()
	r := l.request(t, s)
	d := decide(s, r)
	if d.Denied() {
		t.Fatalf("the call is to be allowed: %+v", d)
	}
	if n := testing.AllocsPerRun(100, func() { s.Decide(r, &d) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

// Explain says what an expression came to, and why it came to nothing.
func TestExplainShowsExpressionsAndTime(t *testing.T) {
	const text = `policy: x
backend: b
rules:
  - {id: a, allow: [read], when: "args.n < 5", time: {between: "09:00-17:00", zone: Europe/Paris}, extensions: [md], ports: [443]}
`
	s, problems := policy.Compile([]policy.Source{{Name: "x.yaml", Data: []byte(text)}}, policy.Options{})
	if s == nil {
		t.Fatal(problems)
	}
	for _, c := range []struct{ args, now, when, clock string }{
		{`{"n":3}`, "2026-11-20T10:00:00Z", "true", "Fri 2026-11-20 11:00:00 +01:00"},
		{`{"n":7}`, "2026-07-20T10:00:00Z", "false", "Mon 2026-07-20 12:00:00 +02:00"},
		{`{"m":7}`, "", "unknown: no such key: n", "unknown"},
		{`{"n":"x"}`, "", "unknown: no such overload", "unknown"},
	} {
		l := line{Tool: "read", Arguments: json.RawMessage(c.args), Now: c.now}
		got := map[string]string{}
		for _, condition := range s.Explain(l.request(t, s)).Rules[0].Conditions {
			got[condition.Field] = condition.Seen
		}
		delete(got, "unlisted_args")
		want := map[string]string{"when": c.when, "time": c.clock, "extensions": "none", "ports": "none"}
		if c.args == `{"n":"x"}` {
			want["extensions"] = "x (perhaps)"
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", c.args, diff)
		}
	}
}
