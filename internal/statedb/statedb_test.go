package statedb

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

func file(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "a b?c#d%20.db") // any name is a name
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestPartsAreMadeOnce(t *testing.T) {
	path := file(t)
	steps := []string{`CREATE TABLE a (n INTEGER) STRICT; INSERT INTO a VALUES (1)`, `INSERT INTO a VALUES (2)`}
	var all sync.WaitGroup
	for n := range 8 {
		all.Go(func() {
			db, err := Open(path)
			if err != nil {
				t.Error(err)
				return
			}
			defer db.Close()
			if err := Ensure(context.Background(), db, "a", steps[:1+n%2]); err != nil && !errors.Is(err, ErrNewer) {
				t.Error(err)
			}
		})
	}
	all.Wait()
	db, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := Ensure(t.Context(), db, "a", steps); err != nil {
		t.Fatal(err)
	}
	var n int
	if err := db.QueryRow(`SELECT count(*) FROM a`).Scan(&n); err != nil || n != 2 {
		t.Errorf("%d rows, %v", n, err)
	}
	if err := Ensure(t.Context(), db, "a", steps[:1]); !errors.Is(err, ErrNewer) {
		t.Errorf("an older version: %v", err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Error(err)
	}
}

func TestEveryCommitIsSynced(t *testing.T) {
	db, err := Open(file(t))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1"} {
		var got string
		if err := db.QueryRow("PRAGMA " + pragma).Scan(&got); err != nil || got != want {
			t.Errorf("%s is %s, want %s (%v)", pragma, got, want, err)
		}
	}
}

func TestWhatIsNoDatabase(t *testing.T) {
	path := file(t)
	if err := os.WriteFile(path, []byte("this is a text and no database, however long it is"), 0o600); err != nil {
		t.Fatal(err)
	}
	if db, err := Open(path); err == nil {
		db.Close()
		t.Error("opened")
	}
}
