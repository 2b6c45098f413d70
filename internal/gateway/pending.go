package gateway

import (
	"slices"
	"strconv"
	"sync"

	"github.com/custos-zt/custos/internal/pep"
)

// request is one JSON-RPC request that waits for its response.
type request struct {
	id     string // raw JSON of the id
	method string
	adm    *pep.Admission // nil for what is not decided (ping) or is our own
	token  string         // canonical progress token, "" where none was given
	task   bool           // the answer may only name a task, whose progress follows
	reply  chan response  // our own requests only
	list   listRequest    // lists only
	stop   func(error)    // ends the wait of a held call, and is nil otherwise
	gone   bool           // cancelled: a late response is passed, not recorded
	// told are the lists that the server agreed to tell about on a subscription.
	told [listings]bool
}

// maxGone bounds the cancelled requests that are remembered for a late reply,
// and the tasks that are remembered for their progress.
const maxGone = 1024

// maxTaskToken bounds the token of a task that is remembered.
const maxTaskToken = 256

// table holds the requests of one direction that wait for a response, by the
// unambiguous key of their id. It is safe for concurrent use.
type table struct {
	mu     sync.Mutex
	live   map[string]*request
	tokens map[string]int // progress tokens of live requests
	// wide are the ids of live requests that a double may not hold, rounded.
	wide map[float64]int
	gone []string // cancelled, oldest first
	// tasks are the tokens of answered requests that made a task, oldest first.
	tasks []string
}

func newTable() *table {
	return &table{live: map[string]*request{}, tokens: map[string]int{}, wide: map[float64]int{}}
}

// exactDigits is the length up to which a double holds every integer.
const exactDigits = 15

// rounded returns what a program that reads numbers as doubles makes of a long
// integer id, given as key or raw JSON.
func rounded(id string) (float64, bool) {
	if len(id) <= exactDigits || id[0] == '"' {
		return 0, false
	}
	f, _ := strconv.ParseFloat(id, 64) // out of range is infinite, for every program
	return f, true
}

// waits reports whether a request with this id waits for its answer, or one
// with an id that such a program answers alike: two with one id would make
// every answer ambiguous. A cancelled request may still be answered.
func (t *table) waits(key string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.live[key] != nil {
		return true
	}
	f, wide := rounded(key)
	return wide && t.wide[f] > 0
}

// add registers a request. Only the reader of this direction may call it,
// after waits said no.
func (t *table) add(key string, r *request) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if old := t.live[key]; old != nil {
		t.release(old)
	}
	t.live[key] = r
	if r.token != "" {
		t.tokens[r.token]++
	}
	if f, wide := rounded(r.id); wide {
		t.wide[f]++
	}
}

// take removes and returns the request that a response answers, or nil for an
// unsolicited one.
func (t *table) take(key string) *request {
	t.mu.Lock()
	defer t.mu.Unlock()
	r := t.live[key]
	if r == nil {
		return nil
	}
	delete(t.live, key)
	t.release(r)
	return r
}

// release forgets id and progress token of a request; the token of a task is
// good for as long as the task may run. The caller holds mu.
func (t *table) release(r *request) {
	if f, wide := rounded(r.id); wide {
		if t.wide[f]--; t.wide[f] <= 0 {
			delete(t.wide, f)
		}
	}
	switch {
	case r.token == "":
	case r.task && len(r.token) <= maxTaskToken:
		if t.tasks = append(t.tasks, r.token); len(t.tasks) > maxGone {
			t.forget(t.tasks[0])
			t.tasks = t.tasks[1:]
		}
	default:
		t.forget(r.token)
	}
}

// forget counts one request less that gave this progress token.
func (t *table) forget(token string) {
	if t.tokens[token]--; t.tokens[token] <= 0 {
		delete(t.tokens, token)
	}
}

// cancel marks a request as cancelled and returns it, or nil where it does
// not wait.
func (t *table) cancel(key string) *request {
	t.mu.Lock()
	defer t.mu.Unlock()
	r := t.live[key]
	if r == nil || r.gone {
		return nil
	}
	r.gone = true
	t.gone = append(t.gone, key)
	if len(t.gone) > maxGone {
		if old := t.live[t.gone[0]]; old != nil && old.gone {
			delete(t.live, t.gone[0])
			t.release(old)
		}
		t.gone = t.gone[1:]
	}
	return r
}

// progressing reports whether a live request, or one that made a task, gave
// this progress token.
func (t *table) progressing(token string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.tokens[token] > 0
}

// subscribe notes that the server agreed to tell about a list on a live
// subscription.
func (t *table) subscribe(key string, l listing) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if r := t.live[key]; r != nil && r.method == listen {
		r.told[l] = true
	}
}

// subscribers returns the raw ids of the live subscriptions to a list.
func (t *table) subscribers(l listing) []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	var out []string
	for _, r := range t.live {
		if r.told[l] && !r.gone {
			out = append(out, r.id)
		}
	}
	slices.Sort(out)
	return out
}

// waiting returns everything that waits.
func (t *table) waiting() []*request {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := make([]*request, 0, len(t.live))
	for _, r := range t.live {
		out = append(out, r)
	}
	return out
}

// empty reports whether no request waits.
func (t *table) empty() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.live) == 0
}

// drain removes and returns everything that waits.
func (t *table) drain() []*request {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := make([]*request, 0, len(t.live))
	for _, r := range t.live {
		out = append(out, r)
	}
	t.live, t.tokens, t.wide, t.gone = map[string]*request{}, map[string]int{}, map[float64]int{}, nil
	t.tasks = nil
	return out
}
