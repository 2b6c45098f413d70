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

// sweep is one kind of fault, injected at the first, second, … system call of
// its kind until a run makes no more of them. strace counts in each thread.
type sweep struct {
	calls string // as strace names them
	fault string
	full  int // no more points than this
}

func sweeps() []sweep {
	const rename = "rename,renameat,renameat2"
	return []sweep{
		{"fdatasync", "error=EIO", 200},
		{"fdatasync", "error=ENOSPC", 200},
		{"fsync", "error=EIO", 100},
		{"pwrite64", "error=EIO", 200},
		{"pwrite64", "error=ENOSPC", 200},
		{"write", "error=EIO", 200},
		{"write", "error=ENOSPC", 200},
		{"openat", "error=EIO", 600},
		{"openat", "error=ENOSPC", 600},
		{rename, "error=EIO", 100},
		{rename, "error=ENOSPC", 100},
		{"ftruncate", "error=EIO", 100},
		{"mkdirat", "error=ENOSPC", 100},
		{"unlinkat", "error=EIO", 100},
		{"fdatasync", "delay_enter=7s", 60},
		{"pwrite64", "delay_enter=7s", 60},
		{rename, "delay_enter=7s", 30},
		{"ftruncate", "delay_enter=7s", 30},
	}
}

// TestEveryFault breaks Custos at every system call by which evidence is kept,
// one run for each point. Whatever breaks: no call reaches the backend without
// a durable admission, the log is never taken for tampered, and the next run
// on the same state works. The share in `make test` takes a point of each kind
// at random.
func TestEveryFault(t *testing.T) {
	t.Parallel()
	strace(t, "fdatasync:error=EIO", "") // is it here at all?
	l := newLab(t)
	l.custos = l.plain // the race detector is not what is tested, and slow
	slots := make(chan struct{}, 4)
	for _, s := range sweeps() {
		t.Run(strings.ReplaceAll(s.calls, ",", "+")+" "+s.fault, func(t *testing.T) {
			t.Parallel()
			if !reliability() {
				if strings.HasPrefix(s.fault, "delay") {
					t.Skip("hangs take seconds each; TestDiskHangs stands for them")
				}
				slots <- struct{}{}
				defer func() { <-slots }()
				l.faultAt(t, s, 1+rand.IntN(8))
				return
			}
			s.all(t, l, slots)
		})
	}
}

// all injects the fault at every point.
func (s *sweep) all(t *testing.T, l lab, slots chan struct{}) {
	var mu sync.Mutex
	misses, points := 0, 0
	done := func() bool {
		mu.Lock()
		defer mu.Unlock()
		return misses >= 4
	}
	var wg sync.WaitGroup
	for at := 1; at <= s.full && !done(); at++ {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			t.Run(fmt.Sprint(at), func(t *testing.T) {
				hit := l.faultAt(t, *s, at)
				mu.Lock()
				defer mu.Unlock()
				if hit {
					points++
				} else {
					misses++
				}
			})
		})
	}
	wg.Wait()
	t.Logf("%d points", points)
	if points == 0 {
		t.Error("no fault was injected: the run makes no such call any more")
	}
}

// faultAt is one run with one fault. It reports whether the fault came.
func (l lab) faultAt(t *testing.T, s sweep, at int) bool {
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
	hit := strings.Contains(string(text), "(INJECTED)") || strings.Contains(string(text), "(DELAYED)")
	if t.Failed() {
		t.Logf("status %d, executed %q; traced:\n%s", status, executed, injected(string(text)))
	}
	return hit
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

// injected picks what strace broke from its output.
func injected(trace string) string {
	var out strings.Builder
	for line := range strings.Lines(trace) {
		if strings.Contains(line, "(INJECTED)") || strings.Contains(line, "(DELAYED)") {
			out.WriteString(line)
		}
	}
	return out.String()
}
