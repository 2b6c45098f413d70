package cli

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/custos-zt/custos/audit"
	"github.com/custos-zt/custos/internal/demo"
	"github.com/custos-zt/custos/internal/inventory"
	"github.com/custos-zt/custos/internal/term"
)

// demoServer is the known server whose recorded definitions the built-in
// server lists, so that the starter policy knows what its tools do.
const demoServer = "server-filesystem"

// demoServerName is the hidden command that runs the built-in server.
const demoServerName = "demo-server"

func (a *app) demoServerCommand() *cobra.Command {
	return &cobra.Command{
		Use: demoServerName, Short: "The gullible server of the demo", Hidden: true, Args: cobra.ArbitraryArgs,
		RunE: func(*cobra.Command, []string) error {
			registry, err := inventory.LoadRegistry()
			if err != nil {
				return failure(err, "")
			}
			entry := registry.Entry(demoServer)
			var tools []string
			for _, name := range entry.Tools() {
				tools = append(tools, entry.Newest(name).Raw)
			}
			s := demo.Server{Tools: []byte("[" + strings.Join(tools, ",") + "]")}
			if err := s.Serve(a.In, a.Out); err != nil {
				return failure(err, "")
			}
			return nil
		},
	}
}

func (a *app) demoCommand() *cobra.Command {
	var keep bool
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "The whole story in one minute, offline",
		Long: `Guard a small built-in MCP server over a real directory, run a scripted agent
through its cases, show each decision and why, then change the log and find it.`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return a.demo(keep) },
	}
	cmd.Flags().BoolVar(&keep, "keep", false, "keep the directory of the demo")
	return cmd
}

// show is one run of the demo.
type show struct {
	app   *app
	print term.Printer
	self  string
	stage demo.Stage
	wrong int // steps that did not go as promised
}

func (a *app) demo(keep bool) error {
	self, err := os.Executable()
	if err != nil {
		return failure(err, "")
	}
	dir, err := os.MkdirTemp("", "custos-demo-")
	if err != nil {
		return failure(err, "")
	}
	if !keep {
		defer os.RemoveAll(dir) //nolint:errcheck // a temporary directory
	}
	if dir, err = filepath.EvalSymlinks(dir); err != nil {
		return failure(err, "")
	}
	s := &show{app: a, print: a.paint(), self: self, stage: demo.Stage{Dir: dir}}
	for _, act := range []func() error{s.stage.Build, s.guarded, s.evidence} {
		if err := act(); err != nil {
			return failure(err, "")
		}
	}
	if s.wrong > 0 {
		return failure(fmt.Errorf("%d steps did not go as promised", s.wrong), "")
	}
	s.line("")
	s.line("Next: guard a server of your own:")
	s.line("  custos run -- npx -y @modelcontextprotocol/server-filesystem ~/src/app")
	return nil
}

func (s *show) line(format string, args ...any) { fmt.Fprintf(s.app.Out, format+"\n", args...) }

func (s *show) title(text string) {
	s.line("")
	s.line("%s", s.print.Paint(term.Bold, text))
}

func (s *show) state() string { return filepath.Join(s.stage.Dir, "state") }

// guarded runs the scripted agent against the guarded server.
func (s *show) guarded() error {
	root := s.stage.Project()
	policyFile := filepath.Join(s.stage.Dir, "starter.yaml")
	text := starter{Backend: "files", Roots: []string{root}, Known: demoServer}.text()
	if err := os.WriteFile(policyFile, []byte(text), 0o600); err != nil {
		return err
	}
	// Nobody waits in a story: a held call is answered at once, and repeated.
	config := filepath.Join(s.stage.Dir, "custos.yaml")
	if err := os.WriteFile(config, []byte("approvals: {wait: 0s}\n"), 0o600); err != nil {
		return err
	}
	s.title("1. A server is guarded")
	s.line("  A small file server runs over %s", s.short(root))
	s.line("  It opens whatever it is asked to open. Custos stands in front of it")
	s.line("  with the starter policy: reads in the project pass, changes ask a")
	s.line("  person, secrets never pass.")
	agent, err := demo.Start([]string{
		s.self, "--state", s.state(), "--config", config, "--quiet", "run", "--policy", policyFile, "--name", "files",
		"--", s.self, demoServerName, root,
	}, s.app.Err)
	if err != nil {
		return err
	}
	s.title("2. An agent works, and is misled")
	var failed error
	for _, step := range s.stage.Script() {
		if failed = s.step(agent, step); failed != nil {
			break
		}
	}
	return errors.Join(failed, agent.Close())
}

