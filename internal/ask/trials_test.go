package ask

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/audit"
	"github.com/custos-zt/custos/internal/approval"
	"github.com/custos-zt/custos/internal/approval/book"
	"github.com/custos-zt/custos/internal/canon"
	"github.com/custos-zt/custos/internal/inventory"
	"github.com/custos-zt/custos/internal/pa"
	"github.com/custos-zt/custos/internal/pdp"
	"github.com/custos-zt/custos/internal/pep"
	"github.com/custos-zt/custos/policy"
)

// A trial is a random sequence of what agents, people, operators and fate do to
// held calls: calls of one and of several guards at once, other arguments, the
// same again, answers by two channels at once, refusals, guards that end and
// begin anew, another policy, another definition, clocks that are set, time.
// The guards are whole decision paths on one book; beside them a model keeps
// its own account of what people allowed. The claims:
//
//   - nothing that a rule holds runs without an answer that was given for
//     exactly this call, under this policy and definition, and still counts;
//   - no answer lets two calls run, and no lease more than it has uses;
//   - no lease lets a call run that it is not about, that rules hold which it does
//     not answer or which let no answer stand, or once it was revoked or is over.
//
// 1,000 trials belong to every test run, 100,000 to make reliability.
func TestTrials(t *testing.T) {
	n := 1000
	if os.Getenv("CUSTOS_RELIABILITY") != "" {
		n = 100_000
	}
	const each = 125 // trials that share a book
	ran, leased := 0, 0
	for from := 0; from < n; from += each {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			for i := from; i < from+each; i++ {
				w.trial(uint64(i))
			}
			w.close()
			ran, leased = ran+w.ran, leased+w.leased
		})
	}
	if ran < n/3 || leased < n/10 {
		t.Errorf("only %d calls ran by an answer and %d by a lease in %d trials: they say little", ran, leased, n)
	}
	t.Logf("%d trials, %d calls ran by an answer, %d by a lease", n, ran, leased)
}

// policies are those that operators switch between: two that hold writes for
// different reasons, one that holds them for both, one that allows, one that
// denies, one whose rules hold by the time of day, one that lets answers stand
// for less, and one that asks for surer ones.
func policies(t *testing.T) []*pdp.Snapshot {
	t.Helper()
	var out []*pdp.Snapshot
	for i, rules := range []string{
		`[{id: a, approve: [write], approval: {valid: 2m, standing: {max: 10m, uses: 3}}}]`,
		`[{id: b, approve: [write]}]`,
		`[{id: a, approve: [write], approval: {valid: 2m, standing: {max: 10m, uses: 3}}}, {id: b, approve: [write]}]`,
		`[{id: open, allow: [write]}]`,
		`[{id: a, approve: [write]}, {id: no, deny: [write]}]`,
		`[{id: a, approve: [write]}` + hours() + `]`,
		`[{id: a, approve: [write], approval: {standing: {max: 1m, uses: 1}}}]`,
		`[{id: a, approve: [write], approval: {assurance: code, standing: {max: 10m}}}]`,
	} {
		text := fmt.Sprintf("policy: p%d\nbackend: b\nrules: %s\n", i, rules)
		s, problems := policy.Compile([]policy.Source{{Name: "p.yaml", Data: []byte(text)}}, policy.Options{})
		if s == nil {
			t.Fatal(problems)
		}
		out = append(out, s)
	}
	return out
}

// hours are rules that hold in the first half of each hour.
func hours() string {
	text := ""
	for h := range 24 {
		text += fmt.Sprintf(`, {id: h%d, approve: [write], time: {between: "%02d:00-%02d:30", zone: UTC}}`, h, h, h)
	}
	return text
}

// world is what trials share.
type world struct {
	t        *testing.T
	path     string
	log      *audit.Log
	policies []*pdp.Snapshot
	began    time.Time
	people   *book.Book // the process in which people answer

	rng    *rand.Rand
	guards []*guardian
	held   map[string]*promise
	leases map[string]*tenancy
	last   string // arguments of the call that was answered last
	step   time.Duration
	policy int
	def    byte
	mu     sync.Mutex
	ran    int      // calls that an answer let run
	leased int      // calls that a lease let run
	said   []string // the story of this trial, for a failure
}

