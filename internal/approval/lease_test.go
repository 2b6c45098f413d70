package approval

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/internal/canon"
)

// callOf is a call of the tool write with these arguments; path is a path with
// these readings.
func callOf(t testing.TB, args string, readings ...string) *Call {
	t.Helper()
	v, err := canon.Parse(args, canon.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	return &Call{
		Request: &Request{Backend: "files", Kind: access.Tool, Method: "tools/call", Name: "write", Paths: []string{"path"}},
		Args:    v,
		Places:  []access.Place{{Arg: "path", Declared: true, Grantable: true, Readings: readings}},
	}
}

func TestScope(t *testing.T) {
	scope := func(others bool, args ...Constraint) *Scope {
		return &Scope{Backend: "files", Method: "tools/call", Name: "write", Args: args, Others: others}
	}
	under := Constraint{Arg: "path", Under: "/src/app"}
	for _, c := range []struct {
		name   string
		scope  *Scope
		call   *Call
		covers bool
	}{
		{"nothing", scope(false), callOf(t, `{}`), true},
		{"an argument too many", scope(false), callOf(t, `{"n":1}`), false},
		{"others", scope(true), callOf(t, `{"n":1}`), true},
		{"the value", scope(false, Constraint{Arg: "n", Is: "1"}), callOf(t, `{"n":1}`), true},
		{"another literal", scope(false, Constraint{Arg: "n", Is: "1"}), callOf(t, `{"n":1.0}`), false},
		{"a text that looks like it", scope(false, Constraint{Arg: "n", Is: "1"}), callOf(t, `{"n":"1"}`), false},
		{"another order", scope(false, Constraint{Arg: "o", Is: `{"a":1,"b":2}`}), callOf(t, `{"o":{"b":2,"a":1}}`), true},
		{"absent", scope(true, Constraint{Arg: "n"}), callOf(t, `{}`), false},
		{"null", scope(false, Constraint{Arg: "n"}), callOf(t, `{"n":null}`), true},
		{"inside", scope(false, under), callOf(t, `{"path":"/src/app/a"}`, "/src/app/a"), true},
		{"itself", scope(false, under), callOf(t, `{"path":"/src/app"}`, "/src/app"), true},
		{"a sibling", scope(false, under), callOf(t, `{"path":"/src/apple"}`, "/src/apple"), false},
		{"upwards", scope(false, under), callOf(t, `{"path":"/src/app/../x"}`, "/src/x"), false},
		{"encoded", scope(false, under), callOf(t, `{"path":"/src/app/%2e%2e/x"}`, "/src/app/%2e%2e/x", "/src/x"), false},
		{"a link", scope(false, under), callOf(t, `{"path":"/src/app/link"}`, "/src/app/link", "/etc/shadow"), false},
		{"no reading", scope(false, under), callOf(t, `{"path":"/src/app/a"}`), false},
		{"relative", scope(false, under), callOf(t, `{"path":"a"}`, "/src/app/a"), false},
		{"no text", scope(false, under), callOf(t, `{"path":["/src/app/a"]}`, "/src/app/a"), false},
		{"no path for certain", scope(false, Constraint{Arg: "text", Under: "/src/app"}), callOf(t, `{"text":"/src/app/a"}`, "/src/app/a"), false},
	} {
		if got := c.scope.Covers(c.call); got != c.covers {
			t.Errorf("%s: %v", c.name, got)
		}
	}
	for name, change := range map[string]func(*access.Place){
		"not declared":   func(p *access.Place) { p.Declared = false },
		"in doubt":       func(p *access.Place) { p.Grantable = false },
		"another's":      func(p *access.Place) { p.Arg = "to" },
		"leaves by one":  func(p *access.Place) { p.Readings = append(p.Readings, "/src") },
		"relative place": func(p *access.Place) { p.Readings = []string{"src/app/a"} },
	} {
		c := callOf(t, `{"path":"/src/app/a"}`, "/src/app/a")
		change(&c.Places[0])
		if scope(false, under).Covers(c) {
			t.Errorf("%s: covered", name)
		}
	}
}

// A resource is covered by its URI, and what the protocol adds is no argument.
func TestScopeOfAResource(t *testing.T) {
	args, err := canon.Parse(`{"uri":"file:///x","_meta":{"progressToken":7}}`, canon.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	c := &Call{Request: &Request{Backend: "files", Kind: access.Resource, Method: "resources/read", Name: "file:///x"}, Args: args}
	s := &Scope{Backend: "files", Method: "resources/read", Name: "file:///x"}
	if !s.Covers(c) {
		t.Error("the same resource is not covered")
	}
	for _, cand := range Candidates(c) {
		if !cand.Scope.Covers(c) || cand.Scope.Name != "file:///x" {
			t.Errorf("%+v", cand)
		}
	}
	c.Name = "file:///y"
	if s.Covers(c) {
		t.Error("another resource is covered")
	}
}

func TestTerms(t *testing.T) {
	rules := func(of ...Standing) []Rule {
		var out []Rule
		for _, s := range of {
			s.Allowed = true
			out = append(out, Rule{ID: "r", Standing: s})
		}
		return out
	}
	for _, c := range []struct {
		name  string
		rules []Rule
		want  Terms
	}{
		{"nothing said", rules(Standing{}), Terms{Uses: DefaultUses, For: Span(DefaultStanding), Idle: Span(DefaultIdle)}},
		{
			"the shortest, the fewest", rules(Standing{Max: time.Hour, Uses: 9}, Standing{Max: 20 * time.Minute}, Standing{Uses: 3}),
			Terms{Uses: 3, For: Span(20 * time.Minute), Idle: Span(20 * time.Minute)},
		},
		{"longer than the default", rules(Standing{Max: 24 * time.Hour}), Terms{Uses: DefaultUses, For: Span(24 * time.Hour), Idle: Span(DefaultIdle)}},
	} {
		got := DefaultTerms(c.rules)
		if d := cmp.Diff(c.want, got); d != "" || CheckTerms(c.rules, &got) != nil {
			t.Errorf("%s: %s %v", c.name, d, CheckTerms(c.rules, &got))
		}
		got.For++
		if err := CheckTerms(c.rules, &got); !errors.Is(err, ErrTerms) {
			t.Errorf("%s, longer: %v", c.name, err)
		}
	}
	for _, uses := range []int{-1, 0, MaxUses + 1} {
		if err := CheckTerms(rules(Standing{}), &Terms{Uses: uses, For: 1}); !errors.Is(err, ErrTerms) {
			t.Errorf("%d uses: %v", uses, err)
		}
	}
	if err := CheckTerms(nil, &Terms{Uses: 1, For: 1}); !errors.Is(err, ErrNoStanding) {
		t.Errorf("no rule: %v", err)
	}
}

func TestSpan(t *testing.T) {
	for text, want := range map[string]time.Duration{"15m": 15 * time.Minute, "8h": 8 * time.Hour, "1h30m": 90 * time.Minute, "90s": 90 * time.Second, "0s": 0} {
		var s Span
		if err := json.Unmarshal([]byte(`"`+text+`"`), &s); err != nil || time.Duration(s) != want {
			t.Errorf("%s: %v, %v", text, s, err)
		}
		again, err := json.Marshal(s)
		var back Span
		if err != nil || json.Unmarshal(again, &back) != nil || back != s {
			t.Errorf("%s: %s, %v", text, again, err)
		}
	}
	for _, text := range []string{`"-1m"`, `"soon"`, `""`, `5`} {
		var s Span
		if json.Unmarshal([]byte(text), &s) == nil {
			t.Errorf("%s is a span", text)
		}
	}
}

// Whatever a call holds, its candidates cover it, and no candidate covers a call
// that would run something else.
func FuzzCandidates(f *testing.F) {
	f.Add(`{"path":"/src/app/a.go","text":"one two"}`, `{"command":"rm -rf /"}`)
	f.Add(`{"command":"go test ./..."}`, `{"command":"go test ./... "}`)
	f.Add(`{"path":"/src/app/../../etc/x"}`, `{"path":"/etc/x"}`)
	f.Fuzz(func(t *testing.T, args, other string) {
		v, err := canon.Parse(args, canon.DefaultLimits())
		if err != nil || v.Kind() != access.Object {
			return
		}
		c := callOf(t, `{}`)
		c.Args, c.Places, c.Lexical = v, nil, true
		list := Candidates(c)
		if len(list) == 0 || list[0].Name != "same" {
			t.Fatalf("%s has no candidate that is the same", args)
		}
		for i := range list {
			if !list[i].Scope.Covers(c) {
				t.Fatalf("%s does not cover %s", list[i].Name, args)
			}
		}
		o, err := canon.Parse(other, canon.DefaultLimits())
		if err != nil || o.Kind() != access.Object {
			return
		}
		d := callOf(t, `{}`)
		d.Args, d.Places, d.Lexical = o, nil, true
		for i := range list {
			if list[i].Scope.Covers(d) && !v.Get("command").IsAbsent() && canonical(v.Get("command")) != canonical(o.Get("command")) {
				t.Fatalf("%s of %s covers %s", list[i].Name, args, other)
			}
		}
	})
}
