package audit

import (
	"time"

	"golang.org/x/sys/unix"
)

// settleEvery is how often the time of the last change of a segment is asked
// for where [touches] are known. Who asks makes the next write change the inode,
// which the disk then has to take in a write of its own (Linux 6.13 and newer,
// multigrain timestamps): asked before each group it doubled what a commit takes.
const settleEvery = 250 * time.Millisecond

// glance looks at the segment before a group is written to it. A file that is
// gone from its name, or is another one, or is shorter than what was written,
// ends the log: what follows would be written where no reader looks. A change
// that this process did not make is told to the monitor, which hashes the
// records again at once.
func (l *Log) glance(s *segment) error {
	held, err := outline(s.f)
	if err != nil {
		return &pathError{s.path, err}
	}
	named, err := outlineAt(s.path)
	switch {
	case err != nil:
		return found("the segment is gone: %w", &pathError{s.path, err})
	case !named.same(held):
		return found("%s was replaced by another file", s.path)
	case held.size < s.off:
		return found("%s was cut", s.path)
	}
	touched := s.touches.any() || s.left != (fileID{}) && s.left != s.stamp()
	if touched && l.keeper != nil && !s.busy {
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
	if now := time.Now(); !s.busy && (s.touches == nil || now.Sub(s.settled) >= settleEvery) {
		s.left, s.settled = s.stamp(), now
	}
}

// stamp returns the identity of the segment with the time of its last change;
// zero where the system does not say.
func (s *segment) stamp() fileID {
	var st unix.Stat_t
	if unix.Fstat(int(s.f.Fd()), &st) != nil {
		return fileID{}
	}
	return newFileID(&st)
}
