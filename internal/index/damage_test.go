package index

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/custos-zt/custos/audit"
	"github.com/custos-zt/custos/internal/query"
)

// database returns the path of the current database.
func (w *world) database() string {
	w.t.Helper()
	path, err := w.index.folder.current()
	if err != nil || path == "" {
		w.t.Fatalf("current: %q, %v", path, err)
	}
	return path
}

// An index that was damaged is noticed, built anew, and right again.
func TestDamageIsFoundAndBuiltAnew(t *testing.T) {
	for name, damage := range map[string]func(w *world, path string) error{
		"not a database": func(w *world, path string) error { return os.WriteFile(path, []byte("nothing"), 0o600) },
		"empty":          func(w *world, path string) error { return os.Truncate(path, 0) },
		"cut short":      func(w *world, path string) error { return os.Truncate(path, 20<<10) },
		"another version": func(w *world, path string) error {
			return w.edit(path, "PRAGMA user_version = 99")
		},
		"a table is gone":     func(w *world, path string) error { return w.edit(path, "DROP TABLE posting") },
		"the pointer is gone": func(w *world, path string) error { return os.Remove(w.index.folder.path(currentName)) },
		"the pointer is bad": func(w *world, path string) error {
			return os.WriteFile(w.index.folder.path(currentName), []byte("../../etc/passwd\n"), 0o600)
		},
		"the database is gone": func(w *world, path string) error { return os.Remove(path) },
		"another log": func(w *world, path string) error {
			return w.edit(path, "UPDATE cursor SET hash = x'00'")
		},
		"a longer log": func(w *world, path string) error {
			return w.edit(path, "UPDATE cursor SET seq = seq + 1000")
		},
		"a slot more": func(w *world, path string) error {
			return w.edit(path, "INSERT INTO cursor VALUES (9, 1, x'00', 1, 16, 1)")
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, 5)
			w.write(200, 2)
			w.update()
			old := w.database()
			if err := damage(w, old); err != nil {
				t.Fatal(err)
			}
			if r := w.update(); !r.Rebuilt || r.Why == "" {
				t.Fatalf("not built anew: %+v", r)
			}
			if _, err := os.Stat(old); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("the old database is still there: %v", err)
			}
			f := query.Filter{Tool: []string{"files.write"}}
			if want, got := matching(w.entries(), &f), w.search(&f, Page{}); len(want) == 0 || len(got) != len(want) {
				t.Errorf("%d entries, want %d", len(got), len(want))
			}
		})
	}
}

// edit changes the database behind the back of everybody.
func (w *world) edit(path, statement string) error {
	db, err := sql.Open("sqlite", path)
	if err != nil {
		return err
	}
	_, err = db.Exec(statement)
	return errors.Join(err, db.Close())
}

// Somebody who writes the index cannot make a query show what the log does not
// say: each entry is read from the log and matched again.
func TestAnIndexThatLiesIsCaught(t *testing.T) {
	for name, lie := range map[string]string{
		"another tool":    "UPDATE entry SET title = (SELECT id FROM word WHERE text = 'files.write')",
		"another record":  "UPDATE entry SET seq = seq + 1",
		"another outcome": "UPDATE entry SET outcome = seq + 1, ended = (SELECT id FROM word WHERE text = 'outcome')",
		"another slot":    "UPDATE entry SET slot = 1 - slot",
		"no such record":  "UPDATE entry SET seq = seq + 1000000",
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, 5)
			w.write(600, 2)
			w.update()
			if err := w.edit(w.database(), lie); err != nil {
				t.Fatal(err)
			}
			f := query.Filter{Tool: []string{"files.write"}}
			if _, err := w.index.Search(context.Background(), &f, Page{}); !errors.Is(err, ErrDisagrees) {
				t.Errorf("%v", err)
			}
		})
	}
}

// What nobody else may read, nobody else can.
func TestFilesAreClosedToOthers(t *testing.T) {
	w := newWorld(t, 5)
	w.write(50, 1)
	w.update()
	w.write(50, 1)
	db, err := connect(w.database(), livePragmas) // while it is open there are more files
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec("INSERT INTO word (text) VALUES ('x')"); err != nil {
		t.Fatal(err)
	}
	seen := 0
	err = filepath.WalkDir(string(w.index.folder), func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
		seen++
		return err
	})
	if err != nil || seen < 5 {
		t.Errorf("%d files, %v", seen, err)
	}
}

func TestAFolderThatSomebodyElsePrepared(t *testing.T) {
	dir := t.TempDir()
	open := filepath.Join(dir, "open")
	link := filepath.Join(dir, "link")
	if err := os.Mkdir(open, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(open, link); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(open, 0o777); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{open, link} {
		if _, err := Open(path, dir); err == nil || !strings.Contains(err.Error(), "closed to other users") {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// Retention removes segments; the index follows, and what it counted stays.
func TestExpiredRecordsLeave(t *testing.T) {
	w := newWorld(t, 5)
	w.segment = 32 << 10
	w.write(1500, 1)
	w.update()
	w.close()
	before := w.count("SELECT count(*) FROM entry")
	segments, err := filepath.Glob(filepath.Join(w.logDir, "00", "*.seg"))
	if err != nil || len(segments) < 6 {
		t.Fatalf("%d segments, %v", len(segments), err)
	}
	for _, s := range segments[:len(segments)/2] {
		if err := os.Remove(s); err != nil {
			t.Fatal(err)
		}
	}
	// Before the index knows, what is gone is left out.
	if got := w.search(&query.Filter{}, Page{}); len(got) == 0 || len(got) >= int(before) {
		t.Errorf("%d of %d entries", len(got), before)
	}
	if r := w.update(); r.Rebuilt {
		t.Errorf("built anew: %+v", r)
	}
	first, err := audit.FirstSeq(w.logDir, 0)
	if err != nil {
		t.Fatal(err)
	}
	if n := w.count("SELECT count(*) FROM entry WHERE seq < ?", int64(first)); n != 0 {
		t.Errorf("%d entries name what is gone", n)
	}
	if after := w.count("SELECT count(*) FROM entry"); after == 0 || after >= before {
		t.Errorf("%d entries, %d before", after, before)
	}
}

// count asks the database for one number.
func (w *world) count(q string, args ...any) (n int64) {
	w.t.Helper()
	err := w.index.view(context.Background(), func(tx *sql.Tx) error { return tx.QueryRow(q, args...).Scan(&n) })
	if err != nil {
		w.t.Fatal(err)
	}
	return n
}

// A slot that was tampered with is read as far as it is whole, and the others to
// their end.
func TestATamperedSlotIsAProblemOfItsOwn(t *testing.T) {
	w := newWorld(t, 5)
	w.segment = 16 << 10
	w.write(800, 2)
	w.close()
	segments, err := filepath.Glob(filepath.Join(w.logDir, "01", "*.seg"))
	if err != nil || len(segments) < 3 {
		t.Fatalf("%d segments, %v", len(segments), err)
	}
	if err := os.WriteFile(segments[1], []byte("gone"), 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := w.index.Update(context.Background(), UpdateOptions{Wait: time.Minute})
	if err != nil || len(r.Problems) != 1 || !errors.Is(r.Problems[0], audit.ErrTampered) {
		t.Fatalf("%+v, %v", r, err)
	}
	if n := w.count("SELECT count(*) FROM entry WHERE slot = 0"); n < 100 {
		t.Errorf("%d entries of the slot that is whole", n)
	}
}
