package gateway

import (
	"context"
	"slices"
)

// Channel puts one held call to a person, who answers through a [Desk].
type Channel interface {
	// Name is what the configuration calls it.
	Name() string
	// Ask returns once the person answered, or ctx is done. It returns false at
	// once where nobody can be asked this way now.
	Ask(ctx context.Context, id string) (answered bool)
}

// Informer tells people that a call waits, by a channel that brings no answer
// back.
type Informer interface {
	// Name is what the configuration calls it.
	Name() string
	// Inform MUST return at once. Whether it tells anybody decides nothing.
	Inform(id string)
}

// passive is the channel that asks nobody: people look for what waits.
const passive = "cli"

// askAround asks by one channel after the other, until one brings an answer.
// Channels that only tell come in their turn, also where the form before them
// stayed without an answer until the call waited no more: its request is open
// still.
func (h *heldCall) askAround() {
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	h.quiet = func() { stop(); <-done }
	back, id := h.asksBack(), h.asked
	go func() {
		defer close(done)
		for _, name := range h.s.opt.Channels {
			if i := h.s.informer(name); i != nil {
				i.Inform(id)
				continue
			}
			switch {
			case back && name == channel: // the call is answered with a question
				return
			case back, ctx.Err() != nil:
			case name == channel && !h.elicited:
				if h.elicit(ctx, id) {
					return
				}
			default:
				if c := h.s.channel(name); c != nil && c.Ask(ctx, id) {
					return
				}
			}
		}
	}()
}

// askable reports whether anybody may answer while the call waits.
func (h *heldCall) askable() bool {
	return h.s.uses(passive) || h.s.uses(channel) && h.s.forms.Load() ||
		slices.ContainsFunc(h.s.opt.Channels, func(name string) bool { return h.s.channel(name) != nil || h.s.informer(name) != nil })
}

// uses reports whether the configuration names a channel.
func (s *Stdio) uses(name string) bool { return slices.Contains(s.opt.Channels, name) }

// channel returns the channel of this name that is not the client's own.
func (s *Stdio) channel(name string) Channel {
	for _, c := range s.opt.Asks {
		if c.Name() == name {
			return c
		}
	}
	return nil
}

// informer returns the channel of this name that only tells people.
func (s *Stdio) informer(name string) Informer {
	for _, i := range s.opt.Informs {
		if i.Name() == name {
			return i
		}
	}
	return nil
}
