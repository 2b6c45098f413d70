package proof

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/custos-zt/custos/policy"
)

// Each pair of rules differs in one thing, and a request that shows it is
// found and decided.
func TestCompare(t *testing.T) {
	for name, c := range map[string]struct{ older, newer, want string }{
		"the same": {`{id: a, allow: ["crm.pay"], roles: [x]}`, `{id: a, allow: ["crm.pay"], roles: [x]}`, ""},
		"another order": {
			`{id: a, allow: ["crm.pay", "crm.see"]}`, `{id: a, allow: ["crm.see", "crm.pay"]}`, "",
		},
		"a tool more":  {`{id: a, allow: ["crm.pay"]}`, `{id: a, allow: ["crm.pay", "crm.see"]}`, "allowed crm.see deny allow"},
		"a wider glob": {`{id: a, allow: ["crm.pay"]}`, `{id: a, allow: ["crm.*"]}`, "allowed crm.x deny allow"},
		"a bound": {
			`{id: a, allow: ["crm.pay"], args: {n: {type: integer, max: 100}}}`,
			`{id: a, allow: ["crm.pay"], args: {n: {type: integer, max: 99}}}`, "denied crm.pay allow deny",
		},
		"a length": {
			`{id: a, allow: ["crm.pay"], args: {n: {type: string, max_length: 10}}}`,
			`{id: a, allow: ["crm.pay"], args: {n: {type: string, max_length: 11}}}`, "allowed crm.pay deny allow",
		},
		"a choice": {
			`{id: a, allow: ["crm.pay"], args: {n: {enum: [1, EUR]}}}`,
			`{id: a, allow: ["crm.pay"], args: {n: {enum: [EUR]}}}`, "denied crm.pay allow deny",
		},
		"a pattern": {
			`{id: a, allow: ["crm.pay"], args: {n: {pattern: "C[0-9]{6}"}}}`,
			`{id: a, allow: ["crm.pay"], args: {n: {pattern: "C[0-9]{7}"}}}`, "allowed crm.pay deny allow; denied crm.pay allow deny",
		},
		"an argument that may be absent": {
			`{id: a, allow: ["crm.pay"], args: {n: {max: 5}}}`,
			`{id: a, allow: ["crm.pay"], args: {n: {max: 5, optional: true}}}`, "allowed crm.pay deny allow",
		},
		"a nested argument": {
			`{id: a, allow: ["crm.pay"], args: {o.n: {max: 5}}}`,
			`{id: a, allow: ["crm.pay"], args: {o.n: {max: 6}}}`, "allowed crm.pay deny allow",
		},
		"a role": {
			`{id: a, allow: ["crm.pay"], roles: [clerk]}`, `{id: a, allow: ["crm.pay"], roles: [clerk, lead]}`, "allowed crm.pay deny allow",
		},
		"nobody in particular": {
			`{id: a, allow: ["crm.pay"], roles: [clerk]}`, `{id: a, allow: ["crm.pay"]}`, "allowed crm.pay deny allow",
		},
		"a subject": {
			`{id: a, allow: ["crm.pay"], subjects: ["corp:ann"]}`, `{id: a, allow: ["crm.pay"], subjects: ["corp:bob"]}`, "allowed crm.pay deny allow; denied crm.pay allow deny",
		},
		"an agent": {
			`{id: a, allow: ["crm.pay"], agents: ["spiffe://acme/ci/**"]}`, `{id: a, allow: ["crm.pay"], agents: ["spiffe://acme/**"]}`, "allowed crm.pay deny allow",
		},
		"a folder": {
			`{id: a, allow: ["files.read"], paths: ["~/a/**"]}`, `{id: a, allow: ["files.read"], paths: ["~/a/**", "/srv/{b,c}/**"]}`, "allowed files.read deny allow",
		},
		"a secret below a folder": {
			`[{id: a, allow: ["files.read"], paths: ["~/a/**"]}, {id: d, deny: ["*"], paths: ["**/.env"]}]`,
			`{id: a, allow: ["files.read"], paths: ["~/a/**"]}`, "allowed files.read deny allow",
		},
		"an exempted file": {
			`[{id: a, allow: ["files.read"], paths: ["~/a/**"]}, {id: d, deny: ["*"], paths: ["**/.env*"]}]`,
			`[{id: a, allow: ["files.read"], paths: ["~/a/**"]}, {id: d, deny: ["*"], paths: {any: ["**/.env*"], except: ["**/.env.example"]}}]`, "allowed files.read deny allow",
		},
		"a site": {
			`{id: a, allow: ["web.get"], urls: ["https://a.example/**"]}`, `{id: a, allow: ["web.get"], hosts: ["*.example"]}`, "allowed web.get deny allow",
		},
		"a command": {
			`{id: a, allow: ["crm.run"], commands: ["git status|log"]}`, `{id: a, allow: ["crm.run"], commands: ["git status"]}`, "denied crm.run allow deny",
		},
		"an hour": {
			`{id: a, allow: ["crm.pay"], time: {between: "09:00-17:00", zone: Europe/Paris}}`,
			`{id: a, allow: ["crm.pay"], time: {between: "09:01-17:00", zone: Europe/Paris}}`, "denied crm.pay allow deny",
		},
		"a device": {
			`[{id: a, allow: ["crm.pay"]}, {id: d, deny: ["*"], unless: [{device: {compliant: true}}]}]`,
			`{id: a, allow: ["crm.pay"]}`, "allowed crm.pay deny allow",
		},
		"an exception of two": {
			`[{id: a, allow: ["crm.pay"]}, {id: d, deny: ["*"], unless: [{device: {compliant: true}}, {agents: ["spiffe://a/ci/**"]}]}]`,
			`[{id: a, allow: ["crm.pay"]}, {id: d, deny: ["*"], unless: [{device: {compliant: true}}]}]`, "denied crm.pay allow deny",
		},
		"an exception beside a role": {
			`[{id: a, allow: ["crm.pay"], roles: [x]}, {id: d, deny: ["*"], unless: [{device: {compliant: true}}, {agents: ["spiffe://a/ci/**"]}]}]`,
			`[{id: a, allow: ["crm.pay"], roles: [x]}, {id: d, deny: ["*"], unless: [{agents: ["spiffe://a/ci/**"]}]}]`, "denied crm.pay allow deny",
		},
		"behind a restriction": {
			`[{id: a, allow: ["crm.pay"], args: {n: {max: 5}}}, {id: d, deny: ["*"], unless: [{auth: {mfa: true, max_age: 5m}, trust: {min: 70}}]}]`,
			`[{id: a, allow: ["crm.pay"], args: {n: {max: 6}}}, {id: d, deny: ["*"], unless: [{auth: {mfa: true, max_age: 5m}, trust: {min: 70}}]}]`, "allowed crm.pay deny allow",
		},
		"a score": {
			`{id: a, allow: ["crm.pay"], trust: {min: 60}}`, `{id: a, allow: ["crm.pay"], trust: {min: 61}}`, "denied crm.pay allow deny",
		},
		"a hold":     {`{id: a, allow: ["crm.pay"]}`, `{id: a, approve: ["crm.pay"]}`, "denied crm.pay allow approve"},
		"a resource": {`{id: a, allow: ["resource:crm.note://**"]}`, `{id: b, allow: ["prompt:crm.sum"]}`, "allowed prompt:crm.sum deny allow; denied resource:crm.note://x allow deny"},
		"a method":   {`{id: a, allow: ["method:vendor/*"]}`, `{id: b, deny: ["method:vendor/*"]}`, "denied method:vendor/x allow deny"},
	} {
		t.Run(name, func(t *testing.T) {
			older, newer := compared(t, c.older), compared(t, c.newer)
			got, problems := Compare(older, newer)
			if got == nil {
				t.Fatal(problems)
			}
			var words []string
			for _, d := range got.Differences {
				words = append(words, strings.Join([]string{d.Change, d.Target, d.Old.Decision.String(), d.New.Decision.String()}, " "))
				verified(t, older, d.Request, d.Old)
				verified(t, newer, d.Request, d.New)
			}
			if diff := cmp.Diff(c.want, strings.Join(words, "; ")); diff != "" {
				t.Errorf("%s\n%+v", diff, got.Differences)
			}
			if got.Tried == 0 || !got.Complete {
				t.Errorf("tried %d, complete %v", got.Tried, got.Complete)
			}
		})
	}
}

