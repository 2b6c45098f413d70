package spell

import "testing"

func TestNearest(t *testing.T) {
	words := []string{"allow", "approve", "deny", "paths", "remediation"}
	for in, want := range map[string]string{
		"alow": "allow", "dney": "deny", "path": "paths", "remedation": "remediation",
		"xyz": "", "allow": "", "": "",
	} {
		if got, _ := Nearest(in, words); got != want {
			t.Errorf("Nearest(%q) = %q, want %q", in, got, want)
		}
	}
}
