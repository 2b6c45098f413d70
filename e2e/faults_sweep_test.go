package e2e

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/custos-zt/custos/e2e/peers"
)

// sweep is one kind of fault: every one of these system calls is to meet it.
type sweep struct{ calls, fault string }

func sweeps() []sweep {
	const rename = "renameat,renameat2"
	return []sweep{
		{"fdatasync", "EIO"},
		{"fdatasync", "ENOSPC"},
		{"fdatasync", "hang 7s"},
		{"fsync", "EIO"},
		{"fsync", "hang 7s"},
		{"pwrite64", "EIO"},
		{"pwrite64", "ENOSPC"},
		{"pwrite64", "short"},
		{"pwrite64", "hang 7s"},
		{"write", "EIO"},
		{"write", "ENOSPC"},
		{"write", "short"},
		{"openat", "EIO"},
		{"openat", "ENOSPC"},
		{rename, "EIO"},
		{rename, "ENOSPC"},
		{rename, "hang 7s"},
		{"ftruncate", "EIO"},
		{"ftruncate", "hang 7s"},
		{"mkdirat", "ENOSPC"},
		{"unlinkat", "EIO"},
	}
}

// TestEveryFault breaks Custos at every system call by which evidence is kept,
// one run for each. Whatever breaks: no call reaches the backend without a
// durable admission, the log is never taken for tampered, and the next run on
// the same state works. The share in `make test` takes a point of each kind at
// random.
func TestEveryFault(t *testing.T) {
	t.Parallel()
	breaks(t)
	l := newLab(t)
	l.custos = l.plain // the race detector is not what is tested, and slow
	slots := make(chan struct{}, 4)
	for _, s := range sweeps() {
		t.Run(strings.ReplaceAll(s.calls, ",", "+")+" "+s.fault, func(t *testing.T) {
			t.Parallel()
			hangs := strings.HasPrefix(s.fault, "hang")
			switch {
			case reliability() && hangs:
				s.all(t, l, make(chan struct{}, 8)) // they wait, mostly
			case reliability():
				s.all(t, l, slots)
			case hangs:
				t.Skip("hangs take seconds each; TestDiskHangs stands for them")
			default:
				slots <- struct{}{}
				defer func() { <-slots }()
				l.faultAt(t, s, 1+rand.IntN(l.count(t, s)))
			}
		})
	}
}

// breaks makes sure that system calls can be broken here.
func breaks(t *testing.T) {
	t.Helper()
	command := append(peers.Breaker(t), "-calls", "write", "-fault", "EIO", "-at", "1", "--", "echo", "on the air")
	if out, err := exec.Command(command[0], command[1:]...).CombinedOutput(); err == nil || strings.Contains(string(out), "breaker:") {
		missing(t, "system calls cannot be broken here: %v %s", err, out)
	}
}

// points are the calls that were to be broken, counted from 1.
type points struct {
	mu     sync.Mutex
	next   int
	end    int // the first that no run reaches; 0 where none is known
	broken map[int]bool
}

// take returns the next point, 0 where runs end before it.
func (p *points) take() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.end > 0 && p.next >= p.end {
		return 0
	}
	p.next++
	return p.next
}

// note takes what came of a point.
func (p *points) note(at int, broken bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case broken:
		p.broken[at] = true
	case p.end == 0 || at < p.end:
		p.end = at
	}
}

// all breaks the first call of a run, the second and so on, until runs end
// before they get there. Runs differ a little in how many calls they make, so
// that a point near their end is tried again: up to the calls that every run
// makes all of them have to be broken.
func (s sweep) all(t *testing.T, l lab, slots chan struct{}) {
	t.Helper()
	const enough, persistent = 3, 30 // tries beyond those calls, and up to there
	calls := 0
	for range 5 {
		if n := l.count(t, s); calls == 0 || n < calls {
			calls = n
		}
	}
	p := points{broken: map[int]bool{}}
	var wg sync.WaitGroup
	for range cap(slots) {
		wg.Go(func() {
			for at := p.take(); at > 0; at = p.take() {
				tries := enough
				if at <= calls {
					tries = persistent
				}
				broken := false
				for try := 0; try < tries && !broken; try++ {
					slots <- struct{}{}
					t.Run(fmt.Sprint(at), func(t *testing.T) { broken = l.faultAt(t, s, at).Broken != "" })
					<-slots
				}
				p.note(at, broken)
			}
		})
	}
	wg.Wait()
	within := 0
	for at := range p.broken {
		if at <= calls {
			within++
		}
	}
	t.Logf("%d of the %d calls that every run makes were broken (%d %%), and %d that some runs make",
		within, calls, 100*within/max(calls, 1), len(p.broken)-within)
	if within != calls || calls == 0 {
		t.Error("the campaign does not reach what it is for")
	}
}

// count is how many of these calls a run makes that nothing breaks.
func (l lab) count(t *testing.T, s sweep) int {
	t.Helper()
	dir := t.TempDir()
	report := filepath.Join(dir, "report")
	g := l.guard(t, setup{state: filepath.Join(dir, "state"), wrap: s.at(t, 0, report)})
	g.scripted()
	g.CloseStdin()
	if status := g.Wait(); status != 0 {
		t.Fatalf("nothing was broken, and the status is %d", status)
	}
	return readReport(t, report).Calls
}

// at is the command that breaks one call, or only counts them at 0.
func (s sweep) at(t *testing.T, at int, report string) []string {
	t.Helper()
	return append(peers.Breaker(t), "-calls", s.calls, "-fault", s.fault, "-at", fmt.Sprint(at), "-report", report, "--")
}

// report is what breaker says about a run.
type report struct {
	Calls  int
	Broken string
}

func readReport(t *testing.T, file string) (r report) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(text, &r)
	}
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// faultAt is one run with one fault, and what became of it.
func (l lab) faultAt(t *testing.T, s sweep, at int) report {
	t.Helper()
	dir := t.TempDir()
	state, file := filepath.Join(dir, "state"), filepath.Join(dir, "report")
	g := l.guard(t, setup{state: state, wrap: s.at(t, at, file)})
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
	l.goesOn(t, setup{state: state}, executed)
	r := readReport(t, file)
	if t.Failed() {
		t.Logf("status %d, executed %q; broken: %s", status, executed, r.Broken)
	}
	return r
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
