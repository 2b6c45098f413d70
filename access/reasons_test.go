package access

import (
	"flag"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite docs/REASONS.md")

const reasonsFile = "../docs/REASONS.md"

// document renders docs/REASONS.md.
func document() string {
	var b strings.Builder
	b.WriteString("# Reasons\n\nGenerated from `access/reasons.go`: go test ./access -update\n\n")
	b.WriteString("The precise code stands in the log and in `custos why`; callers see the coarse\nform, which those of an allow do not have.\n\n")
	b.WriteString("| code | callers see | meaning |\n|---|---|---|\n")
	for _, d := range Reasons() {
		wire := "–"
		if d.Wire != "" {
			wire = "`" + d.Wire + "`"
		}
		b.WriteString("| `" + string(d.Code) + "` | " + wire + " | " + d.Meaning + " |\n")
	}
	return b.String()
}

func TestReasonsAreDocumented(t *testing.T) {
	want := document()
	if *update {
		if err := os.WriteFile(reasonsFile, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(reasonsFile)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("%s is out of date: go test ./access -update", reasonsFile)
	}
}

func TestEveryReasonIsListedOnce(t *testing.T) {
	source, err := os.ReadFile("reasons.go")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[Reason]bool{}
	for _, d := range Reasons() {
		if seen[d.Code] || d.Meaning == "" {
			t.Errorf("%s is listed twice or without a meaning", d.Code)
		}
		seen[d.Code] = true
	}
	if declared := strings.Count(string(source), " Reason = \""); declared != len(seen) {
		t.Errorf("%d reasons are declared and %d listed", declared, len(seen))
	}
	if Reason("never heard of").Wire() != "denied" {
		t.Error("an unlisted reason must read like a denial")
	}
}
