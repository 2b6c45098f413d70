package expr_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/internal/canon"
	"github.com/custos-zt/custos/internal/expr"
)

func compiler(t testing.TB) *expr.Compiler {
	t.Helper()
	c, err := expr.NewCompiler()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func value(t testing.TB, text string) access.Value {
	t.Helper()
	v, err := canon.Parse(text, canon.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func request(t testing.TB, args string) *access.Request {
	t.Helper()
	return &access.Request{
		Kind: access.Tool, Method: "tools/call", Backend: "crm", Name: "read", Args: value(t, args),
		Subject: access.Subject{ID: "ann", Issuer: "corp", Roles: []string{"dev"}, Known: true},
		Session: access.Session{ID: "s1"},
		Tool:    access.ToolFacts{Described: true, Ops: access.OpRead},
		Facts: map[string]access.Fact{
			"device.compliant": {Value: value(t, "true")}, "session.calls_1h": {Value: value(t, "3")},
			"session.read": {Value: value(t, `["pii"]`)}, "session.age_s": {Value: value(t, `"long"`)},
			"trust.score": {Value: value(t, "72.5")},
		},
		Now: time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC),
	}
}

const args = `{"limit":5,"big":9007199254740993,"huge":123456789012345678901234567890,"rate":2.50,"mode":"fast","on":true,
 "none":null,"items":[{"n":1},{"n":2}],"opts":{"dest":"/srv/a"},"tags":["a","b"]}`

func TestJudge(t *testing.T) {
	c := compiler(t)
	r := request(t, args)
	for text, want := range map[string]access.Truth{
		`args.limit == 5`:                                      access.True,
		`args.limit < 5`:                                       access.False,
		`args.limit == 5.0`:                                    access.True,
		`args.limit == "5"`:                                    access.False,
		`args.mode in ["fast", "safe"]`:                        access.True,
		`args.big == 9007199254740993`:                         access.True,
		`args.big == 9007199254740992`:                         access.False,
		`args.huge > 5`:                                        access.Unknown,
		`args.rate > 2.4`:                                      access.True,
		`args.on == true`:                                      access.True,
		`args.none == null`:                                    access.True,
		`args.absent == 1`:                                     access.Unknown,
		`args.absent == 1 || args.limit == 5`:                  access.True,
		`args.absent == 1 && args.limit == 6`:                  access.False,
		`!has(args.absent)`:                                    access.True,
		`has(args.opts.dest) && args.opts.dest == "/x"`:        access.False,
		`args["limit"] == 5`:                                   access.True,
		`args.mode.limit == 5`:                                 access.Unknown,
		`args.limit + "x" == "5x"`:                             access.Unknown,
		`args.items.all(i, i.n < 3)`:                           access.True,
		`args.items.exists(i, i.n > 2)`:                        access.False,
		`args.items[1].n == 2`:                                 access.True,
		`args.items[7].n == 2`:                                 access.Unknown,
		`size(args.items) == 2 && size(args.opts) == 1`:        access.True,
		`args.opts == {"dest": "/srv/a"}`:                      access.True,
		`args.tags == ["a", "b"]`:                              access.True,
		`"dest" in args.opts`:                                  access.True,
		`args.opts.all(k, k == "dest")`:                        access.True,
		`args.opts.dest.startsWith("/srv/")`:                   access.True,
		`args.mode.matches("^f.*t$")`:                          access.True,
		`subject.id == "ann" && "dev" in subject.roles`:        access.True,
		`subject.tenant == "acme"`:                             access.Unknown,
		`has(subject.tenant)`:                                  access.False,
		`size(subject.groups) == 0`:                            access.True,
		`agent.id == "x"`:                                      access.Unknown,
		`request.kind == "tool" && request.name=="read"`:       access.True,
		`session.calls_1h > 2 && "pii" in session.read`:        access.True,
		`session.age_s > 5.0`:                                  access.Unknown,
		`session.idle_s > 5.0`:                                 access.Unknown,
		`tool.ops == ["read"] && tool.described`:               access.True,
		`"egress" in tool.side_effects`:                        access.Unknown,
		`facts["device.compliant"] == true`:                    access.True,
		`facts["device.encrypted"] == true`:                    access.Unknown,
		`"trust.score" in facts && facts["trust.score"] >= 72`: access.True,
		`now < timestamp("2026-12-01T00:00:00Z")`:              access.True,
		`now.getHours() == 10`:                                 access.True,
		`1 / args.limit == 0`:                                  access.True,
		`1 / (args.limit - 5) == 0`:                            access.Unknown,
	} {
		p, issues := c.Compile(text)
		if p == nil {
			t.Errorf("%s: %v", text, issues)
			continue
		}
		if got := p.Judge(r); got != want {
			t.Errorf("%s is %s, want %s (%s)", text, got, want, p.Seen(r))
		}
	}
}

func TestRefused(t *testing.T) {
	c := compiler(t)
	nested := `args.a.all(x, args.b.all(y, args.c.all(z, x == z)))`
	for text, want := range map[string]string{
		`args.limit`:                        "1:1 the expression is a dyn, and a condition is true or false",
		`"x"`:                               "1:1 the expression is a string, and a condition is true or false",
		`subject.tennant == "a"`:            "1:8 undefined field 'tennant'",
		`subjct.id == "a"`:                  "1:1 undeclared reference to 'subjct'",
		`subject.id == 5`:                   "1:12 found no matching overload",
		`now.getHours("Europe/Paris") > 5`:  "1:13 found no matching overload",
		`args.x.matches(args.y)`:            "1:15 the pattern of matches() is not a literal",
		`args.x.matches("(")`:               "1:16 invalid matches argument",
		`custos.subject{id: "a"}.id == "a"`: "1:15 an expression builds no messages",
		`args.x ==`:                         "1:10 mismatched input '<EOF>'",
		nested:                              "comprehension exceeds nesting limit",
		`args.a.all(x, args.b.all(y, args.c.exists_one(z, z == 1) || x == y))`:                                                   "comprehension exceeds nesting limit",
		`[1,2,3].map(x, args.a.map(y, args.b == y)) == [] && args.a.all(p, args.b.all(q, args.b.contains(string(p)+string(q))))`: "may cost",
		strings.Repeat("a", 2001): "the expression has 2001 characters, and 2000 are allowed",
	} {
		p, issues := c.Compile(text)
		if p != nil || len(issues) == 0 {
			t.Errorf("%s compiles", text)
			continue
		}
		if got := fmt.Sprintf("%d:%d %s", issues[0].Line, issues[0].Column, issues[0].Message); !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}

func TestUnguardedReads(t *testing.T) {
	c := compiler(t)
	for text, want := range map[string]string{
		`args.limit == 5`:                                    `1:5 args.limit may be absent`,
		`has(args.limit) && args.limit == 5`:                 ``,
		`"limit" in args && args["limit"] == 5`:              ``,
		`has(args.a.b) && args.a.b == 5`:                     `1:9 args.a may be absent`,
		`has(args.a) && has(args.a.b) && args.a.b == 5`:      ``,
		`args.a.b.c == 5`:                                    `1:5 args.a may be absent`,
		`facts["trust.score"] > 5`:                           `1:6 facts["trust.score"] may be absent`,
		`"trust.score" in facts && facts["trust.score"] > 5`: ``,
		`subject.id == "a" && request.name == "x"`:           ``,
		`subject.tenant == "a"`:                              `1:8 subject.tenant may be absent`,
		`has(session.read) && "pii" in session.read`:         ``,
		`has(args.items) && args.items.all(i, i.n < 3)`:      ``,
		`has(args.x) ? args.x > 3 : "role" in subject.roles`: ``,
	} {
		p, issues := c.Compile(text)
		if p == nil {
			t.Errorf("%s: %v", text, issues)
			continue
		}
		got := ""
		for _, i := range issues {
			got += fmt.Sprintf("%d:%d %s\n", i.Line, i.Column, i.Message)
		}
		if want == "" && got != "" || !strings.HasPrefix(got, want) || strings.Count(got, "\n") > 1 {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}

// What costs more than it may is unknown, not endless.
func TestOverrun(t *testing.T) {
	c := compiler(t)
	p, issues := c.Compile(`has(args.a) && args.a.all(x, args.a.all(y, x + y >= 0))`)
	if p == nil {
		t.Fatal(issues)
	}
	small := request(t, `{"a":[1,2,3]}`)
	large := request(t, `{"a":[`+strings.TrimSuffix(strings.Repeat("1,", 5000), ",")+`]}`)
	if got := p.Judge(small); got != access.True {
		t.Errorf("%s, %s", got, p.Seen(small))
	}
	began := time.Now()
	if got := p.Judge(large); got != access.Unknown || !strings.Contains(p.Seen(large), "cost limit exceeded") {
		t.Errorf("%s, %s", got, p.Seen(large))
	}
	if d := time.Since(began); d > time.Minute {
		t.Errorf("25,000,000 steps were cut after %s", d)
	}
}

func TestEqualExpressionsAreOne(t *testing.T) {
	c := compiler(t)
	a, _ := c.Compile(`args.x == 1`)
	b, _ := c.Compile(`args.x == 1`)
	if a == nil || a != b {
		t.Error("compiled twice")
	}
}

// FuzzCompile: no text makes the compiler or an evaluation fail otherwise than
// by issues within the text and by unknown.
func FuzzCompile(f *testing.F) {
	for _, s := range []string{
		`has(args.a) && args.a.all(x, args.a.all(y, x + y >= 0))`, `args.mode.matches("^f.*t$")`, `facts["x"] in [1, 2u, 3.0]`,
		`subject.id + 'x' == session.id`, `now - duration("1h") > timestamp(0)`, `args.items.map(i, i.n).exists_one(n, n == 1)`,
		`{"a": [1]} == args.opts`, "args.`a-b` == 1", `type(args.x) == int`, `dyn(args) == args`, `size(string(args.x)) > 3 ? true : false`,
	} {
		f.Add(s, args)
	}
	c := compiler(f)
	f.Fuzz(func(t *testing.T, text, arguments string) {
		v, err := canon.Parse(arguments, canon.DefaultLimits())
		if err != nil || len(arguments) > 1<<12 {
			return
		}
		p, issues := c.Compile(text)
		for _, i := range issues {
			if i.Line < 1 || i.Column < 1 || i.Message == "" || i.Warning != (i.Guard != "") {
				t.Fatalf("%q: %+v", text, i)
			}
		}
		if p == nil {
			if len(issues) == 0 {
				t.Fatalf("%q: neither a program nor an issue", text)
			}
			return
		}
		r := request(t, `{}`)
		r.Args = v
		if p.Judge(r) != access.Unknown && strings.HasPrefix(p.Seen(r), "unknown") {
			t.Fatalf("%q is judged and seen differently", text)
		}
	})
}

// A subject that nobody proved has no name, whatever the request holds.
func TestNobodyProved(t *testing.T) {
	r := request(t, `{}`)
	r.Subject.Known = false
	c := compiler(t)
	for _, text := range []string{`subject.id == "ann"`, `subject.issuer != "corp"`, `"dev" in subject.roles`} {
		p, _ := c.Compile(text)
		if got := p.Judge(r); got != access.Unknown {
			t.Errorf("%s is %s", text, got)
		}
	}
}
