package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/custos-zt/custos/internal/ask"
	"github.com/custos-zt/custos/internal/canon"
	"github.com/custos-zt/custos/internal/config"
	"github.com/custos-zt/custos/internal/engine"
	"github.com/custos-zt/custos/internal/gateway"
	"github.com/custos-zt/custos/internal/inventory"
	"github.com/custos-zt/custos/internal/pa"
	"github.com/custos-zt/custos/internal/pdp"
	"github.com/custos-zt/custos/internal/redact"
	"github.com/custos-zt/custos/internal/sink"
	"github.com/custos-zt/custos/internal/state"
	"github.com/custos-zt/custos/internal/term"
	"github.com/custos-zt/custos/internal/upstream"
)

// grace is how long a server may take to end once its input is closed.
const grace = 5 * time.Second

// moment is how long a server that closed its output may take to be gone.
const moment = 500 * time.Millisecond

// runFlags are the flags of `custos run`.
type runFlags struct {
	policies []string
	name     string
}

func (a *app) runCommand() *cobra.Command {
	var f runFlags
	cmd := &cobra.Command{
		Use:   "run [--policy FILE…] [--name NAME] -- CMD [ARG…]",
		Short: "Guard one MCP server over stdio",
		Long: `Start an MCP server and stand between it and the client on the standard
streams. Every call is decided against policy and recorded before it is
forwarded. Without a policy the starter policy is used. Policy files are read
again when they change, and on SIGHUP; what cannot be used leaves the last good
policy in force.

  custos run -- npx -y @modelcontextprotocol/server-filesystem ~/src/app`,
		DisableFlagsInUseLine: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usage("no command to guard was given", "custos run -- CMD [ARG…]")
			}
			return a.run(cmd.Context(), f, args)
		},
	}
	cmd.Flags().SetInterspersed(false) // the flags of CMD are its own
	cmd.Flags().StringArrayVar(&f.policies, "policy", nil, "policy `file`, may be repeated")
	cmd.Flags().StringVar(&f.name, "name", "backend", "`name` of the server in policy and log")
	return cmd
}

// sparing is how much a guard's memory may grow before it is collected, in per
// cent of what is in use. One runs for each server: memory is dearer than the
// time of a collection.
const sparing = 75

// guard is everything one `run` needs, assembled.
type guard struct {
	app      *app
	conf     config.Config
	policy   loadedPolicy
	tools    *inventory.Backend
	engine   *engine.Engine
	desk     *ask.Desk
	registry *inventory.Registry
	// fellBack says why the last good policy is in force instead of the files', ""
	// where it is not.
	fellBack string
	// witnesses says how it stands with those who cosign; nil: nobody does.
	witnesses func() []sink.Witness
	// evidence is the state directory, which remembers revisions.
	evidence *state.Dir
	process  *upstream.Process
	relay    *gateway.Stdio
	failed   sync.Once
}

func (a *app) run(ctx context.Context, f runFlags, command []string) error {
	g, err := a.prepare(f, command)
	if err != nil {
		return err
	}
	stopWitnesses, err := g.followWitnesses()
	if err != nil {
		return err
	}
	defer stopWitnesses()
	defer g.ship()()
	code, err := g.serve(ctx, command)
	if closed := errors.Join(g.engine.Close(), g.desk.Close()); closed != nil {
		return &Error{Code: ExitEvidence, Text: "evidence could not be kept: " + closed.Error(), Hint: evidenceHint}
	}
	if err != nil {
		return err
	}
	return status(Exit(code))
}

const evidenceHint = "every call was denied from that moment on; check the disk, then run: custos audit verify"

