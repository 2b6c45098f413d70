package audit

import (
	"golang.org/x/sys/unix"
)

// glance looks at the segment before a group is written to it. A file that is
// gone from its name, or is another one, or is shorter than what was written,
// ends the log: what follows would be written where no reader looks. A change
// that this process did not make is told to the monitor, which hashes the
// records again at once.
func (l *Log) glance(s *segment) error {
	var st unix.Stat_t
	if err := unix.Fstat(int(s.f.Fd()), &st); err != nil {
		return &pathError{s.path, err}
	}
	held := newFileID(&st)
	named, err := identify(s.path)
	switch {
	case err != nil:
		return found("the segment is gone: %w", err)
	case !named.same(held):
		return found("%s was replaced by another file", s.path)
	case held.size < s.off:
		return found("%s was cut", s.path)
	}
	if l.keeper != nil && !s.busy && s.left != (fileID{}) && s.left != held {
		select {
		case l.keeper.suspect <- struct{}{}:
		default:
		}
	}
	return nil
}

// settle remembers the segment as it was left. While space is prepared it
// changes by itself.
func (s *segment) settle() {
	s.left = fileID{}
	var st unix.Stat_t
	if !s.busy && unix.Fstat(int(s.f.Fd()), &st) == nil {
		s.left = newFileID(&st)
	}
}
