package proof

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/custos-zt/custos/policy"
)

func TestGlobsMeet(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"", "", true},
		{"", "*", true},
		{"", "a", false},
		{"read", "read", true},
		{"read", "reads", false},
		{"read_*", "read_note", true},
		{"read_*", "*_note", true},
		{"read_*", "write_*", false},
		{"*a*b*", "c*", true},
		{"a*b", "a*c", false},
		{"a*b", "*cb", true},
		{"**", "x", true},
		{"a*", "*b*c", true},
		{"*x", "*y", false},
		{strings.Repeat("*a", 200), strings.Repeat("a*", 200) + "b", false}, // and soon
	} {
		if globsMeet(c.a, c.b) != c.want || globsMeet(c.b, c.a) != c.want {
			t.Errorf("%q and %q meet: want %v", c.a, c.b, c.want)
		}
	}
}

// What a layer grants and the root leaves to nobody, and what the root leaves to
// a layer that does not answer.
func TestLintLayers(t *testing.T) {
	root := `policy: root
rules:
  - {id: base, allow: ["crm.read_*"]}
  - {id: notes, delegate: ["crm.note_*"], to: [team/a]}
  - {id: flights, delegate: ["crm.fly"], to: [team/a, team/b]}
  - {id: mails, delegate: ["crm.mail"], to: [team/c]}
  - {id: tried, allow: ["crm.try"], mode: monitor}
  - {id: held, approve: ["crm.pay"], grants: false}
`
	team := `policy: a
layer: team/a
rules:
  - {id: reads, allow: ["*.*_note"]}
  - {id: adds, allow: ["crm.note_add"]}
  - {id: deletes, approve: ["crm.delete"]}
  - {id: tries, allow: ["crm.try"]}
  - {id: pays, allow: ["crm.pay"]}
  - {id: holds, approve: ["crm.drop"], grants: false}
  - {id: denies, deny: ["crm.x"]}
  - {id: flies, allow: ["crm.fly"], mode: monitor}
  - {id: others, allow: ["crm.mail"]}
`
	other := "policy: b\nlayer: team/b\nrules: [{id: b, allow: [\"crm.read_a\"]}]\n"
	never := "it never grants: no rule of the root allows what it is about, or delegates it to team/a"
	for name, c := range map[string]struct {
		files []string
		want  []string
	}{
		"all": {[]string{root, team, other}, []string{
			"5: warning: unanswered: rule flights: no rule of team/a, team/b grants what is delegated: every such call is denied",
			"6: warning: widening: rule deletes: " + never,
			"7: warning: widening: rule tries: " + never,
			"8: warning: widening: rule pays: " + never,
			"12: warning: widening: rule others: " + never,
		}},
		"without the other team": {[]string{root, team}, []string{
			"6: warning: widening: rule deletes: " + never,
			"7: warning: widening: rule tries: " + never,
			"8: warning: widening: rule pays: " + never,
			"12: warning: widening: rule others: " + never,
		}},
		"the team alone":       {[]string{team}, nil},
		"a root that observes": {[]string{"observe: true\n" + root, team}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			b := bench(t, "", "")
			b.Sources = nil
			for i, text := range c.files {
				b.Sources = append(b.Sources, policy.Source{Name: string(rune('0'+i)) + ".yaml", Data: []byte(text)})
			}
			findings, problems := b.Lint()
			if findings == nil {
				t.Fatal(problems)
			}
			var got []string
			for _, f := range findings {
				_, text, _ := strings.Cut(f.String(), ":")
				line, text, _ := strings.Cut(text, ":")
				_, text, _ = strings.Cut(text, ":")
				got = append(got, line+":"+text)
			}
			if d := cmp.Diff(c.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}
