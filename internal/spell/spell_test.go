package spell

import (
	"strings"
	"testing"
)

func TestNearest(t *testing.T) {
	words := []string{"allow", "approve", "deny", "paths", "remediation", "ops"}
	for in, want := range map[string]string{
		"alow": "allow", "dney": "deny", "path": "paths", "remedation": "remediation", "reme": "remediation",
		"Allow": "allow", "op": "ops",
		"xyz": "", "allow": "", "": "", "q": "",
		strings.Repeat("a", 1000): "",
	} {
		if got, ok := Nearest(in, words); got != want || ok != (want != "") {
			t.Errorf("Nearest(%q) = %q, %v, want %q", in, got, ok, want)
		}
	}
}