// prepare loads configuration and policy and opens the log, before the server
// is started: without evidence nothing runs. The log is opened while the
// policy is read; both take their time, and a client is waiting.
func (a *app) prepare(f runFlags, command []string) (*guard, error) {
	if !regexp.MustCompile(`^[a-z0-9-]{1,32}$`).MatchString(f.name) {
		return nil, usage(fmt.Sprintf("%q is no name for a backend", f.name), "a name has 1 to 32 of a-z, 0-9 and -")
	}
	conf, err := a.config()
	if err != nil {
		return nil, err
	}
	dir, hide, err := a.evidencePlace(conf)
	if err != nil {
		return nil, err
	}
	g := &guard{app: a, conf: conf, tools: &inventory.Backend{}}
	opened := g.openEvidence(dir, hide)
	registry, err := inventory.LoadRegistry()
	if err == nil {
		g.registry = registry
		g.policy, err = a.loadForRun(f, conf, registry, command)
	}
	ev := <-opened
	if err != nil && ev.err == nil {
		err = g.lastGood(ev.evidence.Dir, f.name, err)
	}
	switch {
	case err != nil && ev.err == nil:
		return nil, errors.Join(err, ev.evidence.Close())
	case err != nil:
		return nil, err
	case ev.err != nil:
		return nil, noEvidence(ev.err)
	}
	if g.policy.reader != nil {
		if err := g.policy.reader.Advance(ev.evidence.Dir, g.policy.read); err != nil {
			return nil, errors.Join(&Error{Code: ExitPolicy, Text: err.Error(), Err: err}, ev.evidence.Close())
		}
		if err := g.policy.read.Keep(ev.evidence.Dir); err != nil {
			return nil, errors.Join(noEvidence(err), ev.evidence.Close())
		}
	}
	g.evidence = ev.evidence.Dir
	a.sayUnapplied(g.policy.snapshot)
	home, _ := os.UserHomeDir() // unknown: `~` in a call restricts as sent
	g.desk = newDesk(g.evidence, ev.evidence.Log, &hide, conf.Approvals.Open)
	g.engine, err = engine.New(ev.evidence, engine.Options{
		Policy: g.policy.snapshot, Sources: g.policy.sources, Registry: registry,
		Backend: f.name, Command: command, Tools: g.tools,
		Ground:    pa.Ground{Local: true, Home: home, Bases: bases(declaredRoots(command))},
		Protected: g.policy.protected(conf), Subject: engine.LocalSubject(), Version: version().Version, Config: &conf.Text,
		Replay: g.replay(), Approvals: g.desk, Leases: g.desk, Root: workingDirectory(), Wait: g.conf.Approvals.Wait,
	})
	if err != nil {
		return nil, noEvidence(err)
	}
	if g.fellBack != "" {
		g.engine.Degraded(g.fellBack)
	}
	return g, nil
}

// opening is evidence, or why there is none.
type opening struct {
	evidence *engine.Evidence
	err      error
}

func (g *guard) openEvidence(dir string, hide redact.Options) <-chan opening {
	done := make(chan opening, 1)
	go func() {
		ev, err := engine.OpenEvidence(engine.EvidenceOptions{
			StateDir: dir, Keys: stateOptions(g.conf, dir).Keys, SegmentSize: g.conf.Audit.SegmentSize, SegmentAge: g.conf.Audit.SegmentAge,
			Retention: g.conf.Audit.Retention, Secondary: g.conf.Audit.Secondary,
			Delivered: delivered(g.conf), Undelivered: g.conf.Audit.Undelivered,
			Failed: g.evidenceFailed, Redaction: hide,
		})
		done <- opening{ev, err}
	}()
	return done
}

func noEvidence(err error) error {
	return &Error{Code: ExitEvidence, Text: err.Error(), Hint: "the server was not started: nothing runs without a log", Err: err}
}

// sayUnapplied tells what a policy does not do, or not wholly, by its own word or
// by this version's: nobody should believe in a redaction that does not happen.
func (a *app) sayUnapplied(s *pdp.Snapshot) {
	for _, r := range s.Rules() {
		if r.Returns != nil {
			a.say("warning: %s: returns is recorded but not applied yet, results pass as they are", term.Escape(r.Position))
			break
		}
	}
	if s.Observes() {
		a.say("warning: the policy observes: what no rule denies or holds is recorded and passes")
	}
	if s.Counts() {
		a.say("limits and rates count in this process alone, and start anew with the next one")
	}
}

