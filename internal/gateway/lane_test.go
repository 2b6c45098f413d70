package gateway

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
)

// ticket is evidence that becomes durable when it is told to.
type ticket struct {
	done chan struct{}
	err  *error
}

func newTicket() ticket { return ticket{make(chan struct{}), new(error)} }

func (t ticket) settle(err error) { *t.err = err; close(t.done) }

func (t ticket) Commit() error { <-t.done; return *t.err }

func (t ticket) Wait() error { return t.Commit() }

func (t ticket) Settled() bool {
	select {
	case <-t.done:
		return true
	default:
		return false
	}
}

// sink collects what a lane writes.
type sink struct {
	mu  sync.Mutex
	buf bytes.Buffer
	err error
}

func (s *sink) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return 0, s.err
	}
	return s.buf.Write(b)
}

func (s *sink) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buf.String()
}

func never(error) {}

// Nothing is written before its evidence, and nothing overtakes.
func TestLaneWaitsAndKeepsTheOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out sink
		l := newLane(&out, 1<<20, never)
		go l.Run()
		first, second := newTicket(), newTicket()
		l.Send(item{wait: first, frame: []byte("1"), failed: dropped})
		l.Send(item{wait: second, frame: []byte("2"), failed: dropped})
		l.Send(item{frame: []byte("3")})
		second.settle(nil)
		synctest.Wait()
		if out.String() != "" {
			t.Fatalf("%q was written before its evidence", out.String())
		}
		first.settle(nil)
		synctest.Wait()
		if got := out.String(); got != "1\n2\n3\n" {
			t.Errorf("got %q", got)
		}
		l.Close()
	})
}

func TestLaneReplacesWhatHasNoEvidence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out sink
		l := newLane(&out, 1<<20, never)
		go l.Run()
		failing := newTicket()
		l.Send(item{wait: failing, frame: []byte("secret"), failed: func(error) []byte { return []byte("refused") }})
		dropping := newTicket()
		l.Send(item{wait: dropping, frame: []byte("secret"), failed: dropped})
		failing.settle(errors.New("disk"))
		dropping.settle(errors.New("disk"))
		l.Send(item{frame: []byte("next")})
		l.Close()
		synctest.Wait()
		if got := out.String(); got != "refused\nnext\n" {
			t.Errorf("got %q", got)
		}
	})
}

// A full lane slows its sender down instead of growing.
func TestLanePushesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, w := io.Pipe()
		l := newLane(w, 10, never)
		go l.Run()
		sent := 0
		go func() {
			for range 100 {
				l.Send(item{frame: []byte("12345678")})
				sent++
			}
			l.Close()
		}()
		synctest.Wait()
		if sent > 4 {
			t.Errorf("%d lines were taken while nobody reads", sent)
		}
		go func() { _, _ = io.Copy(io.Discard, r) }()
		synctest.Wait()
		if sent != 100 {
			t.Errorf("%d lines were taken in the end", sent)
		}
		_ = w.Close()
	})
}

// Where a stream takes no more at once, its sender does not wait for it.
func TestLaneLeavesAFullStreamToItsRunner(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, w := io.Pipe()
		l := newLane(w, 1<<20, never)
		l.room = func(int) bool { return false }
		go l.Run()
		for range 3 {
			l.Send(item{frame: []byte("x")}) // would hang if the sender wrote
		}
		go func() { _, _ = io.Copy(io.Discard, r) }()
		l.Close()
		synctest.Wait()
		if l.Carried() != 3 {
			t.Errorf("%d lines arrived", l.Carried())
		}
		_ = w.Close()
	})
}

func TestLaneTellsOnceThatItsStreamIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lost := 0
		l := newLane(&sink{err: io.ErrClosedPipe}, 1<<20, func(error) { lost++ })
		go l.Run()
		for range 3 {
			l.Send(item{frame: []byte("x")})
		}
		l.Close()
		synctest.Wait()
		if lost != 1 {
			t.Errorf("told %d times", lost)
		}
	})
}

func TestFrameReader(t *testing.T) {
	long := strings.Repeat("x", 100)
	for _, c := range []struct {
		name, in string
		want     []string
		last     error
	}{
		{"lines", "a\nb\r\n\nc\n", []string{"a", "b", "c"}, io.EOF},
		{"half a line", "a\nb", []string{"a"}, errHalfLine},
		{"too long", long + "\nb\n", []string{"!", "b"}, io.EOF},
		{"as long as allowed", long[:64] + "\r\n", []string{long[:64]}, io.EOF},
		{"one byte more", long[:65] + "\r\n", []string{"!"}, io.EOF},
		{"empty", "", nil, io.EOF},
		{"only ends", "\n\r\n\n", nil, io.EOF},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newFrameReader(strings.NewReader(c.in), 64)
			for _, want := range c.want {
				got, err := r.next()
				if want == "!" {
					if !errors.Is(err, errFrameTooLong) {
						t.Fatalf("got %q, %v", got, err)
					}
					continue
				}
				if err != nil || string(got) != want {
					t.Fatalf("got %q, %v, want %q", got, err, want)
				}
			}
			if _, err := r.next(); !errors.Is(err, c.last) {
				t.Errorf("ended with %v, want %v", err, c.last)
			}
		})
	}
}