func compared(t *testing.T, rules string) *Bench {
	t.Helper()
	if !strings.HasPrefix(rules, "[") {
		rules = "[" + rules + "]"
	}
	return bench(t, "p.yaml", "policy: p\ntools: {crm.run: {commands: [command]}}\nrules: "+rules+"\n")
}

// verified decides a witness again.
func verified(t *testing.T, b *Bench, request []byte, want Verdict) {
	t.Helper()
	d, _, problems := b.decider(b.Sources)
	if d == nil {
		t.Fatal(problems)
	}
	got, ok := d.verdict(request)
	if diff := cmp.Diff(want, got); diff != "" || !ok {
		t.Errorf("%s: %s", request, diff)
	}
}

func TestCompareInvalid(t *testing.T) {
	if c, problems := Compare(compared(t, `{id: a, allow: ["crm.pay"]}`), compared(t, `{id: a}`)); c != nil || !policy.Failed(problems) {
		t.Errorf("%v, %v", c, problems)
	}
}

func TestInstances(t *testing.T) {
	for in, want := range map[string]string{
		"~/src/**": "/home/dev/src/x", "**/.env": "/x/.env", "/a/{b,c}/[de]?": "/a/b/dx", `/a\*`: "/a*", "**": "/x",
	} {
		if got := pathInstance(in, "/home/dev"); got != want {
			t.Errorf("pathInstance(%q) = %q, want %q", in, got, want)
		}
	}
	if got := below("~/src/**", "**/.env", "/home/dev"); got != "/home/dev/src/.env" {
		t.Error(got)
	}
	for in, want := range map[string]string{"C[0-9]{3}": "C000", "(a|b)+c?": "a", "^x.*$": "x", "(": ""} {
		if got := textInstance(in); got != want {
			t.Errorf("textInstance(%q) = %q, want %q", in, got, want)
		}
	}
	if diff := cmp.Diff([]string{"git status ./x", "git log ./x"}, commandInstances("git status|log ./*")); diff != "" {
		t.Error(diff)
	}
}
