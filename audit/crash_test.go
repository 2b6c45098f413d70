package audit

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// envCrash makes the test binary the process that is killed.
const envCrash = "CUSTOS_TEST_AUDIT_CRASH"

// envSlow makes that process wait before each fdatasync.
const envSlow = "CUSTOS_TEST_AUDIT_SLOW"

func TestMain(m *testing.M) {
	if dir := os.Getenv(envCrash); dir != "" {
		if err := crashChild(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

// crashOptions rotate, sign and expire often, so that kills also hit the change
// of segments and of checkpoints, and the deletion of what is old.
func crashOptions() Options {
	key := testKey(1)
	return Options{Instance: InstanceID(public(key)), Key: key, SegmentSize: 256 << 10, every: 2 * time.Millisecond, Retention: 200 * time.Millisecond, look: 5 * time.Millisecond}
}

// crashChild appends from 64 writers and names every record that was
// acknowledged, until it is killed.
func crashChild(dir string) error {
	lock, err := Lock(dir)
	if err != nil {
		return err
	}
	defer lock.Close()
	opt := crashOptions()
	if os.Getenv(envSlow) != "" {
		d := osDisk()
		d.sync = func(f *os.File) error {
			time.Sleep(time.Duration(rand.IntN(4)) * time.Millisecond)
			return fdatasync(f)
		}
		opt.disk = &d
	}
	l, err := Open(dir, opt)
	if err != nil {
		return err
	}
	var wg sync.WaitGroup
	for w := range 64 {
		wg.Go(func() {
			for i := 0; ; i++ {
				tk := l.Append(admission(w))
				if tk.Wait() != nil {
					return
				}
				_, _ = fmt.Printf("%d %d\n", tk.Seq(), monotonic())
				l.Append(outcome(tk.Seq()))
			}
		})
	}
	wg.Wait()
	return l.Err()
}

// monotonic is a clock that processes share.
func monotonic() int64 {
	var ts unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts)
	return ts.Nano()
}

// crash runs one child, kills it after a while and returns the last record
// that it knew to be durable.
func crash(t *testing.T, dir string, after time.Duration) (acked uint64) {
	t.Helper()
	acked, late := crashWith(t, dir, "", after, func(p *os.Process) { _ = p.Kill() })
	return max(acked, late) // a process that is killed says nothing after it
}

// crashWith runs one child, does something to it after a while, waits for its
// end and returns the last record that it knew to be durable before that was
// done, and after it.
func crashWith(t *testing.T, dir, env string, after time.Duration, do func(*os.Process)) (acked, late uint64) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), envCrash+"="+dir)
	if env != "" {
		cmd.Env = append(cmd.Env, env)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var done atomic.Int64
	timer := time.AfterFunc(after, func() {
		done.Store(monotonic())
		do(cmd.Process)
	})
	stuck := time.AfterFunc(after+5*time.Minute, func() { _ = cmd.Process.Kill() })
	defer stuck.Stop()
	last := map[uint64]int64{}
	for in := bufio.NewScanner(out); in.Scan(); {
		var seq uint64
		var at int64
		if _, err := fmt.Sscanf(in.Text(), "%d %d", &seq, &at); err != nil {
			t.Fatalf("the child said %q", in.Text())
		}
		last[seq] = at
	}
	_ = cmd.Wait()
	if timer.Stop() {
		t.Fatalf("the child ended by itself: %v", cmd.ProcessState)
	}
	for seq, at := range last {
		if at < done.Load() {
			acked = max(acked, seq)
		} else {
			late = max(late, seq)
		}
	}
	return acked, late
}

// patience is how many times longer the next child may live. A busy machine
// needs longer to begin, and one that is killed before that proves little.
func patience(now time.Duration, acked uint64) time.Duration {
	if acked == 0 {
		return min(2*now, 512)
	}
	return max(now/2, 1)
}

// unharmed fails the test where a crash is taken for tampering.
func unharmed(t *testing.T, logDir, when string, round int) Report {
	t.Helper()
	rep, err := Verify(logDir, VerifyOptions{})
	if err != nil || rep.Tampered() {
		t.Fatalf("%s %d: false alarm: %v, %+v", when, round, err, rep.FirstBad())
	}
	return rep
}

// reopened continues a chain after a crash, ends it in order, and returns how
// long its recovery took.
func reopened(t *testing.T, dir string) time.Duration {
	t.Helper()
	began := time.Now()
	l := mustOpen(t, dir, crashOptions())
	took := time.Since(began)
	mustClose(t, l)
	return took
}

// recoveryBar fails the test where recovery took too long. A machine that runs
// many tests at once says nothing about times, so that the bar itself holds for
// those who ask for it; anybody notices a recovery that does not end.
func recoveryBar(t *testing.T, times []time.Duration) {
	t.Helper()
	bar := time.Minute
	if reliability() {
		bar = time.Second
	}
	slices.Sort(times)
	p99 := times[(len(times)*99+99)/100-1]
	t.Logf("%d rounds, recovery p50 %v p99 %v", len(times), times[len(times)/2], p99)
	if p99 > bar {
		t.Errorf("recovery p99 %v, want below %v", p99, bar)
	}
}

func TestKill(t *testing.T) {
	rng := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 0))
	var logDir, dir string
	var total uint64
	var times []time.Duration
	n, slower := rounds(100, 10_000), time.Duration(1)
	for round := 0; round < n || total == 0 && round < n+6; round++ {
		if round%20 == 0 {
			logDir, dir = slot(t)
		}
		acked := crash(t, dir, slower*time.Duration(15+rng.IntN(70))*time.Millisecond)
		rep := unharmed(t, logDir, "round", round)
		if acked > rep.Records() {
			t.Fatalf("round %d: record %d was acknowledged, the log ends at %d", round, acked, rep.Records())
		}
		times = append(times, reopened(t, dir))
		if rep = unharmed(t, logDir, "after recovery, round", round); rep.Slots[0].TornTail != 0 {
			t.Fatalf("round %d: a torn tail is left after recovery", round)
		}
		total += acked
		slower = patience(slower, acked)
		if (round+1)%20 == 0 {
			_ = os.RemoveAll(filepath.Dir(dir))
		}
	}
	if total == 0 {
		t.Fatal("no child acknowledged anything")
	}
	recoveryBar(t, times)
}
