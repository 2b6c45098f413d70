package e2e

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// sweep is one kind of fault. strace counts the calls of each thread by itself,
// so that the place where a fault comes is found in its trace afterwards: a
// point is the n-th call of all threads.
type sweep struct {
	calls string // as strace names them
	fault string
	most  int // runs, whatever is left
	least int // how many in a hundred calls have to be broken; runs differ in how many they make
}

func sweeps() []sweep {
	const rename = "rename,renameat,renameat2"
	return []sweep{
		{"fdatasync", "error=EIO", 400, 65},
		{"fdatasync", "error=ENOSPC", 400, 65},
		{"fsync", "error=EIO", 100, 65},
		{"pwrite64", "error=EIO", 400, 65},
		{"pwrite64", "error=ENOSPC", 400, 65},
		{"write", "error=EIO", 200, 30},
		{"write", "error=ENOSPC", 200, 30},
		{"openat", "error=EIO", 1200, 30},
		{"openat", "error=ENOSPC", 600, 30},
		{rename, "error=EIO", 100, 65},
		{rename, "error=ENOSPC", 100, 65},
		{"ftruncate", "error=EIO", 50, 65},
		{"mkdirat", "error=ENOSPC", 50, 30},
		{"unlinkat", "error=EIO", 50, 30},
		{"fdatasync", "delay_enter=7s", 120, 50},
		{"pwrite64", "delay_enter=7s", 120, 50},
		{rename, "delay_enter=7s", 40, 50},
		{"ftruncate", "delay_enter=7s", 20, 50},
	}
}

// TestEveryFault breaks Custos at every system call by which evidence is kept,
// one run for each. Whatever breaks: no call reaches the backend without a
// durable admission, the log is never taken for tampered, and the next run on
// the same state works. The share in `make test` takes a point of each kind at
// random.
func TestEveryFault(t *testing.T) {
	t.Parallel()
	strace(t, "fdatasync:error=EIO", "") // is it here at all?
	l := newLab(t)
	l.custos = l.plain // the race detector is not what is tested, and slow
	slots := make(chan struct{}, 4)
	for _, s := range sweeps() {
		t.Run(strings.ReplaceAll(s.calls, ",", "+")+" "+s.fault, func(t *testing.T) {
			t.Parallel()
			hangs := strings.HasPrefix(s.fault, "delay")
			if !reliability() {
				if hangs {
					t.Skip("hangs take seconds each; TestDiskHangs stands for them")
				}
				slots <- struct{}{}
				defer func() { <-slots }()
				l.faultAt(t, s, 1+rand.IntN(8))
				return
			}
			if hangs {
				s.all(t, l, make(chan struct{}, 8)) // they wait, mostly
				return
			}
			s.all(t, l, slots)
		})
	}
}

// coverage is which calls of all threads were broken, and how many there are.
type coverage struct {
	mu     sync.Mutex
	broken map[int]bool
	calls  int // of a run that nothing broke
	thread int // of the busiest thread
	idle   int // runs since the last new point
}

// note takes the trace of one run.
func (c *coverage) note(tr traced) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.thread = max(c.thread, tr.thread)
	c.idle++
	for _, n := range tr.broken {
		if !c.broken[n] && n <= c.calls {
			c.broken[n], c.idle = true, 0
		}
	}
}

// next says where the next fault goes, or that there is nothing left to find.
func (c *coverage) next(run int) (at int, more bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return 1 + run%c.thread, c.idle < 60+3*c.thread && len(c.broken) < c.calls
}

// all injects the fault until every call was broken once, or until many runs in
// a row broke nothing new.
func (s *sweep) all(t *testing.T, l lab, slots chan struct{}) {
	t.Helper()
	const never = 1 << 15
	whole := l.faultAt(t, *s, never)
	c := coverage{broken: map[int]bool{}, calls: whole.calls, thread: max(whole.thread, 1)}
	var wg sync.WaitGroup
	for run := range s.most {
		slots <- struct{}{}
		at, more := c.next(run)
		if !more {
			<-slots
			break
		}
		wg.Go(func() {
			defer func() { <-slots }()
			t.Run(fmt.Sprint(run, " at ", at), func(t *testing.T) { c.note(l.faultAt(t, *s, at)) })
		})
	}
	wg.Wait()
	t.Logf("%d of %d calls were broken", len(c.broken), c.calls)
	if 100*len(c.broken) < s.least*c.calls || c.calls == 0 {
		t.Error("too few: the campaign does not reach what it is for")
	}
}

