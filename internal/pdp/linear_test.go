package pdp

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/internal/canon"
)

// Whatever the index leaves out would have done nothing: over random policies
// whose lists are long, a decision, its matches and its words, and what is
// visible, are those of a walk through all rules.
func TestTheIndexDecidesLikeAWalk(t *testing.T) {
	var divided [byPlace + 1]int
	effects := map[access.Effect]int{}
	narrowed, hidden := 0, 0
	for seed := range uint64(150) {
		c := chance{rand.New(rand.NewPCG(seed, 11)), seed%2 == 0, seed%3 == 0}
		s := Build(c.program(60 + c.IntN(200)))
		for i := range s.lists {
			divided[s.lists[i].division]++
		}
		for range 60 {
			r := c.request()
			var d access.Decision
			s.Decide(r, &d)
			effects[d.Effect]++
			if diff := cmp.Diff(walk(s, r), d); diff != "" {
				t.Fatalf("seed %d: -walk +index\n%s\n%+v", seed, diff, r)
			}
			e := evaluation{s: s, r: r}
			e.begin()
			if e.candidates(); e.narrowed {
				narrowed++
			}
			listed := *r
			listed.ArgsUnknown = true
			if walkVisible(s, &listed) != s.Visible(&listed) {
				t.Fatalf("seed %d: visible is %v, by a walk it is not: %+v", seed, s.Visible(&listed), r)
			}
			if !s.Visible(&listed) {
				hidden++
			}
		}
	}
	for how, n := range divided[byCaller:] {
		if n < 30 {
			t.Errorf("only %d lists are divided in way %d", n, how+1)
		}
	}
	if narrowed < 800 || effects[access.Allow] < 100 || effects[access.Approve] < 100 || effects[access.Deny] < 100 || hidden < 20 {
		t.Errorf("too little is tested: %d narrowed, %v, %d hidden", narrowed, effects, hidden)
	}
}

