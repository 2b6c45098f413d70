package audit

import (
	"fmt"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// patrolEvery is how often a monitor looks at everything, and rollEvery how
	// often it starts to hash again what nobody seems to have touched. While it
	// does, it works for rollSlice in each rollPause: 5 % of a core.
	patrolEvery = 30 * time.Second
	rollEvery   = time.Hour
	rollSlice   = 50 * time.Millisecond
	rollPause   = time.Second
	// walkWindow is how much of a segment a monitor holds in memory.
	walkWindow = 64 << 10
)

// monitor looks after the files of a chain while a process writes it. Whoever
// changes one of them, other than this process, is found at the next look: by
// its identity, its size or the time of its last change, which nobody but the
// kernel can set, and then by the hashes of its records, up to the head that the
// writer holds in memory. What could be changed without all of these, on the
// disk beneath the file system, is found by hashing everything from time to time.
//
// It belongs to the goroutine of the keeper.
type monitor struct {
	k       *keeper
	began   bool
	dir     fileID
	files   map[string]*guarded // by name
	oldest  uint64              // first record of the oldest segment; older ones expired
	rolling *segmentWalk        // nil: none is being hashed again
	queue   []segmentFile       // what is to be hashed again
	rolled  time.Time           // when the last round began
}

// fileID is what a file system says of a file.
type fileID struct {
	dev, ino uint64
	size     int64
	changed  int64 // in nanoseconds
}

// same reports whether two of them are of one file, whatever it holds.
func (a fileID) same(b fileID) bool { return a.dev == b.dev && a.ino == b.ino }

func newFileID(st *unix.Stat_t) fileID {
	return fileID{dev: uint64(st.Dev), ino: st.Ino, size: st.Size, changed: st.Ctim.Nano()} //nolint:unconvert // other systems have smaller devices
}

// identify returns the identity of what lies at a path; a link is not followed.
func identify(path string) (fileID, error) {
	var st unix.Stat_t
	if err := unix.Lstat(path, &st); err != nil {
		return fileID{}, &pathError{path, err}
	}
	return newFileID(&st), nil
}

// pathError is what the system said about a path.
type pathError struct {
	path string
	err  error
}

func (e *pathError) Error() string { return filepath.Base(e.path) + ": " + e.err.Error() }

func (e *pathError) Unwrap() error { return e.err }

// guarded is a segment as it was found to be in order.
type guarded struct {
	id     fileID
	ends   ends
	hashed bool // ends is known
	closed bool // nothing more is written to it
}

// next returns how long until there is something to do, so long after the last
// look.
func (m *monitor) next(since time.Duration) time.Duration {
	wait := max(0, m.k.log.opt.patrol-since)
	if m.rolling != nil || len(m.queue) > 0 {
		wait = min(wait, rollPause)
	}
	return wait
}

// work looks at everything, where that is due, and hashes on. What it finds
// ends the log.
func (m *monitor) work(due bool) error {
	if due {
		if err := m.look(); err != nil {
			return err
		}
	}
	return m.roll(time.Now().Add(rollSlice))
}

// look compares everything with what was in order last time.
func (m *monitor) look() error {
	dir, err := identify(m.k.log.dir)
	if err != nil {
		return found("the directory of the log is gone: %w", err)
	}
	if m.began && !m.dir.same(dir) {
		return found("the directory of the log was replaced")
	}
	m.dir = dir
	if err := m.lookAtSegments(); err != nil {
		return err
	}
	if err := m.lookAtHead(); err != nil {
		return err
	}
	m.began = true
	m.beginRound()
	return nil
}

func found(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrTampered}, args...)...)
}

// lookAtSegments finds segments that are gone, new where none is begun,
// replaced, or changed.
func (m *monitor) lookAtSegments() error {
	head := m.k.log.Head() // before the list: what it counts is there
	list, err := listSegments(m.k.log.dir)
	if err != nil {
		return err
	}
	if m.files == nil {
		m.files = map[string]*guarded{}
	}
	there := map[string]bool{}
	for i, sf := range list {
		there[sf.name] = true
		if err := m.lookAt(sf, i+1 < len(list), head); err != nil {
			return err
		}
	}
	for name := range m.files {
		if there[name] {
			continue
		}
		if name < segmentName(m.oldest) {
			delete(m.files, name) // it expired
			continue
		}
		return found("%s is gone", name)
	}
	return m.joined(list)
}