// A fatal reader gives up on a line without end; it must not look for one.
func TestFatalFrameReaderGivesUp(t *testing.T) {
	r := newFrameReader(endless{}, 1<<20)
	r.fatal = true
	if _, err := r.next(); !errors.Is(err, errFrameTooLong) {
		t.Errorf("got %v", err)
	}
}

type endless struct{}

func (endless) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = 'x'
	}
	return len(b), nil
}

func TestPendingTable(t *testing.T) {
	tab := newTable()
	tab.add("1", &request{id: "1", token: "p"})
	if !tab.waits("1") || tab.waits("2") || !tab.progressing("p") {
		t.Error("what was added does not wait")
	}
	if r := tab.cancel("1"); r == nil || tab.cancel("1") != nil {
		t.Error("a request is cancelled once")
	}
	if !tab.waits("1") {
		t.Error("a cancelled id is free before its late answer came")
	}
	if r := tab.take("1"); r == nil || !r.gone || tab.progressing("p") {
		t.Error("a late answer finds its request, and its token is forgotten")
	}
	if tab.take("1") != nil {
		t.Error("an answer is taken once")
	}
	for i := range maxGone + 10 {
		key := itoa(int64(i))
		tab.add(key, &request{})
		tab.cancel(key)
	}
	if n := len(tab.live); n > maxGone {
		t.Errorf("%d cancelled requests are remembered", n)
	}
}

// stuck is evidence whose first Commit is at a disk that does not answer, while
// everybody else knows that it failed.
type stuck struct {
	ticket
	disk  chan struct{}
	there *atomic.Bool
}

func (s stuck) Commit() error {
	if s.there.CompareAndSwap(false, true) {
		<-s.disk
	}
	return s.ticket.Commit()
}

// Whoever is at a disk which does not answer is relieved, a sender or Run: the
// line is refused, once and in order, and who comes back touches nothing.
func TestLaneRelievesWhoDoesNotComeBack(t *testing.T) {
	for _, patient := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			var out sink
			l := newLane(&out, 1<<20, never)
			go l.Run()
			ev := stuck{newTicket(), make(chan struct{}), new(atomic.Bool)}
			refused := 0
			kept := make(chan bool, 1)
			go func() {
				kept <- l.Send(item{wait: ev, frame: []byte("secret"), patient: patient, failed: func(error) []byte {
					refused++
					return []byte("refused")
				}})
			}()
			synctest.Wait()
			l.Send(item{frame: []byte("next")})
			if l.Relieve() != patient {
				t.Errorf("patient %v: the wrong one was relieved", patient)
			}
			ev.settle(errors.New("disk"))
			synctest.Wait()
			if got := out.String(); got != "refused\nnext\n" {
				t.Errorf("patient %v: got %q", patient, got)
			}
			close(ev.disk)
			if <-kept == patient {
				t.Errorf("patient %v: the sender was told the wrong thing", patient)
			}
			l.Send(item{frame: []byte("last")})
			l.Close()
			<-l.done
			if got := out.String(); got != "refused\nnext\nlast\n" || refused != 1 {
				t.Errorf("patient %v: got %q, refused %d times", patient, got, refused)
			}
			if l.Relieve() {
				t.Error("nobody waits, and somebody was relieved")
			}
		})
	}
}

// Lines that are ready together are written together.
func TestLaneWritesTogetherWhatIsReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out counted
		l := newLane(&out, 1<<20, never)
		go l.Run()
		first, last := newTicket(), newTicket()
		l.Send(item{wait: first, frame: []byte("1"), failed: dropped})
		l.Send(item{frame: []byte("2")})
		l.Send(item{wait: first, frame: []byte("3"), failed: dropped})
		l.Send(item{wait: last, frame: []byte("4"), failed: dropped})
		first.settle(nil)
		synctest.Wait()
		if got := out.String(); got != "1\n2\n3\n" || out.writes != 1 {
			t.Errorf("got %q in %d writes", got, out.writes)
		}
		last.settle(nil)
		l.Close()
		<-l.done
		if got := out.String(); got != "1\n2\n3\n4\n" {
			t.Errorf("got %q", got)
		}
	})
}

// counted counts the writes it gets.
type counted struct {
	sink
	writes int
}

func (c *counted) Write(b []byte) (int, error) {
	c.writes++
	return c.sink.Write(b)
}
