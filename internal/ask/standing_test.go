package ask

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/audit"
	"github.com/custos-zt/custos/internal/approval"
	"github.com/custos-zt/custos/internal/approval/book"
	"github.com/custos-zt/custos/internal/canon"
)

func standingRule(of approval.Standing) approval.Rule {
	of.Allowed = true
	return approval.Rule{ID: "writes", Position: "p.yaml:3", Standing: of}
}

// writes is a held call of the tool write, whose argument path is a path.
func writes(t *testing.T, args string, rules ...approval.Rule) *approval.Request {
	t.Helper()
	r := &approval.Request{
		Subject: "os:dev", Client: "desk", Root: "/src", Backend: "files", Kind: access.Tool, Method: "tools/call", Name: "write",
		Params: `{"name":"write","arguments":` + args + `}`, Paths: []string{"path"}, Policy: "sha256:p", Rules: rules,
	}
	params, err := canon.Parse(r.Params, canon.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	r.Digest = canon.RequestDigest(r.Method, params)
	return r
}

func open(t *testing.T, d *Desk, r *approval.Request) string {
	t.Helper()
	a, err := d.Consult(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return a.ID
}

func TestCandidatesGoFromExactToBroad(t *testing.T) {
	for _, c := range []struct {
		args string
		want []string
	}{
		{`{"path":"/src/app/a.go","text":"one two","mode":"w"}`, []string{
			`same: path = "/src/app/a.go", text = "one two", mode = "w"`,
			`text: path = "/src/app/a.go", any text, mode = "w"`,
			`directory: path in /src/app, any text, mode = "w"`,
			`names: any path, any text, any mode`,
			`any: any arguments`,
		}},
		{`{}`, []string{`same: no arguments`, `names: no arguments`, `any: any arguments`}},
		{`{"path":"/etc"}`, []string{`same: path = "/etc"`, `names: any path`, `any: any arguments`}}, // "/" is no directory to allow
		{`{"path":"/src/app/../../etc/x"}`, []string{`same: path = "/src/app/../../etc/x"`, `names: any path`, `any: any arguments`}},
		{`{"path":"../x/y"}`, []string{`same: path = "../x/y"`, `names: any path`, `any: any arguments`}},
		{`{"path":"/src/a%2fb/c"}`, []string{`same: path = "/src/a%2fb/c"`, `names: any path`, `any: any arguments`}},
		{`{"command":"go test ./...","path":"/src/app/x"}`, []string{ // what would be run stays
			`same: command = "go test ./...", path = "/src/app/x"`,
			`directory: command = "go test ./...", path in /src/app`,
			`names: command = "go test ./...", any path`,
			`any: command = "go test ./...", any others`,
		}},
		{`{"n":[1,2.50],"o":{"b":1,"a":"x y"}}`, []string{`same: n = [1,2.50], o = {"a":"x y","b":1}`, `names: any n, any o`, `any: any arguments`}},
	} {
		d, _ := desk(t)
		list, err := d.Candidates(t.Context(), open(t, d, writes(t, c.args, standingRule(approval.Standing{}))))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, cand := range list {
			got = append(got, cand.Name+": "+cand.Text)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", c.args, diff)
		}
	}
}

func TestCandidatesAreComparedWithEarlierCalls(t *testing.T) {
	d, _ := desk(t)
	rule := standingRule(approval.Standing{})
	for _, args := range []string{`{"path":"/src/app/a","text":"other words"}`, `{"path":"/src/app/b/c","text":"x y"}`, `{"path":"/src/app/../lib/c","text":"x y"}`} {
		if err := d.Say(t.Context(), open(t, d, writes(t, args, rule)), "cli", false); err != nil {
			t.Fatal(err)
		}
	}
	open(t, d, writes(t, `{"path":"/src/app/a","text":"other words"}`, rule, approval.Rule{ID: "asks"})) // held by more: never
	list, err := d.Candidates(t.Context(), open(t, d, writes(t, `{"path":"/src/app/a","text":"one two"}`, rule)))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range list {
		got = append(got, fmt.Sprintf("%s %d/%d", c.Name, c.Answered, c.Of))
	}
	if diff := cmp.Diff([]string{"same 0/3", "text 1/3", "directory 2/3", "names 3/3", "any 3/3"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestNobodyIsOfferedWhatTheRuleDoesNotAllow(t *testing.T) {
	d, _ := desk(t)
	for _, rules := range [][]approval.Rule{
		{{ID: "writes"}},
		{standingRule(approval.Standing{}), {ID: "asks"}},
	} {
		id := open(t, d, writes(t, fmt.Sprintf(`{"n":%d}`, len(rules)), rules...))
		if list, err := d.Candidates(t.Context(), id); err != nil || len(list) != 0 {
			t.Errorf("%v, %v", list, err)
		}
		v := d.vote("cli", true)
		v.Standing = &approval.Terms{Scope: approval.Scope{Backend: "files", Method: "tools/call", Name: "write", Others: true}, Uses: 1, For: 1}
		if _, err := d.Answer(t.Context(), id, v); !errors.Is(err, approval.ErrNoStanding) {
			t.Errorf("it stands all the same: %v", err)
		}
	}
	rule := standingRule(approval.Standing{Max: time.Hour, Uses: 5})
	id := open(t, d, writes(t, `{"n":9}`, rule))
	for _, far := range []struct {
		name string
		uses int
		long time.Duration
		want error
	}{
		{"same", 6, 0, approval.ErrTerms},
		{"same", -1, 0, approval.ErrTerms},
		{"same", 0, 2 * time.Hour, approval.ErrTerms},
		{"same", 0, -time.Hour, approval.ErrTerms},
		{"same", 5, time.Hour, nil},
	} {
		if _, err := d.Terms(t.Context(), id, far.name, far.uses, far.long); !errors.Is(err, far.want) {
			t.Errorf("%+v: %v", far, err)
		}
	}
	if _, err := d.Terms(t.Context(), id, "all", 0, 0); !errors.Is(err, ErrCandidate) || !strings.Contains(err.Error(), "it can as same, names, any") {
		t.Errorf("%v", err)
	}
	// A scope that somebody made up must cover the call that was shown.
	v := d.vote("cli", true)
	v.Standing = &approval.Terms{Scope: approval.Scope{Backend: "files", Method: "tools/call", Name: "delete", Others: true}, Uses: 1, For: approval.Span(time.Minute)}
	if _, err := d.Answer(t.Context(), id, v); !errors.Is(err, approval.ErrOutside) {
		t.Errorf("another tool: %v", err)
	}
}

// Two people have to agree how far their answers stand; where they do not, the
// call passes this once.
func TestAQuorumAgreesHowFarItStands(t *testing.T) {
	for _, agree := range []bool{true, false} {
		d, _ := desk(t)
		rule := standingRule(approval.Standing{Uses: 5})
		rule.Quorum = 2
		id := open(t, d, writes(t, `{"n":1}`, rule))
		var it book.Item
		for i, by := range []string{"os:ann", "os:bob"} {
			name := "any"
			if i == 1 && !agree {
				name = "same"
			}
			terms, err := d.Terms(t.Context(), id, name, 0, 0)
			if err != nil {
				t.Fatal(err)
			}
			v := approval.Vote{Answer: access.Answer{Allow: true, By: by, Channel: "cli", Assurance: "host"}, Standing: terms}
			if it, err = d.Answer(t.Context(), id, v); err != nil {
				t.Fatal(err)
			}
		}
		if it.State != access.ApprovalAllowed || (it.Lease != nil) != agree {
			t.Errorf("agreed %v: %s, %+v", agree, it.State, it.Lease)
		}
	}
}

func TestARuleIssuesALease(t *testing.T) {
	d, _ := desk(t)
	id := open(t, d, writes(t, `{"path":"/src/app/a","text":"x y"}`, standingRule(approval.Standing{Max: 15 * time.Minute, Uses: 4, Issue: "directory"})))
	v, err := d.Show(t.Context(), id)
	if err != nil || !slices.Contains(v.Lines(), [2]string{"LEASE", "to allow it also lets 4 more calls pass within 15m: path in /src/app, any text"}) {
		t.Errorf("nobody is told: %v, %v", v.Lines(), err)
	}
	if err := d.Say(t.Context(), id, "elicitation", true); err != nil {
		t.Fatal(err)
	}
	list, err := d.Leases(t.Context(), false)
	if err != nil || len(list) != 1 || list[0].Origin != approval.FromPolicy || list[0].Uses != 4 || list[0].Covers != "path in /src/app, any text" {
		t.Errorf("%+v, %v", list, err)
	}
}

func TestTheTerminalLetsAnAnswerStand(t *testing.T) {
	for _, c := range []struct {
		typed []string
		lease string
		state access.ApprovalState
	}{
		{[]string{"s", "2"}, "any text", access.ApprovalAllowed},
		{[]string{"s", "", "s", "directory"}, "path in /src/app, any text", access.ApprovalAllowed},
		{[]string{"s", "9", "a"}, "", access.ApprovalAllowed},
		{[]string{"s", "", "d"}, "", access.ApprovalRefused},
	} {
		d, logDir := desk(t)
		id := open(t, d, writes(t, `{"path":"/src/app/a","text":"x y"}`, standingRule(approval.Standing{})))
		ch, person := terminal(t, d)
		done := make(chan bool, 1)
		go func() { done <- ch.Ask(t.Context(), id) }()
		for i, line := range c.typed {
			until := "[a]llow once  [s]tanding…  [d]eny: "
			if i > 0 && c.typed[i-1] == "s" {
				until = "[enter] for not at all: "
			}
			read(t, person, until)
			if _, err := person.Write([]byte(line + "\n")); err != nil {
				t.Fatal(err)
			}
		}
		if c.lease != "" {
			read(t, person, "l_1 answers 20 more calls like this within 8h")
		}
		if !<-done {
			t.Errorf("%q is no answer", c.typed)
		}
		list, err := d.Leases(t.Context(), false)
		got := ""
		if len(list) > 0 {
			got = list[0].Covers
		}
		if state, _ := d.State(t.Context(), id); err != nil || !strings.HasSuffix(got, c.lease) || (got == "") != (c.lease == "") || state != c.state {
			t.Errorf("%q: %q, %s, %v", c.typed, got, state, err)
		}
		recorded := 0
		for r, err := range audit.Read(logDir, audit.ReadOptions{}) {
			if err != nil {
				t.Fatal(err)
			}
			if r.Kind == audit.KindLease {
				recorded++
				if a := r.Approval; r.Lease != "l_1" || r.Tool != "write" || a.ID != id || a.State != "granted" || a.By != "os:dev" || a.Channel != "tty" {
					t.Errorf("%+v, %+v", r, a)
				}
			}
		}
		if recorded != len(list) {
			t.Errorf("%q: %d records of %d leases", c.typed, recorded, len(list))
		}
	}
}

// What is secret in a call is secret in how far an answer to it stands.
func TestCandidatesShowNoSecret(t *testing.T) {
	d := hushed(t)
	r := writes(t, `{"path":"/src/app/a","pass":"hunter2","text":`+quoted("x "+known[0].Value)+`}`, standingRule(approval.Standing{}))
	r.Secrets = [][]string{{"pass"}}
	id := open(t, d, r)
	list, err := d.Candidates(t.Context(), id)
	if err != nil || len(list) < 3 {
		t.Fatalf("%v, %v", list, err)
	}
	if _, err := d.Stand(t.Context(), id, "tty", "same"); err != nil {
		t.Fatal(err)
	}
	leases, err := d.Leases(t.Context(), true)
	if err != nil {
		t.Fatal(err)
	}
	all := strings.Join(CandidateLines(list), "\n") + fmt.Sprint(leases)
	for _, secret := range []string{"hunter2", known[0].Value} {
		if strings.Contains(all, secret) {
			t.Errorf("%q is shown:\n%s", secret, all)
		}
	}
	if !strings.Contains(all, secretHere) {
		t.Errorf("nothing stands for it:\n%s", all)
	}
}