// lookAt looks at one segment.
func (m *monitor) lookAt(sf segmentFile, closed bool, head Head) error {
	id, err := identify(m.k.log.path(sf.name))
	if err != nil {
		return found("%w", err)
	}
	was := m.files[sf.name]
	switch {
	case was == nil:
		was = &guarded{id: id}
		m.files[sf.name] = was
		if !m.began && closed {
			was.closed = true // of an earlier process: the round hashes it
			return nil
		}
	case !was.id.same(id):
		return found("%s was replaced by another file", sf.name)
	case was.id == id && was.closed == closed:
		return nil
	}
	if sf.first > head.Seq {
		return nil // it is being begun
	}
	w := m.k.walk(sf, closed, head)
	defer w.close()
	if err := w.step(time.Time{}); err != nil {
		return err
	}
	if was.hashed && was.closed && was.ends != w.ends {
		return found("%s holds other records than before", sf.name)
	}
	was.ends, was.hashed, was.closed = w.ends, true, closed
	// The identity is that of before the records were read: who changes one
	// meanwhile is found at the next look.
	was.id = id
	return nil
}

// joined checks that each segment goes on where the one before it ends.
func (m *monitor) joined(list []segmentFile) error {
	for i := 1; i < len(list); i++ {
		a, b := m.files[list[i-1].name], m.files[list[i].name]
		if a.hashed && b.hashed && a.closed && (a.ends.last != b.ends.prev || a.ends.lastSeq+1 != b.ends.firstSeq) {
			return found("%s does not continue %s", list[i].name, list[i-1].name)
		}
	}
	return nil
}

// lookAtHead compares the checkpoint and the tree with what was signed.
func (m *monitor) lookAtHead() error {
	c, err := ownCheckpoint(m.k.log.dir, &m.k.log.opt)
	if err != nil {
		return found("the checkpoint cannot be read: %w", err)
	}
	if c != m.k.signed {
		return found("the checkpoint was replaced: %d records, %d were signed", c.Size, m.k.signed.Size)
	}
	if m.k.tree == nil {
		return nil
	}
	var st unix.Stat_t
	if err := unix.Fstat(int(m.k.tree.f.Fd()), &st); err != nil {
		return fmt.Errorf("tree: %w", err)
	}
	id, err := identify(filepath.Join(m.k.log.dir, treeName))
	if err != nil || !id.same(newFileID(&st)) {
		return found("the tree was replaced by another file")
	}
	if root, err := (storedHashes{m.k.tree.f}).rootOf(m.k.signed.Size); err != nil || root != m.k.signed.Root {
		return found("the tree is not the one that was signed (%d records)", m.k.signed.Size)
	}
	return nil
}

// beginRound has every closed segment hashed again, where it is time to.
func (m *monitor) beginRound() {
	now := m.k.log.opt.Now()
	if m.rolling != nil || len(m.queue) > 0 || !m.rolled.IsZero() && now.Sub(m.rolled) < rollEvery {
		return
	}
	m.rolled = now
	list, err := listSegments(m.k.log.dir)
	if err != nil {
		return // the next look says what is wrong
	}
	for _, sf := range list {
		if g := m.files[sf.name]; g != nil && g.closed {
			m.queue = append(m.queue, sf)
		}
	}
}

// roll hashes on until a moment.
func (m *monitor) roll(until time.Time) error {
	for m.rolling != nil || len(m.queue) > 0 {
		if m.rolling == nil {
			sf := m.queue[0]
			m.queue = m.queue[1:]
			if m.files[sf.name] == nil || sf.first < m.oldest {
				continue // it expired meanwhile
			}
			m.rolling = m.k.walk(sf, true, Head{})
		}
		if err := m.rolling.step(until); err != nil {
			return err
		}
		if !m.rolling.done {
			return nil
		}
		g, w := m.files[m.rolling.file.name], m.rolling
		w.close()
		m.rolling = nil
		if g == nil {
			continue // it expired meanwhile
		}
		if g.hashed && g.ends != w.ends {
			return found("%s holds other records than before", w.file.name)
		}
		g.ends, g.hashed = w.ends, true
	}
	return nil
}

// close gives the files back.
func (m *monitor) close() {
	if m.rolling != nil {
		m.rolling.close()
	}
}

// expired says that the records up to this one are gone with good reason.
func (m *monitor) expired(through uint64) { m.oldest = through + 1 }
