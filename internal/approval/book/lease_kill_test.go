package book

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/custos-zt/custos/internal/approval"
)

// leasesEnv makes the test binary a guard of sixteen callers: see
// TestLeasesOfKilledGuards.
const leasesEnv = "CUSTOS_TEST_LEASES"

// usersOf has sixteen callers repeat calls that a lease answers until none does.
// Each time one may pass, it writes the id of the lease, as the tool would run.
func usersOf(path string) {
	b, err := Open(Options{Path: path, Key: [32]byte{7}})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	ran, err := os.OpenFile(path+".ran", os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		os.Exit(1)
	}
	params := `{"name":"write_file","arguments":{"n":1}}`
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			for {
				r := request("write_file")
				r.Params = params
				r.Rules = standingRules()
				l, ok, _, err := b.Use(context.Background(), &approval.Call{Request: r})
				if err == nil && !ok {
					return
				}
				if ok {
					_, _ = ran.WriteString(l.ID() + "\n")
				}
			}
		})
	}
	all.Wait()
	_ = b.Close()
}

func standingRules() []approval.Rule {
	return []approval.Rule{{ID: "writes", Position: "p.yaml:3", Standing: approval.Standing{Allowed: true, Max: time.Hour, Uses: 1000}}}
}

// Three processes of sixteen callers each use up one lease after the other: those
// that live do so exactly, and of those that are killed at any instant no more
// calls ran than were counted, nor more counted than the lease has uses. 6 rounds
// belong to every test run, 300 to make reliability.
func TestLeasesOfKilledGuards(t *testing.T) {
	rounds := 6
	if os.Getenv("CUSTOS_RELIABILITY") != "" {
		rounds = 300
	}
	b, path := sharedBook(t)
	total := 0
	for n := range rounds {
		total += leaseRound(t, b, path, n%3 != 0, n)
	}
	t.Logf("%d rounds, %d calls ran", rounds, total)
	if total < rounds {
		t.Error("hardly a call ran: the rounds say nothing")
	}
}

// leaseRound lets three processes use one lease, and kills them early or not. It
// returns how many calls ran.
func leaseRound(t *testing.T, b *Book, path string, kill bool, n int) int {
	t.Helper()
	const uses = 60
	c := call(t, fmt.Sprintf(`{"n":"ask %d"}`, n))
	l := stands(t, b, c, uses, nil) // nobody else writes yet
	var users []*exec.Cmd
	for range 3 {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), leasesEnv+"="+path)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		users = append(users, cmd)
	}
	for _, cmd := range users {
		if kill {
			waitUsed(t, b, l.Number, rand.IntN(uses/2))
			_ = cmd.Process.Signal(syscall.SIGKILL)
		}
		_ = cmd.Wait() // killed, or done
	}
	data, err := os.ReadFile(path + ".ran")
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	ran := strings.Count(string(data), l.ID()+"\n")
	now, err := b.Lease(t.Context(), l.Number)
	switch {
	case err != nil:
		t.Fatal(err)
	case ran > now.Used || now.Used > uses:
		t.Errorf("%s: %d calls ran, %d were counted of %d", l.ID(), ran, now.Used, uses)
	case !kill && (ran != uses || now.State != approval.LeaseSpent):
		t.Errorf("%s: nobody was killed, and %d calls ran of %d (%s)", l.ID(), ran, uses, now.State)
	}
	if now.State == approval.LeaseLive {
		if _, err := b.Revoke(t.Context(), l.Number); err != nil {
			t.Fatal(err)
		}
	}
	return ran
}

// waitUsed waits until a lease was used so often, which other processes see to.
func waitUsed(t *testing.T, b *Book, number int64, n int) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		l, err := b.Lease(t.Context(), number)
		if err == nil && (l.Used >= n || l.State != approval.LeaseLive) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("it was never used %d times: %+v, %v", n, l.Used, err)
		}
	}
}