// guardian is one guard: a decision path with a book of its own.
type guardian struct {
	desk  *Desk
	adm   *pa.Administrator
	point *pep.Point
}

// promise is the model's account of one request.
type promise struct {
	args    string
	rules   []string
	policy  int
	def     byte
	granted bool
	refused bool
	ends    time.Time // of the grant, by a clock that nobody sets
	used    int
}

func newWorld(t *testing.T) *world {
	t.Helper()
	dir := t.TempDir()
	w := &world{t: t, path: filepath.Join(dir, "state.db"), policies: policies(t), began: time.Now()}
	if err := os.WriteFile(w.path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "00"), 0o700); err != nil {
		t.Fatal(err)
	}
	var err error
	if w.log, err = audit.Open(filepath.Join(dir, "00"), audit.Options{Instance: "i_test"}); err != nil {
		t.Fatal(err)
	}
	w.people = w.open()
	for range 2 {
		w.guards = append(w.guards, &guardian{desk: NewDesk(Options{Open: func() (*book.Book, error) { return w.open(), nil }, Evidence: w.log})})
	}
	return w
}

func (w *world) open() *book.Book {
	b, err := book.Open(book.Options{Path: w.path, Clock: func() approval.Moment {
		w.mu.Lock()
		defer w.mu.Unlock()
		return approval.Moment{Wall: time.Now().Add(w.step), Since: time.Since(w.began), Boot: "b"}
	}})
	if err != nil {
		w.t.Fatal(err)
	}
	return b
}

func (w *world) close() {
	for _, g := range w.guards {
		_ = g.desk.Close()
	}
	_ = w.people.Close()
	_ = w.log.Close()
}

// Lookup implements pep.Tools.
func (w *world) Lookup(name string) (*inventory.Definition, inventory.State) {
	object, _ := canon.Parse(`{"name":"write","inputSchema":{"type":"object","properties":{"n":{"type":"string"}}}}`, canon.DefaultLimits())
	d := inventory.NewDefinition(name, object)
	d.Digest[0] = w.def
	return &d, inventory.Listed
}

// trial plays one sequence, as a principal of its own.
func (w *world) trial(seed uint64) {
	w.rng = rand.New(rand.NewPCG(seed, 20261121))
	w.held, w.leases, w.said, w.last, w.policy, w.def = map[string]*promise{}, map[string]*tenancy{}, nil, "", 0, 0
	for _, g := range w.guards {
		w.assemble(g, fmt.Sprintf("u%d", seed))
	}
	for range 13 {
		w.event(fmt.Sprintf("u%d", seed))
	}
}

// begin starts a guard anew: nothing of it survives but the file.
func (w *world) begin(g *guardian, subject string) {
	_ = g.desk.Close()
	g.desk = NewDesk(Options{Open: func() (*book.Book, error) { return w.open(), nil }, Evidence: w.log})
	w.assemble(g, subject)
}

// assemble builds the decision path of a guard.
func (w *world) assemble(g *guardian, subject string) {
	g.adm = pa.New(pa.Options{Approvals: g.desk, Leases: g.desk, Wait: time.Minute, Binding: pa.Binding{Instance: "i", Root: "/src"}, Now: time.Now})
	g.adm.Publish(w.policies[w.policy])
	g.point = pep.New(pep.Options{
		Authority: g.adm, Evidence: w.log, Tools: w, Backend: "b", Isolation: "same-user",
		Subject: access.Subject{ID: subject, Issuer: "os", Known: true},
		Keyed:   func(string, []byte) [32]byte { return [32]byte{} },
	})
}

func (w *world) tell(format string, args ...any) {
	w.said = append(w.said, fmt.Sprintf(format, args...))
}

