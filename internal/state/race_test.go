package state

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/custos-zt/custos/audit"
)

// envChild makes the test binary one of the processes that race.
const envChild = "CUSTOS_TEST_STATE_CHILD"

func TestMain(m *testing.M) {
	if dir := os.Getenv(envChild); dir != "" {
		if err := child(dir); err != nil {
			fmt.Println("error:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// child opens the state directory, takes a slot, writes records to its chain,
// says so and holds the slot until its standard input ends.
func child(dir string) error {
	d, err := Open(dir)
	if err != nil {
		return err
	}
	s, err := d.AcquireSlot()
	if err != nil {
		return err
	}
	l, err := audit.Open(s.LogDir(), audit.Options{Slot: s.Number(), Instance: d.Instance()})
	if err != nil {
		return err
	}
	if err := s.Describe(Description{Backend: "files"}); err != nil {
		return err
	}
	for range 20 {
		if err := l.Append(audit.Record{Kind: audit.KindStart}).Wait(); err != nil {
			return err
		}
	}
	fmt.Println("slot", s.Number(), d.Instance())
	if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
		return err
	}
	if err := l.Close(); err != nil {
		return err
	}
	return s.Close()
}

// racer is one child process.
type racer struct {
	cmd   *exec.Cmd
	stdin io.Closer
	out   *bufio.Reader
}

func startRacer(t *testing.T, dir string) *racer {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	// The race detector would sleep for a second before each process ends.
	cmd.Env = append(os.Environ(), envChild+"="+dir, "GORACE=atexit_sleep_ms=0")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return &racer{cmd: cmd, stdin: in, out: bufio.NewReader(out)}
}

func TestTenProcessesRace(t *testing.T) {
	const processes = 10
	dir := filepath.Join(t.TempDir(), "state")
	for round := range 3 {
		racers := make([]*racer, processes)
		for i := range racers {
			racers[i] = startRacer(t, dir)
		}
		var slots []string
		instances := map[string]bool{}
		for _, r := range racers {
			line, err := r.out.ReadString('\n')
			f := strings.Fields(line)
			if err != nil || len(f) != 3 || f[0] != "slot" {
				t.Fatalf("round %d: a process said %q, %v", round, line, err)
			}
			slots = append(slots, fmt.Sprintf("%02s", f[1]))
			instances[f[2]] = true
		}
		slices.Sort(slots)
		if got, want := strings.Join(slots, " "), "00 01 02 03 04 05 06 07 08 09"; got != want || len(instances) != 1 {
			t.Fatalf("round %d: slots %s of %d instances, want %s of one", round, got, len(instances), want)
		}
		checkRunning(t, dir, processes)
		for i, r := range racers {
			if round == 1 && i%2 == 0 {
				_ = r.cmd.Process.Kill() // leaves the slot without a word
			}
			_ = r.stdin.Close()
			_ = r.cmd.Wait()
		}
		checkRunning(t, dir, 0)
	}
	rep, err := audit.Verify(filepath.Join(dir, "log"), audit.VerifyOptions{})
	if err != nil || rep.Tampered() || len(rep.Slots) != processes || rep.Records() < 3*20*processes {
		t.Fatalf("verify: %v, bad %+v, %d slots, %d records", err, rep.FirstBad(), len(rep.Slots), rep.Records())
	}
}

// checkRunning compares the number of processes that describe themselves.
func checkRunning(t *testing.T, dir string, want int) {
	t.Helper()
	d, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	list, err := d.Running()
	if err != nil {
		t.Fatal(err)
	}
	for _, desc := range list {
		if desc.PID == 0 || desc.Backend != "files" {
			t.Errorf("slot %d does not describe itself: %+v", desc.Slot, desc)
		}
	}
	if len(list) != want {
		t.Fatalf("%d processes are running, want %d", len(list), want)
	}
}
