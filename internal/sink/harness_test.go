package sink

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/audit"
	"github.com/custos-zt/custos/internal/ocsf"
)

const testInstance = "i_test"

// world is a state directory with a log, and cursors in memory that can fail.
type world struct {
	t      testing.TB
	logDir string
	logs   map[int]*audit.Log

	mu      sync.Mutex
	cursors map[string][]byte
	kept    int
	frozen  bool // cursors are not kept: the process is killed before
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{t: t, logDir: filepath.Join(t.TempDir(), "log"), logs: map[int]*audit.Log{}, cursors: map[string][]byte{}}
	t.Cleanup(w.closeLogs)
	return w
}

func (w *world) closeLogs() {
	for slot, l := range w.logs {
		if err := l.Close(); err != nil {
			w.t.Error(err)
		}
		delete(w.logs, slot)
	}
}

// log opens the chain of a slot, in small segments.
func (w *world) log(slot int) *audit.Log {
	w.t.Helper()
	if l := w.logs[slot]; l != nil {
		return l
	}
	dir := filepath.Join(w.logDir, audit.SlotName(slot))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		w.t.Fatal(err)
	}
	l, err := audit.Open(dir, audit.Options{Slot: slot, Instance: testInstance, SegmentSize: 16 << 10})
	if err != nil {
		w.t.Fatal(err)
	}
	w.logs[slot] = l
	return l
}

// calls records n calls and their outcomes.
func (w *world) calls(slot, n int) {
	w.t.Helper()
	l := w.log(slot)
	var last audit.Ticket
	for i := range n {
		a := l.Append(audit.Record{
			Kind: audit.KindAdmission, Method: "tools/call", Direction: "client", Backend: "files", Tool: fmt.Sprintf("tool%d", i%3),
			Decision: access.Allow, Reason: access.RuleAllowed, Rule: "r", Subject: "os:dev", Client: "agent", Session: "s_1", EvalUS: 40,
		})
		last = l.Append(audit.Record{Kind: audit.KindOutcome, Admission: a.Seq(), Method: "tools/call", Status: audit.StatusOK, Bytes: 10, DurationUS: 1500})
		if i%10 == 9 { // or all of it would be one group
			_ = last.Wait()
		}
	}
	if err := last.Wait(); err != nil {
		w.t.Fatal(err)
	}
}

// uids are the ids of everything that is recorded, in order by slot.
func (w *world) uids() map[int][]string { return w.uidsOf(nil) }

// uidsOf are the ids of the records that keep accepts.
func (w *world) uidsOf(keep func(*audit.Record) bool) map[int][]string {
	w.t.Helper()
	out := map[int][]string{}
	for r, err := range audit.Read(w.logDir, audit.ReadOptions{Keep: keep}) {
		if err != nil {
			w.t.Fatal(err)
		}
		out[r.Slot] = append(out[r.Slot], ocsf.UID(testInstance, r.Slot, r.Seq))
	}
	return out
}

// Cursor and KeepCursor make the world what a state directory is to a shipper.
func (w *world) Cursor(name string) ([]byte, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if c, ok := w.cursors[name]; ok {
		return c, nil
	}
	return nil, fs.ErrNotExist
}

func (w *world) KeepCursor(name string, data []byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.frozen {
		w.cursors[name] = append([]byte{}, data...)
		w.kept++
	}
	return nil
}

func (w *world) freeze(frozen bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.frozen = frozen
}

func (w *world) saved() map[string][]byte {
	w.mu.Lock()
	defer w.mu.Unlock()
	return maps.Clone(w.cursors)
}

// ship delivers everything that is there, in a process of its own so to speak.
func (w *world) ship(spec Spec, board *Board) error {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	return Ship(ctx, Options{LogDir: w.logDir, Instance: testInstance, Cursors: w, Sinks: []Spec{spec}, Board: board, Once: true})
}

// inbox is what a receiver got, by slot.
type inbox struct {
	mu    sync.Mutex
	order map[int][]string
	raw   []byte // everything, byte for byte
	any   bool   // of any instance
}

func (in *inbox) take(uid string) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.order == nil {
		in.order = map[int][]string{}
	}
	var slot int
	var seq uint64
	instance, rest, _ := strings.Cut(uid, ":")
	if _, err := fmt.Sscanf(rest, "%d:%d", &slot, &seq); err != nil || instance != testInstance && !in.any {
		slot = -1 // the comparison will say so
	}
	in.order[slot] = append(in.order[slot], uid)
}

func (in *inbox) keep(raw []byte) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.raw = append(in.raw, raw...)
}

func (in *inbox) text() string {
	in.mu.Lock()
	defer in.mu.Unlock()
	return string(in.raw)
}

// once is what was received without what came again.
func (in *inbox) once() (order map[int][]string, again int) {
	in.mu.Lock()
	defer in.mu.Unlock()
	order = map[int][]string{}
	seen := map[string]bool{}
	for slot, list := range in.order {
		for _, uid := range list {
			if seen[uid] {
				again++
				continue
			}
			seen[uid] = true
			order[slot] = append(order[slot], uid)
		}
	}
	return order, again
}

// settled is once, when everything that is wanted has come, and something twice
// where that is wanted too: what a receiver's machine took its program may read
// a little later.
func (in *inbox) settled(want map[int][]string, twice bool) (order map[int][]string, again int) {
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		order, again = in.once()
		if cmp.Equal(want, order) && (again > 0 || !twice) || time.Now().After(deadline) {
			return order, again
		}
	}
}

// memory is a sink that keeps what it gets.
type memory struct {
	inbox *inbox
	fail  func(batch []Event) error
}

func (m *memory) Deliver(_ context.Context, batch []Event) error {
	if m.fail != nil {
		if err := m.fail(batch); err != nil {
			return err
		}
	}
	for i := range batch {
		m.inbox.take(batch[i].UID)
	}
	return nil
}

func (m *memory) Close() error { return nil }

func memorySpec(in *inbox, fail func([]Event) error) Spec {
	return Spec{Name: "memory", Open: func(context.Context) (Sink, error) { return &memory{in, fail}, nil }}
}

func testEnv() Env {
	return Env{Instance: testInstance, Version: "1.2.3", Hostname: "host", Getenv: os.Getenv, Board: NewBoard()}
}
