// Package desk has people answer the calls that the policy of a Go program
// holds. It keeps requests and answers in the state directory, in an SQLite file
// that `custos run` uses too, which is why it is a package of its own: programs
// that ask nobody do not link a database.
//
//	d := desk.New(desk.Options{})
//	defer d.Close()
//	gate, err := custos.New(custos.Options{Backend: "crm", PolicyFiles: files, Approvals: d})
//	…
//	err = gate.Enforce(ctx, call, create)
//	var denied *custos.DeniedError
//	if errors.As(err, &denied) && denied.Pending() != "" {
//		// Nobody waits: tell the user, and repeat the same call once somebody
//		// ran `custos approvals allow ID`, within the time that the text names.
//	}
//
// An answer counts for one call: the same tool, arguments, caller, directory and
// policy. `custos approvals` and the approval page show what is asked and take the
// answers; messages to other channels are sent by `custos run` alone.
package desk

import (
	"context"
	"errors"
	"sync"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/internal/approval"
	"github.com/custos-zt/custos/internal/approval/book"
	"github.com/custos-zt/custos/internal/state"
)

// Options say where a desk stands.
type Options struct {
	// State is the state directory; "" is the default place. It MUST be that of
	// the gate.
	State string
	// Open is how many calls of one caller may wait at once; 0 is five.
	Open int
}

// Desk keeps the calls of one program that wait for people. It is safe for
// concurrent use.
type Desk struct {
	opt Options

	mu     sync.Mutex
	book   *book.Book
	closed bool
}

// New returns a desk. Nothing is opened before a call is held.
func New(o Options) *Desk { return &Desk{opt: o} }

// errClosed says that the program is about to end.
var errClosed = errors.New("the desk is closed")

// Consult is for the gate: it says how a held call stands, and uses up an answer
// to it.
func (d *Desk) Consult(ctx context.Context, r *approval.Request) (access.Approval, error) {
	b, err := d.open()
	if err != nil {
		return access.Approval{}, err
	}
	return b.Consult(ctx, r)
}

func (d *Desk) open() (*book.Book, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return nil, errClosed
	}
	if d.book != nil {
		return d.book, nil
	}
	path := d.opt.State
	if path == "" {
		var err error
		if path, err = state.DefaultPath(); err != nil {
			return nil, err
		}
	}
	dir, err := state.OpenExisting(path)
	if err != nil {
		return nil, err
	}
	file, err := dir.Database()
	if err != nil {
		return nil, err
	}
	d.book, err = book.Open(book.Options{Path: file, Key: dir.HMAC(book.KeyPurpose, nil), MaxOpen: d.opt.Open})
	return d.book, err
}

// Close closes the desk. Calls that are held afterwards are denied.
func (d *Desk) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.closed = true
	if d.book == nil {
		return nil
	}
	b := d.book
	d.book = nil
	return b.Close()
}
