package proof

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/internal/canon"
	"github.com/custos-zt/custos/policy"
)

// Suite is one file of policy tests.
type Suite struct {
	File string
	// Policy names the policy files, relative to the suite's folder.
	Policy []string
	// Embedded says that the file is the policy, and holds its own tests.
	Embedded bool
	// Home is what `~` means in the policy and in calls, "" for the home of the
	// user who runs the tests.
	Home string
	// Teams says who is in which team, nil where the suite does not.
	Teams []policy.Team
	Cases []Case
}

// Case is one call and what is meant to become of it.
type Case struct {
	Name string
	Line int
	Want Want
	// line is the request as `policy eval` reads it.
	line []byte
}

// Want is the outcome that a case asks for.
type Want struct {
	Decision access.Effect
	// Rule is the determining rule, "" for none. It is looked at if HasRule.
	Rule    string
	HasRule bool
	// Reason is a reason code, "" for any.
	Reason access.Reason
}

// maxCases bounds what the matrices of one file expand to.
const maxCases = 100_000

func suiteKeys() []string { return []string{"policy", "home", "now", "teams", "defaults", "cases"} }

// caseKeys are the keys of a case beside the fields of its request.
func caseKeys() []string { return []string{"name", "matrix", "expect"} }

// requestKeys are the request fields that a test may state: the id is the
// name of the case.
func requestKeys() []string {
	return slices.DeleteFunc(requestFields(), func(f string) bool { return f == "id" })
}

// ReadSuite reads a file of tests, or the tests that a policy file holds itself,
// and reports every problem with its place. The suite is only to be used where
// none of them is an error.
func ReadSuite(file string, data []byte) (*Suite, []policy.Problem) {
	root, problems := policy.Parse(policy.Source{Name: file, Data: data})
	if root == nil || policy.Failed(problems) {
		return nil, problems
	}
	r := newSuiteReader(file)
	if own := member(root, testsKey); own != nil && member(root, "cases") == nil {
		r.suite.Embedded = true
		r.body(own, r.fields(own, "tests", embeddedKeys()))
		return r.suite, r.problems
	}
	r.top(root)
	return r.suite, r.problems
}

func newSuiteReader(file string) *suiteReader {
	return &suiteReader{form: form{file: file}, suite: &Suite{File: file}, defaults: map[string]*yaml.Node{}}
}

// suiteReader reads one file of tests.
type suiteReader struct {
	form
	suite    *Suite
	defaults map[string]*yaml.Node
}

func (r *suiteReader) top(root *yaml.Node) {
	fields := r.fields(root, "a file of tests", suiteKeys())
	if n := fields["policy"]; n != nil {
		r.suite.Policy = r.texts(n, "policy")
	} else {
		r.err(root, "policy: [FILE]", "the tests name no policy")
	}
	r.body(root, fields)
}

// body reads what a file of tests and the tests of a policy file have in
// common.
func (r *suiteReader) body(root *yaml.Node, fields map[string]*yaml.Node) {
	if n := fields["home"]; n != nil {
		if r.suite.Home = r.text(n, "home"); !strings.HasPrefix(r.suite.Home, "/") {
			r.err(n, "home: /home/dev", "home is an absolute path")
		}
	}
	if n := fields["teams"]; n != nil {
		r.teams(n)
	}
	if n := fields["defaults"]; n != nil {
		r.defaults = r.fields(n, "defaults", requestKeys())
	}
	if n := fields["now"]; n != nil {
		if _, err := time.Parse(time.RFC3339Nano, n.Value); err != nil {
			r.err(n, "now: 2026-11-20T10:00:00Z", "now is a time")
		}
		r.defaults["now"] = n
	}
	switch n := fields["cases"]; {
	case n == nil:
		r.err(root, "cases: [{name: WORDS, tool: NAME, expect: {decision: deny, rule: ID}}]", "there are no cases")
	case n.Kind != yaml.SequenceNode || len(n.Content) == 0:
		r.err(n, "", "cases is a list of at least one case")
	default:
		names := map[string]int{}
		for _, c := range n.Content {
			r.testCase(c, names)
		}
	}
}

// teams reads {NAME: {groups: […], issuer: NAME}}, as the configuration has it.
func (r *suiteReader) teams(n *yaml.Node) {
	if n.Kind != yaml.MappingNode {
		r.err(n, "", "teams is written as NAME: {groups: […]} pairs")
		return
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		t := policy.Team{Name: n.Content[i].Value}
		fields := r.fields(n.Content[i+1], "a team", []string{"groups", "issuer"})
		if g := fields["groups"]; g != nil {
			t.Groups = r.texts(g, "groups")
		} else {
			r.err(n.Content[i], "groups: [GROUP]", "the team %q has no groups", t.Name)
		}
		if issuer := fields["issuer"]; issuer != nil {
			t.Issuer = r.text(issuer, "issuer")
		}
		r.suite.Teams = append(r.suite.Teams, t)
	}
}