// bases are the directories that a local server may resolve a relative path
// against: where it runs, and what it was given, as written and as resolved.
func bases(roots []string) []string {
	wd, err := os.Getwd()
	if err == nil {
		roots = append([]string{wd}, roots...)
	}
	var out []string
	for _, dir := range roots {
		resolved, err := filepath.EvalSymlinks(dir)
		if err != nil {
			resolved = dir
		}
		for _, form := range []string{dir, resolved} {
			if !slices.Contains(out, form) {
				out = append(out, form)
			}
		}
	}
	return out
}

func (g *guard) evidenceFailed(err error) {
	g.failed.Do(func() {
		fmt.Fprintf(g.app.Err, "custos: error: evidence can no longer be written, every call is denied from now on: %s\n", term.Escape(err.Error()))
	})
}

// serve starts the server and relays until either end is gone. It returns the
// server's exit status.
func (g *guard) serve(ctx context.Context, command []string) (int, error) {
	host := &upstream.Host{}
	if err := host.Adopt(); err != nil {
		g.app.say("cannot adopt the server's children: %v", err)
	}
	p, err := host.Start(upstream.Options{Command: command, Stderr: g.app.Err, Env: childEnv(g.conf, os.Environ())})
	if err != nil {
		return 0, &Error{Code: ExitFailure, Text: err.Error(), Hint: startHint(command), Err: err}
	}
	g.process = p
	// A client that is gone is an error of a write, not the end of Custos: the
	// server has to be stopped and the log to be closed.
	broken := make(chan os.Signal, 1)
	signal.Notify(broken, syscall.SIGPIPE)
	defer signal.Stop(broken)
	informs, stopInforming := g.informs(host)
	defer stopInforming()
	s := gateway.New(gateway.Options{
		ClientIn: g.app.In, ClientOut: g.app.Out,
		Backend: gateway.Backend{In: p.Stdin, Out: p.Stdout, Room: p.Room},
		Point:   g.engine.Point, Tools: g.tools,
		Limits:       canon.Limits{Bytes: g.conf.Limits.Frame, Depth: g.conf.Limits.Depth, FoldDepth: -1},
		InFlight:     g.conf.Limits.InFlight,
		ErrorDenials: g.conf.Denials == config.DenyAsError,
		Desk:         g.desk,
		Channels:     g.conf.Approvals.Channels,
		Asks:         g.asks(),
		Informs:      informs,
		Failed:       g.engine.Failed(),
		Anomaly:      g.engine.Anomaly,
		Notice:       func(text string) { g.app.say("%s", term.Escape(text)) },
	})
	go func() {
		// Whoever of the server's kin holds its output would keep the relay
		// from seeing the end.
		<-p.Done()
		p.Stop(0)
	}()
	g.relay = s
	stopWatching := g.watchPolicy(ctx)
	defer stopWatching()
	defer g.answersHere()()
	debug.SetGCPercent(sparing)
	ending := s.Run(ctx)
	err = g.end(ending, s)
	return p.Status(), err
}

// end stops the server, relays its last words, and says what a person should
// know of its end.
func (g *guard) end(ending gateway.Ending, s *gateway.Stdio) error {
	wait := grace
	switch {
	case ending == gateway.ServerBroke:
		wait = 0
	case ending == gateway.ServerLeft && !g.process.Ended(moment):
		g.app.say("the server closed its output, which ends the session; it is being stopped")
	}
	forced := g.process.Stop(wait)
	s.Drain()
	g.process.Close()
	if g.app.verbose {
		allowed, denied := g.engine.Point.Counts()
		g.app.say("%d messages allowed, %d denied; see: custos tail --all", allowed, denied)
	}
	code := g.process.Status()
	switch {
	case forced && wait > 0:
		g.app.say("the server did not end within %v of being asked to, and was stopped by force (status %d)", wait, code)
	case ending == gateway.ServerLeft && code != 0:
		return &Error{Code: Exit(code), Text: fmt.Sprintf("the server ended with status %d while the client was still there", code)}
	case ending == gateway.ServerLeft:
		g.app.say("the server ended with status 0 while the client was still there")
	}
	return nil
}

// startHint helps where the command cannot be started.
func startHint(command []string) string {
	if filepath.Base(command[0]) == command[0] {
		return "is " + command[0] + " installed and on the PATH?"
	}
	return "check the path and that the file is executable"
}
