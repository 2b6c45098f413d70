// Package pep is the policy enforcement point of NIST SP 800-207: it takes one
// message, asks the policy administrator, records the answer, and lets the
// message pass only once that record is durable.
//
// [Point.Handle] is the whole way of one call. A transport that keeps many
// calls in flight over one connection uses its parts: [Point.Admit] decides
// and appends in the order of arrival and never waits for the disk,
// [Admission.Wait] waits, [Point.Finish] records how the call ended.
//
// The contract that everything rests on: a message MUST NOT be forwarded
// before Wait returned nil on an allowed admission, and every admission that
// was forwarded MUST be finished.
package pep

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/audit"
	"github.com/custos-zt/custos/internal/inventory"
)

// Authority completes and decides requests: the policy administrator.
type Authority interface {
	Authorize(r *access.Request, def *inventory.Definition, d *access.Decision)
	Visible(r *access.Request, def *inventory.Definition) bool
}

// Evidence is the log that admissions and outcomes go to.
type Evidence interface {
	Append(audit.Record) audit.Ticket
}

// Tools finds the definition of a tool by its exact name.
type Tools interface {
	Lookup(name string) (*inventory.Definition, inventory.State)
}

// Options bind a [Point] to one session with one backend.
type Options struct {
	Authority Authority
	Evidence  Evidence
	// Tools is the backend's inventory; nil where the caller itself is the tool
	// and nothing can be looked up.
	Tools     Tools
	Backend   string
	Subject   access.Subject
	Session   access.Session
	Isolation string // "same-user" or "separate"
	// Keyed is the keyed digest under which values are recorded.
	Keyed func(purpose string, data []byte) [32]byte
	// Keep adds what the redaction tier keeps of values; nil: nothing.
	Keep Keeper
	// Seal keeps the arguments of the client's calls apart from the log; nil:
	// they are not kept.
	Seal Sealer
}

// Keeper adds to the description of arguments what may be read of their values.
type Keeper interface {
	Keep(a *audit.Args, r *access.Request)
}

// Sealer keeps what a call was sent with, for the record that hmac stands in. It
// MUST return at once and nobody relies on it.
type Sealer interface {
	Seal(slot int, seq uint64, hmac, method, params string)
}

// Point enforces decisions for one session. It is safe for concurrent use.
type Point struct {
	opt     Options
	client  atomic.Pointer[string]
	allowed atomic.Int64
	denied  atomic.Int64
	sealed  atomic.Uint64 // the record that a call was sealed for last
}

// Counts returns how many messages were allowed and denied so far.
func (p *Point) Counts() (allowed, denied int64) { return p.allowed.Load(), p.denied.Load() }

// New returns an enforcement point.
func New(o Options) *Point { return &Point{opt: o} }

// Client notes what the client calls itself. It is recorded as a hint and
// never grants anything.
func (p *Point) Client(name string) {
	if name = clip(name, 64); name != "" {
		p.client.Store(&name)
	}
}

func (p *Point) clientName() string {
	if n := p.client.Load(); n != nil {
		return *n
	}
	return ""
}

// Backend returns the name of the guarded backend.
func (p *Point) Backend() string { return p.opt.Backend }

// Admission is one decided and appended call.
type Admission struct {
	// Decision is the answer. It MUST NOT be acted on before Wait.
	Decision access.Decision
	// Title names the target as people read it: "files.read_file".
	Title string
	// ID is the decision's id, which people give to `custos why`.
	ID string

	ticket  audit.Ticket
	started time.Time
	since   time.Time // when a held call began to wait; zero: it did not yet
	method  string
	final   *audit.Record // of a held call, but for how it ends; else nil
}

// Wait returns once the record of the decision is durable. An error means
// that it is not and that nothing may be forwarded, whatever was decided.
func (a *Admission) Wait() error { return a.ticket.Wait() }

// Commit is Wait in the calling goroutine, with what [audit.Ticket.Commit] asks
// of the caller.
func (a *Admission) Commit() error { return a.ticket.Commit() }

// Settled reports whether Wait would return at once.
func (a *Admission) Settled() bool { return a.ticket.Settled() }

// Started is when the call arrived.
func (a *Admission) Started() time.Time { return a.started }

// Admit decides a call and appends the decision to the log. It does not wait
// for the disk; the order of the log is the order of the calls to Admit. A call
// that can wait may be held: see [Admission.Held].
func (p *Point) Admit(c Call) *Admission {
	a := &Admission{started: time.Now(), since: c.Since, method: c.Method}
	t, ok := c.target()
	a.Title = t.title(p.opt.Backend)
	r := p.request(&c, t)
	switch {
	case !ok:
		a.Decision.Refuse(access.RequestMalformed, "the request does not name what it asks for")
		a.Title = c.Method
	default:
		p.decide(r, &a.Decision)
	}
	if rec := p.admission(&c, &t, r, a); a.Held() {
		a.hold(p, rec)
		p.seal(a, &rec, &c)
	} else {
		a.append(p, rec)
		p.seal(a, &rec, &c)
	}
	return a
}

