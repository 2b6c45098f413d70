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
	lazy book.Lazy
}

// New returns a desk. Nothing is opened before a call is held.
func New(o Options) *Desk {
	return &Desk{lazy: book.Lazy{Open: func() (*book.Book, error) { return open(o) }}}
}

// Consult is for the gate: it says how a held call stands, and uses up an answer
// to it.
func (d *Desk) Consult(ctx context.Context, r *approval.Request) (access.Approval, error) {
	b, err := d.lazy.Book()
	if err != nil {
		return access.Approval{}, err
	}
	return b.Consult(ctx, r)
}

// open opens the book of the state directory.
func open(o Options) (*book.Book, error) {
	path := o.State
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
	return book.Open(book.Options{Path: file, Key: dir.HMAC(book.KeyPurpose, nil), MaxOpen: o.Open})
}

// Close closes the desk. Calls that are held afterwards are denied.
func (d *Desk) Close() error { return d.lazy.Close() }
