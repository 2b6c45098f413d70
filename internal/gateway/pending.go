package gateway

import (
	"sync"

	"github.com/custos-zt/custos/internal/pep"
)

// request is one JSON-RPC request that waits for its response.
type request struct {
	id     string // raw JSON of the id
	method string
	adm    *pep.Admission // nil for what is not decided (ping) or is our own
	token  string         // canonical progress token, "" where none was given
	reply  chan response  // our own requests only
	list   listRequest    // tools/list only
	gone   bool           // cancelled: a late response is passed, not recorded
}

// maxGone bounds the cancelled requests that are remembered for a late reply.
const maxGone = 1024

// table holds the requests of one direction that wait for a response, by the
// unambiguous key of their id. It is safe for concurrent use.
type table struct {
	mu     sync.Mutex
	live   map[string]*request
	tokens map[string]int // progress tokens of live requests
	gone   []string       // cancelled, oldest first
}

func newTable() *table {
	return &table{live: map[string]*request{}, tokens: map[string]int{}}
}

// waits reports whether a request with this id waits for its answer: two with
// one id would make every answer ambiguous.
func (t *table) waits(key string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	r := t.live[key]
	return r != nil && !r.gone
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

// release forgets the progress token of a request. The caller holds mu.
func (t *table) release(r *request) {
	if r.token == "" {
		return
	}
	if t.tokens[r.token]--; t.tokens[r.token] <= 0 {
		delete(t.tokens, r.token)
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

// progressing reports whether a live request gave this progress token.
func (t *table) progressing(token string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.tokens[token] > 0
}

// drain removes and returns everything that waits.
func (t *table) drain() []*request {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := make([]*request, 0, len(t.live))
	for _, r := range t.live {
		out = append(out, r)
	}
	t.live, t.tokens, t.gone = map[string]*request{}, map[string]int{}, nil
	return out
}
