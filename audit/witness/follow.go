package witness

import (
	"context"
	"sync"
	"time"

	"github.com/custos-zt/custos/audit"
)

const (
	// pause is the least time between two questions to one witness: the rhythm
	// of checkpoints.
	pause = time.Second
	// longest is the most that a failing witness is left alone.
	longest = time.Minute
)

// Status is how it stands with one witness.
type Status struct {
	Witness string
	// Size and At are the last head that it cosigned; 0: none yet.
	Size uint64
	At   time.Time
	// Failures counts the questions since then that it did not answer with a
	// cosignature, and Err is the last reason.
	Failures int
	Err      error
	// Failed counts such questions from the beginning.
	Failed uint64
	// Behind is how many records of the newest signed head it has not cosigned.
	Behind uint64
}

// Follower has the heads of one chain cosigned as they come. It is safe for
// concurrent use.
type Follower struct {
	chain  audit.Chain
	asked  []*asked
	cancel context.CancelFunc
	done   sync.WaitGroup
	keep   sync.Mutex // one writes beside the chain at a time
	kept   audit.Checkpoint
	note   []byte // what lies there
}

// asked is one witness and what is known of it.
type asked struct {
	*Client
	poke   chan struct{} // there is something new; holds one token
	ending chan struct{} // closed at the end: ask once more

	mu     sync.Mutex
	status Status
}

// Follow begins to follow a chain. The caller MUST hold its slot.
func Follow(chain audit.Chain, clients []*Client) *Follower {
	ctx, cancel := context.WithCancel(context.Background())
	f := &Follower{chain: chain, cancel: cancel}
	note, kept, err := chain.Witnessed()
	if err == nil {
		f.note, f.kept = note, kept
	}
	for _, c := range clients {
		a := &asked{Client: c, poke: make(chan struct{}, 1), ending: make(chan struct{}), status: Status{Witness: c.Key.Name()}}
		if at, ok := c.Key.At(f.note); ok {
			a.status.Size, a.status.At = f.kept.Size, at
		}
		f.asked = append(f.asked, a)
		f.done.Go(func() { f.run(ctx, a) })
	}
	f.Poke() // of what an earlier process left
	return f
}

// Poke says that there is a new head. It never waits.
func (f *Follower) Poke() {
	for _, a := range f.asked {
		select {
		case a.poke <- struct{}{}:
		default:
		}
	}
}

// Status returns how it stands with each witness.
func (f *Follower) Status() []Status {
	_, head, err := f.chain.Head()
	if err != nil {
		head.Size = 0 // the log itself says what is wrong with it
	}
	list := make([]Status, 0, len(f.asked))
	for _, a := range f.asked {
		a.mu.Lock()
		s := a.status
		a.mu.Unlock()
		s.Behind = head.Size - min(head.Size, s.Size)
		list = append(list, s)
	}
	return list
}

// Close asks for the last head once more, for at most the time given.
func (f *Follower) Close(wait time.Duration) {
	for _, a := range f.asked {
		close(a.ending)
	}
	t := time.AfterFunc(wait, f.cancel)
	f.done.Wait()
	t.Stop()
	f.cancel()
}

// run asks one witness until the end.
func (f *Follower) run(ctx context.Context, a *asked) {
	for {
		select {
		case <-a.poke:
		case <-a.ending:
			f.ask(ctx, a)
			return
		}
		rest := f.ask(ctx, a)
		t := time.NewTimer(rest)
		select {
		case <-t.C:
		case <-a.ending:
			t.Stop()
			f.ask(ctx, a)
			return
		}
	}
}

// ask asks one witness once, and returns how long to leave it alone.
func (f *Follower) ask(ctx context.Context, a *asked) time.Duration {
	a.mu.Lock()
	seen := a.status.Size
	a.mu.Unlock()
	_, head, err := f.chain.Head()
	if err == nil && head.Size <= seen {
		return pause // nothing new
	}
	got, err := a.Cosign(ctx, f.chain, seen)
	if err == nil {
		err = f.put(got, a.Key)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if err != nil {
		a.status.Err = err
		a.status.Failures++
		a.status.Failed++
		select { // ask again without being told
		case a.poke <- struct{}{}:
		default:
		}
		return min(longest, pause<<min(a.status.Failures-1, 10))
	}
	a.status = Status{Witness: a.Key.Name(), Size: got.Head.Size, At: got.At, Failed: a.status.Failed}
	return pause
}

// put keeps a cosigned head beside the chain. The words of several witnesses
// about one head come together.
func (f *Follower) put(got Cosigned, key audit.WitnessKey) error {
	f.keep.Lock()
	defer f.keep.Unlock()
	switch {
	case got.Head.Size < f.kept.Size:
		return nil
	case got.Head == f.kept && f.note != nil:
		if _, there := key.At(f.note); there {
			return nil
		}
		got.Signed = append(f.note[:len(f.note):len(f.note)], got.Lines...)
	}
	if err := f.chain.KeepWitnessed(got.Signed); err != nil {
		return err
	}
	f.kept, f.note = got.Head, got.Signed
	return nil
}
