package sink

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/custos-zt/custos/internal/config"
)

// jsonl writes one record a line into files of its own. A batch is delivered
// when it is on the disk.
//
// Files are named custos-INSTANCE-000001.jsonl and so on. A file that has
// reached the configured size is never written again, so that it can be moved
// or removed by whoever reads it.
type jsonl struct {
	dir    string
	prefix string
	limit  int64
	lines  *lines

	file *os.File
	n    int // the number of file
	size int64
	buf  []byte
}

const jsonlSuffix = ".jsonl"

func openJSONL(c *config.JSONL, env *Env) (Sink, error) {
	if err := os.MkdirAll(c.Dir, 0o700); err != nil {
		return nil, err
	}
	info, err := os.Stat(c.Dir)
	switch {
	case err != nil:
		return nil, err
	case !info.IsDir():
		return nil, fmt.Errorf("%s is not a directory", c.Dir)
	case info.Mode().Perm()&0o002 != 0 && info.Mode()&fs.ModeSticky == 0:
		return nil, fmt.Errorf("%s can be written by everybody, who could put other files in place of ours (chmod o-w %s)", c.Dir, c.Dir)
	}
	j := &jsonl{dir: c.Dir, prefix: "custos-" + env.Instance + "-", limit: c.Size, lines: newLines(c.Format, env)}
	return j, j.resume()
}

// path returns the name of file n.
func (j *jsonl) path(n int) string {
	return filepath.Join(j.dir, fmt.Sprintf("%s%06d%s", j.prefix, n, jsonlSuffix))
}

// resume opens the last file, or the first.
func (j *jsonl) resume() error {
	entries, err := os.ReadDir(j.dir)
	if err != nil {
		return err
	}
	j.n = 1
	for _, e := range slices.Backward(entries) { // they are sorted by name
		var n int
		digits := strings.TrimSuffix(strings.TrimPrefix(e.Name(), j.prefix), jsonlSuffix)
		if _, err := fmt.Sscanf(digits, "%d", &n); err == nil && e.Name() == filepath.Base(j.path(n)) {
			j.n = n
			break
		}
	}
	return j.open()
}

// open opens file j.n and cuts off a line that a crash left without its end:
// its record was not delivered and comes again.
func (j *jsonl) open() error {
	f, err := os.OpenFile(j.path(j.n), os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW, 0o600)
	if errors.Is(err, unix.ELOOP) {
		return fmt.Errorf("%s is a symbolic link", j.path(j.n))
	}
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is not a regular file", j.path(j.n))
	}
	if err == nil {
		j.size, err = wholeLines(f, info.Size())
	}
	if err == nil {
		err = f.Truncate(j.size)
	}
	if err != nil {
		return errors.Join(err, f.Close())
	}
	j.file = f
	return nil
}

// wholeLines returns the length of f up to its last newline.
func wholeLines(f io.ReaderAt, size int64) (int64, error) {
	buf := make([]byte, 64<<10)
	for end := size; end > 0; {
		from := max(0, end-int64(len(buf)))
		n, err := f.ReadAt(buf[:end-from], from)
		if err != nil && err != io.EOF {
			return 0, err
		}
		if i := bytes.LastIndexByte(buf[:n], '\n'); i >= 0 {
			return from + int64(i) + 1, nil
		}
		end = from
	}
	return 0, nil
}

// Deliver writes a batch and waits for the disk.
func (j *jsonl) Deliver(_ context.Context, batch []Event) error {
	j.buf = j.buf[:0]
	for i := range batch {
		var err error
		if j.buf, err = j.lines.append(j.buf, &batch[i]); err != nil {
			return err
		}
		j.buf = append(j.buf, '\n')
	}
	if err := j.turn(); err != nil {
		return err
	}
	if _, err := j.file.WriteAt(j.buf, j.size); err != nil {
		return j.abandon(err)
	}
	if err := j.file.Sync(); err != nil {
		return j.abandon(err)
	}
	j.size += int64(len(j.buf))
	return nil
}

// turn makes sure that there is a file with room.
func (j *jsonl) turn() error {
	if j.file == nil {
		return j.resume() // an earlier attempt failed
	}
	if _, err := os.Lstat(j.path(j.n)); errors.Is(err, fs.ErrNotExist) {
		j.drop()
		return j.open() // somebody moved it away
	}
	if j.size < j.limit {
		return nil
	}
	j.drop()
	j.n++
	return j.open()
}

// abandon gives a file up whose state is not known. It is opened afresh, and
// the batch comes again.
func (j *jsonl) abandon(err error) error {
	j.drop()
	return err
}

func (j *jsonl) drop() {
	if j.file != nil {
		_ = j.file.Close() // what counts was synced
		j.file = nil
	}
}

// Close closes the file.
func (j *jsonl) Close() error {
	j.drop()
	return nil
}
