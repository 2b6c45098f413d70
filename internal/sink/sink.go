package sink

import (
	"context"
	"fmt"
	"strings"

	"github.com/custos-zt/custos/audit"
)

// Event is one record on its way to a sink.
type Event struct {
	Record audit.Record
	// UID is unique among all instances: what a receiver removes duplicates by.
	UID string
	// Hash is the lower-case hexadecimal SHA-256 of the record as stored.
	Hash string
	// Admission is the admission that an outcome belongs to, where the sink asks
	// for it ([Spec].Pair) and it is still there.
	Admission *audit.Record
}

// Instance returns the id of the state directory that the record comes from.
func (ev *Event) Instance() string {
	instance, _, _ := strings.Cut(ev.UID, ":")
	return instance
}

// Sink is one receiver of events. It is used by one goroutine at a time.
type Sink interface {
	// Deliver hands over a batch and returns once the receiver has it. The events
	// of a slot are in the order of the log. An error means that the batch is
	// delivered again, later and whole, unless it is a [DropError]. Deliver MUST
	// return soon after ctx is done.
	Deliver(ctx context.Context, batch []Event) error
	// Close releases what the sink holds. It delivers nothing.
	Close() error
}

// DropError says that a receiver will never take a part of a batch, and that
// the sink goes on without it. What is dropped stays in the log.
type DropError struct {
	Events uint64
	Err    error
}

// Error says how many events were dropped, and why.
func (e *DropError) Error() string { return fmt.Sprintf("%d records dropped: %v", e.Events, e.Err) }

// Unwrap returns why.
func (e *DropError) Unwrap() error { return e.Err }

// Cursors keep how far each sink came, beyond the life of a process.
type Cursors interface {
	// Cursor returns what was kept under a name; the error wraps fs.ErrNotExist
	// where nothing was.
	Cursor(name string) ([]byte, error)
	// KeepCursor replaces it: a reader, and a crash, see the old or the new one.
	KeepCursor(name string, data []byte) error
}
