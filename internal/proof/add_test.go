package proof

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/custos-zt/custos/access"
)

const grown = `policy: p
rules:
    - id: a
      deny: ["crm.drop"]
      message: |
        Nothing is
        dropped here.

# The end.
version: "1"
`

func TestAdd(t *testing.T) {
	b := bench(t, "p.yaml", grown)
	_, snapshot, _ := b.decider(b.Sources)
	got, _, err := b.Add(Recorded{
		ID: "d_7F3K", Kind: access.Tool, Backend: "crm", Name: "pay", Subject: "corp:ann",
		Args: []string{"n", "hmac:0011", "to"}, Types: []string{"number", "string", "string"}, Whole: true,
		Decision: access.Deny, Reason: access.DefaultDenied, PolicyDigest: snapshot.Digest(),
	})
	if err != nil {
		t.Fatal(err)
	}
	want := &Addition{
		File: "p.yaml", Rule: "from-d_7F3K",
		Diff: `--- p.yaml
+++ p.yaml
@@ -5,6 +5,10 @@
       message: |
         Nothing is
         dropped here.
+    - id: from-d_7F3K
+      allow: ["crm.pay"]
+      subjects: ["corp:ann"]
+      args: {n: {type: number}, to: {type: string}}
 
 # The end.
 version: "1"
`,
		Notes: []string{
			"some arguments have no name in the record: those that the tool does not declare stay refused",
			"the record holds no values: the rule allows every value of n, hmac:0011, to; narrow it before you use it",
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestAddNames(t *testing.T) {
	for name, c := range map[string]struct {
		in   Recorded
		want string
	}{
		"a resource":       {Recorded{Kind: access.Resource, Backend: "crm", Name: `note://"a"`}, `+      allow: ["resource:crm.note://\"a\""]`},
		"a prompt":         {Recorded{Kind: access.Prompt, Backend: "crm", Name: "sum"}, `+      allow: ["prompt:crm.sum"]`},
		"a method":         {Recorded{Kind: access.Method, Name: "vendor/x"}, `+      allow: ["method:vendor/x"]`},
		"an id that taken": {Recorded{ID: "taken", Kind: access.Prompt, Backend: "crm", Name: "sum"}, `+    - id: from-taken-2`},
	} {
		t.Run(name, func(t *testing.T) {
			c.in.Decision, c.in.Reason = access.Deny, access.DefaultDenied
			got, _, err := bench(t, "p.yaml", strings.Replace(grown, "id: a", "id: from-taken", 1)).Add(c.in)
			if err != nil || !strings.Contains(got.Diff, c.want) {
				t.Fatalf("%v, %+v", err, got)
			}
			if notes := strings.Join(got.Notes, "\n"); !strings.Contains(notes, "another one than the one that decided") {
				t.Error(notes)
			}
		})
	}
}

// Where no rule would help, none is offered.
func TestAddRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		file, text string
		in         Recorded
		want       string
	}{
		"it was allowed":     {"p.yaml", grown, Recorded{Decision: access.Allow, Name: "x"}, "was not denied"},
		"a deny":             {"p.yaml", grown, Recorded{Reason: access.RuleDenied, Rule: "a", Position: "p.yaml:3", Name: "x"}, "the rule a (p.yaml:3) denies it"},
		"a hold":             {"p.yaml", grown, Recorded{Reason: access.ApprovalUnavailable, Rule: "a", Name: "x"}, "holds it for a person"},
		"a gate":             {"p.yaml", grown, Recorded{Reason: access.ProtectedPath, Name: "x"}, "which no rule lifts"},
		"a name of patterns": {"p.yaml", grown, Recorded{Reason: access.DefaultDenied, Name: "x*"}, "cannot be written as a pattern"},
		"a deny of all":      {"p.yaml", grown, Recorded{Reason: access.DefaultDenied, Backend: "crm", Name: "drop"}, "something else denies it"},
		"a flow list":        {"p.yaml", "policy: p\nrules: [{id: a, deny: [crm.x]}]", Recorded{Reason: access.DefaultDenied, Name: "x"}, "none of the files"},
		"another format":     {"p.toml", "policy = \"p\"\n[[rules]]\nid = \"a\"\ndeny = [\"crm.x\"]\n", Recorded{Reason: access.DefaultDenied, Name: "x"}, "none of the files"},
	} {
		t.Run(name, func(t *testing.T) {
			c.in.Kind, c.in.ID = access.Tool, "d_1"
			if c.in.Decision == access.None {
				c.in.Decision = access.Deny
			}
			if got, _, err := bench(t, c.file, c.text).Add(c.in); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, %+v, want %q", err, got, c.want)
			}
		})
	}
}
