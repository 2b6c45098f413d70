package proof

import (
	"cmp"
	"fmt"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/policy"
)

// Finding is one thing that a policy probably does not mean.
type Finding struct {
	File   string `json:"file"`
	Line   int    `json:"line"`
	Column int    `json:"column"`
	// Severity is "error" for what certainly never acts, "warning" for what is
	// probably a mistake, "note" for what may be meant, "unknown" for what could
	// not be shown either way.
	Severity string `json:"severity"`
	// Check names what was looked for.
	Check   string `json:"check"`
	Rule    string `json:"rule"`
	Message string `json:"message"`
}

// String returns one line: FILE:LINE:COLUMN: SEVERITY: CHECK: rule ID: MESSAGE.
func (f Finding) String() string {
	return fmt.Sprintf("%s:%d:%d: %s: %s: rule %s: %s", f.File, f.Line, f.Column, f.Severity, f.Check, f.Rule, f.Message)
}

// linter collects findings about one policy.
type linter struct {
	*view
	bench    *Bench
	findings []Finding
}

// Lint looks for rules that never act, say what others say, or say less than
// they seem to. Regular expressions and CEL are not taken apart: where a
// question hangs on one the finding is "unknown". The findings are nil where the
// policy is not valid, and the problems say why.
func (b *Bench) Lint() ([]Finding, []policy.Problem) {
	_, snapshot, problems := b.decider(b.Sources)
	if snapshot == nil {
		return nil, problems
	}
	l := &linter{view: newView(snapshot, b.Sources), bench: b, findings: []Finding{}}
	for i, r := range l.rules {
		l.pairs(i, r)
		l.contradictions(r)
		l.regexes(r)
		l.tools(r)
		l.layers(r)
	}
	slices.SortStableFunc(l.findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return l.findings, problems
}

func (l *linter) find(severity, check string, r *writtenRule, at *yaml.Node, format string, args ...any) {
	l.findings = append(l.findings, Finding{
		File: r.file, Line: at.Line, Column: at.Column, Severity: severity, Check: check, Rule: r.ID, Message: fmt.Sprintf(format, args...),
	})
}

// pairs compares a rule with every other one: is it dead, or said twice?
func (l *linter) pairs(i int, r *writtenRule) {
	for k, s := range l.rules {
		if k == i || r.Layer != s.Layer || s.conditional || !r.coveredBy(s) {
			continue
		}
		switch {
		case s.Effect == access.Deny && r.Effect != access.Deny && len(s.unless) == 0:
			l.dead(r, s)
		case s.Effect == r.Effect && sameOptions(r, s) && (len(s.unless) == 0 || sameExceptions(r, s)):
			l.redundant(i, k, r, s)
		}
	}
}

// dead reports a rule that grants nothing, since a deny takes it all.
func (l *linter) dead(r, s *writtenRule) {
	switch implied(s, r) {
	case yes:
		l.find("error", "dead", r, r.node, "it never grants: %s (%s) denies everything that it is about", s.ID, s.Position)
	case opaque:
		l.find("unknown", "dead", r, r.node, "%s (%s) may deny everything that it is about: a regular expression or CEL decides, which is not analysed", s.ID, s.Position)
	case no:
	}
}

// redundant reports a rule that acts only where another does the same.
func (l *linter) redundant(i, k int, r, s *writtenRule) {
	forth, back := implied(s, r), implied(r, s)
	same := forth == yes && back == yes && s.coveredBy(r) && len(r.unless) == len(s.unless)
	switch {
	case same && k < i:
		l.find("warning", "duplicate", r, r.node, "it says what %s (%s) says", s.ID, s.Position)
	case same:
	case forth == yes && r.Effect != access.Approve && !sameWords(r, s):
		l.find("note", "redundant", r, r.node, "%s (%s) does the same for all that it is about, in other words", s.ID, s.Position)
	case forth == yes && r.Effect != access.Approve:
		l.find("warning", "redundant", r, r.node, "%s (%s) does the same for all that it is about", s.ID, s.Position)
	case forth == opaque && r.Effect != access.Approve && back != no:
		l.find("unknown", "redundant", r, r.node, "%s (%s) may do the same for all that it is about: a regular expression or CEL decides, which is not analysed", s.ID, s.Position)
	}
}

// sameOptions reports whether two rules do the same when they act.
func sameOptions(r, s *writtenRule) bool {
	for _, key := range []string{"approval", "grants", "else", "mode", "returns", "add_labels", "notify", "liftable", "expires", "to", "rate"} {
		if !alike(member(r.node, key), member(s.node, key)) {
			return false
		}
	}
	return true
}

func sameWords(r, s *writtenRule) bool {
	return alike(member(r.node, "message"), member(s.node, "message")) && alike(member(r.node, "remediation"), member(s.node, "remediation"))
}

func sameExceptions(r, s *writtenRule) bool {
	return alike(member(r.node, "unless"), member(s.node, "unless"))
}
