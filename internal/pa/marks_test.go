package pa

import (
	"fmt"
	"slices"
	"testing"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/policy"
)

const labelled = `policy: labelled
backend: b
tools:
  b.read: {ops: [read]}
  b.store: {ops: [write]}
  b.odd: {ops: [read], labels: [odd]}
labels: {pii: [read, store, unclear], files: ["resource:b.file:///srv/hr/**"]}
rules:
  - {id: all, allow: ["*.*", "resource:*.**"]}
  - {id: marks, allow: [open], add_labels: [opened, seen], notify: [security]}
  - {id: asks, approve: [ask], add_labels: [asked]}
  - {id: send, deny: [send], session: {read: [pii, files, odd, opened, asked]}, notify: [security, leads]}
  - {id: trial, allow: ["*.*"], mode: monitor, add_labels: [trial], notify: [nobody]}
  - {id: cel, deny: [mail], when: "has(session.read) && 'pii' in session.read"}
`

func remembering(t *testing.T, text string) *Administrator {
	t.Helper()
	s, problems := policy.Compile([]policy.Source{{Name: "labelled.yaml", Data: []byte(text)}}, policy.Options{})
	if s == nil {
		t.Fatal(problems)
	}
	a := New(Options{})
	a.Publish(s)
	return a
}

func asked(a *Administrator, kind access.Kind, name, subject string) access.Decision {
	r := &access.Request{Kind: kind, Method: "tools/call", Backend: "b", Name: name, Session: access.Session{ID: "s_1"}}
	if subject != "" {
		r.Subject = access.Subject{ID: subject, Issuer: "os", Known: true}
	}
	var d access.Decision
	a.Authorize(r, nil, &d)
	return d
}

// What was read, and what rules say of a call, is known to the next one of the
// same person; what was denied, held or written is not.
func TestSessionsAreLabelled(t *testing.T) {
	for name, c := range map[string]struct {
		kind    access.Kind
		calls   []string
		subject string
		then    string
		want    access.Effect
	}{
		"nothing yet":           {access.Tool, nil, "ann", "send", access.Allow},
		"a labelled read":       {access.Tool, []string{"read"}, "ann", "send", access.Deny},
		"of somebody else":      {access.Tool, []string{"read"}, "bob", "send", access.Allow},
		"of nobody":             {access.Tool, []string{"read"}, "", "send", access.Allow},
		"a labelled write":      {access.Tool, []string{"store"}, "ann", "send", access.Allow},
		"what may be a read":    {access.Tool, []string{"unclear"}, "ann", "send", access.Deny},
		"a label of the tool":   {access.Tool, []string{"odd"}, "ann", "send", access.Deny},
		"a rule's label":        {access.Tool, []string{"open"}, "ann", "send", access.Deny},
		"a held call":           {access.Tool, []string{"ask"}, "ann", "send", access.Allow},
		"a resource":            {access.Resource, []string{"file:///srv/hr/a"}, "ann", "send", access.Deny},
		"a resource, otherwise": {access.Resource, []string{"file:///srv/x/../hr/a"}, "ann", "send", access.Deny},
		"another resource":      {access.Resource, []string{"file:///srv/pub/a"}, "ann", "send", access.Allow},
		"in an expression":      {access.Tool, []string{"read"}, "ann", "mail", access.Deny},
	} {
		t.Run(name, func(t *testing.T) {
			a := remembering(t, labelled)
			for _, call := range c.calls {
				asked(a, c.kind, call, "ann")
			}
			if d := asked(a, access.Tool, c.then, c.subject); d.Effect != c.want {
				t.Errorf("%s is %s by %q, want %s", c.then, d.Effect, d.Rule, c.want)
			}
		})
	}
}

func TestDecisionsSayWhatTheyOblige(t *testing.T) {
	a := remembering(t, labelled)
	for _, c := range []struct {
		name           string
		labels, notify []string
	}{
		{"read", nil, nil},
		{"open", []string{"opened", "seen"}, []string{"security"}},
		{"ask", nil, nil}, // denied: nobody can be asked
		{"send", nil, []string{"security", "leads"}},
	} {
		d := asked(a, access.Tool, c.name, "ann")
		if !slices.Equal(d.AddLabels, c.labels) || !slices.Equal(d.Notify, c.notify) {
			t.Errorf("%s: labels %q, notify %q, want %q and %q", c.name, d.AddLabels, d.Notify, c.labels, c.notify)
		}
	}
}

// Where there is no room to remember more, what was read is unknown, and what is
// unknown restricts.
func TestWhatIsNotRememberedRestricts(t *testing.T) {
	a := remembering(t, labelled)
	a.marks.labels = map[string][]string{}
	for i := range maxMarked {
		a.marks.labels[fmt.Sprint(i)] = nil
	}
	asked(a, access.Tool, "read", "ann")
	if d := asked(a, access.Tool, "send", "ann"); d.Effect != access.Deny || d.Reason != access.Indeterminate {
		t.Errorf("%s %s", d.Effect, d.Reason)
	}
	if d := asked(a, access.Tool, "other", "ann"); d.Effect != access.Allow {
		t.Errorf("what asks for no label: %s", d.Effect)
	}
}

// A policy that asks for no label keeps none.
func TestNothingIsRememberedUnasked(t *testing.T) {
	a := remembering(t, "policy: plain\nbackend: b\nlabels: {pii: [read]}\nrules: [{id: all, allow: [\"*.*\"]}]\n")
	asked(a, access.Tool, "read", "ann")
	if len(a.marks.labels) > 0 {
		t.Errorf("kept %v", a.marks.labels)
	}
}