// testCase reads one case and expands its matrix.
func (r *suiteReader) testCase(n *yaml.Node, names map[string]int) {
	fields := r.fields(n, "a case", slices.Concat(caseKeys(), requestKeys()))
	if n.Kind != yaml.MappingNode {
		return
	}
	c := Case{Line: n.Line}
	if name := fields["name"]; name != nil {
		c.Name = r.text(name, "a name")
		if first, dup := names[c.Name]; dup {
			r.err(name, "", "the name %q is taken by the case in line %d", c.Name, first)
		}
		names[c.Name] = n.Line
	} else {
		r.err(n, "name: WORDS", "the case has no name")
	}
	if e := fields["expect"]; e != nil {
		c.Want = r.want(e)
	} else {
		r.err(n, "expect: {decision: deny, rule: ID}", "the case %q expects nothing", c.Name)
	}
	var axes []axis
	if m := fields["matrix"]; m != nil {
		axes = r.matrix(m, fields)
	}
	request := map[string]*yaml.Node{}
	for _, key := range requestKeys() {
		if request[key] = merged(r.defaults[key], fields[key], key); request[key] == nil {
			delete(request, key)
		}
	}
	r.expand(c, n, request, axes, "")
}

// merged lays what a case says of a field over the defaults: single facts of
// them are replaced, every other field is replaced as a whole.
func merged(fallback, own *yaml.Node, key string) *yaml.Node {
	switch {
	case own == nil:
		return fallback
	case fallback == nil || key != "facts" || own.Kind != yaml.MappingNode || fallback.Kind != yaml.MappingNode:
		return own
	}
	out := *own
	for i := 0; i+1 < len(fallback.Content); i += 2 {
		if member(own, fallback.Content[i].Value) == nil {
			out.Content = append(slices.Clip(out.Content), fallback.Content[i], fallback.Content[i+1])
		}
	}
	return &out
}

// axis is one field of a matrix with the values it takes in turn.
type axis struct {
	key    string
	values []*yaml.Node
}

// matrix reads {FIELD: [VALUE, …], …}: the case is decided for every
// combination.
func (r *suiteReader) matrix(n *yaml.Node, fields map[string]*yaml.Node) []axis {
	var out []axis
	all := r.fields(n, "matrix", requestKeys())
	for _, key := range requestKeys() {
		values := all[key]
		switch {
		case values == nil:
			continue
		case values.Kind != yaml.SequenceNode || len(values.Content) == 0:
			r.err(values, "", "matrix.%s is a list of values", key)
			continue
		case fields[key] != nil:
			r.err(values, "", "%s stands in the case and in its matrix", key)
			continue
		}
		out = append(out, axis{key, values.Content})
	}
	return out
}

// expand appends the case for every combination of the axes.
func (r *suiteReader) expand(c Case, n *yaml.Node, request map[string]*yaml.Node, axes []axis, suffix string) {
	if len(axes) > 0 {
		a := axes[0]
		for _, v := range a.values {
			request[a.key] = merged(r.defaults[a.key], v, a.key)
			text, _ := appendJSON(nil, v) // reported below, with the whole request
			r.expand(c, n, request, axes[1:], suffix+" "+a.key+"="+string(text))
		}
		return
	}
	if len(r.suite.Cases) == maxCases {
		r.err(n, "", "the matrices of this file expand to more than %d cases", maxCases)
	}
	if len(r.suite.Cases) >= maxCases {
		return
	}
	c.Name += suffix
	line := []byte(`{"id":` + canon.Quote(c.Name))
	for _, key := range requestKeys() {
		v := request[key]
		if v == nil {
			continue
		}
		var err error
		if line, err = appendJSON(append(line, `,"`+key+`":`...), v); err != nil {
			r.err(v, "", "%s: %v", key, err)
			return
		}
	}
	c.line = append(line, '}')
	if _, _, _, err := ReadRequest(c.line, anyBackend); err != nil {
		r.err(n, "", "the case %q is no request: %v", c.Name, err)
	}
	r.suite.Cases = append(r.suite.Cases, c)
}

// want reads what a case expects. It names the rule or the reason: a deny for
// another reason than the one meant proves nothing.
func (r *suiteReader) want(n *yaml.Node) Want {
	var w Want
	fields := r.fields(n, "expect", []string{"decision", "rule", "reason"})
	if d := fields["decision"]; d != nil {
		for _, e := range []access.Effect{access.Allow, access.Approve, access.Deny} {
			if e.String() == d.Value {
				w.Decision = e
			}
		}
	}
	if n.Kind == yaml.MappingNode && w.Decision == access.None {
		r.err(n, "", "expect.decision is allow, approve or deny")
	}
	if rule := fields["rule"]; rule != nil {
		w.HasRule = true
		if rule.ShortTag() != "!!null" {
			w.Rule = r.text(rule, "expect.rule")
		}
	}
	if reason := fields["reason"]; reason != nil {
		w.Reason = r.reason(reason)
	}
	if n.Kind == yaml.MappingNode && !w.HasRule && w.Reason == "" {
		r.err(n, "rule: ID, or rule: null where no rule determines", "expect names neither a rule nor a reason")
	}
	return w
}

func (r *suiteReader) reason(n *yaml.Node) access.Reason {
	var known []string
	for _, doc := range access.Reasons() {
		known = append(known, string(doc.Code))
	}
	if !slices.Contains(known, n.Value) {
		r.err(n, near(n.Value, known), "%q is no reason", n.Value)
	}
	return access.Reason(n.Value)
}

// String returns the outcome in words.
func (w Want) String() string {
	out := w.Decision.String()
	if w.HasRule {
		out += " by " + ruleName(w.Rule)
	}
	if w.Reason != "" {
		out += fmt.Sprintf(" (%s)", w.Reason)
	}
	return out
}

func ruleName(id string) string {
	if id == "" {
		return "no rule"
	}
	return id
}
