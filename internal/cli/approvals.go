package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"strconv"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/audit"
	"github.com/custos-zt/custos/internal/admin"
	"github.com/custos-zt/custos/internal/approval"
	"github.com/custos-zt/custos/internal/approval/book"
	"github.com/custos-zt/custos/internal/ask"
	"github.com/custos-zt/custos/internal/engine"
	"github.com/custos-zt/custos/internal/gateway"
	"github.com/custos-zt/custos/internal/redact"
	"github.com/custos-zt/custos/internal/state"
	"github.com/custos-zt/custos/internal/term"
)

func (a *app) approvalsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "approvals", Short: "Answer the calls that wait for a person", Args: cobra.NoArgs,
		Long: `A rule that approves holds a call until a person answers. An answer counts for
exactly that call, once, and for as long as the rule says.

  custos approvals                     what waits, of every guard
  custos approvals allow a_91          let this one call pass
  custos approvals watch               be asked as calls are held
  custos approvals page                be asked in a browser on this machine`,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.listApprovals(cmd.Context(), false) },
	}
	cmd.AddCommand(a.approvalsListCommand(), a.approvalsWatchCommand(), a.approvalsAllowCommand(), a.approvalsDenyCommand(),
		a.approvalsPageCommand(), a.approvalsEnrolCommand(), a.approvalsStatsCommand())
	return cmd
}

// counter is where a command answers: the desk of a state directory, with a
// log that is opened for the first answer.
type counter struct {
	*ask.Desk
	op   *admin.Operator
	book *book.Book
	log  *lazyLog
}

func (c *counter) Close() error { return errors.Join(c.Desk.Close(), c.log.Close()) }

// lazyLog takes a slot of the log once there is something to record. It is safe
// for concurrent use.
type lazyLog struct {
	dir  string
	hide redact.Options

	mu       sync.Mutex
	evidence *engine.Evidence
}

// open opens the log: without it no answer counts.
func (l *lazyLog) open() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.evidence != nil {
		return nil
	}
	var err error
	l.evidence, err = engine.OpenEvidence(engine.EvidenceOptions{StateDir: l.dir, Redaction: l.hide})
	return err
}

// Append implements [ask.Evidence]; open was called before.
func (l *lazyLog) Append(r audit.Record) audit.Ticket { return l.evidence.Log.Append(r) }

func (l *lazyLog) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.evidence == nil {
		return nil
	}
	return l.evidence.Close()
}

// errNoBook says that no call was ever held here.
var errNoBook = errors.New("no call was ever held for a person here")

