package proof

import (
	"os"
	"strings"
	"testing"

	"github.com/custos-zt/custos/policy"
)

// The guide shows policies that load and do what it says of them.
func TestGuide(t *testing.T) {
	text, err := os.ReadFile("../../docs/POLICY.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := 0
	for _, part := range strings.Split(string(text), "```yaml\n")[1:] {
		code, _, _ := strings.Cut(part, "```")
		blocks++
		b := bench(t, "guide.yaml", code)
		s, problems := policy.Compile(b.Sources, b.Options)
		if s == nil || len(problems) > 0 {
			t.Fatalf("block %d: %v", blocks, problems)
		}
		cases, problems, err := b.Prove(t.Context(), s)
		if err != nil || len(problems) > 0 || cases == 0 {
			t.Errorf("block %d: %d cases, %v, %v", blocks, cases, problems, err)
		}
		if found := b.Check(s); len(found) > 0 {
			t.Errorf("block %d: %v", blocks, found)
		}
	}
	if blocks < 3 {
		t.Errorf("%d blocks", blocks)
	}
}
