package cli

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"strings"
	"time"

	"github.com/custos-zt/custos/internal/admin"
	"github.com/custos-zt/custos/internal/ask"
	"github.com/custos-zt/custos/internal/control"
	"github.com/custos-zt/custos/internal/state"
)

// answering is what a command does with held calls: through a process that
// guards, or itself.
type answering interface {
	Approvals(ctx context.Context, all bool) ([]*ask.View, error)
	Approval(ctx context.Context, id string) (*ask.View, error)
	Answer(ctx context.Context, id string, a admin.Answer) (*ask.View, error)
}

// atMost is how long a process may take to say that it is there.
const atMost = 2 * time.Second

// operator returns the first process of the state directory that answers on its
// socket, and otherwise the same operations here. leave gives back what it
// holds.
func (a *app) operator(ctx context.Context) (o answering, leave func(), err error) {
	if c := a.guardThatAnswers(ctx); c != nil {
		return c, c.Close, nil
	}
	c, err := a.counter()
	if err != nil {
		return nil, nil, err
	}
	return c.op, func() { _ = c.Close() }, nil // every answer was recorded
}

// guardThatAnswers finds a running process to talk to; nil: there is none. What
// keeps it from being found keeps nobody from answering.
func (a *app) guardThatAnswers(ctx context.Context) *control.Client {
	conf, err := a.config()
	if err != nil {
		return nil // the same error comes again
	}
	path, err := a.statePath(conf)
	if err != nil {
		return nil
	}
	dir, err := state.OpenExisting(path)
	if err != nil {
		return nil
	}
	running, err := dir.Running()
	if err != nil {
		return nil
	}
	for _, d := range running {
		if !d.Socket || strings.HasPrefix(d.Degraded, "evidence") { // it could record no answer
			continue
		}
		c := control.NewClient(func(ctx context.Context) (net.Conn, error) { return dir.Dial(ctx, d.Slot) })
		soon, stop := context.WithTimeout(ctx, atMost)
		_, err := c.Status(soon)
		stop()
		if err == nil {
			return c
		}
		c.Close()
	}
	return nil
}

// answersHere lets other processes of the user answer through this one until
// stop is called. A client is waiting for its server, and not for that.
func (g *guard) answersHere() (stop func()) {
	open := make(chan func(), 1)
	go func() { open <- g.openSocket() }()
	return func() { (<-open)() }
}

// openSocket serves the slot's socket. A guard without one guards as well: the
// same can be done in the state directory.
func (g *guard) openSocket() (stop func()) {
	l, err := g.engine.Evidence().Slot.Listen()
	if err != nil {
		g.app.say("custos approvals cannot reach this process: %v", err)
		return func() {}
	}
	s := control.ServeSocket(l, control.Options{Operations: operations(g.evidence, g.desk, nil), Person: operator})
	return func() { _ = s.Close() } // it ends whatever is served
}

// gone reports whether err says that the process at the other end ended, and
// not that it refused.
func gone(err error) bool {
	var op *net.OpError
	return err != nil && refusedAs(err) == "" && (errors.As(err, &op) || errors.Is(err, fs.ErrNotExist))
}
