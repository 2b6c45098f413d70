package pa

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"strings"
	"syscall"
)

// maxLinks is what the kernel follows before it gives up (ELOOP).
const maxLinks = 40

// resolve returns what the kernel would open for an absolute path: links are
// followed where they stand, so that "link/.." is the parent of the link's
// target. From the first component that does not exist on, the rest is taken
// as written. An error means that nobody can say.
//
// The answer holds for the instant in which it was given; docs/THREATS.md
// says what that means.
func resolve(p string) (string, error) {
	todo := split(p)
	at, links := "/", 0
	for len(todo) > 0 {
		c := todo[0]
		todo = todo[1:]
		if c == ".." {
			at = path.Dir(at)
			continue
		}
		next := path.Join(at, c)
		info, err := os.Lstat(next)
		switch {
		case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
			at = next
			continue
		case err != nil:
			return "", err
		case info.Mode()&fs.ModeSymlink == 0:
			at = next
			continue
		}
		if links++; links > maxLinks {
			return "", syscall.ELOOP
		}
		target, err := os.Readlink(next)
		if err != nil {
			return "", err
		}
		if strings.HasPrefix(target, "/") {
			at = "/"
		}
		todo = append(split(target), todo...)
	}
	return at, nil
}

// split returns the components of a path that mean something.
func split(p string) []string {
	parts := strings.Split(p, "/")
	out := parts[:0]
	for _, c := range parts {
		if c != "" && c != "." {
			out = append(out, c)
		}
	}
	return out
}
