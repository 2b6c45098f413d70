package sink

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"

	"github.com/custos-zt/custos/audit"
)

// cursorVersion is the version of a kept cursor.
const cursorVersion = 1

// Cursor is how far one sink came in each slot.
type Cursor struct {
	Version  int           `json:"v"`
	Instance string        `json:"instance"`
	Slots    map[int]Point `json:"slots"`
}

// Point is the last record that was delivered in one slot, and where it lies.
type Point struct {
	Seq     uint64 `json:"seq"`
	Hash    string `json:"hash,omitempty"` // "": not known, nothing to compare
	Segment uint64 `json:"segment,omitempty"`
	Offset  int64  `json:"offset,omitempty"`
}

func (p Point) place() audit.Place { return audit.Place{Segment: p.Segment, Offset: p.Offset} }

// clone returns a cursor that can be moved without moving c.
func (c Cursor) clone() Cursor {
	slots := make(map[int]Point, len(c.Slots))
	for n, p := range c.Slots {
		slots[n] = p
	}
	c.Slots = slots
	return c
}

// LoadCursor returns the cursor of a sink, and found false where there is none
// yet. A cursor of another instance counts as none: the state directory was
// made anew. One that cannot be read is an error: to begin again would flood
// the receiver, and to skip would lose records.
func LoadCursor(from Cursors, name, instance string) (c Cursor, found bool, err error) {
	fresh := Cursor{Version: cursorVersion, Instance: instance, Slots: map[int]Point{}}
	data, err := from.Cursor(name)
	if errors.Is(err, fs.ErrNotExist) {
		return fresh, false, nil
	}
	if err != nil {
		return fresh, false, fmt.Errorf("sink: %w", err)
	}
	if err := json.Unmarshal(data, &c); err != nil {
		return fresh, false, fmt.Errorf("sink: the cursor of %s is broken: %w (remove it to deliver the whole log again)", name, err)
	}
	if c.Version != cursorVersion {
		return fresh, false, fmt.Errorf("sink: the cursor of %s has version %d, this version of Custos knows %d", name, c.Version, cursorVersion)
	}
	if c.Instance != instance || c.Slots == nil {
		return fresh, false, nil
	}
	return c, true, nil
}

// Delivered returns, by the names of the sinks, the last record of a slot that
// each has: what a log must not let expire goes behind it. Of a sink whose cursor
// cannot be read nothing is known, so that it has none; one that begins with what
// comes, and has not begun, waits for nothing.
func Delivered(from Cursors, sinks []Spec, instance string, slot int) map[string]uint64 {
	out := map[string]uint64{}
	for _, s := range sinks {
		cur, found, err := LoadCursor(from, s.Name, instance)
		switch {
		case err != nil:
			out[s.Name] = 0
		case found || !s.FromEnd:
			out[s.Name] = cur.Slots[slot].Seq
		}
	}
	return out
}

// keep writes the cursor down.
func (c Cursor) keep(to Cursors, name string) error {
	data, err := json.Marshal(c)
	if err == nil {
		err = to.KeepCursor(name, append(data, '\n'))
	}
	if err != nil {
		return fmt.Errorf("sink: the cursor of %s cannot be kept: %w", name, err)
	}
	return nil
}
