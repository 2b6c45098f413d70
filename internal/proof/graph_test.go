package proof

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
)

const drawn = `policy: p
define: {staff: [clerk, lead]}
rules:
  - {id: pay, allow: ["crm.pay"], roles: $staff, args: {n: {max: 5}}, unless: [{ops: [delete]}]}
  - {id: ask, approve: ["crm.*"], roles: [clerk, lead], mode: monitor}
  - {id: no, deny: ["*", "crm.*"], subjects: ["</text><script>x\u202e\"#"]}
`

func TestGraph(t *testing.T) {
	g, problems := bench(t, "p.yaml", drawn).Graph()
	if g == nil {
		t.Fatal(problems)
	}
	var texts []string
	for _, column := range [][]Node{g.Callers, g.Rules, g.Targets} {
		for _, n := range column {
			texts = append(texts, n.ID+" "+n.Text)
		}
	}
	want := strings.Join([]string{
		"c0 roles clerk, lead", "c1 subjects </text><script>x\u202e\"#",
		"r0 pay: allow if args.n, unless", "r1 ask: approve, only recorded", "r2 no: deny",
		"t0 crm.pay", "t1 crm.*", "t2 *",
	}, "\n")
	if got := strings.Join(texts, "\n"); got != want {
		t.Errorf("drawn:\n%s\nwant:\n%s", got, want)
	}
	var edges []string
	for _, e := range g.Edges {
		edges = append(edges, e.From+e.To)
	}
	if got := strings.Join(edges, " "); got != "c0r0 r0t0 c0r1 r1t1 c1r2 r2t2 r2t1" {
		t.Errorf("edges %s", got)
	}
}

// What a policy says cannot leave its box, whatever the format.
func TestGraphIsHostileText(t *testing.T) {
	g, problems := bench(t, "p.yaml", drawn).Graph()
	if g == nil {
		t.Fatal(problems)
	}
	svg := g.SVG()
	for d := xml.NewDecoder(strings.NewReader(svg)); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("%v\n%s", err, svg)
		}
		if e, ok := token.(xml.StartElement); ok && !strings.Contains(" svg rect path text ", " "+e.Name.Local+" ") {
			t.Errorf("the picture holds a %s", e.Name.Local)
		}
	}
	if n := strings.Count(svg, "<rect "); n != 9 {
		t.Errorf("%d boxes, want 8 and the ground", n)
	}
	if dot := g.DOT(); !strings.Contains(dot, `label="subjects </text><script>x`+"\uFFFD"+`\"#"`) {
		t.Error(dot)
	}
	if m := g.Mermaid(); !strings.Contains(m, `["subjects #60;/text#62;#60;script#62;x#65533;#34;#35;"]`) {
		t.Error(m)
	}
	for _, text := range []string{svg, g.DOT(), g.Mermaid()} {
		if strings.Contains(text, "\u202e") {
			t.Error("a character that reorders text got through")
		}
	}
}

func TestShortenedBoxes(t *testing.T) {
	g := &Graph{Callers: []Node{{ID: "c0", Text: strings.Repeat("é", 100)}}}
	if svg := g.SVG(); !strings.Contains(svg, strings.Repeat("é", maxLetters-1)+"…<") {
		t.Error(svg)
	}
}
