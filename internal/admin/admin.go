// Package admin is what an operator can do, once: look at held calls and answer
// them, count how often rules ask, see who runs, follow the log, look one
// decision up.
//
// The command line and package control both call it, so that the two cannot
// drift apart. [Operations] belong to a process and a state directory; an
// [Operator] is one caller's access to them. What a caller may do is a
// [Capability], which is checked here and not at the door alone: a viewer reads,
// an approver answers too, and the zero Capability may nothing.
//
// A [Refusal] says why something was not done, with a code that stays the same
// from version to version; any other error is a malfunction.
package admin

import (
	"context"
	"errors"
	"sync"

	"github.com/custos-zt/custos/audit"
	"github.com/custos-zt/custos/internal/approval"
	"github.com/custos-zt/custos/internal/approval/book"
	"github.com/custos-zt/custos/internal/ask"
	"github.com/custos-zt/custos/internal/state"
)

// Capability is what a caller may do.
type Capability uint8

// The capabilities; each includes those before it.
const (
	Nothing  Capability = iota
	Viewer              // looks
	Approver            // answers
)

// String returns the word for a capability.
func (c Capability) String() string { return [...]string{"nothing", "viewer", "approver"}[c] }

// Caller is who uses the operations.
type Caller struct {
	Capability Capability
	// Person answers, by Channel, which the log names: cli, page.
	Person  approval.Person
	Channel string
}

// Options say what operations work on.
type Options struct {
	// Desk takes answers.
	Desk *ask.Desk
	// HasBook reports whether a call was ever held: nothing is made to find out.
	HasBook func() bool
	// Ready is called before each answer, which does not count where it returns
	// an error; nil: the log is open.
	Ready func() error
	// LogDir holds the log, and Running says who writes it.
	LogDir  string
	Running func() ([]state.Description, error)
	// Isolation is what the process can promise.
	Isolation string
}

// Operations are what can be done in one state directory. They are safe for
// concurrent use.
type Operations struct {
	opt Options
	// long is held by what reads the whole log: one caller at a time does.
	long sync.Mutex
}

// New returns operations.
func New(o Options) *Operations { return &Operations{opt: o} }

// For returns one caller's access.
func (o *Operations) For(c Caller) *Operator { return &Operator{o, c} }

// Operator is one caller's access to the operations. It is safe for concurrent
// use.
type Operator struct {
	*Operations
	caller Caller
}

// may refuses a caller without a capability.
func (o *Operator) may(c Capability) error {
	if o.caller.Capability >= c {
		return nil
	}
	return refuse(NotAllowed, "this takes the capability of an "+c.String()+", and the caller has that of a "+o.caller.Capability.String())
}

// book opens the book; nil where no call was ever held.
func (o *Operations) book() (*book.Book, error) {
	if !o.opt.HasBook() {
		return nil, nil
	}
	return o.opt.Desk.Book()
}

// Status is the health of a state directory in short.
type Status struct {
	Isolation string              `json:"isolation"`
	Running   []state.Description `json:"running"`
	// Waiting are the ids of the requests that wait for an answer.
	Waiting []string `json:"waiting"`
}

// Status says who runs and what waits.
func (o *Operator) Status(ctx context.Context) (*Status, error) {
	if err := o.may(Viewer); err != nil {
		return nil, err
	}
	running, err := o.opt.Running()
	if err != nil {
		return nil, err
	}
	s := &Status{Isolation: o.opt.Isolation, Running: running, Waiting: []string{}}
	b, err := o.book()
	if b == nil || err != nil {
		return s, err
	}
	items, err := b.Open(ctx)
	for i := range items {
		s.Waiting = append(s.Waiting, items[i].ID())
	}
	return s, err
}

// Decision returns one record of the log by its id.
func (o *Operator) Decision(_ context.Context, id string) (audit.Record, error) {
	if err := o.may(Viewer); err != nil {
		return audit.Record{}, err
	}
	if _, _, err := audit.ParseID(id); err != nil {
		return audit.Record{}, refuse(Invalid, err.Error())
	}
	r, err := audit.Find(o.opt.LogDir, id)
	if errors.Is(err, audit.ErrNotFound) {
		return r, refuse(NotFound, "there is no record "+id)
	}
	return r, err
}
