package pa

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"strings"
	"syscall"
	"unicode/utf8"

	"github.com/custos-zt/custos/internal/canon"
)

// maxLinks is what the kernel follows before it gives up (ELOOP).
const maxLinks = 40

// openings returns what may be opened for an absolute path. The kernel follows
// links before ".."; a program that normalises first lets it resolve the
// clean form. A program may also take a name for one that is spelt otherwise
// in Unicode, and follow that: server-filesystem does both.
func openings(p string) ([]string, error) {
	forms := []string{p}
	if strings.Contains(p, "..") {
		forms = append(forms, canon.Clean(p))
	}
	var out []string
	var failed error
	for _, form := range forms {
		for _, spelling := range []func(dir, name string) string{asWritten, asOnDisk} {
			resolved, err := resolveBy(form, spelling)
			if err != nil {
				failed = err
				continue
			}
			out = append(out, resolved)
			if isASCII(form) {
				break // there is one spelling only
			}
		}
	}
	return distinct(out), failed
}

func asWritten(_, name string) string { return name }

// asOnDisk returns the entry of a directory that has the same folded form as
// a name that is not there, or the name itself.
func asOnDisk(dir, name string) string {
	if isASCII(name) {
		return name
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return name
	}
	folded := canon.Fold(name)
	for _, e := range entries {
		if canon.Fold(e.Name()) == folded {
			return e.Name()
		}
	}
	return name
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// resolve returns what the kernel would open for an absolute path: links are
// followed where they stand, so that "link/.." is the parent of the link's
// target. From the first component that does not exist on, the rest is taken
// as written. An error means that nobody can say.
//
// The answer holds for the instant in which it was given; docs/THREATS.md
// says what that means.
func resolve(p string) (string, error) { return resolveBy(p, asWritten) }

// resolveBy is [resolve] with a say in how a missing name is spelt.
func resolveBy(p string, spelt func(dir, name string) string) (string, error) {
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
		if errors.Is(err, fs.ErrNotExist) {
			if other := spelt(at, c); other != c {
				next = path.Join(at, other)
				info, err = os.Lstat(next)
			}
		}
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
