package policy

import (
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/custos-zt/custos/internal/expr"
	"github.com/custos-zt/custos/internal/pdp"
)

// when: "args.end - args.start < 3600". An expression in CEL, for what no other
// condition says: see package expr for what it may read.
func readWhen(r *reader, f field, at place) []pdp.Op {
	text := r.text(f.node, f.name)
	if text == "" {
		return nil
	}
	if r.expressions == nil {
		c, err := expr.NewCompiler()
		if err != nil {
			r.err(f.node, "", "expressions cannot be read: %v", err)
			return nil
		}
		r.expressions = c
	}
	program, issues := r.expressions.Compile(text)
	for _, i := range issues {
		report := r.err
		if i.Warning {
			report, i.Hint = r.warn, guard(i.Guard, at)
		}
		report(within(f.node, i.Line, i.Column), i.Hint, "%s: %s", f.key.Value, i.Message)
	}
	if program == nil {
		return nil
	}
	if strings.Contains(text, "session") {
		r.remembers = true // it may read what the session has read
	}
	return []pdp.Op{{Code: pdp.CodeWhen, When: program, Field: f.name}}
}

// guard is how an expression says what holds where something is absent. What
// restricts goes on doing so.
func guard(asks string, at place) string {
	if at.restricts() {
		return "to say so: !" + asks + " || …"
	}
	return "to say so: " + asks + " && …"
}

// within is the position of a part of a text. Where the text is folded or
// escaped the position is that of its beginning.
func within(n *yaml.Node, line, column int) *yaml.Node {
	at := yaml.Node{Line: n.Line, Column: n.Column}
	switch {
	case line > 1 || strings.ContainsAny(n.Value, "\n\\\"'") && n.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) != 0:
	case n.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) != 0:
		at.Column += column
	case n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) == 0:
		at.Column += column - 1
	}
	return &at
}
