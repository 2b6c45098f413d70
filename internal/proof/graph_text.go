package proof

import (
	"fmt"
	"html"
	"strconv"
	"strings"
	"unicode"

	"github.com/custos-zt/custos/access"
)

func number(i int) string { return strconv.Itoa(i) }

// colour returns the line colour of an effect.
func colour(e access.Effect) string {
	switch e {
	case access.Allow:
		return "#1a7f37"
	case access.Approve:
		return "#9a6700"
	case access.Deny:
		return "#cf222e"
	default:
		return "#57606a"
	}
}

// shown is a text of the policy without what would act in a picture or on a
// terminal: control and format characters.
func shown(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == '\u2028' || r == '\u2029' {
			return '\uFFFD'
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
}

// DOT renders the graph in the language of Graphviz.
func (g *Graph) DOT() string {
	var b strings.Builder
	quote := func(s string) string {
		return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(shown(s)) + `"`
	}
	b.WriteString("digraph policy {\n  rankdir=LR;\n  node [shape=box, fontname=\"sans-serif\"];\n")
	for _, column := range [][]Node{g.Callers, g.Rules, g.Targets} {
		b.WriteString("  {\n    rank=same;\n")
		for _, n := range column {
			fmt.Fprintf(&b, "    %s [label=%s, color=%q];\n", n.ID, quote(n.Text), colour(n.Effect))
		}
		b.WriteString("  }\n")
	}
	for _, e := range g.Edges {
		fmt.Fprintf(&b, "  %s -> %s [color=%q];\n", e.From, e.To, colour(e.Effect))
	}
	b.WriteString("}\n")
	return b.String()
}

// Mermaid renders the graph as a Mermaid flowchart. Its texts are HTML: what is
// special there or in Mermaid is written as a number.
func (g *Graph) Mermaid() string {
	var b strings.Builder
	quote := func(s string) string {
		var q strings.Builder
		for _, r := range shown(s) {
			if unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune(" .,:/_-", r) {
				q.WriteRune(r)
				continue
			}
			fmt.Fprintf(&q, "#%d;", r)
		}
		return `"` + q.String() + `"`
	}
	b.WriteString("flowchart LR\n")
	for _, column := range [][]Node{g.Callers, g.Rules, g.Targets} {
		for _, n := range column {
			fmt.Fprintf(&b, "  %s[%s]\n", n.ID, quote(n.Text))
			if n.Effect != access.None {
				fmt.Fprintf(&b, "  style %s stroke:%s\n", n.ID, colour(n.Effect))
			}
		}
	}
	for i, e := range g.Edges {
		fmt.Fprintf(&b, "  %s --> %s\n  linkStyle %d stroke:%s\n", e.From, e.To, i, colour(e.Effect))
	}
	return b.String()
}

// The measures of the picture, in pixels: letters of the font below are at
// most letterWidth wide.
const (
	letterWidth = 8
	boxHeight   = 26
	rowHeight   = 38
	columnGap   = 120
	margin      = 20
	maxLetters  = 60
)

// box is a node with its place.
type box struct {
	Node
	x, y, width int
}

// SVG renders the graph as a picture of three columns. It holds no script and
// loads nothing.
func (g *Graph) SVG() string {
	boxes := map[string]box{}
	var order []box
	x, height := margin, 0
	for _, column := range [][]Node{g.Callers, g.Rules, g.Targets} {
		width := 0
		for _, n := range column {
			width = max(width, (len([]rune(clipped(shown(n.Text))))+2)*letterWidth)
		}
		for i, n := range column {
			n.Text = clipped(shown(n.Text))
			placed := box{n, x, margin + i*rowHeight, width}
			boxes[n.ID], order = placed, append(order, placed)
		}
		x += width + columnGap
		height = max(height, len(column)*rowHeight)
	}
	var b strings.Builder
	w, h := x-columnGap+margin, height+2*margin
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" font-family="monospace" font-size="13">`+"\n", w, h, w, h)
	b.WriteString(`<rect width="100%" height="100%" fill="#ffffff"/>` + "\n")
	for _, e := range g.Edges {
		from, to := boxes[e.From], boxes[e.To]
		x1, y1, x2, y2 := from.x+from.width, from.y+boxHeight/2, to.x, to.y+boxHeight/2
		mid := (x1 + x2) / 2
		fmt.Fprintf(&b, `<path d="M%d %d C%d %d %d %d %d %d" fill="none" stroke="%s"/>`+"\n", x1, y1, mid, y1, mid, y2, x2, y2, colour(e.Effect))
	}
	for _, n := range order {
		fmt.Fprintf(&b, `<rect x="%d" y="%d" width="%d" height="%d" rx="4" fill="#ffffff" stroke="%s"/>`, n.x, n.y, n.width, boxHeight, colour(n.Effect))
		fmt.Fprintf(&b, `<text x="%d" y="%d" fill="#24292f">%s</text>`+"\n", n.x+letterWidth, n.y+boxHeight-8, html.EscapeString(n.Text))
	}
	b.WriteString("</svg>\n")
	return b.String()
}

func clipped(s string) string {
	if r := []rune(s); len(r) > maxLetters {
		return string(r[:maxLetters-1]) + "…"
	}
	return s
}
