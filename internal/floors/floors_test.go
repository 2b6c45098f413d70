package floors

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"
)

type pkg struct {
	ImportPath string
	Imports    []string
	Doc        string
	GoFiles    []string
}

func list(t *testing.T, args ...string) []pkg {
	t.Helper()
	cmd := exec.Command("go", append([]string{"list", "-json=ImportPath,Imports,Doc,GoFiles"}, args...)...)
	cmd.Dir = "../.."
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list %v: %v", args, err)
	}
	var all []pkg
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

func full(rel string) string { return path.Join(Module, rel) }

func onWorkbench(importPath string) bool {
	for _, w := range Workbench() {
		if importPath == full(w) || strings.HasPrefix(importPath, full(w)+"/") {
			return true
		}
	}
	return false
}

func TestImportTable(t *testing.T) {
	rooms := map[string]Room{}
	for _, r := range Table() {
		rooms[full(r.Path)] = r
	}
	for _, p := range list(t, "./...") {
		if onWorkbench(p.ImportPath) {
			continue
		}
		room, ok := rooms[p.ImportPath]
		if !ok {
			t.Errorf("%s is not in the import table: add a row and say why", p.ImportPath)
			continue
		}
		for _, imp := range p.Imports {
			if !allowed(room, imp) {
				t.Errorf("%s imports %s, which its row does not allow", p.ImportPath, imp)
			}
		}
	}
}

func allowed(room Room, imp string) bool {
	if first, _, _ := strings.Cut(imp, "/"); !strings.Contains(first, ".") {
		return true // the standard library
	}
	if imp == Module || strings.HasPrefix(imp, Module+"/") {
		return slices.ContainsFunc(room.Inside, func(in string) bool { return imp == full(in) })
	}
	return slices.ContainsFunc(room.Outside, func(out string) bool {
		return imp == out || strings.HasPrefix(imp, out+"/")
	})
}

// A row may only point down: the table itself is the order of the floors.
func TestTableHasNoCycle(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range Table() {
		for _, in := range r.Inside {
			if !seen[in] {
				t.Errorf("%s may import %s, which stands above it or is missing", r.Path, in)
			}
		}
		seen[r.Path] = true
	}
}

func TestLibraryStaysThin(t *testing.T) {
	for _, rel := range Thin() {
		for _, dep := range list(t, "-deps", "./"+rel) {
			for _, h := range Heavy() {
				if strings.HasPrefix(dep.ImportPath, h) {
					t.Errorf("%s depends on %s", full(rel), dep.ImportPath)
				}
			}
		}
	}
}

func TestEveryPackageIsDocumented(t *testing.T) {
	for _, p := range list(t, "./...") {
		if len(p.GoFiles) > 0 && len(p.Doc) < 20 { // a folder of tests alone has no manual
			t.Errorf("%s has no package comment: it is page one of the manual", p.ImportPath)
		}
	}
}
