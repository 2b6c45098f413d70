package sink

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/custos-zt/custos/audit"
)

// glance is what a slot looked like from outside: cheap to compare, and enough
// to leave a slot alone that nobody writes.
type glance struct {
	segment string // the last one
	size    int64
	changed time.Time
	at      time.Time // when it was looked at
}

// The times within which a glance is not trusted: a clock that is too coarse
// for two writes, and the longest that a slot is left alone in any case.
const (
	coarse   = 2 * time.Second
	longest  = 10 * time.Second
	segments = ".seg"
)

// look glances at a slot. What cannot be seen is a glance that nothing equals.
func (r *reader) look(slot int) glance {
	dir := filepath.Join(r.logDir, audit.SlotName(slot))
	entries, err := os.ReadDir(dir)
	if err != nil {
		return glance{}
	}
	var last fs.DirEntry
	for _, e := range entries { // in the order of their names
		if strings.HasSuffix(e.Name(), segments) {
			last = e
		}
	}
	if last == nil {
		return glance{}
	}
	info, err := last.Info()
	if err != nil {
		return glance{}
	}
	return glance{segment: last.Name(), size: info.Size(), changed: info.ModTime(), at: r.now()}
}

// idle reports whether a slot was read to its end and was not written since.
func (r *reader) idle(slot int) bool {
	old, known := r.watch[slot]
	if !known || old.segment == "" {
		return false
	}
	now := r.look(slot)
	same := now.segment == old.segment && now.size == old.size && now.changed.Equal(old.changed)
	settled := old.at.Sub(old.changed) > coarse
	return same && settled && now.at.Sub(old.at) < longest
}
