package witness

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/custos-zt/custos/audit"
)

// eventually waits for something that happens in the background.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for began := time.Now(); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Since(began) > time.Minute {
			t.Fatalf("never: %s", what)
		}
	}
}

// openLog opens the log of a bench for writing.
func (b *bench) openLog() *audit.Log {
	b.t.Helper()
	l, err := audit.Open(b.chain.Dir, audit.Options{Instance: b.keys.Instance(), Key: b.key, Keys: b.keys})
	if err != nil {
		b.t.Fatal(err)
	}
	return l
}

// TestFollower: heads are cosigned as they come, by each of two witnesses, and
// the last one when the log is closed.
func TestFollower(t *testing.T) {
	b, other := newBench(t), newBench(t)
	b.enrol()
	other.enrol()
	l := b.openLog()
	f := Follow(b.chain, []*Client{b.client, other.client})
	l.OnSigned(f.Poke)
	l.Append(audit.Record{Kind: audit.KindStart})
	eventually(t, "a first cosignature of each", func() bool {
		return f.Status()[0].Size > 0 && f.Status()[1].Size > 0
	})
	l.Append(audit.Record{Kind: audit.KindStart})
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	f.Close(time.Minute)
	signed, head, err := b.chain.Witnessed()
	if err != nil || head.Size != l.Head().Seq {
		t.Fatalf("the last head: record %d of %d, %v", head.Size, l.Head().Seq, err)
	}
	for _, w := range []*bench{b, other} {
		if _, ok := w.store.Key().At(signed); !ok {
			t.Errorf("no cosignature of one of the witnesses:\n%s", signed)
		}
		if w.kinds() != "" {
			t.Errorf("alarms: %s", w.kinds())
		}
	}
	// The next process knows what was seen, and asks for nothing new.
	g := Follow(b.chain, []*Client{b.client})
	if s := g.Status()[0]; s.Size != head.Size || s.Err != nil {
		t.Errorf("after a restart: %+v", s)
	}
	g.Close(time.Second)
}

// TestWitnessThatFails: a witness that is down, slow or wrong shows in the
// status, is left alone for longer and longer, and nobody waits for it.
func TestWitnessThatFails(t *testing.T) {
	var asked atomic.Int32
	release := make(chan struct{})
	for name, handler := range map[string]http.HandlerFunc{
		"error":    func(w http.ResponseWriter, _ *http.Request) { asked.Add(1); w.WriteHeader(500) },
		"nonsense": func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("— x AAAA\n")) },
		"hang":     func(_ http.ResponseWriter, r *http.Request) { <-release },
		"redirect": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://192.0.2.1/", http.StatusTemporaryRedirect)
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			server := httptest.NewServer(handler)
			defer server.Close()
			if name == "hang" {
				defer close(release)
			}
			l := b.openLog()
			f := Follow(b.chain, []*Client{{URL: server.URL, Key: b.store.Key()}})
			l.OnSigned(f.Poke)
			began := time.Now()
			for range 50 {
				if err := l.Append(audit.Record{Kind: audit.KindStart}).Wait(); err != nil {
					t.Fatal(err)
				}
			}
			if name != "hang" {
				eventually(t, "a failure in the status", func() bool { return f.Status()[0].Err != nil })
			}
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			closing := time.Now()
			f.Close(100 * time.Millisecond)
			if d := time.Since(closing); d > 30*time.Second {
				t.Errorf("closing took %v", d)
			}
			if s := f.Status()[0]; s.Size != 0 || s.Err == nil || s.Failed == 0 || s.Behind < 50 {
				t.Errorf("status %+v", s)
			}
			if n := asked.Load(); name == "error" && int(n) > 2+int(time.Since(began)/time.Second) {
				t.Errorf("asked %d times in %v", n, time.Since(began))
			}
		})
	}
}

// TestWitnessThatWentBack: one that forgot is not told the history anew, as if
// it were the first time.
func TestWitnessThatWentBack(t *testing.T) {
	b := newBench(t)
	b.enrol()
	b.grow(5)
	f := Follow(b.chain, []*Client{b.client})
	eventually(t, "a cosignature", func() bool { return f.Status()[0].Size > 0 })
	f.Close(time.Second)
	forgetful := newBench(t)
	forgetful.enrol()
	forgetful.store.key = b.store.key // the same witness, with an older memory
	b.grow(5)
	f = Follow(b.chain, []*Client{{URL: forgetful.http.URL, Key: b.store.Key()}})
	defer f.Close(time.Second)
	eventually(t, "a failure", func() bool { return f.Status()[0].Err != nil })
	if err := f.Status()[0].Err; !strings.Contains(err.Error(), "went back from record") {
		t.Fatal(err)
	}
}