// faultAt is one run with one fault, and what became of it.
func (l lab) faultAt(t *testing.T, s sweep, at int) traced {
	t.Helper()
	dir := t.TempDir()
	state, trace := filepath.Join(dir, "state"), filepath.Join(dir, "trace")
	wrap := strace(t, fmt.Sprintf("%s:%s:when=%d", s.calls, s.fault, at), "")
	wrap = append(wrap, "-b", "execve") // the backend is not to be broken
	wrap[slices.Index(wrap, "/dev/null")] = trace
	g := l.guard(t, setup{state: state, wrap: wrap})
	refused := g.scripted()
	g.CloseStdin()
	status := g.Wait()
	g.nobody()
	executed := g.executed()
	if refused && status != 10 {
		t.Errorf("calls were refused for want of evidence, and the status is %d", status)
	}
	if status == 0 || len(executed) > 0 {
		l.verified(t, state)
		l.admitted(t, state, executed)
	}
	next := l.guard(t, setup{state: state})
	next.Initialize("")
	if got := parse(t, next.Call("echo", `{"message":"again"}`)).text(); got != "again" {
		t.Errorf("after the fault echo answered %q", got)
	}
	next.CloseStdin()
	next.over(0)
	l.admitted(t, state, executed)
	text, err := os.ReadFile(trace)
	if err != nil {
		t.Fatal(err)
	}
	tr := readTrace(string(text))
	if t.Failed() {
		t.Logf("status %d, executed %q; broken:\n%s", status, executed, tr.text)
	}
	return tr
}

// scripted drives a session as far as Custos lets it, and reports whether a
// call was refused because evidence could not be kept.
func (g *session) scripted() (refused bool) {
	const patience = 20 * time.Second
	lines := []string{`{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}`}
	for n := 1; n <= 12; n++ {
		lines = append(lines, fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":"echo","arguments":{"message":"m"}}}`, n))
	}
	lines = append(lines, `{"jsonrpc":"2.0","id":13,"method":"tools/call","params":{"name":"forbidden","arguments":{}}}`)
	for _, line := range lines {
		reply, ok := g.Try(line, patience)
		if !ok {
			return refused
		}
		refused = refused || parse(g.t, reply).refused() == "unavailable"
	}
	return refused
}

// traced is what strace saw of one run.
type traced struct {
	calls  int   // of all threads
	thread int   // of the busiest thread
	broken []int // which of them, from 1
	text   string
}

// readTrace finds the calls that strace broke. A call that another thread
// interrupts stands on two lines, the second of which says how it ended, or is
// missing where the process ended first.
func readTrace(text string) traced {
	var tr traced
	threads, current, hung := map[string]int{}, map[string]int{}, map[string]string{}
	for line := range strings.Lines(text) {
		pid, call, _ := strings.Cut(line, " ")
		call = strings.TrimSpace(call)
		switch {
		case strings.HasPrefix(call, "---") || strings.HasPrefix(call, "+++"):
			continue
		case !strings.HasPrefix(call, "<..."):
			tr.calls++
			threads[pid]++
			tr.thread = max(tr.thread, threads[pid])
			current[pid] = tr.calls
		}
		delete(hung, pid)
		if strings.HasSuffix(call, "<unfinished ...>") || strings.HasSuffix(call, "= ?") {
			hung[pid] = line
		}
		if strings.Contains(call, "(INJECTED)") || strings.Contains(call, "(DELAYED)") {
			tr.broken = append(tr.broken, current[pid])
			tr.text += line
		}
	}
	for pid, line := range hung { // until the process was gone
		tr.broken = append(tr.broken, current[pid])
		tr.text += line
	}
	return tr
}
