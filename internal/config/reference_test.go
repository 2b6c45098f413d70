package config

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestReferencesResolve(t *testing.T) {
	dir := t.TempDir()
	put := func(name, text string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	getenv := func(name string) string { return map[string]string{"S": "from the environment"}[name] }
	for name, c := range map[string]struct {
		ref        Reference
		want, fail string
	}{
		"variable":       {Reference{"env", "S"}, "from the environment", ""},
		"no variable":    {Reference{"env", "T"}, "", "env:T: the environment variable is not set"},
		"file":           {Reference{"file", put("a", "hunter2\n", 0o600)}, "hunter2", ""},
		"file of DOS":    {Reference{"file", put("b", "hunter2\r\n", 0o400)}, "hunter2", ""},
		"inner breaks":   {Reference{"file", put("c", "a\nb\n\n", 0o600)}, "a\nb\n", ""},
		"open to others": {Reference{"file", put("d", "hunter2", 0o640)}, "", "is open to other users"},
		"empty":          {Reference{"file", put("e", "\n", 0o600)}, "", "holds nothing"},
		"too large":      {Reference{"file", put("f", strings.Repeat("hunter2", 10<<10), 0o600)}, "", "is larger than"},
		"directory":      {Reference{"file", dir}, "", "is not a regular file"},
		"no file":        {Reference{"file", filepath.Join(dir, "none")}, "", "no such file"},
		"vault":          {Reference{"vault", "x"}, "", "no vault yet"},
		"nothing":        {Reference{}, "", "no secret is named"},
	} {
		got, err := c.ref.Resolve(getenv)
		switch {
		case c.fail == "" && (err != nil || got != c.want):
			t.Errorf("%s: got %q, %v", name, got, err)
		case c.fail != "" && (err == nil || !strings.Contains(err.Error(), c.fail)):
			t.Errorf("%s: got %v, want %q", name, err, c.fail)
		case err != nil && (got != "" || strings.Contains(err.Error(), "hunter2")):
			t.Errorf("%s: the error gives the secret away: %q, %v", name, got, err)
		}
	}
	if _, err := (Reference{"vault", "x"}).Resolve(getenv); !errors.Is(err, ErrNoVault) {
		t.Errorf("vault: %v", err)
	}
}
