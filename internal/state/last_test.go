package state

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestLast(t *testing.T) {
	d, err := Open(filepath.Join(t.TempDir(), "state"))
	if err != nil {
		t.Fatal(err)
	}
	one, two := "sha256:"+strings.Repeat("1", 64), "sha256:"+strings.Repeat("2", 64)
	if got := d.Last("policy files"); got != "" {
		t.Errorf("at first %q", got)
	}
	for _, digest := range []string{one, two, ""} {
		if err := d.SetLast("policy files", digest); err != nil {
			t.Fatal(err)
		}
		if err := d.SetLast("policy ../../x", one); err != nil {
			t.Fatal(err)
		}
		if got := d.Last("policy files"); got != digest {
			t.Errorf("%q, want %q", got, digest)
		}
	}
	// What somebody else wrote there is no digest and no path.
	if err := os.WriteFile(d.lastPath("x"), []byte("../../etc/passwd\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := d.Last("x"); got != "" {
		t.Errorf("%q", got)
	}
	entries, err := os.ReadDir(filepath.Join(d.path, policyName))
	if err != nil || len(entries) != 2 {
		t.Errorf("%v, %v", entries, err)
	}
}
