package cli

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"github.com/custos-zt/custos/internal/sources"
	"github.com/custos-zt/custos/internal/term"
	"github.com/custos-zt/custos/policy"
)

// pollEvery is how often a guard looks whether its policy files changed.
const pollEvery = time.Second

// settleFor is how long a change must have stood before it is believed: a file
// that is being written is often a policy that lacks its last rules.
const settleFor = 200 * time.Millisecond

// watcher keeps the policy of one guard as its files are. Whatever it cannot
// use leaves the last good policy in force: it can be told apart from what an
// attacker would like only by a person.
type watcher struct {
	guard   *guard
	current *sources.Files // in force: none of them may go
	refused string         // what was last refused, said once
	places  []string       // where they lead to, protected
}

// watchPolicy watches the policy files until the returned function is called,
// which waits for an end. SIGHUP looks at once. Without files there is nothing
// to watch.
func (g *guard) watchPolicy(ctx context.Context) (stop func()) {
	if g.policy.again == nil {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	w := &watcher{guard: g, current: g.policy.read}
	asked := make(chan struct{}, 1)
	ask := func() {
		select {
		case asked <- struct{}{}:
		default: // it will look anyway
		}
	}
	g.app.onHangup.Store(&ask)
	done := make(chan struct{})
	go func() {
		defer close(done)
		ticks := time.NewTicker(pollEvery)
		defer ticks.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticks.C:
			case <-asked:
				w.refused = "" // who asks again is told again
			}
			w.look(ctx)
		}
	}()
	return func() {
		g.app.onHangup.Store(nil)
		cancel()
		<-done
	}
}

// look reads the files and puts a changed policy in force.
func (w *watcher) look(ctx context.Context) {
	now, err := w.read()
	if err != nil {
		w.refuse(err.Error(), err.Error())
		return
	}
	identity := now.Identity()
	if identity == w.current.Identity() {
		if w.refused != "" {
			w.refused = ""
			w.guard.engine.Degraded("")
			w.guard.app.say("the policy files are those in force again")
		}
		return
	}
	if identity == w.refused {
		return
	}
	select {
	case <-ctx.Done():
		return
	case <-time.After(settleFor):
	}
	if again, err := w.read(); err != nil || again.Identity() != identity {
		return // it is still being written: the next look sees the rest
	}
	w.activate(ctx, now, identity)
}

// activate compiles a changed policy, runs its own tests and puts it in force.
func (w *watcher) activate(ctx context.Context, now *sources.Files, identity string) {
	g := w.guard
	snapshot, problems := policy.Compile(now.Sources, now.Under(g.policy.options))
	for _, p := range problems {
		if p.Severity == policy.Error || !g.app.quiet {
			fmt.Fprintln(g.app.Err, term.Escape(p.String()))
		}
	}
	if snapshot == nil {
		first := problems[slices.IndexFunc(problems, func(p policy.Problem) bool { return p.Severity == policy.Error })]
		w.refuse(identity, fmt.Sprintf("%d problems, the first at %s:%d:%d", len(problems), first.File, first.Line, first.Column))
		return
	}
	if _, err := g.app.provePolicy(ctx, g.policy.bench(now, g.registry), snapshot); err != nil {
		w.refuse(identity, err.Error())
		return
	}
	if err := g.policy.reader.Advance(g.evidence, now); err != nil {
		w.refuse(identity, err.Error())
		return
	}
	if err := now.Keep(g.evidence); err != nil {
		w.refuse(identity, err.Error())
		return
	}
	old := w.current
	if now.Digest() != old.Digest() {
		err := g.relay.Swap(func() error { return g.engine.Activate(snapshot, now.Sources) })
		if err != nil {
			w.refuse(identity, err.Error())
			return
		}
		g.app.sayUnapplied(snapshot)
		g.app.sayObligations(snapshot, &g.conf.Approvals)
		g.app.say("the policy was reloaded: %d rules, %s (before: %s)", len(snapshot.Rules()), now.Digest(), old.Digest())
	}
	w.current, w.refused = now, ""
}

// refuse leaves the last good policy in force. It says so once for each state
// of the files.
func (w *watcher) refuse(state, why string) {
	if w.refused == state {
		return
	}
	w.refused = state
	fmt.Fprintf(w.guard.app.Err, "custos: error: the policy changed and cannot be used, the last good one stays in force: %s\n", term.Escape(why))
	w.guard.engine.Anomaly("policy reload refused: " + why)
	w.guard.engine.Degraded("the policy changed and cannot be used: " + why)
}

// read reads the files as they are now. A file in force that is gone is an
// error: the rules in it may be those that deny.
func (w *watcher) read() (*sources.Files, error) {
	names, err := w.guard.policy.again()
	if err != nil {
		return nil, err
	}
	for _, name := range w.current.Names {
		if !slices.Contains(names, name) {
			return nil, fmt.Errorf("%s is gone", name)
		}
	}
	w.protect(names)
	return w.guard.policy.reader.Files(names)
}

// protect keeps calls from what the files lead to now: a link may lead
// elsewhere than at the start.
func (w *watcher) protect(names []string) {
	var added []string
	for _, name := range names {
		place, err := filepath.EvalSymlinks(name)
		if err == nil && !slices.Contains(w.places, place) {
			added = append(added, name, place)
			w.places = append(w.places, place)
		}
	}
	if added != nil {
		w.guard.engine.Protect(added)
	}
}