// event lets one thing happen.
func (w *world) event(subject string) {
	g := w.guards[w.rng.IntN(len(w.guards))]
	switch k := w.rng.IntN(100); {
	case k < 40:
		w.call(g)
	case k < 55: // the same at once, by both guards
		args := w.args()
		var both sync.WaitGroup
		for _, g := range w.guards {
			both.Go(func() { w.make(g, args) })
		}
		both.Wait()
	case k < 77:
		w.answer()
	case k < 80:
		w.revoke(g)
	case k < 83:
		w.tell("restart")
		w.begin(g, subject)
	case k < 87:
		w.policy = w.rng.IntN(len(w.policies))
		w.tell("policy %d", w.policy)
		for _, g := range w.guards {
			g.adm.Publish(w.policies[w.policy])
		}
	case k < 90:
		w.def ^= 1
		w.tell("definition %d", w.def)
	case k < 93:
		w.mu.Lock()
		w.step += time.Duration(w.rng.IntN(1200)-600) * time.Second
		w.mu.Unlock()
		w.tell("the clock is set: %v", w.step)
	default:
		d := time.Duration(w.rng.IntN(400)) * time.Second
		w.tell("%v pass", d)
		time.Sleep(d)
	}
}

// args are those of some call, mostly of the one that was answered last.
func (w *world) args() string {
	if w.last != "" && w.rng.IntN(3) > 0 {
		return w.last
	}
	return fmt.Sprintf(`{"n":"%d"}`, w.rng.IntN(3))
}

func (w *world) call(g *guardian) { w.make(g, w.args()) }

// make makes one call and runs it where it is allowed.
func (w *world) make(g *guardian, args string) {
	c, err := pep.ToolCall("write", []byte(args), pep.Caller{})
	if err != nil {
		w.t.Error(err)
		return
	}
	c.Waits = true
	a := g.point.Admit(c)
	w.mu.Lock()
	defer w.mu.Unlock()
	d := &a.Decision
	w.tell("call %s: %s %s %+v", args, d.Effect, d.Reason, d.Approval)
	switch {
	case a.Held():
		if d.Approval.New {
			w.held[d.Approval.ID] = &promise{args: args, rules: holding(d), policy: w.policy, def: w.def}
		}
	case !d.Denied():
		w.run(args, d)
	}
}

// run is the tool: it holds what happens against what was promised.
func (w *world) run(args string, d *access.Decision) {
	if w.policy == 3 {
		return // allowed by a rule
	}
	if d.Reason == access.LeaseAllowed {
		w.runLeased(args, d)
		return
	}
	if d.Reason != access.ApprovalGranted || d.Approval == nil {
		w.fail("ran without an answer: %s", d.Reason)
		return
	}
	w.ran++
	p := w.held[d.Approval.ID]
	switch {
	case p == nil:
		w.fail("%s was never asked about", d.Approval.ID)
	case !p.granted || p.refused:
		w.fail("%s was not allowed", d.Approval.ID)
	case p.args != args || p.policy != w.policy || p.def != w.def:
		w.fail("%s was allowed for %s under policy %d, definition %d", d.Approval.ID, p.args, p.policy, p.def)
	case slices.ContainsFunc(holding(d), func(rule string) bool { return !slices.Contains(p.rules, rule) }):
		w.fail("%s was allowed where %v held, and now %v do", d.Approval.ID, p.rules, holding(d))
	case !time.Now().Before(p.ends):
		w.fail("%s was allowed too long ago", d.Approval.ID)
	}
	if p != nil {
		if p.used++; p.used > 1 {
			w.fail("%s was used %d times", d.Approval.ID, p.used)
		}
	}
}

// holding names the rules that hold a call.
func holding(d *access.Decision) []string {
	var out []string
	for _, m := range d.Matched {
		if m.Effect == access.Approve {
			out = append(out, m.Rule)
		}
	}
	return out
}

func (w *world) fail(format string, args ...any) {
	w.t.Errorf(format, args...)
	for _, s := range w.said {
		w.t.Log(s)
	}
	w.t.FailNow()
}