// counter opens what calls of this state directory wait at.
func (a *app) counter() (*counter, error) {
	conf, err := a.config()
	if err != nil {
		return nil, err
	}
	path, err := a.statePath(conf)
	if err != nil {
		return nil, failure(err, "name the directory: --state DIR")
	}
	dir, err := state.OpenExisting(path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !dir.HasDatabase() {
		return nil, errNoBook
	}
	if err != nil {
		return nil, &Error{Code: ExitEvidence, Text: err.Error(), Err: err}
	}
	hide, err := a.redactionHere(conf)
	if err != nil {
		return nil, err
	}
	c := &counter{log: &lazyLog{dir: path, hide: hide}}
	c.Desk = newDesk(dir, c.log, &hide, 0)
	if c.book, err = c.Book(); err != nil {
		return nil, failure(err, "")
	}
	c.op = operations(dir, c.Desk, c.log.open).For(admin.Caller{Capability: admin.Approver, Person: operator(), Channel: "cli"})
	return c, nil
}

// operations are what can be done in a state directory. ready opens the log for
// answers; nil: it is open.
func operations(dir *state.Dir, desk *ask.Desk, ready func() error) *admin.Operations {
	return admin.New(admin.Options{
		Desk: desk, HasBook: dir.HasDatabase, Ready: ready, LogDir: dir.LogDir(), Running: dir.Running, Isolation: engine.Isolation,
	})
}

// newDesk returns the desk of a state directory. Nothing is opened yet.
func newDesk(dir *state.Dir, log ask.Evidence, hide *redact.Options, maxOpen int) *ask.Desk {
	return ask.NewDesk(ask.Options{
		Open: openBook(dir, maxOpen), Exists: dir.HasDatabase, Evidence: log, Isolation: engine.Isolation, Person: operator,
		Key:  func() [32]byte { return dir.HMAC("custos approvals: states of questions", nil) },
		Mask: hide.Secrets.Mask,
	})
}

// openBook returns what opens the book of a state directory. maxOpen matters to
// whoever holds calls.
func openBook(dir *state.Dir, maxOpen int) func() (*book.Book, error) {
	return func() (*book.Book, error) {
		path, err := dir.Database()
		if err != nil {
			return nil, err
		}
		return book.Open(book.Options{Path: path, Key: dir.HMAC(book.KeyPurpose, nil), MaxOpen: maxOpen})
	}
}

// asks are the channels of this process beside the client's own. The terminal is
// one where a person started the guard there and left its streams to a client:
// a client with a surface of its own does not give the guard its terminal for
// errors, and what reads the protocol from a terminal must not share it.
func (g *guard) asks() []gateway.Channel {
	in, _ := g.app.In.(*os.File)
	errs, ok := g.app.Err.(*os.File)
	if !ok || !term.IsTerminal(errs) || in != nil && term.IsTerminal(in) {
		return nil
	}
	return []gateway.Channel{ask.NewTerminal(g.desk, ask.OpenTTY)}
}

// workingDirectory is where the client works: it started this process there.
func workingDirectory() string {
	wd, err := os.Getwd()
	if err != nil {
		return ""
	}
	return wd
}

// operator is the user who runs this process, with the groups that the system
// says they are in.
func operator() approval.Person {
	p := approval.Person{ID: engine.LocalSubject().String()}
	ids, err := os.Getgroups()
	if err != nil {
		return p
	}
	for _, id := range ids {
		if g, err := user.LookupGroupId(strconv.Itoa(id)); err == nil {
			p.Groups = append(p.Groups, g.Name)
		}
	}
	return p
}

// printView shows one request.
func (a *app) printView(v *ask.View, now time.Time) {
	p := a.paint()
	fmt.Fprintf(a.Out, "%s  %s  %s     %s\n", p.Paint(term.Bold, v.ID), p.Paint(term.Bold, v.Title), v.By(), standing(v, now))
	width := 0
	if len(v.Standing) > 0 {
		width = len("standing")
	}
	for _, l := range v.Lines() {
		width = max(width, min(len(l[0]), 24))
	}
	for _, l := range v.Lines() {
		text := l[1]
		if l[0] == "HIDDEN" || l[0] == "PROBLEM" {
			text = p.Paint(term.Red, text)
		}
		fmt.Fprintf(a.Out, "  %-*s   %s\n", width, l[0], text)
	}
	a.printStanding(v, width)
	if v.Missing > 1 || len(v.Answers) > 0 && v.State == access.ApprovalOpen {
		fmt.Fprintf(a.Out, "  %-*s   %d of those who must answer have still to\n", width, "open", v.Missing)
	}
}

// standing says how long a request still waits, or what became of it.
func standing(v *ask.View, now time.Time) string {
	left := "for " + span(v.Expires.Sub(now))
	switch v.State {
	case access.ApprovalOpen:
		return span(v.Expires.Sub(now)) + " left"
	case access.ApprovalAllowed:
		return "allowed, waits for its call " + left
	case access.ApprovalRefused:
		return "denied"
	case access.ApprovalSuperseded:
		return "void, replaced by " + v.Successor
	default:
		return string(v.State)
	}
}

// span is a length of time for people.
func span(d time.Duration) string {
	switch d = max(d, 0).Round(time.Second); {
	case d < 2*time.Minute:
		return fmt.Sprintf("%d s", d/time.Second)
	case d > 2*time.Hour:
		return fmt.Sprintf("%d h", (d+time.Hour-time.Second)/time.Hour)
	default:
		return fmt.Sprintf("%d min", (d+time.Minute-time.Second)/time.Minute)
	}
}
