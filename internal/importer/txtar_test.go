package importer_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/internal/importer"
)

var update = flag.Bool("update", false, "write what the cases give into their files")

// A case is a txtar file: the source first, and
//
//	want.yaml       the native policy; missing where the source is refused
//	report          the notes, line by line
//	warnings        what compiling the native policy warns about
//	requests.jsonl  requests as `policy eval` reads them, one a line, with the
//	                decision of the original as "was"
//	decisions       ID, decision, that of the original, reason and rule a line;
//	                after " | " the message of a rule that denies
//
// The words in front of the first file may set options: "backend: files",
// "known: server-filesystem", "root: /srv", "zone: Europe/Paris".
type archive struct {
	*txtar.Archive
	name string
}

func (a archive) file(name string) *txtar.File {
	for i := range a.Files {
		if a.Files[i].Name == name {
			return &a.Files[i]
		}
	}
	return nil
}

func (a archive) options() importer.Options {
	var o importer.Options
	for l := range strings.Lines(string(a.Comment)) {
		key, value, _ := strings.Cut(strings.TrimSpace(l), ": ")
		switch key {
		case "backend":
			o.Backend = value
		case "known":
			o.Known = value
		case "root":
			o.Root = value
		case "zone":
			o.Zone = value
		}
	}
	return o
}

// check compares a file of the case, or writes it under -update.
func (a archive) check(t *testing.T, name, got string) {
	t.Helper()
	f := a.file(name)
	switch {
	case *update:
		if f == nil && got != "" {
			a.Files = append(a.Files, txtar.File{Name: name})
			f = &a.Files[len(a.Files)-1]
		}
		if f != nil {
			f.Data = []byte(got)
		}
		if err := os.WriteFile(a.name, txtar.Format(a.Archive), 0o600); err != nil {
			t.Fatal(err)
		}
	case f == nil && got != "":
		t.Errorf("%s is missing:\n%s", name, got)
	case f != nil:
		if diff := cmp.Diff(string(f.Data), got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestImport(t *testing.T) {
	for _, dialect := range importer.Dialects() {
		names, err := filepath.Glob(filepath.Join("testdata", string(dialect), "*.txtar"))
		if err != nil || len(names) == 0 {
			t.Fatalf("no cases in testdata/%s: %v", dialect, err)
		}
		for _, name := range names {
			t.Run(string(dialect)+"/"+strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
				t.Parallel()
				ar, err := txtar.ParseFile(name)
				if err != nil {
					t.Fatal(err)
				}
				runCase(t, dialect, archive{ar, name})
			})
		}
	}
}

func runCase(t *testing.T, dialect importer.Dialect, a archive) {
	t.Helper()
	source := a.Files[0]
	result := importer.Import(dialect, source.Name, source.Data, a.options())
	var report strings.Builder
	for _, n := range result.Notes {
		fmt.Fprintln(&report, n)
	}
	a.check(t, "want.yaml", string(result.Policy))
	a.check(t, "report", report.String())
	if result.Policy == nil {
		return
	}
	j, warnings := compile(t, result.Policy)
	if j == nil {
		t.Fatalf("the policy does not load:\n%s", warnings)
	}
	a.check(t, "warnings", warnings)
	if f := a.file("requests.jsonl"); f != nil {
		a.check(t, "decisions", decisions(t, j, string(f.Data)))
	}
}

// decisions answers the requests. None may be granted more than the original
// grants.
func decisions(t *testing.T, j *judge, lines string) string {
	t.Helper()
	rank := map[string]access.Effect{"deny": access.Deny, "approve": access.Approve, "allow": access.Allow}
	permits := map[access.Effect]int{access.Deny: 0, access.Approve: 1, access.Allow: 2}
	var out strings.Builder
	for _, l := range strings.Split(strings.TrimSpace(lines), "\n") {
		var q request
		dec := json.NewDecoder(strings.NewReader(l))
		dec.DisallowUnknownFields()
		if err := dec.Decode(&q); err != nil {
			t.Fatalf("%s: %v", l, err)
		}
		d := j.decide(t, q)
		was, ok := rank[q.Was]
		if wider := permits[d.Effect] > permits[was]; !ok || wider != q.Wider {
			t.Errorf("request %s: the original gives %q, and this %s", q.ID, q.Was, d.Effect)
		}
		fmt.Fprintf(&out, "%s %s (was %s) %s %s", q.ID, d.Effect, q.Was, d.Reason, dash(d.Rule))
		if d.Effect == access.Deny && d.Rule != "" {
			out.WriteString(" | " + d.Message)
		}
		out.WriteByte('\n')
	}
	return out.String()
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