// A call that meets no part of a list is denied in the words of the rule that
// came nearest, and its tool is listed: neither is a matter of what it carries.
func TestWhatIsLeftOutStillSpeaks(t *testing.T) {
	var p Program
	for i := range 3 * divideAbove {
		word := fmt.Sprint("w", i)
		a := &Arg{Spec: Spec{Enum: []access.Value{access.Scalar(access.String, `"`+word+`"`, word)}}}
		a.Path, _ = ParseArgPath("mode")
		p.Rules = append(p.Rules, Rule{
			ID: word, Layer: rootLayer, Effect: access.Allow, Ops: []Op{{Code: CodeArg, Group: GroupArguments, Arg: a}},
			Targets: []Target{{Kind: access.Tool, Backend: ParseName(access.Tool, "b"), Name: ParseName(access.Tool, "t")}},
		})
	}
	s := Build(p)
	args, err := canon.Parse(`{"mode":"other"}`, canon.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	r := &access.Request{Kind: access.Tool, Backend: "b", Name: "t", Args: args}
	e := evaluation{s: s, r: r}
	e.begin()
	if n := len(e.candidates()); n != 0 {
		t.Fatalf("%d candidates", n)
	}
	var d access.Decision
	s.Decide(r, &d)
	s.Account(r, &d)
	if d.Message != "The argument mode is not what is allowed here." || d.Nearest == nil {
		t.Errorf("%+v", d)
	}
	if r.ArgsUnknown = true; !s.Visible(r) {
		t.Error("a tool that has its uses is not listed")
	}
}

// walk decides by looking at every rule.
func walk(s *Snapshot, r *access.Request) (d access.Decision) {
	d = access.Decision{PolicyDigest: s.digest}
	e := evaluation{s: s, r: r}
	e.begin()
	all := e.everything()
	e.weigh(all, nil, &d)
	if d.Effect == access.Deny && d.Message == "" {
		e.explainDefault(all, &d)
	}
	return d
}

func walkVisible(s *Snapshot, r *access.Request) bool {
	e := evaluation{s: s, r: r}
	e.begin()
	return e.visible(e.everything())
}

// everything lists the rules with a pattern that covers the request.
func (e *evaluation) everything() []int32 {
	e.readURIs()
	var out []int32
	for i := range e.s.rules {
		if _, some := e.covered(&e.s.rules[i]); some && (e.r.Kind == access.Resource || covers(e.s.targets[i], e.r, e.r.Name)) {
			out = append(out, int32(i))
		}
	}
	return out
}

// chance makes programs and requests that meet often.
type chance struct {
	*rand.Rand
	paths  bool // most rules ask for paths, not for words
	sparse bool // most rules are about few calls
}

func (c chance) pick(words ...string) string { return words[c.IntN(len(words))] }

func (c chance) one(n int) bool { return c.IntN(n) == 0 }

func (c chance) some(words ...string) []string {
	out := []string{c.pick(words...)}
	for !c.sparse && c.one(3) {
		out = append(out, c.pick(words...))
	}
	return out
}

func (c chance) program(rules int) Program {
	var p Program
	for i := range rules {
		effect := access.Allow
		if c.one(4) && (!c.sparse || c.one(30)) {
			effect = []access.Effect{access.Approve, access.Approve, access.Deny}[c.IntN(3)]
		}
		r := Rule{ID: fmt.Sprint("r", i), Layer: rootLayer, Effect: effect, Position: fmt.Sprint("p:", i), Targets: c.targets(effect)}
		r.Ops = c.who(nil)
		for range 1 + c.IntN(2) {
			r.Ops = append(r.Ops, c.carried())
		}
		if c.one(6) {
			r.Unless = [][]Op{c.who([]Op{c.carried()})}
		}
		r.Monitor = c.one(20)
		r.NoGrant = effect == access.Approve && c.one(4)
		r.ElseApprove = effect == access.Allow && c.one(6)
		if effect == access.Allow && c.one(8) {
			r.Rate = &Rate{Max: 3, Approve: c.one(2)}
		}
		p.Rules = append(p.Rules, r)
	}
	return p
}

func (c chance) targets(effect access.Effect) []Target {
	if effect == access.Deny && !c.sparse && c.one(10) {
		return []Target{{Everything: true}}
	}
	target := func() Target {
		t := Target{Kind: access.Tool, Backend: ParseName(access.Tool, c.pick("b", "b", "b", "*", "b*"))}
		name := c.pick("t1", "t1", "t*", "*1", "t2", "*", "t*1")
		if c.one(6) {
			t.Kind, name = access.Resource, c.pick("file:///a/**", "file:///A/b", "**")
		}
		t.Name = ParseName(t.Kind, name)
		return t
	}
	out := []Target{target()}
	if c.one(4) {
		out = append(out, target())
	}
	return out
}

// who adds conditions on the caller, if any.
func (c chance) who(ops []Op) []Op {
	names := func(code Code, words ...string) Op { return Op{Code: code, Group: GroupWho, Names: c.some(words...)} }
	switch c.IntN(12) {
	case 0:
		ops = append(ops, names(CodeRoles, "r1", "r2", "corp:r3", "x:r1"))
	case 1:
		ops = append(ops, names(CodeGroups, "g1", "g2", "r1"))
	case 2:
		ops = append(ops, names(CodeSubjects, "alice", "corp:bob", "al*"), names(CodeRoles, "r1", "r*", "g1"))
	case 3:
		var globs []PathPattern
		for _, text := range c.some("spiffe://a/x", "spiffe://a/y", "spiffe://a/x", "spiffe://**") {
			p, err := ParsePath(text)
			if err != nil {
				panic(err)
			}
			globs = append(globs, p)
		}
		ops = append(ops, Op{Code: CodeAgents, Group: GroupWho, Globs: globs})
	}
	return ops
}

// carried makes a condition on what a call carries.
func (c chance) carried() Op {
	if c.paths != c.one(6) {
		p := &Places{Roles: []RoleSet{RolesPaths, RolesFrom}[c.IntN(2)], None: c.one(12)}
		for _, text := range c.some("/srv/a/**", "/srv/b", "/srv/B/c*/**", "/srv/**/x", "/etc/{a,b}/**", "/srv/d/**/**", "/srv/x", "/etc/**", c.pick("**/x", "/**", "/e/**")) {
			pattern, err := ParsePath(text)
			if err != nil {
				panic(err)
			}
			p.Match = append(p.Match, pattern)
		}
		return Op{Code: CodePlaces, Group: GroupPlaces, Places: p, Field: "paths"}
	}
	path, err := ParseArgPath(c.pick("mode", "mode", "mode", "mode", "kind", "deep.mode"))
	if err != nil {
		panic(err)
	}
	a := &Arg{Path: path, Optional: !c.sparse && c.one(5), Skip: c.one(5)}
	for _, w := range c.some("fast", "safe", "slow", "a", "b", "c") {
		a.Spec.Enum = append(a.Spec.Enum, access.Scalar(access.String, `"`+w+`"`, w))
	}
	switch c.IntN(20) {
	case 0:
		a.Spec.Enum = append(a.Spec.Enum, access.Scalar(access.Number, "1", ""))
	case 1:
		a.Spec.Types = TypeString
	case 2:
		a.Spec.Types = TypeInteger
	case 3:
		a.Spec.Max, a.Spec.Enum = NewNumber(access.Scalar(access.Number, "5", "")), nil
	case 4:
		a.Spec.Not, a.Spec.Enum = &Spec{Enum: a.Spec.Enum}, nil
	}
	return Op{Code: CodeArg, Group: GroupArguments, Arg: a, Field: "args." + path.Text}
}

func (c chance) request() *access.Request {
	r := &access.Request{Kind: access.Tool, Backend: c.pick("b", "b", "b", "bc", "c"), Name: c.pick("t1", "t1", "t2", "t", "x1", "tx1")}
	if c.one(8) {
		r.Kind, r.Name = access.Resource, c.pick("file:///a", "file:///a/b", "file:///A/b", "file:///a%2fb")
	}
	if !c.one(5) {
		r.Subject = access.Subject{Known: true, ID: c.pick("alice", "bob", "eve"), Issuer: c.pick("corp", "x", "other"), Roles: c.some("r1", "r2", "r3", "r4"), Groups: c.some("g1", "g2", "g3")}
	}
	r.Agent = c.pick("", "spiffe://a/x", "spiffe://a/y", "other")
	r.Tool.Described = c.one(2)
	if c.one(2) {
		r.Counters = map[string]int64{}
		for i := range 240 {
			r.Counters[fmt.Sprint("r", i)] = int64(c.IntN(5))
		}
	}
	value := func() string {
		return c.pick(`"fast"`, `"safe"`, `"slow"`, `"a"`, `"never"`, `1`, `7`, `null`, `["fast"]`)
	}
	var members []string
	for _, name := range []string{"mode", "kind"} {
		if !c.one(4) {
			members = append(members, fmt.Sprintf("%q:%s", name, value()))
		}
	}
	if c.one(3) {
		members = append(members, `"deep":{"mode":`+value()+`}`)
	}
	v, err := canon.Parse("{"+strings.Join(members, ",")+"}", canon.DefaultLimits())
	if err != nil {
		panic(err)
	}
	r.Args = v
	for range c.IntN(3) {
		r.Places = append(r.Places, c.place())
	}
	return r
}

func (c chance) place() access.Place {
	paths := []string{"/srv/a/f", "/srv/a", "/srv/b", "/SRV/B", "/srv/B/c1/x", "/srv/b/c2/x", "/srv/x", "/srv", "/etc/a", "/etc/a/x", "/srv/d", "/srv/d/e/f", "/"}
	p := access.Place{Arg: "path", Role: access.PlaceRole(c.IntN(2)), Declared: !c.one(3), Grantable: !c.one(5)}
	for range c.IntN(3) {
		p.Readings = append(p.Readings, c.pick(paths...))
	}
	for range c.IntN(2) {
		p.Suspect = append(p.Suspect, c.pick(paths...))
	}
	for _, text := range append(p.Readings[:len(p.Readings):len(p.Readings)], p.Suspect...) {
		p.Folded = append(p.Folded, canon.Fold(text))
	}
	return p
}
