package cli

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/custos-zt/custos/internal/config"
	"github.com/custos-zt/custos/internal/sink"
	"github.com/custos-zt/custos/internal/state"
	"github.com/custos-zt/custos/internal/term"
)

// takeOver is how often a process looks whether the one that ships is gone.
const takeOver = 5 * time.Second

func (a *app) auditShipCommand() *cobra.Command {
	var once bool
	cmd := &cobra.Command{
		Use:   "ship [--once]",
		Short: "Deliver records to the configured sinks",
		Long: `Deliver what is recorded to every sink of the configuration, until it is
stopped. A running guard does the same while it runs: one process of a state
directory ships, and another takes over when it ends. This command is for what
should not wait for the next guard: a service beside guards that come and go, or
a timer (--once).`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.auditShip(cmd.Context(), once) },
	}
	cmd.Flags().BoolVar(&once, "once", false, "deliver what is there now and end")
	return cmd
}

func (a *app) auditShip(ctx context.Context, once bool) error {
	conf, err := a.config()
	if err != nil {
		return err
	}
	if !ships(conf) {
		return &Error{Code: ExitConfig, Text: "no sink is configured", Hint: "sinks: {jsonl: {dir: /var/log/custos, format: ocsf}}"}
	}
	dir, err := a.openState(conf)
	if err != nil {
		return err
	}
	unlock, err := dir.LockSinks()
	for waited := false; errors.Is(err, state.ErrShipping) && !once; unlock, err = dir.LockSinks() {
		if !waited {
			a.say("another process ships already; waiting until it ends")
			waited = true
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(takeOver):
		}
	}
	if err != nil {
		return failure(err, "leave out --once to wait until it ends")
	}
	defer unlock()
	if err := sink.Ship(ctx, a.shipping(conf, dir, once)); err != nil {
		return &Error{Code: ExitFailure, Text: strings.ReplaceAll(err.Error(), "\n", "; "), Hint: "what was not delivered waits in the log: custos audit sinks", Err: err}
	}
	return nil
}

// openState opens the state directory, which has to be there.
func (a *app) openState(conf config.Config) (*state.Dir, error) {
	path, err := a.statePath(conf)
	if err != nil {
		return nil, err
	}
	dir, err := state.OpenExisting(path)
	if err != nil {
		return nil, failure(err, "name the directory: --state DIR")
	}
	return dir, nil
}

// receivers are the sinks, and the channels that rules name under notify.
func receivers(conf config.Config, env sink.Env) []sink.Spec {
	return append(sink.Configured(conf.Sinks, env), sink.Notices(&conf.Approvals, env)...)
}

// ships reports whether anything is delivered from the log.
func ships(conf config.Config) bool {
	return conf.Sinks.Any() || conf.Approvals.Webhook != nil || conf.Approvals.Slack != nil
}

// shipping says what is delivered where.
func (a *app) shipping(conf config.Config, dir *state.Dir, once bool) sink.Options {
	host, err := os.Hostname()
	if err != nil {
		host = "" // a message without a host is better than none
	}
	board := sink.NewBoard()
	return sink.Options{
		LogDir: dir.LogDir(), Instance: dir.Instance(), Cursors: dir, Board: board, Once: once,
		Sinks: receivers(conf, sink.Env{
			Instance: dir.Instance(), Version: version().Version, Hostname: host, Getenv: a.getenv, Board: board,
		}),
		Notice: func(text string) { a.say("%s", term.Escape(text)) },
	}
}

// delivered says which record of a slot each configured sink has: what it lacks
// does not expire. nil: there is no sink.
func delivered(conf config.Config) func(*state.Dir, int) map[string]uint64 {
	if !conf.Sinks.Any() {
		return nil
	}
	return func(dir *state.Dir, slot int) map[string]uint64 {
		return sink.Delivered(dir, sink.Configured(conf.Sinks, sink.Env{}), dir.Instance(), slot)
	}
}

// ship delivers records beside the guard, where a sink is configured, until the
// returned function is called. Nothing on the way of a call waits for it.
func (g *guard) ship() (stop func()) {
	if !ships(g.conf) {
		return func() {}
	}
	ctx, cancel := context.WithCancel(context.Background())
	var done sync.WaitGroup
	done.Go(func() { g.shipWhileNobodyElse(ctx) })
	return func() {
		cancel()
		done.Wait()
	}
}

// shipWhileNobodyElse ships once no other process of the state directory does.
func (g *guard) shipWhileNobodyElse(ctx context.Context) {
	told := false
	for {
		unlock, err := g.evidence.LockSinks()
		if err == nil {
			defer unlock()
			opt := g.app.shipping(g.conf, g.evidence, false)
			opt.Board.Watch(g.witnesses)
			_ = sink.Ship(ctx, opt) // what fails is told and tried again
			return
		}
		if !errors.Is(err, state.ErrShipping) && !told {
			told = true
			g.app.say("records are not shipped: %s", term.Escape(err.Error()))
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(takeOver):
		}
	}
}

// childEnv is the environment of the guarded server: ours without the secrets
// of the sinks. nil is ours as it is.
func childEnv(conf config.Config, environ []string) []string {
	var secret []string
	for _, r := range conf.Secrets() {
		if r.Scheme == "env" {
			secret = append(secret, r.Name)
		}
	}
	if len(secret) == 0 {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(environ), func(pair string) bool {
		name, _, _ := strings.Cut(pair, "=")
		return slices.Contains(secret, name)
	})
}
