package proof

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"go.yaml.in/yaml/v3"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/policy"
)

// Recorded is what the record of a decision says about the call. It holds no
// value of an argument, and so cannot say what a rule may ask of one.
type Recorded struct {
	ID            string
	Kind          access.Kind
	Backend, Name string
	Subject       string // issuer:id, "" where nobody was known
	// Args and Types describe the arguments; Whole is false where some have no
	// name in the record.
	Args, Types  []string
	Whole        bool
	Decision     access.Effect
	Reason       access.Reason
	Rule         string
	Position     string
	PolicyDigest string
}

// Addition is a rule that would allow a recorded call.
type Addition struct {
	File string `json:"file"`
	Rule string `json:"rule"` // its id
	Diff string `json:"diff"` // unified
	// Notes say what the record and the policy leave open.
	Notes []string `json:"notes"`
}

// Add writes the rule that would allow a recorded call, as narrow as the record
// can say: this item, this person, these arguments. The policy with it has been
// compiled, and may grant the call. An error says why no rule would.
func (b *Bench) Add(r Recorded) (*Addition, []policy.Problem, error) {
	d, snapshot, problems := b.decider(b.Sources)
	if d == nil {
		return nil, problems, nil
	}
	if err := addable(&r); err != nil {
		return nil, problems, err
	}
	at := slices.IndexFunc(b.Sources, isRoot)
	if at < 0 {
		return nil, problems, errors.New("none of the files is a YAML policy of the layer global with a list of rules, one below the other")
	}
	out := &Addition{File: b.Sources[at].Name, Rule: "from-" + r.ID, Notes: []string{}}
	for n := 2; ; n++ {
		if _, taken := snapshot.Rule(out.Rule); !taken {
			break
		}
		out.Rule = fmt.Sprintf("from-%s-%d", r.ID, n)
	}
	if snapshot.Digest() != r.PolicyDigest {
		out.note("the policy is another one than the one that decided")
	}
	rule := out.write(&r)
	changed := slices.Clone(b.Sources)
	changed[at].Data, out.Diff = inserted(changed[at], rule)
	return out, problems, b.proveAddition(out, &r, d, changed)
}

func (a *Addition) note(format string, args ...any) {
	a.Notes = append(a.Notes, fmt.Sprintf(format, args...))
}

// addable says why no rule that allows could change a decision.
func addable(r *Recorded) error {
	switch {
	case r.Decision != access.Deny:
		return fmt.Errorf("%s was not denied", r.ID)
	case r.Reason == access.RuleDenied || r.Reason == access.Indeterminate:
		return fmt.Errorf("the rule %s (%s) denies it, and no rule that allows lifts a deny: change that rule", r.Rule, r.Position)
	case r.Reason == access.ApprovalUnavailable:
		return fmt.Errorf("the rule %s (%s) holds it for a person, and no rule that allows lifts a hold: change that rule", r.Rule, r.Position)
	case r.Reason != access.DefaultDenied && r.Reason != access.MethodUnknown:
		return fmt.Errorf("it was refused with %s, which no rule lifts", r.Reason)
	case strings.ContainsAny(r.Name+r.Backend, "*") || r.Name == "":
		return errors.New("its name cannot be written as a pattern that means it alone")
	}
	return nil
}

