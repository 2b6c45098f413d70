package audit

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"
)

// A mutant is this package with one promise broken on purpose. It lies in
// testdata/mutants: a line that says what is broken, the tests that have to
// notice, and for each edit the text as it is and as it becomes.
type mutant struct {
	what, run string
	edits     map[string][2]string // by file: is, becomes
}

func readMutant(t *testing.T, path string) mutant {
	t.Helper()
	a, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	m := mutant{edits: map[string][2]string{}}
	what, run, ok := strings.Cut(strings.TrimSpace(string(a.Comment)), "\nrun: ")
	if m.what, m.run = what, run; !ok {
		t.Fatalf("%s names no tests to run", path)
	}
	for _, f := range a.Files {
		name, part, _ := strings.Cut(f.Name, ": ")
		edit := m.edits[name]
		switch part {
		case "is":
			edit[0] = string(f.Data)
		case "becomes":
			edit[1] = string(f.Data)
		default:
			t.Fatalf("%s: %q is no part of an edit", path, f.Name)
		}
		m.edits[name] = edit
	}
	return m
}

// overlay writes the broken files and returns the file that the go command
// reads instead of the real ones.
func (m *mutant) overlay(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	replace := map[string]string{}
	for name, edit := range m.edits {
		path, err := filepath.Abs(name)
		if err != nil {
			t.Fatal(err)
		}
		src, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(string(src), edit[0]); n != 1 {
			t.Fatalf("%s has moved: the text to break stands there %d times. Bring the mutant up to date, or it proves nothing:\n%s", name, n, edit[0])
		}
		broken := filepath.Join(dir, name)
		if err := os.WriteFile(broken, []byte(strings.Replace(string(src), edit[0], edit[1], 1)), 0o600); err != nil {
			t.Fatal(err)
		}
		replace[path] = broken
	}
	b, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestMutants builds each mutant and runs the tests that have to fail on it. A
// mutant that survives means that they prove nothing.
func TestMutants(t *testing.T) {
	if testing.Short() {
		t.Skip("every mutant is a build of its own")
	}
	paths, err := filepath.Glob("testdata/mutants/*.txtar")
	if err != nil || len(paths) < 4 {
		t.Fatalf("mutants: %q, %v", paths, err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			m := readMutant(t, path)
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
			defer cancel()
			cmd := exec.CommandContext(ctx, "go", "test", "-short", "-count=1", "-failfast", "-timeout", "100s", "-overlay", m.overlay(t), "-run", m.run, ".")
			// The mutants need the mechanisms of the full campaigns no more than
			// the tests that they are for.
			cmd.Env = append(os.Environ(), "CUSTOS_RELIABILITY=")
			out, err := cmd.CombinedOutput()
			switch text := string(out); {
			case strings.Contains(text, "[build failed]") || strings.Contains(text, "no tests to run") || strings.Contains(text, "[setup failed]"):
				t.Fatalf("%s\n%s", m.what, text)
			case err == nil:
				t.Errorf("survived: %s\n%s", m.what, text)
			case !strings.Contains(text, "--- FAIL") && !strings.Contains(text, "panic:"):
				t.Errorf("%v, and no test failed: %s\n%s", err, m.what, text)
			}
		})
	}
}
