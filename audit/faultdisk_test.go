package audit

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// sector is what a disk writes whole.
const sector = 512

// faultDisk is a disk that fails at one chosen operation, and that knows what
// would be left after the power went: what was written but not synced may be
// there or not, sector by sector, and a name exists only once its directory
// was synced. After a failed sync the kernel forgets the pages it could not
// write, and the next sync of the file succeeds without them.
type faultDisk struct {
	mu     sync.Mutex
	ops    int
	failAt int    // 0: never
	sticky bool   // every operation after it fails too
	mode   string // "error", "short" or "hang"
	failed string // the operation that failed, "" while none has
	free   chan struct{}
	files  map[string]*image
}

// image is one file as the cache and as the disk have it.
type image struct {
	cache, disk []byte
	named       bool // its name is on disk
	lying       bool // a sync failed
}

func newFaultDisk(failAt int, mode string, sticky bool) *faultDisk {
	return &faultDisk{failAt: failAt, mode: mode, sticky: sticky, free: make(chan struct{}), files: map[string]*image{}}
}

// fault counts an operation and reports whether it is to fail.
func (d *faultDisk) fault(op, path string) bool {
	d.mu.Lock()
	d.ops++
	hit := d.failAt > 0 && (d.ops == d.failAt || d.sticky && d.ops > d.failAt)
	if hit && d.failed == "" {
		d.failed = op + " " + filepath.Base(path)
	}
	d.mu.Unlock()
	if hit && d.mode == "hang" {
		<-d.free
	}
	return hit
}

func (d *faultDisk) disk() *disk {
	return &disk{open: d.open, write: d.write, sync: d.sync, resize: d.resize, remove: d.remove}
}

func (d *faultDisk) open(path string, flag int) (*os.File, error) {
	if d.fault("open", path) {
		return nil, syscall.EIO
	}
	f, err := osDisk().open(path, flag)
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if st, err := f.Stat(); err != nil || st.IsDir() || d.files[path] != nil {
		return f, err
	}
	b, err := os.ReadFile(path)
	d.files[path] = &image{cache: b, disk: append([]byte(nil), b...), named: len(b) > 0}
	return f, err
}

func (d *faultDisk) write(f *os.File, b []byte, off int64) (int, error) {
	if d.fault("write", f.Name()) {
		if d.mode != "short" {
			return 0, syscall.ENOSPC
		}
		b = b[:len(b)/2]
	}
	n, err := f.WriteAt(b, off)
	d.mu.Lock()
	defer d.mu.Unlock()
	im := d.files[f.Name()]
	if grow := int(off) + n - len(im.cache); grow > 0 {
		im.cache = append(im.cache, make([]byte, grow)...)
	}
	copy(im.cache[off:], b[:n])
	return n, err
}

func (d *faultDisk) sync(f *os.File) error {
	hit := d.fault("sync", f.Name())
	d.mu.Lock()
	defer d.mu.Unlock()
	im := d.files[f.Name()]
	switch {
	case hit:
		if im != nil {
			im.lying = true
		}
		return syscall.EIO
	case im == nil: // a directory
		for path, im := range d.files {
			if filepath.Dir(path) == f.Name() {
				im.named = true
			}
		}
	case !im.lying:
		im.disk = append(im.disk[:0], im.cache...)
	}
	return nil
}

func (d *faultDisk) resize(f *os.File, size int64) error {
	if d.fault("resize", f.Name()) {
		return syscall.EIO
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	im := d.files[f.Name()]
	im.cache = im.cache[:size]
	return f.Truncate(size)
}

func (d *faultDisk) remove(path string) error {
	if d.fault("remove", path) {
		return syscall.EIO
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.files, path)
	return os.Remove(path)
}

// powerCut writes what may be left on disk to another slot directory.
func (d *faultDisk) powerCut(t testing.TB, rng *rand.Rand) (logDir, dir string) {
	t.Helper()
	logDir, dir = slot(t)
	d.mu.Lock()
	defer d.mu.Unlock()
	for path, im := range d.files {
		if !im.named && rng.IntN(2) == 0 {
			continue
		}
		b := append([]byte(nil), im.disk...)
		if len(im.cache) > len(b) {
			b = append(b, make([]byte, len(im.cache)-len(b))...)
		}
		for at := 0; at < len(b); at += sector {
			if at < len(im.cache) && rng.IntN(2) == 0 {
				copy(b[at:min(at+sector, len(b))], im.cache[at:])
			}
		}
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(path)), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return logDir, dir
}

// hit reports whether the chosen operation was reached.
func (d *faultDisk) hit() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.failed != ""
}

func (d *faultDisk) what() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return strings.TrimSpace(fmt.Sprintf("%s at operation %d: %s", d.mode, d.failAt, d.failed))
}
