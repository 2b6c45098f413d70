package importer_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/custos-zt/custos/internal/importer"
	"github.com/custos-zt/custos/policy"
)

func FuzzImportZeroTrustMCP(f *testing.F) {
	fuzz(f, importer.ZeroTrustMCP, "policy.yaml")
}

func FuzzImportMCPACP(f *testing.F) { fuzz(f, importer.MCPACP, "policy.json") }

func FuzzImportAIRS(f *testing.F) { fuzz(f, importer.AIRS, "config.toml") }

func FuzzImportOS371(f *testing.F) { fuzz(f, importer.OS371, "policy.yaml") }

// fuzz: no bytes make an import panic; notes have positions in the source; and
// what is written loads.
func fuzz(f *testing.F, dialect importer.Dialect, file string) {
	f.Helper()
	names, err := filepath.Glob(filepath.Join("testdata", string(dialect), "*.txtar"))
	if err != nil || len(names) == 0 {
		f.Fatal("no seeds")
	}
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(txtar.Parse(data).Files[0].Data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 1<<16 {
			return
		}
		result := importer.Import(dialect, file, data, importer.Options{})
		lines := bytes.Count(data, []byte("\n")) + bytes.Count(data, []byte("\r")) + bytes.Count(data, []byte("\u0085")) +
			bytes.Count(data, []byte("\u2028")) + bytes.Count(data, []byte("\u2029")) + 1
		refused := false
		for _, n := range result.Notes {
			refused = refused || n.Kind == importer.Refused
			if n.Line < 1 || n.Line > lines || n.Column < 1 || n.Text == "" && (n.Meant == "" || n.Now == "") {
				t.Fatalf("%d lines, and a note %s", lines, n)
			}
		}
		if refused != (result.Policy == nil) {
			t.Fatalf("refused %v, and a policy of %d bytes", refused, len(result.Policy))
		}
		if result.Policy != nil {
			loads(t, data, result.Policy)
		}
	})
}

// loads compiles a native policy.
func loads(t *testing.T, source, native []byte) {
	t.Helper()
	_, problems := policy.Compile([]policy.Source{{Name: "imported.yaml", Data: native}}, policy.Options{Home: home})
	for _, p := range problems {
		if p.Severity == policy.Error && !strings.Contains(p.Message, "is not supported by this version") {
			t.Fatalf("%s\n%s\n%s", p, source, native)
		}
	}
}