func (s *show) step(agent *demo.Agent, step demo.Step) error {
	if err := s.person(step.First, ""); err != nil {
		return err
	}
	reply, err := s.do(agent, step)
	if err != nil || len(step.Person.Command) == 0 || reply.PendingID == "" {
		return err
	}
	if err := s.person(step.Person, reply.PendingID); err != nil {
		return err
	}
	step.Says, step.Allowed = "It repeats the same call.", true
	_, err = s.do(agent, step)
	return err
}

// person does something about a held call, the way people do.
func (s *show) person(act demo.Act, id string) error {
	if len(act.Command) == 0 {
		return nil
	}
	args := []string{"--state", s.state(), "--config", filepath.Join(s.stage.Dir, "custos.yaml")}
	shown := "custos"
	for _, arg := range act.Command {
		if arg == "ID" {
			arg = id
		}
		args, shown = append(args, arg), shown+" "+arg
	}
	s.line("")
	s.line("  %s", act.Says)
	s.line("    %s", shown)
	cmd := exec.Command(s.self, args...) //nolint:gosec // our own program
	cmd.Stderr = s.app.Err
	out, err := cmd.Output()
	for line := range strings.Lines(string(out)) {
		s.line("    %s", s.short(strings.TrimSpace(line)))
	}
	return err
}

// do does one step and shows how it went.
func (s *show) do(agent *demo.Agent, step demo.Step) (demo.Reply, error) {
	reply, err := agent.Do(step.Frame)
	if err != nil {
		return reply, err
	}
	allowed := reply.DecisionID == ""
	verdict := s.print.Paint(term.Green, "allowed")
	said := "the server answers: " + firstLine(reply.Text)
	if !allowed {
		verdict, said = s.print.Paint(term.Red, "denied "), reply.Text
	}
	if reply.PendingID != "" {
		verdict = s.print.Paint(term.Yellow, "held   ")
	}
	if allowed != step.Allowed {
		s.wrong++
		verdict += "  (this is not what the story promised)"
	}
	s.line("")
	s.line("  %s", step.Says)
	s.line("    %s", s.short(step.Shown))
	s.line("    %s  %s", verdict, s.short(term.Escape(said)))
	return reply, nil
}

// evidence verifies the log, changes one record in a copy, and finds it.
func (s *show) evidence() error {
	log := filepath.Join(s.state(), "log")
	report, err := audit.Verify(log, audit.VerifyOptions{})
	if err != nil {
		return err
	}
	s.title("3. Every decision left evidence")
	s.line("  custos audit verify:  %s, %d records in a chain of hashes", s.intact(&report), report.Records())
	last, err := audit.Last(log, func(r *audit.Record) bool { return r.Reason == "rule_denied" })
	if err != nil {
		return err
	}
	s.line("  custos why %s:", last.ID())
	inner := *s.app
	inner.Out = indenter{s}
	inner.json = false
	if err := inner.explainRecord(&last); err != nil {
		return err
	}
	s.title("4. Somebody changes the log")
	tampered := filepath.Join(s.stage.Dir, "tampered")
	if err := os.CopyFS(tampered, os.DirFS(log)); err != nil {
		return err
	}
	if err := rewrite(tampered, `"decision":"deny"`, `"decision":"okay"`); err != nil {
		return err
	}
	s.line("  In a copy of the log, one \"deny\" becomes another word.")
	if report, err = audit.Verify(tampered, audit.VerifyOptions{}); err != nil {
		return err
	}
	bad := report.FirstBad()
	if bad == nil {
		s.wrong++
		s.line("  custos audit verify:  found nothing, and should have")
		return nil
	}
	s.line("  custos audit verify:  %s at record %d:%d: %s (exit 10)", s.print.Paint(term.Red, "TAMPERED"), bad.Slot, bad.Seq, bad.What)
	return nil
}

func (s *show) intact(r *audit.Report) string {
	if r.Tampered() {
		s.wrong++
		return s.print.Paint(term.Red, "TAMPERED")
	}
	return s.print.Paint(term.Green, r.Scope)
}

// short leaves the temporary directory out of what is shown.
func (s *show) short(text string) string { return strings.ReplaceAll(text, s.stage.Dir, "~demo") }

// indenter indents what another command prints.
type indenter struct{ show *show }

func (i indenter) Write(b []byte) (int, error) {
	for line := range strings.Lines(string(b)) {
		i.show.line("    %s", i.show.short(strings.TrimSuffix(line, "\n")))
	}
	return len(b), nil
}

func firstLine(text string) string {
	line, _, more := strings.Cut(strings.TrimSpace(text), "\n")
	if more {
		line += " …"
	}
	return line
}
