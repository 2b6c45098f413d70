package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/custos-zt/custos/internal/sources"
	"github.com/custos-zt/custos/internal/term"
)

// changes are the indexes of the files that hold something else than what is
// put back.
func (r *rollback) changes() ([]int, error) {
	var out []int
	for i, name := range r.to.Names {
		now, err := os.ReadFile(name)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		if err != nil || !bytes.Equal(now, r.to.Raw[i]) {
			out = append(out, i)
		}
	}
	return out, nil
}

// putBack writes the files. A text that was never in force is kept first:
// somebody wrote it.
func (a *app) putBack(r *rollback, changed []int) error {
	if len(r.reader.Keys) > 0 {
		for _, b := range r.to.Bundles {
			if err := r.dir.AcceptRevision(b.Manifest.Name, b.Manifest.Revision, b.Digest); err != nil {
				return err
			}
		}
	}
	for _, i := range changed {
		name := r.to.Names[i]
		if now, err := os.ReadFile(name); err == nil {
			if _, err := r.dir.Policy(sources.DigestOf(now)); err != nil {
				if err := r.dir.KeepPolicy(sources.DigestOf(now), now); err != nil {
					return err
				}
				a.say("what %s held was never in force; it is kept as %s", term.Escape(name), sources.DigestOf(now))
			}
		}
		if err := replaceFile(name, r.to.Raw[i]); err != nil {
			return err
		}
	}
	return nil
}

// replaceFile puts a whole file in place of another one, where a link leads to,
// with the permissions that it has. Whoever reads it reads one or the other.
func replaceFile(name string, data []byte) error {
	if real, err := filepath.EvalSymlinks(name); err == nil {
		name = real
	}
	mode := fs.FileMode(0o600)
	if info, err := os.Stat(name); err == nil {
		mode = info.Mode().Perm()
	}
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*")
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}
