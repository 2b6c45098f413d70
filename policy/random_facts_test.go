package policy_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/custos-zt/custos/access"
)

// factConditions are the conditions of random policies on supplied facts, time
// and what else looks at values in its own way.
func factConditions() []string {
	return []string{
		`device: {compliant: true, max_age: 1m}`, `device: {compliant: false, source: [mdm]}`,
		`device: {attributes: {os: [linux], patch_age_d: {max: 30}}}`,
		`network: {cidrs: ["10.0.0.0/8"]}`, `network: {zones: [office], countries: [FR]}`, `integrity: verified`,
		`trust: {min: 50}`, `call_risk: {max: 50}`, `behavior: {rate_z: {min: 3}}`, `behavior: {novel_tool: false}`,
		`session: {read: [pii]}`, `session: {read: [open], max_calls: 3}`, `session: {idle: 1m, max_age: 1h}`,
		`time: {between: "20:00-07:00", zone: Europe/Paris}`, `time: {days: [mon-fri], zone: UTC, from: 2026-01-01}`,
		`extensions: [a]`, `extensions: [env]`, `ports: [443]`, `ports: {any: ["1-1024"], except: [443], none: match}`,
		`when: "args.x == 1 || subject.tenant == 'acme'"`, `when: "facts['trust.score'] >= 50 && !(session.calls_1h > 2)"`,
		`when: "now.getHours() < 12 ? 'read' in tool.ops : agent.id != 'x'"`,
		`auth: {mfa: true, max_age: 1m}`, `auth: {acr: [phr]}`, `scopes: [s1]`,
	}
}

// withoutWhen leaves out expressions, which stand in no list of exceptions.
func withoutWhen(conditions []string) []string {
	out := slices.DeleteFunc(slices.Clone(conditions), func(c string) bool { return strings.HasPrefix(c, "when:") })
	if len(out) == 0 {
		return []string{"ops: [read]"}
	}
	return out
}

// facts supplies some facts, some of them mistyped or old.
func (r random) facts() map[string]json.RawMessage {
	out := map[string]json.RawMessage{}
	for _, f := range []struct {
		name   string
		values []string
	}{
		{"device.compliant", []string{"true", "false", "1"}},
		{"device.attributes.os", []string{`"linux"`, `"other"`, "null"}},
		{"device.patch_age_d", []string{"3", "31", `"3"`}},
		{"network.ip", []string{`"10.1.2.3"`, `"11.1.2.3"`, `"x"`}},
		{"network.zone", []string{`"office"`, `""`}},
		{"network.country", []string{`"FR"`, `"US"`, `"fr"`}},
		{"integrity.backend", []string{`"verified"`, `"failed"`, "true"}},
		{"trust.score", []string{"49", "50", "500"}},
		{"call.risk", []string{"50", "51", `"50"`}},
		{"behavior.rate_z", []string{"1", "3.5", "null"}},
		{"behavior.novel_tool", []string{"true", "false", `"no"`}},
		{"session.read", []string{`["pii"]`, `["open"]`, `["open","pii"]`, "[]", `"pii"`}},
		{"session.calls_1h", []string{"2", "3", "-1"}},
		{"session.idle_s", []string{"5", "500"}},
		{"session.age_s", []string{"5", "50000"}},
		{"auth.mfa", []string{"true", "false"}},
		{"auth.age_s", []string{"5", "500"}},
		{"auth.acr", []string{`"phr"`, `"pwd"`, `""`}},
		{"subject.scopes", []string{`["s1","s2"]`, `["s2"]`, `"s1"`}},
	} {
		if r.often() {
			out[f.name] = json.RawMessage(fmt.Sprintf(`{"value":%s,"source":%q,"age_s":%s}`,
				r.pick(f.values...), r.pick("mdm", "other"), r.pick("0", "30", "90")))
		}
	}
	return out
}

// loseFacts lists the ways to know less of the facts: one of them gone, or all
// of them too old. What measures a span of time goes on growing instead.
func loseFacts(r *access.Request) map[string]func(*access.Request) {
	out := map[string]func(*access.Request){
		"fresh facts": func(r *access.Request) {
			for name, f := range r.Facts {
				if !slices.Contains([]string{"session.idle_s", "session.age_s"}, name) {
					f.Age += time.Hour
					r.Facts[name] = f
				}
			}
		},
	}
	for name := range r.Facts {
		out[name] = func(r *access.Request) { delete(r.Facts, name) }
	}
	return out
}