var plainArg = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_-]{0,63}$`) })

// write returns the lines of the rule, without indentation.
func (a *Addition) write(r *Recorded) []string {
	pattern := r.Backend + "." + r.Name
	switch r.Kind {
	case access.Resource, access.Prompt:
		pattern = r.Kind.String() + ":" + pattern
	case access.Method:
		pattern = "method:" + r.Name
	default:
	}
	lines := []string{
		"- id: " + a.Rule,
		"  allow: [" + quoted(pattern) + "]",
	}
	if r.Subject != "" {
		lines = append(lines, "  subjects: ["+quoted(r.Subject)+"]")
	} else {
		a.note("nobody was known to be the caller: the rule is for everybody")
	}
	if r.Kind != access.Tool {
		return lines
	}
	var args []string
	for i, name := range r.Args {
		if !plainArg().MatchString(name) {
			r.Whole = false
			continue
		}
		spec := "{}"
		if i < len(r.Types) && slices.Contains([]string{"string", "number", "boolean", "array", "object", "null"}, r.Types[i]) {
			spec = "{type: " + r.Types[i] + "}"
		}
		args = append(args, name+": "+spec)
	}
	if !r.Whole {
		a.note("some arguments have no name in the record: those that the tool does not declare stay refused")
	}
	if len(args) > 0 {
		lines = append(lines, "  args: {"+strings.Join(args, ", ")+"}")
		a.note("the record holds no values: the rule allows every value of %s; narrow it before you use it", strings.Join(r.Args, ", "))
	}
	return lines
}

// quoted writes a text as YAML reads it back, on one line.
func quoted(s string) string {
	return strings.TrimSpace(mustYAML(&yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s, Style: yaml.DoubleQuotedStyle}))
}

func mustYAML(n *yaml.Node) string {
	out, err := yaml.Marshal(n)
	if err != nil {
		return `""` // a scalar is always written
	}
	return strings.ReplaceAll(string(out), "\n", "")
}

// isRoot reports whether a rule can be put at the end of a source.
func isRoot(src policy.Source) bool {
	root, _ := policy.Parse(src)
	layer, rules := member(root, "layer"), member(root, "rules")
	text := strings.ToLower(src.Name)
	return rules != nil && rules.Kind == yaml.SequenceNode && rules.Style&yaml.FlowStyle == 0 && len(rules.Content) > 0 &&
		(layer == nil || layer.Value == "global") && !strings.HasSuffix(text, ".toml") && !strings.HasSuffix(text, ".json")
}

// inserted puts a rule behind the last one and returns the file and the diff.
func inserted(src policy.Source, rule []string) (data []byte, diff string) {
	root, _ := policy.Parse(src)
	rules := member(root, "rules")
	lines := strings.Split(strings.TrimSuffix(string(src.Data), "\n"), "\n")
	end := len(lines)
	for i := 0; i+1 < len(root.Content); i += 2 {
		if line := root.Content[i].Line - 1; line >= rules.Content[0].Line && line < end {
			end = line // the next key of the file
		}
	}
	for end > 0 && (strings.TrimSpace(lines[end-1]) == "" || strings.HasPrefix(lines[end-1], "#")) {
		end--
	}
	head := lines[rules.Content[0].Line-1]
	indent := head[:len(head)-len(strings.TrimLeft(head, " "))]
	var added []string
	for _, l := range rule {
		added = append(added, indent+l)
	}
	const context = 3
	from, to := max(end-context, 0), min(end+context, len(lines))
	var b strings.Builder
	fmt.Fprintf(&b, "--- %s\n+++ %s\n@@ -%d,%d +%d,%d @@\n", src.Name, src.Name, from+1, to-from, from+1, to-from+len(added))
	for i, group := range [][]string{lines[from:end], added, lines[end:to]} {
		for _, l := range group {
			b.WriteString([]string{" ", "+", " "}[i] + l + "\n")
		}
	}
	return []byte(strings.Join(slices.Concat(lines[:end], added, lines[end:]), "\n") + "\n"), b.String()
}

// proveAddition compiles the policy with the rule and says what may still keep
// the call from being allowed.
func (b *Bench) proveAddition(a *Addition, r *Recorded, before *Decider, changed []policy.Source) error {
	after, _, problems := b.decider(changed)
	if after == nil {
		return fmt.Errorf("the rule does not fit into %s: %s", a.File, problems[0].Message)
	}
	if r.Kind != access.Tool {
		return nil
	}
	p := pattern{kind: access.Tool, backend: r.Backend, name: r.Name}
	caller := Caller{}
	if r.Subject != "" {
		caller.Subject = ParseSubject(r.Subject)
	}
	for _, c := range before.reach(caller, p).Grants {
		if c.Effect == access.Allow && len(c.Open) > 0 {
			a.note("%s (%s) would have allowed it too, but for one of: %s", c.Rule, c.Position, strings.Join(c.Open, ", "))
		}
	}
	now := after.reach(caller, p)
	if !now.Possible || !slices.ContainsFunc(now.Grants, func(c Claim) bool { return c.Rule == a.Rule }) {
		return errors.New("a rule that allows it would not be enough: something else denies it whatever its arguments are")
	}
	for _, c := range now.Restricts {
		a.note("%s (%s) may still refuse or hold it: %s", c.Rule, c.Position, strings.Join(c.Open, ", "))
	}
	return nil
}
