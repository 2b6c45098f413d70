package sealed

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

const (
	suffix = ".rpl"
	// maxFile is when a file is full.
	maxFile = 4 << 20
)

// file is one file of a slot, named by the seq of its first entry and by when it
// was begun.
type file struct {
	path    string
	first   uint64
	created time.Time
	size    int64
}

func fileName(first uint64, created time.Time) string {
	return fmt.Sprintf("%016x-%010x%s", first, created.Unix(), suffix)
}

// files lists the files of a slot, the oldest first. What has another name is
// left alone.
func files(dir string) ([]file, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var out []file
	for _, e := range entries {
		f := file{path: filepath.Join(dir, e.Name())}
		var unix int64
		if n, err := fmt.Sscanf(e.Name(), "%016x-%010x.rpl", &f.first, &unix); n != 2 || err != nil || !strings.HasSuffix(e.Name(), suffix) {
			continue
		}
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue // removed meanwhile
		}
		if err != nil {
			return nil, err
		}
		f.created, f.size = time.Unix(unix, 0), info.Size()
		out = append(out, f)
	}
	slices.SortFunc(out, func(a, b file) int {
		return cmp.Or(a.created.Compare(b.created), cmp.Compare(a.first, b.first))
	})
	return out, nil
}

// prune removes what is too old and, the oldest first, what is too much. It
// returns what is left.
func prune(list []file, keep time.Duration, size int64, now time.Time) ([]file, error) {
	var total int64
	for _, f := range list {
		total += f.size
	}
	var failed error
	for len(list) > 0 && (total > size || expired(list[0].created, keep, now)) {
		if err := os.Remove(list[0].path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			failed = errors.Join(failed, err)
		}
		total -= list[0].size
		list = list[1:]
	}
	return list, failed
}

// expired reports whether what was begun then is too old now. What claims to be
// of the future is.
func expired(created time.Time, keep time.Duration, now time.Time) bool {
	age := now.Sub(created)
	return age >= keep || age < -time.Hour
}

// Prune removes, in every slot under root, what is older than keep: slots that
// nobody writes any more keep nothing either. A root that is not there holds
// nothing.
func Prune(root string, keep time.Duration, now time.Time) error {
	slots, err := os.ReadDir(root)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var failed error
	for _, s := range slots {
		if !s.IsDir() {
			continue
		}
		list, err := files(filepath.Join(root, s.Name()))
		if err == nil {
			_, err = prune(list, keep, 1<<62, now)
		}
		failed = errors.Join(failed, err)
	}
	return failed
}

// openRegular opens a file that the user alone can reach, and no link.
func openRegular(path string, flag int) (*os.File, error) {
	f, err := os.OpenFile(path, flag|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && (!info.Mode().IsRegular() || info.Mode().Perm()&0o077 != 0) {
		err = fmt.Errorf("sealed: %s is open to other users, or no file", path)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}
