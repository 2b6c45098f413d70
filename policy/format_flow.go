package policy

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// reorderedFlows puts the keys of {a: b, c: d} in order where it stands on one
// line.
func reorderedFlows(l *layout) {
	var flows []*yaml.Node
	orders := map[*yaml.Node][]string{}
	l.ordered(func(n *yaml.Node, order []string) {
		if n.Kind == yaml.MappingNode && n.Style&yaml.FlowStyle != 0 && !inRank(l.keys(n), order) && len(l.lines[n.Line-1]) <= longLine {
			flows = append(flows, n)
			orders[n] = order
		}
	})
	// From the end of the file: what stands in front keeps its columns.
	slices.Reverse(flows)
	for _, n := range flows {
		line := []rune(l.lines[n.Line-1])
		if parts, end := flowParts(line, n.Column-1); parts != nil && len(parts) == len(n.Content)/2 {
			keys := l.keys(n)
			at := make([]int, len(parts))
			for i := range at {
				at[i] = i
			}
			slices.SortStableFunc(at, func(a, b int) int {
				return rank(orders[n], keys[a].Value) - rank(orders[n], keys[b].Value)
			})
			sorted := make([]string, len(parts))
			for i, from := range at {
				sorted[i] = parts[from]
			}
			l.lines[n.Line-1] = string(line[:n.Column]) + strings.Join(sorted, ", ") + string(line[end:])
		}
	}
}

// flowParts splits the mapping whose brace stands at open into its members, and
// returns where its closing brace stands. It returns nil for one that spans
// lines.
func flowParts(line []rune, open int) (parts []string, end int) {
	depth, start := 0, open+1
	for i := open; i < len(line); i++ {
		switch c := line[i]; c {
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return append(parts, strings.TrimSpace(string(line[start:i]))), i
			}
		case ',':
			if depth == 1 {
				parts = append(parts, strings.TrimSpace(string(line[start:i])))
				start = i + 1
			}
		case '"', '\'':
			// A quote inside of a word is a letter.
			if before := line[max(i-1, 0)]; strings.ContainsRune(" ,:[{", before) {
				if i = closing(line, i); i < 0 {
					return nil, 0
				}
			}
		}
	}
	return nil, 0
}

// closing returns where the text that is opened at a quote ends, or -1.
func closing(line []rune, open int) int {
	for i := open + 1; i < len(line); i++ {
		switch {
		case line[i] == '\\' && line[open] == '"':
			i++
		case line[i] == line[open] && line[open] == '\'' && i+1 < len(line) && line[i+1] == '\'':
			i++
		case line[i] == line[open]:
			return i
		}
	}
	return -1
}
