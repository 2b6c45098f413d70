package inventory

import (
	"sync"
	"sync/atomic"
	"time"
)

// State says what the listing of a backend knows of a tool.
type State uint8

const (
	// Unlisted means not seen, in a listing that is not complete: the backend
	// has to be asked before anything can be said.
	Unlisted State = iota
	// Absent means that a complete listing does not contain it.
	Absent
	// Stale means seen, but the backend announced a change since.
	Stale
	// Listed means seen in the current listing.
	Listed
	// Quarantined means listed and not to be called: see Definition.Quarantine.
	Quarantined
)

// String returns the state as one lower-case word.
func (s State) String() string {
	return [...]string{"unlisted", "absent", "stale", "listed", "quarantined"}[s]
}

// Page is one reply to a `tools/list` request.
type Page struct {
	// Generation is what [Backend.Generation] returned when the request was
	// sent: a reply that crossed a change notice says nothing of what is now.
	Generation uint64
	Cursor     string // of the request; "" asks for the first page
	Next       string // nextCursor of the reply; "" marks the last page
	Tools      []Definition
	At         time.Time // when the reply came
}

// Backend is the live listing of one backend. The zero Backend is empty and
// incomplete. It is safe for concurrent use; readers never wait for writers,
// because every change swaps in a new immutable listing.
type Backend struct {
	current atomic.Pointer[listing]

	mu      sync.Mutex // writers
	pending *chain
}

// listing is one immutable state of a backend's tools.
type listing struct {
	generation uint64
	complete   bool
	at         time.Time // first page of the last complete listing
	tools      []tool    // in the order listed, duplicates included
	byName     map[string]*tool
}

type tool struct {
	Definition
	generation uint64
}

// chain is a listing whose pages are still coming.
type chain struct {
	generation uint64
	next       string
	at         time.Time
	tools      []Definition
	over       bool // more than MaxTools: never complete
}

func (b *Backend) load() *listing {
	if l := b.current.Load(); l != nil {
		return l
	}
	return &listing{}
}

// Generation counts the changes that the backend announced. Read it before a
// request is sent and put it into the [Page].
func (b *Backend) Generation() uint64 { return b.load().generation }

// Invalidate notes a `notifications/tools/list_changed`: what was listed is
// stale until it is listed again.
func (b *Backend) Invalidate() {
	b.mu.Lock()
	defer b.mu.Unlock()
	next := *b.load()
	next.generation++
	next.complete = false
	b.pending = nil
	b.current.Store(&next)
}

// Replace takes one page in. Pages that follow each other by cursor from the
// first to the last replace the whole listing; until the last one is there,
// what a page says is laid over what was known, so that a tool that a client
// has just been shown is known.
func (b *Backend) Replace(p Page) {
	b.mu.Lock()
	defer b.mu.Unlock()
	old := b.load()
	c, ended := b.extend(p)
	fresh := c.tools
	next := &listing{generation: old.generation, at: old.at}
	if ended && c.generation == old.generation && !c.over {
		next.complete, next.at = true, c.at
	} else {
		next.complete = old.complete && c.generation == old.generation && old.holds(fresh)
		next.tools = old.without(fresh)
	}
	fresh = fresh[:min(len(fresh), max(0, MaxTools-len(next.tools)))]
	for i := range fresh {
		next.tools = append(next.tools, tool{fresh[i], c.generation})
	}
	next.finish(old)
	b.current.Store(next)
}

// extend adds the page to the chain it belongs to, and reports whether it was
// the last one. A page that belongs to none is a chain of its own, which never
// ends.
func (b *Backend) extend(p Page) (*chain, bool) {
	switch {
	case p.Cursor == "":
		b.pending = &chain{generation: p.Generation, at: p.At}
	case b.pending == nil || b.pending.next != p.Cursor || b.pending.generation != p.Generation:
		return &chain{generation: p.Generation, tools: p.Tools}, false
	}
	c := b.pending
	c.next = p.Next
	if c.over = c.over || len(c.tools)+len(p.Tools) > MaxTools; !c.over {
		c.tools = append(c.tools, p.Tools...)
	}
	if p.Next == "" {
		b.pending = nil
	}
	return c, p.Next == ""
}

// finish judges the names of a listing under construction as a whole and
// indexes it. A definition that did not change is taken over from the old
// listing with its compiled schema.
func (l *listing) finish(old *listing) {
	for i := range l.tools {
		d := &l.tools[i].Definition
		d.Quarantine = unfitName(d.Name)
		if before, ok := old.byName[d.Name]; ok && before.Digest == d.Digest {
			d.schema = before.schema
		}
	}
	quarantineTwins(len(l.tools), func(i int) *Definition { return &l.tools[i].Definition })
	l.byName = make(map[string]*tool, len(l.tools))
	for i := range l.tools {
		l.byName[l.tools[i].Name] = &l.tools[i]
	}
}

// without returns a copy of the tools whose names are not among these.
func (l *listing) without(defs []Definition) []tool {
	named := make(map[string]bool, len(defs))
	for i := range defs {
		named[defs[i].Name] = true
	}
	out := make([]tool, 0, len(l.tools)+len(defs))
	for i := range l.tools {
		if !named[l.tools[i].Name] {
			out = append(out, l.tools[i])
		}
	}
	return out
}

// holds reports whether every definition is listed already, unchanged.
func (l *listing) holds(defs []Definition) bool {
	for i := range defs {
		t, ok := l.byName[defs[i].Name]
		if !ok || t.Digest != defs[i].Digest {
			return false
		}
	}
	return true
}

// Lookup finds a tool by its exact name. The definition is nil for [Unlisted]
// and [Absent] and MUST NOT be changed.
func (b *Backend) Lookup(name string) (*Definition, State) {
	l := b.load()
	t, ok := l.byName[name]
	switch {
	case !ok && l.complete:
		return nil, Absent
	case !ok:
		return nil, Unlisted
	case t.Quarantine != "":
		return &t.Definition, Quarantined
	case t.generation != l.generation:
		return &t.Definition, Stale
	default:
		return &t.Definition, Listed
	}
}

// Complete reports whether the whole list was seen since the last change that
// the backend announced.
func (b *Backend) Complete() bool { return b.load().complete }

// Age returns how long ago the last complete listing began, and false where
// there was none.
func (b *Backend) Age(now time.Time) (time.Duration, bool) {
	l := b.load()
	if l.at.IsZero() {
		return 0, false
	}
	return now.Sub(l.at), true
}

// Names returns the names of all tools seen, quarantined ones included, in
// the order listed and each once.
func (b *Backend) Names() []string {
	l := b.load()
	names := make([]string, 0, len(l.tools))
	seen := make(map[string]bool, len(l.tools))
	for i := range l.tools {
		if name := l.tools[i].Name; !seen[name] {
			seen[name] = true
			names = append(names, name)
		}
	}
	return names
}
