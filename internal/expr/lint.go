package expr

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	celast "cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
)

// unguarded warns where an expression reads what may be absent and nowhere asks
// whether it is there. Such an expression is unknown where it is.
func unguarded(ast *celast.AST) []Issue {
	root := celast.NavigateAST(ast)
	guards := map[string]bool{}
	asked := map[int64]bool{} // what a guard itself names
	all := celast.MatchDescendants(root, celast.AllMatcher())
	for _, e := range all {
		for _, p := range guarded(e) {
			guards[p] = true
			asked[e.ID()] = true
		}
	}
	var out []Issue
	reported := map[string]bool{}
	for _, e := range all {
		path := pathOf(e)
		if path == "" || asked[e.ID()] || !optional(path) || guards[path] || reported[path] || behindAnother(path, guards, reported) {
			continue
		}
		reported[path] = true
		guard := "has(" + path + ")"
		if at := strings.LastIndexByte(path, '['); strings.HasSuffix(path, "]") {
			guard = "(" + path[at+1:len(path)-1] + " in " + path[:at] + ")"
		}
		out = append(out, issueAt(ast, e.ID(), Issue{
			Warning: true, Guard: guard,
			Message: fmt.Sprintf("%s may be absent, and the expression is unknown then", path),
		}))
	}
	slices.SortFunc(out, func(a, b Issue) int {
		if a.Line != b.Line {
			return a.Line - b.Line
		}
		return a.Column - b.Column
	})
	return out
}

// behindAnother reports whether a shorter path was reported, which says it all.
func behindAnother(path string, guards, reported map[string]bool) bool {
	for p := range reported {
		if rest, ok := strings.CutPrefix(path, p); ok && rest != "" && !guards[p] {
			return true
		}
	}
	return false
}

// guarded are the paths that has(path) and "key" in map ask for.
func guarded(e celast.NavigableExpr) []string {
	switch e.Kind() {
	case celast.SelectKind:
		if s := e.AsSelect(); s.IsTestOnly() {
			if p := pathOf(s.Operand()); p != "" {
				return []string{p + "." + s.FieldName(), p + "[" + strconv.Quote(s.FieldName()) + "]"}
			}
		}
	case celast.CallKind:
		call := e.AsCall()
		if call.FunctionName() != operators.In || len(call.Args()) != 2 {
			return nil
		}
		key, p := literal(call.Args()[0]), pathOf(call.Args()[1])
		if key != "" && p != "" {
			return []string{p + "." + key, p + "[" + strconv.Quote(key) + "]"}
		}
	default:
	}
	return nil
}

// pathOf writes a chain of fields and keys from a variable, or "".
func pathOf(e celast.Expr) string {
	switch e.Kind() {
	case celast.IdentKind:
		if name := e.AsIdent(); slices.Contains([]string{"args", "facts", "subject", "session", "agent", "tool"}, name) {
			return name
		}
	case celast.SelectKind:
		if p := pathOf(e.AsSelect().Operand()); p != "" {
			return p + "." + e.AsSelect().FieldName()
		}
	case celast.CallKind:
		call := e.AsCall()
		if call.FunctionName() != operators.Index || len(call.Args()) != 2 {
			return ""
		}
		key, p := literal(call.Args()[1]), pathOf(call.Args()[0])
		if key != "" && p != "" {
			return p + "[" + strconv.Quote(key) + "]"
		}
	default:
	}
	return ""
}

func literal(e celast.Expr) string {
	if e.Kind() != celast.LiteralKind {
		return ""
	}
	s, _ := e.AsLiteral().(types.String)
	return string(s)
}

// optional reports whether what a path names may be absent in a request that
// is in order: an argument, a fact, and what not every caller or tool has.
func optional(path string) bool {
	head, _, nested := strings.Cut(path, ".")
	if name, _, indexed := strings.Cut(path, "["); indexed && len(name) < len(head) {
		head, nested = name, true
	}
	switch head {
	case "args", "facts":
		return nested
	default:
		return slices.Contains([]string{
			"subject.tenant", "agent.id", "session.calls_1h", "session.read", "session.age_s", "session.idle_s",
			"tool.ops", "tool.side_effects", "tool.labels", "tool.tier",
		}, path)
	}
}
