package linediff

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestUnified(t *testing.T) {
	for name, c := range map[string]struct{ old, new, want string }{
		"equal":        {"a\nb\n", "a\nb\n", ""},
		"no last end":  {"a\nb", "a\nb\n", ""},
		"both empty":   {"", "", ""},
		"from nothing": {"", "a\nb\n", "@@ -0,0 +1,2 @@\n+a\n+b\n"},
		"to nothing":   {"a\n", "", "@@ -1,1 +0,0 @@\n-a\n"},
		"one line":     {"1\n2\n3\n4\n5\n6\n7\n", "1\n2\n3\nx\n5\n6\n7\n", "@@ -2,5 +2,5 @@\n 2\n 3\n-4\n+x\n 5\n 6\n"},
		"two hunks": {
			"a\n1\n2\n3\n4\n5\n6\nb\n", "A\n1\n2\n3\n4\n5\n6\nB\n",
			"@@ -1,3 +1,3 @@\n-a\n+A\n 1\n 2\n@@ -6,3 +6,3 @@\n 5\n 6\n-b\n+B\n",
		},
		"inserted": {"1\n2\n3\n", "1\n2\nx\n3\n", "@@ -1,3 +1,4 @@\n 1\n 2\n+x\n 3\n"},
	} {
		if got := Unified(c.old, c.new); got != c.want {
			t.Errorf("%s:\n%s\nwant\n%s", name, got, c.want)
		}
	}
}

func TestLongTextsAreReplaced(t *testing.T) {
	old, new := strings.Repeat("a\n", 3000), strings.Repeat("b\n", 3000)
	if got := Unified(old, new); strings.Count(got, "\n-a") != 3000 || strings.Count(got, "\n+b") != 3000 {
		t.Errorf("%d lines", strings.Count(got, "\n"))
	}
}

// FuzzUnified: what a diff says leads from the old text to the new one; patch(1)
// is the judge where there is one.
func FuzzUnified(f *testing.F) {
	f.Add("a\nb\nc\n", "a\nx\nc\n")
	f.Add("", "\n")
	f.Add("1\n2\n3\n4\n5\n6\n7\n8\n9\n", "1\n3\n4\n5\n6\n7\n9\n10\n")
	patch, err := exec.LookPath("patch")
	f.Fuzz(func(t *testing.T, old, new string) {
		if len(old)+len(new) > 2000 || strings.ContainsAny(old+new, "\r\x00") {
			return
		}
		d := Unified(old, new)
		a, b := split(old), split(new)
		if (d == "") != (strings.Join(a, "\n") == strings.Join(b, "\n") && len(a) == len(b)) {
			t.Fatalf("%q and %q: %q", old, new, d)
		}
		var back []string
		for _, o := range script(a, b) {
			if o.kind != '+' {
				back = append(back, o.line)
			}
		}
		if strings.Join(back, "\n") != strings.Join(a, "\n") {
			t.Fatalf("%q does not come from %q", back, old)
		}
		if err != nil || d == "" || len(a) == 0 || len(b) == 0 {
			return
		}
		applied(t, patch, a, b, d)
	})
}

// applied lets patch(1) apply a diff.
func applied(t *testing.T, patch string, a, b []string, d string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(file, []byte(strings.Join(a, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(patch, "--quiet", "--unified", "--force", file)
	cmd.Stdin = strings.NewReader("--- text\n+++ text\n" + d)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("patch: %v %s\n%s", err, out, d)
	}
	got, err := os.ReadFile(file)
	if want := strings.Join(b, "\n") + "\n"; err != nil || string(got) != want {
		t.Fatalf("patched to %q, want %q", got, want)
	}
}