// seal keeps what the client sent with a call that was just recorded. What a
// person answered to a backend, and what a backend asks, is not kept.
func (p *Point) seal(a *Admission, rec *audit.Record, c *Call) {
	if p.opt.Seal == nil || rec.Args == nil || a.ticket.Seq() == 0 || c.Direction != FromClient && c.Direction != Asked {
		return
	}
	if p.sealed.Swap(a.ticket.Seq()) == a.ticket.Seq() {
		return // coalesced denials share a record, which tells their number alone
	}
	p.opt.Seal.Seal(a.ticket.Slot(), a.ticket.Seq(), rec.Args.HMAC, c.Method, c.Params.Raw())
}

// Refuse records a message that could not be read as one unambiguous request.
func (p *Point) Refuse(reason access.Reason, detail string) *Admission {
	a := &Admission{started: time.Now(), Title: "this message"}
	a.Decision.Refuse(reason, detail)
	c := Call{}
	a.append(p, p.admission(&c, &target{}, &access.Request{Backend: p.opt.Backend}, a))
	return a
}

func (a *Admission) append(p *Point, rec audit.Record) {
	a.ticket = p.opt.Evidence.Append(rec)
	a.ID = a.ticket.ID()
	if a.Decision.Denied() {
		p.denied.Add(1)
	} else {
		p.allowed.Add(1)
	}
}

// request builds what the administrator decides.
func (p *Point) request(c *Call, t target) *access.Request {
	r := &access.Request{
		Kind: t.kind, Method: c.Method, Backend: p.opt.Backend, Name: t.name, Args: t.args,
		Passes: t.passes, FromBackend: c.Direction == FromBackend,
		Subject: p.opt.Subject, Session: p.opt.Session, Client: p.clientName(), Agent: c.Caller.Agent,
	}
	if c.Waits {
		r.Params, r.Later = c.Params, c.Later
	}
	if c.Caller.Subject.Known {
		r.Subject = c.Caller.Subject
	}
	return r
}

// decide looks the tool up and asks the administrator.
func (p *Point) decide(r *access.Request, d *access.Decision) {
	def, found := p.lookup(r)
	if !found {
		d.Refuse(access.ToolUnknown, "")
		d.Hidden = true
		return
	}
	p.opt.Authority.Authorize(r, def, d)
	// Only what is listed can be hidden: who calls a tool of its own program
	// knows that it exists, and is told why it is denied.
	d.Hidden = d.Hidden && p.opt.Tools != nil
}

// lookup routes a tool call by exact name. A quarantined tool gets a gate.
func (p *Point) lookup(r *access.Request) (*inventory.Definition, bool) {
	if r.Kind != access.Tool || p.opt.Tools == nil {
		return nil, true
	}
	def, state := p.opt.Tools.Lookup(r.Name)
	switch state {
	case inventory.Listed:
	case inventory.Quarantined:
		r.Gates = append(r.Gates, access.Gate{Reason: access.Quarantined, Detail: def.Quarantine})
	default:
		// Absent, never listed, or listed before the server announced a change
		// and not since: there is nothing to judge the call by.
		return nil, false
	}
	return def, true
}

// Visible reports whether the caller of this session could ever use an item
// of a list.
func (p *Point) Visible(kind access.Kind, name string, def *inventory.Definition) bool {
	r := &access.Request{
		Kind: kind, Backend: p.opt.Backend, Name: name,
		Subject: p.opt.Subject, Session: p.opt.Session, Client: p.clientName(),
	}
	return p.opt.Authority.Visible(r, def)
}

// Pass decides a notification that may pass without anybody having said so.
// It returns nil where nothing keeps it from passing, even where a rule allows
// it too: such a message leaves no record, or a chatty server would write the
// log. Otherwise it is [Point.Admit].
func (p *Point) Pass(c Call) *Admission {
	a := &Admission{started: time.Now(), method: c.Method}
	t, _ := c.target()
	a.Title = t.title(p.opt.Backend)
	r := p.request(&c, t)
	p.decide(r, &a.Decision)
	if t.passes && !a.Decision.Denied() {
		return nil
	}
	a.append(p, p.admission(&c, &t, r, a))
	return a
}

// Result is what a call's target answered.
type Result struct {
	// Status defaults to ok, or error where next returned one.
	Status audit.Status
	Bytes  int
	// Counts is set for lists.
	Counts *audit.Counts
}

// Finish records the outcome of an admission that was forwarded. The record
// is durable within 100 ms; nobody waits for it.
func (p *Point) Finish(a *Admission, res Result) {
	p.opt.Evidence.Append(p.outcome(a, res))
}

// Handle is the whole way of one call: decide, make the decision durable,
// then run next and record how it ended. It returns a [*Denied] where next
// did not run. It waits for nobody: a held call is denied with what people can
// answer, and passes when it is repeated.
func (p *Point) Handle(ctx context.Context, c Call, next func(context.Context) (Result, error)) error {
	a := p.Admit(c)
	if a.Held() {
		a = p.Pend(a)
	}
	if err := a.Wait(); err != nil {
		a.Unrecorded()
		return &Denied{Admission: a, Cause: err}
	}
	if a.Decision.Denied() {
		return &Denied{Admission: a}
	}
	finished := false
	defer func() {
		if !finished { // next panicked: nobody knows what it did
			p.Finish(a, Result{Status: audit.StatusUnknown})
		}
	}()
	res, err := next(ctx)
	finished = true
	if err != nil && res.Status == "" {
		res.Status = audit.StatusError
	}
	if res.Status == "" {
		res.Status = audit.StatusOK
	}
	p.Finish(a, res)
	return err
}
