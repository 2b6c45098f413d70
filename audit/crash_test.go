package audit

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"
)

// envCrash makes the test binary the process that is killed.
const envCrash = "CUSTOS_TEST_AUDIT_CRASH"

func TestMain(m *testing.M) {
	if dir := os.Getenv(envCrash); dir != "" {
		if err := crashChild(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

// crashOptions rotate and sign often, so that kills also hit the change of
// segments and of checkpoints.
func crashOptions() Options {
	key := testKey(1)
	return Options{Instance: InstanceID(public(key)), Key: key, SegmentSize: 256 << 10, every: 2 * time.Millisecond}
}

// crashChild appends from 64 writers and names every record that was
// acknowledged, until it is killed.
func crashChild(dir string) error {
	lock, err := Lock(dir)
	if err != nil {
		return err
	}
	defer lock.Close()
	l, err := Open(dir, crashOptions())
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
				_, _ = os.Stdout.WriteString(strconv.FormatUint(tk.Seq(), 10) + "\n")
				l.AppendLazy(outcome(tk.Seq()))
			}
		})
	}
	wg.Wait()
	return l.Err()
}

// crash runs one child, kills it after a while and returns the last record
// that it knew to be durable.
func crash(t *testing.T, dir string, after time.Duration) (acked uint64) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), envCrash+"="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	kill := time.AfterFunc(after, func() { _ = cmd.Process.Kill() })
	defer kill.Stop()
	in := bufio.NewScanner(out)
	for in.Scan() {
		seq, err := strconv.ParseUint(in.Text(), 10, 64)
		if err != nil {
			t.Fatalf("the child said %q", in.Text())
		}
		acked = max(acked, seq)
	}
	_ = cmd.Wait()
	return acked
}

func TestKill(t *testing.T) {
	rounds := 100
	if os.Getenv("CUSTOS_RELIABILITY") != "" {
		rounds = 10_000
	} else if testing.Short() {
		rounds = 10
	}
	rng := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 0))
	var logDir, dir string
	var total uint64
	var times []time.Duration
	for round := range rounds {
		if round%20 == 0 {
			logDir, dir = slot(t)
		}
		acked := crash(t, dir, time.Duration(15+rng.IntN(70))*time.Millisecond)
		rep, err := Verify(logDir, VerifyOptions{})
		if err != nil || rep.Tampered() {
			t.Fatalf("round %d: false alarm: %v, %+v", round, err, rep.FirstBad())
		}
		if acked > rep.Records() {
			t.Fatalf("round %d: record %d was acknowledged, the log ends at %d", round, acked, rep.Records())
		}
		began := time.Now()
		l := mustOpen(t, dir, crashOptions())
		times = append(times, time.Since(began))
		mustClose(t, l)
		if rep, err = Verify(logDir, VerifyOptions{}); err != nil || rep.Tampered() || rep.Slots[0].TornTail != 0 {
			t.Fatalf("round %d: after recovery: %v, %+v", round, err, rep.FirstBad())
		}
		total += acked
		if (round+1)%20 == 0 {
			_ = os.RemoveAll(filepath.Dir(dir))
		}
	}
	if total == 0 {
		t.Fatal("no child acknowledged anything")
	}
	slices.Sort(times)
	p99 := times[len(times)*99/100]
	t.Logf("%d rounds, recovery p50 %v p99 %v", rounds, times[len(times)/2], p99)
	if p99 > time.Second {
		t.Errorf("recovery p99 %v, want below 1 s", p99)
	}
}
