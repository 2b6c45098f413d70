package book

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/internal/approval"
)

// guardEnv makes the test binary a guard: see TestKilledGuards.
const guardEnv = "CUSTOS_TEST_BOOK"

func TestMain(m *testing.M) {
	if path := os.Getenv(guardEnv); path != "" {
		guardFor(path)
		return
	}
	if path := os.Getenv(leasesEnv); path != "" {
		usersOf(path)
		return
	}
	os.Exit(m.Run())
}

// guardFor repeats one call until it is killed. Each time it may pass, it writes
// the id of the request that let it, as the tool would run.
func guardFor(path string) {
	b, err := Open(Options{Path: path, Key: [32]byte{7}})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	ran, err := os.OpenFile(path+".ran", os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		os.Exit(1)
	}
	for {
		a, err := b.Consult(context.Background(), request("write_file"))
		if err == nil && a.State == access.ApprovalUsed {
			_, _ = ran.WriteString(a.ID + "\n")
		}
		time.Sleep(time.Duration(rand.IntN(3)) * time.Millisecond) // the others want a turn
	}
}

// sharedBook opens a book that other processes open too, at path.
func sharedBook(t *testing.T) (b *Book, path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "state.db")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	b, err := Open(Options{Path: path, Key: [32]byte{7}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return b, path
}

// Guards that are killed at any instant, while people answer: no grant lets two
// calls pass, and none passes that nobody allowed. 10 rounds belong to every
// test run, 1,000 to make reliability.
func TestKilledGuards(t *testing.T) {
	rounds := 10
	if os.Getenv("CUSTOS_RELIABILITY") != "" {
		rounds = 1000
	}
	b, path := sharedBook(t)
	allowed := map[string]bool{}
	slower, ran := time.Duration(1), int64(0)
	for range rounds {
		killRound(t, b, path, allowed, slower)
		// A busy machine needs longer to begin, and who is killed before that
		// proves little.
		info, err := os.Stat(path + ".ran")
		if err == nil && info.Size() > ran {
			slower, ran = max(slower/2, 1), info.Size()
		} else {
			slower = min(2*slower, 128)
		}
	}
	data, err := os.ReadFile(path + ".ran")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for s := bufio.NewScanner(strings.NewReader(string(data))); s.Scan(); {
		id := s.Text()
		if seen[id] || !allowed[id] {
			t.Errorf("%s ran (again: %v, allowed: %v)", id, seen[id], allowed[id])
		}
		seen[id] = true
	}
	t.Logf("%d rounds, %d answers, %d calls ran", rounds, len(allowed), len(seen))
	if len(seen) == 0 {
		t.Error("no call ran: the rounds say nothing")
	}
}

// killRound runs three guards for a moment, so many times longer than usual,
// answers what they ask, and kills them.
func killRound(t *testing.T, b *Book, path string, allowed map[string]bool, slower time.Duration) {
	t.Helper()
	var guards []*exec.Cmd
	for range 3 {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), guardEnv+"="+path)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		guards = append(guards, cmd)
	}
	until := time.Now().Add(slower * time.Duration(200+rand.IntN(200)) * time.Millisecond)
	for time.Now().Before(until) {
		items, err := b.Open(t.Context())
		if err != nil {
			t.Log(err)
			break
		}
		for _, it := range items {
			v := approval.Vote{Answer: access.Answer{Allow: true, By: "os:ann", Channel: "cli", Assurance: "host"}}
			allowed[it.ID()] = true // before it counts: a guard may be faster than this line
			if _, err := b.Answer(t.Context(), it.Number, v, func(*Item) error { return nil }); err != nil && !errors.As(err, new(*SettledError)) {
				t.Log(err) // on a busy machine it may be another one's turn for long
			}
		}
	}
	for _, cmd := range guards {
		_ = cmd.Process.Signal(syscall.SIGKILL)
		_ = cmd.Wait() // killed
	}
}
