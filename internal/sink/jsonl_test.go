package sink

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/custos-zt/custos/internal/config"
)

func jsonlSpec(c *config.JSONL) Spec {
	env := testEnv()
	return Spec{Name: "jsonl", Open: func(context.Context) (Sink, error) { return openJSONL(c, &env) }}
}

// readFiles returns the lines of all files of the sink, in order.
func readFiles(t testing.TB, dir string) (lines []string, files []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "custos-*.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if len(data) > 0 && !bytes.HasSuffix(data, []byte("\n")) {
			t.Errorf("%s ends within a line", f)
		}
		lines = append(lines, strings.FieldsFunc(string(data), func(r rune) bool { return r == '\n' })...)
	}
	return lines, files
}

func uidOf(t testing.TB, line string) string {
	t.Helper()
	var one struct {
		UID      string
		Metadata struct{ UID string }
	}
	if err := json.Unmarshal([]byte(line), &one); err != nil {
		t.Fatalf("%v: %.200s", err, line)
	}
	return one.UID + one.Metadata.UID
}

func TestCursorSuiteOfJSONL(t *testing.T) {
	t.Parallel()
	for _, format := range []string{config.FormatNDJSON, config.FormatOCSF} {
		t.Run(format, func(t *testing.T) {
			runCursorSuite(t, func(t *testing.T) *receiver {
				t.Helper()
				dir := filepath.Join(t.TempDir(), "out")
				in := &inbox{}
				r := &receiver{spec: jsonlSpec(&config.JSONL{Dir: dir, Format: format, Size: 8 << 10}), inbox: in}
				// The files are what was received.
				r.collect = func() {
					lines, _ := readFiles(t, dir)
					in.mu.Lock()
					in.order = nil
					in.mu.Unlock()
					for _, l := range lines {
						in.take(uidOf(t, l))
					}
				}
				r.down = func(down bool) {
					mode := os.FileMode(0o700)
					if down {
						mode = 0o702 // open to everybody: refused
					}
					if err := os.Chmod(dir, mode); err != nil {
						t.Fatal(err)
					}
				}
				return r
			})
		})
	}
}

func TestJSONLTurnsItsFilesAndKeepsThemPrivate(t *testing.T) {
	w, dir := newWorld(t), filepath.Join(t.TempDir(), "a", "b")
	spec := jsonlSpec(&config.JSONL{Dir: dir, Format: config.FormatNDJSON, Size: 4 << 10})
	for range 6 {
		w.calls(0, 10)
		if err := w.ship(spec, nil); err != nil {
			t.Fatal(err)
		}
	}
	lines, files := readFiles(t, dir)
	if len(lines) != len(w.uids()[0]) || len(files) < 3 {
		t.Errorf("%d lines of %d in %d files", len(lines), len(w.uids()[0]), len(files))
	}
	for _, f := range files {
		if info, err := os.Stat(f); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", f, info.Mode(), err)
		}
	}
}

// A line that a crash cut short is written again, whole.
func TestJSONLCutsOffATornLine(t *testing.T) {
	w, dir := newWorld(t), t.TempDir()
	spec := jsonlSpec(&config.JSONL{Dir: dir, Format: config.FormatNDJSON, Size: 1 << 20})
	w.calls(0, 10)
	if err := w.ship(spec, nil); err != nil {
		t.Fatal(err)
	}
	_, files := readFiles(t, dir)
	f, err := os.OpenFile(files[0], os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(`{"uid":"i_test:0:9` + strings.Repeat("x", 70<<10)); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	w.calls(0, 2)
	if err := w.ship(spec, nil); err != nil {
		t.Fatal(err)
	}
	lines, _ := readFiles(t, dir)
	if len(lines) != len(w.uids()[0]) {
		t.Errorf("%d lines, want %d", len(lines), len(w.uids()[0]))
	}
	for _, l := range lines {
		uidOf(t, l)
	}
}

func TestJSONLRefusesWhatSomebodyPrepared(t *testing.T) {
	env := testEnv()
	open := func(dir string) error {
		s, err := openJSONL(&config.JSONL{Dir: dir, Format: config.FormatNDJSON, Size: 1 << 20}, &env)
		if err == nil {
			err = s.Close()
		}
		return err
	}
	linked := t.TempDir()
	if err := os.Symlink(filepath.Join(t.TempDir(), "target"), filepath.Join(linked, "custos-i_test-000001.jsonl")); err != nil {
		t.Fatal(err)
	}
	if err := open(linked); err == nil || !strings.Contains(err.Error(), "symbolic link") {
		t.Errorf("a symbolic link: %v", err)
	}
	public := t.TempDir()
	if err := os.Chmod(public, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := open(public); err == nil || !strings.Contains(err.Error(), "everybody") {
		t.Errorf("a directory of everybody: %v", err)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := open(file); err == nil {
		t.Error("a file was taken for a directory")
	}
}

// Whoever reads the files may move one away while it is written.
func TestJSONLGoesOnInANewFileWhereOneWasMovedAway(t *testing.T) {
	w, dir := newWorld(t), t.TempDir()
	env := testEnv()
	s, err := openJSONL(&config.JSONL{Dir: dir, Format: config.FormatNDJSON, Size: 1 << 20}, &env)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	spec := Spec{Name: "jsonl", Open: func(context.Context) (Sink, error) { return keepOpen{s}, nil }}
	w.calls(0, 3)
	if err := w.ship(spec, nil); err != nil {
		t.Fatal(err)
	}
	before, files := readFiles(t, dir)
	if err := os.Rename(files[0], filepath.Join(t.TempDir(), "taken")); err != nil {
		t.Fatal(err)
	}
	w.calls(0, 3)
	if err := w.ship(spec, nil); err != nil {
		t.Fatal(err)
	}
	if after, _ := readFiles(t, dir); len(before)+len(after) != len(w.uids()[0]) {
		t.Errorf("%d and %d lines of %d", len(before), len(after), len(w.uids()[0]))
	}
}

// keepOpen is a sink that outlives the shipper.
type keepOpen struct{ Sink }

func (keepOpen) Close() error { return nil }
