package ask

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/internal/approval"
	"github.com/custos-zt/custos/internal/post"
)

// Informer tells people that a call waits for them, by one channel that carries
// no answer back: they answer by another one. It is safe for concurrent use.
//
// Nothing waits for it, and nothing is decided by it: what it cannot deliver is
// told to Env.Failed, and the channels after it are asked all the same.
type Informer struct {
	desk    *Desk
	carrier carrier
	env     *Env
	room    chan struct{}
	waits   []time.Duration // before each attempt

	ctx  context.Context
	stop context.CancelFunc
	all  sync.WaitGroup

	mu   sync.Mutex
	over bool
	told map[string]bool
}

// carrier takes word to one place.
type carrier interface {
	// name is what the configuration calls the channel.
	name() string
	// details reports whether it also carries what agents wrote.
	details() bool
	// carry delivers once. It returns a [post.FinalError] where trying again is
	// useless.
	carry(ctx context.Context, w *Word) error
}

const (
	// maxUnderWay is how many messages one channel carries at once. Five calls of
	// one principal may wait.
	maxUnderWay = 16
	// patience is how long one attempt may take.
	patience = 15 * time.Second
	// maxTold is how many requests are remembered as told.
	maxTold = 1024
)

func newInformer(d *Desk, c carrier, env *Env) *Informer {
	i := &Informer{
		desk: d, carrier: c, env: env, room: make(chan struct{}, maxUnderWay),
		waits: []time.Duration{0, 2 * time.Second, 10 * time.Second}, told: map[string]bool{},
	}
	i.ctx, i.stop = context.WithCancel(context.Background())
	return i
}

// Name is what the configuration calls the channel.
func (i *Informer) Name() string { return i.carrier.name() }

var errBusy = errors.New("too many messages are under way already")

// Inform has people told that a request waits, once, and returns at once: a
// client that repeats a call does not ring again. A request that is answered
// meanwhile is told no more.
func (i *Informer) Inform(id string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.over || i.told[id] {
		return
	}
	select {
	case i.room <- struct{}{}:
	default:
		i.failed(errBusy)
		return
	}
	if len(i.told) >= maxTold {
		clear(i.told)
	}
	i.told[id] = true
	i.all.Go(func() {
		defer func() { <-i.room }()
		if err := i.deliver(id); err != nil && i.ctx.Err() == nil {
			i.forget(id)
			i.failed(err)
		}
	})
}

// forget has the next repetition of a call try again.
func (i *Informer) forget(id string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	delete(i.told, id)
}

func (i *Informer) failed(err error) {
	if i.env.Failed != nil {
		i.env.Failed(i.Name(), err)
	}
}

// deliver tries a few times.
func (i *Informer) deliver(id string) error {
	var last error
	for _, wait := range i.waits {
		if !post.Pause(i.ctx, wait) {
			return last
		}
		w, err := i.desk.word(i.ctx, id, i.carrier.details(), i.env)
		if err != nil || w == nil {
			return err
		}
		ctx, stop := context.WithTimeout(i.ctx, patience)
		last = i.carrier.carry(ctx, w)
		stop()
		if last == nil || errors.As(last, new(*post.FinalError)) {
			return last
		}
	}
	return fmt.Errorf("tried %d times: %w", len(i.waits), last)
}

// Close tells nobody anything more. What is under way has so long to arrive.
func (i *Informer) Close(grace time.Duration) {
	i.mu.Lock()
	i.over = true
	i.mu.Unlock()
	defer i.stop()
	done := make(chan struct{})
	go func() { i.all.Wait(); close(done) }()
	t := time.NewTimer(grace)
	defer t.Stop()
	select {
	case <-done:
	case <-t.C:
		i.stop()
		<-done
	}
}

// Word is what is told about a request. What agents and servers wrote is masked
// and escaped as in every [View].
type Word struct {
	// Instance is the state directory that the request stands in.
	Instance string `json:"instance"`
	ID       string `json:"id"`
	Backend  string `json:"backend"`
	Method   string `json:"method"`
	// Tool is "" for what is no call of a tool: names of resources and prompts are
	// an agent's words.
	Tool string `json:"tool,omitempty"`
	// Asker is "server" where the guarded server asks this of the client.
	Asker string `json:"asker,omitempty"`
	// Rules hold the call.
	Rules   []string  `json:"rules"`
	Opened  time.Time `json:"opened"`
	Expires time.Time `json:"expires"`
	// Arguments is how many the call has.
	Arguments int `json:"arguments"`
	// Hidden and Masked: see [View].
	Hidden bool `json:"hidden"`
	Masked bool `json:"masked"`
	// Page is where it can be answered on that machine, and Command how. Opening a
	// page answers nothing, and there is no secret in its address.
	Page    string `json:"page,omitempty"`
	Command string `json:"command"`
	// Details are there where the configuration says so: they hold what an agent
	// wrote.
	Details *Details `json:"details,omitempty"`
}

// Details are what leaves this machine only where somebody wants it to.
type Details struct {
	Title      string     `json:"title"`
	Subject    string     `json:"subject"`
	Agent      string     `json:"agent,omitempty"`
	Client     string     `json:"client,omitempty"`
	Root       string     `json:"root,omitempty"`
	Arguments  []Argument `json:"arguments"`
	Definition string     `json:"definition,omitempty"`
	Why        string     `json:"why"`
	by         string
	lines      [][2]string
}

// word prepares what is told about a request, nil where it waits no more.
func (d *Desk) word(ctx context.Context, id string, details bool, env *Env) (*Word, error) {
	it, err := d.get(ctx, id)
	if err != nil || it.State != access.ApprovalOpen {
		return nil, err
	}
	v, err := d.Look(ctx, &it)
	if err != nil {
		return nil, err
	}
	s := &showing{mask: d.opt.Mask}
	w := &Word{
		Instance: env.Instance, ID: v.ID, Backend: s.text(it.Request.Backend), Method: cut(s.text(it.Request.Method)),
		Opened: v.Opened.UTC(), Expires: v.Expires.UTC(), Arguments: len(v.Arguments), Hidden: v.Hidden, Masked: v.Masked,
		Command: "custos approvals allow " + v.ID, Rules: []string{},
	}
	if it.Request.Act == approval.ActAsk {
		w.Asker = "server"
	}
	if it.Request.Kind == access.Tool {
		w.Tool = cut(s.text(it.Request.Name))
	}
	for _, r := range v.Rules {
		w.Rules = append(w.Rules, s.text(r.ID))
	}
	if env.Page != nil {
		w.Page = env.Page(v.ID)
	}
	if details {
		w.Details = &Details{
			Title: v.Title, Subject: v.Subject, Agent: v.Agent, Client: v.Client, Root: v.Root,
			Arguments: v.Arguments, Definition: v.Definition, Why: v.Why(), by: v.By(), lines: v.Lines(),
		}
	}
	return w, nil
}

// maxName is how much of a name is told: it may be a server's idea.
const maxName = 128

func cut(s string) string {
	if len(s) <= maxName {
		return s
	}
	end := maxName
	for end > 0 && s[end]&0xC0 == 0x80 {
		end--
	}
	return s[:end] + "…"
}

// What is the call in one line, without a word of the agent: "write_file of
// files".
func (w *Word) what() string {
	if w.Tool != "" {
		return w.Tool + " of " + w.Backend
	}
	if w.Asker != "" {
		return w.Method + " of the server " + w.Backend
	}
	return w.Method + " to " + w.Backend
}
