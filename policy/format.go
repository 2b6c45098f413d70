package policy

import (
	"bytes"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Format returns a YAML policy in its canonical form: the keys of the file, of
// its rules and of their exceptions in the order of the language, rules
// indented by two, double quotes, no blanks at the ends of lines, no two empty
// lines in a row. Comments and the layout of values stay as they are.
//
// Formatting never changes what a policy decides, and formatting twice is
// formatting once. Where a file is no YAML, the problems say so and there is no
// result; a file with other problems is formatted. TOML and JSON are not
// formatted: the result is the source.
//
// It does no I/O and is safe for concurrent use.
func Format(src Source) ([]byte, []Problem) {
	if isTOML(src.Name) || isJSON(src.Name) {
		return src.Data, nil
	}
	r := &reader{compiler: &compiler{}, file: src.Name}
	root := r.parse(src.Data)
	if root == nil || !r.strict(root, 0) {
		inOrder(r.problems)
		return nil, r.problems
	}
	out := src.Data
	for range formatRounds {
		next := formatOnce(out)
		if bytes.Equal(next, out) {
			return out, nil
		}
		out = next
	}
	return src.Data, nil // a layout that does not settle stays as it is
}

// formatRounds is how often a file is formatted until nothing changes: one
// step makes room for another.
const formatRounds = 8

// longLine is the longest line in which something is moved. Nobody reads more.
const longLine = 10_000

// formatOnce takes each step once. A step that changes more than the layout,
// which only strange layouts bring about, is not taken.
func formatOnce(data []byte) []byte {
	for _, step := range []func(*layout){tidied, reindented, requoted, reorderedFlows, reordered} {
		l := readLayout(data)
		if l == nil {
			return data
		}
		step(l)
		next := l.bytes()
		if bytes.Equal(next, data) {
			continue
		}
		if after := readLayout(next); after != nil && sameTree(l.root, after.root) {
			data = next
		}
	}
	return data
}

// layout is a file as lines, with its tree.
type layout struct {
	lines []string
	root  *yaml.Node
}

func readLayout(data []byte) *layout {
	r := &reader{compiler: &compiler{}}
	root := r.parseYAML(data)
	if root == nil {
		return nil
	}
	return &layout{strings.Split(string(data), "\n"), root}
}

func (l *layout) bytes() []byte { return []byte(strings.Join(l.lines, "\n")) }

// sameTree reports whether two trees hold the same, whatever the order of keys.
func sameTree(a, b *yaml.Node) bool { return unordered(a) == unordered(b) }

// unordered renders a tree so that only equal ones give the same text.
func unordered(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		pairs := make([]string, 0, len(n.Content)/2)
		for i := 0; i+1 < len(n.Content); i += 2 {
			pairs = append(pairs, unordered(n.Content[i])+":"+unordered(n.Content[i+1]))
		}
		slices.Sort(pairs)
		return "{" + strings.Join(pairs, ",") + "}"
	case yaml.SequenceNode:
		items := make([]string, len(n.Content))
		for i, c := range n.Content {
			items[i] = unordered(c)
		}
		return "[" + strings.Join(items, ",") + "]"
	default:
		return string(appendExactly(nil, n))
	}
}

// tidied cuts blanks at the ends of lines, folds empty lines, and ends the file
// with one line end. The lines of a block of text are left alone.
func tidied(l *layout) {
	text := l.textLines()
	var out []string
	for i, line := range l.lines {
		if !text[i+1] {
			line = strings.TrimRight(line, " \t\r")
			if line == "" && (len(out) == 0 || out[len(out)-1] == "") {
				continue
			}
		}
		out = append(out, line)
	}
	for len(out) > 0 && out[len(out)-1] == "" {
		out = out[:len(out)-1]
	}
	l.lines = append(out, "")
}

// textLines are the lines of the file, from 1, that texts in | or > may reach.
func (l *layout) textLines() map[int]bool {
	held := map[int]bool{}
	var open *yaml.Node
	hold := func(until int) {
		for i := open.Line + 1; i < until; i++ {
			held[i] = true
		}
		open = nil
	}
	visit(l.root, func(n *yaml.Node) {
		if open != nil {
			hold(n.Line)
		}
		if n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
			open = n
		}
	})
	if open != nil {
		hold(len(l.lines) + 1)
	}
	return held
}

// reindented moves the list of rules to two blanks.
func reindented(l *layout) {
	for i := 0; i+1 < len(l.root.Content); i += 2 {
		n := l.root.Content[i+1]
		if l.root.Content[i].Value != "rules" || n.Kind != yaml.SequenceNode || n.Style&yaml.FlowStyle != 0 {
			continue
		}
		first, last := l.root.Content[i].Line, len(l.lines)-1
		if i+2 < len(l.root.Content) {
			last = l.root.Content[i+2].Line - 2
		}
		l.shift(first, last, 3-n.Column)
	}
}

// shift moves lines to the right or to the left. Comments behind the last of
// them belong to what follows, and stay.
func (l *layout) shift(first, last, by int) {
	last = min(last, len(l.lines)-1)
	for last > first && (l.lines[last] == "" || l.lines[last][0] == '#') {
		last--
	}
	for i := first; i <= last; i++ {
		switch line := l.lines[i]; {
		case by > 0 && line != "":
			l.lines[i] = strings.Repeat(" ", by) + line
		case by < 0:
			l.lines[i] = strings.TrimPrefix(line, strings.Repeat(" ", -by))
		}
	}
}

// requoted turns single quotes into double ones, where nothing is escaped.
func requoted(l *layout) {
	var quoted []*yaml.Node
	visit(l.root, func(n *yaml.Node) {
		if n.Kind == yaml.ScalarNode && n.Style == yaml.SingleQuotedStyle && len(l.lines[n.Line-1]) <= longLine {
			quoted = append(quoted, n)
		}
	})
	for _, n := range quoted {
		line := []rune(l.lines[n.Line-1])
		at, text := n.Column-1, []rune(n.Value)
		end := at + 1 + len(text)
		if end >= len(line) || line[at] != '\'' || line[end] != '\'' || string(line[at+1:end]) != n.Value {
			continue // it spans lines, or holds a quote
		}
		if strings.ContainsAny(n.Value, "\"\\'") || strings.ContainsFunc(n.Value, func(c rune) bool { return c < ' ' || c > '~' }) {
			continue
		}
		line[at], line[end] = '"', '"'
		l.lines[n.Line-1] = string(line)
	}
}

func visit(n *yaml.Node, see func(*yaml.Node)) {
	see(n)
	for _, c := range n.Content {
		visit(c, see)
	}
}
