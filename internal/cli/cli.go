// Package cli is the command line of Custos, one file per command.
//
// Human output goes to a terminal, plain text otherwise; --json gives one
// document, or one line per event where the command streams. Errors read
//
//	custos: error: what is wrong
//	custos: hint: what to do about it
//
// and the exit codes are those of [Exit]. Under `run`, standard output is the
// protocol: nothing here writes a byte to it.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/custos-zt/custos/internal/canary"
	"github.com/custos-zt/custos/internal/config"
	"github.com/custos-zt/custos/internal/spell"
	"github.com/custos-zt/custos/internal/term"
)

// Streams are the standard streams of one invocation.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
}

// app is one invocation: its streams, its global flags and its environment.
type app struct {
	Streams
	getenv func(string) string

	configFile string
	stateDir   string
	json       bool
	quiet      bool
	verbose    bool
	noColor    bool

	// onHangup is what SIGHUP does; nil ends the invocation.
	onHangup *atomic.Pointer[func()]
	// hide finds the secrets that this invocation must not print; nil: none.
	hide *canary.Matcher
}

// Main runs one invocation and returns its exit status.
func Main(args []string, s Streams, getenv func(string) string) int {
	a := &app{Streams: s, getenv: getenv, onHangup: &atomic.Pointer[func()]{}}
	root := a.root()
	root.SetArgs(args)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ctx, stopHangups := a.hangups(ctx)
	defer stopHangups()
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return 0
	}
	return a.report(cmd, err)
}

// hangups returns a context that a SIGHUP ends, unless a command found another
// meaning for it: a guard reads its policy files again.
func (a *app) hangups(parent context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancel(parent)
	came := make(chan os.Signal, 1)
	signal.Notify(came, syscall.SIGHUP)
	go func() {
		for {
			select {
			case <-ctx.Done():
				return
			case <-came:
			}
			if act := a.onHangup.Load(); act != nil {
				(*act)()
				continue
			}
			cancel()
		}
	}()
	return ctx, func() {
		signal.Stop(came)
		cancel()
	}
}

// root builds the tree of commands.
func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "custos",
		Short: "Zero trust for the tool calls of AI agents",
		Long: `Custos stands between an AI agent and its tools, decides every call against
policy, and keeps evidence that anyone can check.

  custos demo                          the whole story in one minute, offline
  custos run -- CMD [ARG…]             guard one MCP server over stdio
  custos why                           why the last refusal was refused`,
		SilenceErrors: true, SilenceUsage: true,
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: false},
	}
	root.SetIn(a.In)
	root.SetOut(a.Out)
	root.SetErr(a.Err)
	f := root.PersistentFlags()
	f.StringVar(&a.configFile, "config", "", "configuration `file`")
	f.StringVar(&a.stateDir, "state", "", "state `directory`: log, keys, policies")
	f.BoolVar(&a.json, "json", false, "print JSON")
	f.BoolVarP(&a.quiet, "quiet", "q", false, "print errors only")
	f.BoolVarP(&a.verbose, "verbose", "v", false, "print more")
	f.BoolVar(&a.noColor, "no-color", false, "never print colour")
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return usage(err.Error(), seeHelp(cmd)) })
	root.AddCommand(
		a.demoCommand(), a.demoServerCommand(), a.runCommand(), a.policyCommand(), a.auditCommand(),
		a.approvalsCommand(), a.leasesCommand(), a.breakGlassCommand(), a.whyCommand(), a.tailCommand(), a.statusCommand(), a.versionCommand(),
	)
	return root
}

// report prints an error and returns the exit status that goes with it.
func (a *app) report(cmd *cobra.Command, err error) int {
	var e *Error
	if !errors.As(err, &e) {
		e = misused(cmd, err)
	}
	if e.Text != "" {
		p := term.For(a.Err, a.getenv, a.noColor)
		fmt.Fprintf(a.Err, "custos: %s %s\n", p.Paint(term.Red, "error:"), term.Escape(a.masked(e.Text)))
	}
	if e.Hint != "" {
		for _, line := range strings.Split(e.Hint, "\n") {
			fmt.Fprintf(a.Err, "custos: hint: %s\n", term.Escape(a.masked(line)))
		}
	}
	return int(e.Code)
}

// misused is what the command line library says of a command line. Its own
// suggestions span several lines; the nearest command stands in the hint.
func misused(cmd *cobra.Command, err error) *Error {
	text, _, _ := strings.Cut(err.Error(), "\n")
	e := &Error{Code: ExitUsage, Text: text, Hint: seeHelp(cmd)}
	rest, unknown := strings.CutPrefix(text, "unknown command ")
	quoted, err := strconv.QuotedPrefix(rest)
	if !unknown || err != nil {
		return e
	}
	name, _ := strconv.Unquote(quoted) // it is quoted
	var known []string
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() {
			known = append(known, c.Name())
		}
	}
	if near, ok := spell.Nearest(name, known); ok {
		e.Hint = cmd.CommandPath() + " " + near
	}
	return e
}

func seeHelp(cmd *cobra.Command) string { return "see: " + cmd.CommandPath() + " --help" }

// say prints a line for people on stderr, unless --quiet.
func (a *app) say(format string, args ...any) {
	if !a.quiet {
		fmt.Fprint(a.Err, a.masked(fmt.Sprintf("custos: "+format+"\n", args...)))
	}
}

// paint returns the printer for standard output.
func (a *app) paint() term.Printer { return term.For(a.Out, a.getenv, a.noColor) }

// config loads the configuration.
func (a *app) config() (config.Config, error) {
	c, problems := config.Load(config.DefaultWhere(a.configFile, a.getenv))
	if len(problems) == 0 {
		return c, nil
	}
	lines := make([]string, len(problems))
	for i, p := range problems {
		lines[i] = p.String()
	}
	for _, l := range lines[:len(lines)-1] {
		fmt.Fprintf(a.Err, "custos: error: %s\n", term.Escape(l))
	}
	return c, &Error{Code: ExitConfig, Text: lines[len(lines)-1]}
}
