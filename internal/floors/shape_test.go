package floors

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// files calls fn for every Go file of the repository.
func files(t *testing.T, fn func(rel string, data []byte)) {
	t.Helper()
	root := "../.."
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if n := d.Name(); n != ".." && (strings.HasPrefix(n, ".") || n == "node_modules" || n == "testdata") {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") {
			return nil
		}
		data, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		fn(filepath.ToSlash(rel), data)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestFilesAreShort(t *testing.T) {
	total, long := 0, Long()
	files(t, func(rel string, data []byte) {
		total++
		n := bytes.Count(data, []byte("\n"))
		reason, named := long[rel]
		switch {
		case n > MaxLines && !named:
			t.Errorf("%s has %d lines: which two things is it about?", rel, n)
		case n <= MaxLines && named:
			t.Errorf("%s is named as long (%s) but has %d lines", rel, reason, n)
		}
	})
	if len(long)*20 > total {
		t.Errorf("%d of %d files are named as long: more than five in a hundred", len(long), total)
	}
}

// MaxFunc is what still fits a screen.
const maxFunc = 60

func TestFunctionsFitAScreenAndNothingRegistersItself(t *testing.T) {
	files(t, func(rel string, data []byte) {
		fset := token.NewFileSet()
		f, err := parser.ParseFile(fset, rel, data, parser.SkipObjectResolution)
		if err != nil {
			t.Errorf("%s: %v", rel, err)
			return
		}
		for _, d := range f.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			if fn.Recv == nil && fn.Name.Name == "init" {
				t.Errorf("%s declares init: wiring belongs in the open", fset.Position(fn.Pos()))
			}
			if strings.HasSuffix(rel, "_test.go") || isTable(fn) {
				continue
			}
			if n := fset.Position(fn.End()).Line - fset.Position(fn.Pos()).Line + 1; n > maxFunc {
				t.Errorf("%s: %s has %d lines and does not fit a screen", fset.Position(fn.Pos()), fn.Name.Name, n)
			}
		}
	})
}

// isTable reports whether a function does nothing but return one literal:
// such a function is a table, and a table is as long as its rows.
func isTable(fn *ast.FuncDecl) bool {
	if fn.Body == nil || len(fn.Body.List) != 1 {
		return false
	}
	ret, ok := fn.Body.List[0].(*ast.ReturnStmt)
	if !ok || len(ret.Results) != 1 {
		return false
	}
	_, ok = ret.Results[0].(*ast.CompositeLit)
	return ok
}
