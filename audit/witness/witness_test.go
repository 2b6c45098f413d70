package witness

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/custos-zt/custos/audit"
)

func testKey(n byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{n}, ed25519.SeedSize))
}

// bench is a log, a witness and a client between them.
type bench struct {
	t      *testing.T
	logDir string
	chain  audit.Chain
	keys   audit.Keys
	key    ed25519.PrivateKey
	store  *Store
	server *Server
	http   *httptest.Server
	client *Client

	mu     sync.Mutex
	alarms []Alarm
	now    time.Time
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{t: t, logDir: t.TempDir(), key: testKey(1), now: time.Now()}
	b.keys = audit.NewKeys(b.key.Public().(ed25519.PublicKey))
	b.chain = audit.Chain{Dir: filepath.Join(b.logDir, audit.SlotName(0))}
	if err := os.Mkdir(b.chain.Dir, 0o700); err != nil {
		t.Fatal(err)
	}
	store, err := OpenStore(filepath.Join(t.TempDir(), "witness"), "witness.example/w1")
	if err != nil {
		t.Fatal(err)
	}
	b.store = store
	b.server = &Server{Store: store, Now: func() time.Time { return b.now }, Alarm: func(a Alarm) {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.alarms = append(b.alarms, a)
	}}
	b.http = httptest.NewServer(b.server)
	t.Cleanup(b.http.Close)
	b.client = &Client{URL: b.http.URL, Key: store.Key()}
	return b
}

// enrol has the witness know the instance.
func (b *bench) enrol() {
	b.t.Helper()
	if _, err := b.store.Enrol(b.keys, audit.Fingerprint(b.keys.Current()), time.Hour, b.now); err != nil {
		b.t.Fatal(err)
	}
}

// grow opens the log, appends records and closes it; the head is signed then.
func (b *bench) grow(n int) {
	b.t.Helper()
	l, err := audit.Open(b.chain.Dir, audit.Options{Instance: b.keys.Instance(), Key: b.key, Keys: b.keys})
	if err != nil {
		b.t.Fatal(err)
	}
	for range n {
		l.Append(audit.Record{Kind: audit.KindStart})
	}
	if err := l.Close(); err != nil {
		b.t.Fatal(err)
	}
}

// kinds returns the kinds of alarms raised so far.
func (b *bench) kinds() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var list []string
	for _, a := range b.alarms {
		list = append(list, string(a.Kind))
	}
	return strings.Join(list, " ")
}

// restart throws the log away and begins another under the same key.
func (b *bench) restart(n int) {
	b.t.Helper()
	if err := os.RemoveAll(b.chain.Dir); err != nil {
		b.t.Fatal(err)
	}
	if err := os.Mkdir(b.chain.Dir, 0o700); err != nil {
		b.t.Fatal(err)
	}
	b.grow(n)
}

func TestWitnessFollowsALog(t *testing.T) {
	b := newBench(t)
	b.enrol()
	known := uint64(0)
	for range 5 {
		b.grow(7)
		got, err := b.client.Cosign(context.Background(), b.chain, known)
		if err != nil {
			t.Fatal(err)
		}
		if err := b.chain.KeepWitnessed(got.Signed); err != nil {
			t.Fatal(err)
		}
		// Again, by somebody who knows nothing.
		if again, err := b.client.Fresh(context.Background(), b.chain, b.now); err != nil || again.Head != got.Head {
			t.Fatalf("asked again: %+v, %v", again.Head, err)
		}
		known = got.Head.Size
	}
	rep, err := audit.Verify(b.logDir, audit.VerifyOptions{Keys: b.keys, Witnesses: []audit.WitnessKey{b.store.Key()}})
	if err != nil || rep.Tampered() || rep.TailUnproven() != 0 || !strings.HasPrefix(rep.Scope, "witnessed to record 36 at 20") {
		t.Fatalf("%v, %+v, %q, %d unproven", err, rep.FirstBad(), rep.Scope, rep.TailUnproven())
	}
	if rep, err := audit.Verify(b.logDir, audit.VerifyOptions{Keys: b.keys}); err != nil || rep.Scope != audit.ScopeLocal || rep.TailUnproven() != 36 {
		t.Fatalf("without the witness's key: %v, %q", err, rep.Scope)
	}
	if b.kinds() != "" {
		t.Fatalf("alarms: %s", b.kinds())
	}
}

// TestWitnessRefuses: what an attacker with the log's files and its key can try
// is refused, and is an alarm.
func TestWitnessRefuses(t *testing.T) {
	tests := []struct {
		name, alarms, text string
		changed            bool
		do                 func(b *bench)
	}{
		{"a second genesis", "rewind", "has seen 11 records", true, func(b *bench) { b.restart(3) }},
		{"a second genesis that grew", "fork", "does not continue", true, func(b *bench) { b.restart(30) }},
		{"another history of the same length", "fork", "other records up to 11", true, func(b *bench) { b.restart(10) }},
		{"a replaced key", "replaced_key", "does not know the key", false, func(b *bench) {
			next, err := b.keys.Rotate(b.key, testKey(2))
			if err != nil {
				b.t.Fatal(err)
			}
			old := b.keys
			b.keys = next
			b.enrol()
			b.keys = old
			b.grow(1)
		}},
		{"a rotation that nobody enrolled", "unknown_key", "does not know the key", false, func(b *bench) {
			next, err := b.keys.Rotate(b.key, testKey(2))
			if err != nil {
				b.t.Fatal(err)
			}
			b.keys, b.key = next, testKey(2)
			b.grow(1)
		}},
		{"another instance", "unknown_instance", "does not know this instance", false, func(b *bench) {
			b.key = testKey(3)
			b.keys = audit.NewKeys(b.key.Public().(ed25519.PublicKey))
			b.restart(30)
		}},
	}
	for _, c := range tests {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t)
			b.enrol()
			b.grow(10)
			if _, err := b.client.Cosign(context.Background(), b.chain, 0); err != nil {
				t.Fatal(err)
			}
			c.do(b)
			var no *Refusal
			for range 2 { // asking again counts, and is no new alarm
				got, err := b.client.Cosign(context.Background(), b.chain, 0)
				if !errors.As(err, &no) || no.Changed != c.changed || !strings.Contains(no.Error(), c.text) {
					t.Fatalf("answered %+v, %v; want %q", got.Head, err, c.text)
				}
			}
			if b.kinds() != c.alarms {
				t.Fatalf("alarms %q, want %q", b.kinds(), c.alarms)
			}
			list, err := b.store.Alarms(b.now)
			if err != nil || len(list) != 1 || string(list[0].Kind) != c.alarms || list[0].Count < 2 {
				t.Fatalf("kept %+v, %v", list, err)
			}
			id := list[0].Instance
			if list[0].Kind == KindUnknownInstance {
				id = ""
			}
			if err := b.store.Dismiss(id); err != nil {
				t.Fatal(err)
			}
			if list, err := b.store.Alarms(b.now); err != nil || len(list) != 0 {
				t.Fatalf("dismissed: %+v, %v", list, err)
			}
		})
	}
}

// TestSilence: an instance that says nothing for too long is an alarm, until it
// speaks again.
func TestSilence(t *testing.T) {
	b := newBench(t)
	b.enrol()
	b.grow(1)
	if _, err := b.client.Cosign(context.Background(), b.chain, 0); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		pass   time.Duration
		alarms int
	}{{59 * time.Minute, 0}, {2 * time.Minute, 1}} {
		b.now = b.now.Add(step.pass)
		if list, err := b.store.Alarms(b.now); err != nil || len(list) != step.alarms {
			t.Fatalf("after %v: %+v, %v", step.pass, list, err)
		}
	}
	b.grow(1)
	if _, err := b.client.Cosign(context.Background(), b.chain, 0); err != nil {
		t.Fatal(err)
	}
	if list, err := b.store.Alarms(b.now); err != nil || len(list) != 0 {
		t.Fatalf("after it spoke: %+v, %v", list, err)
	}
}

// TestHeads: a reader gets what the witness has seen, cosigned now, and takes
// neither an old answer nor somebody else's.
func TestHeads(t *testing.T) {
	b := newBench(t)
	ctx, id := context.Background(), b.keys.Instance()
	var no *Refusal
	if _, err := b.client.Heads(ctx, id, b.now); !errors.As(err, &no) {
		t.Fatalf("not enrolled: %v", err)
	}
	b.enrol()
	if _, err := b.client.Heads(ctx, id, b.now); !errors.As(err, &no) {
		t.Fatalf("nothing seen: %v", err)
	}
	b.grow(10)
	if _, err := b.client.Cosign(ctx, b.chain, 0); err != nil {
		t.Fatal(err)
	}
	heads, err := b.client.Heads(ctx, id, b.now)
	if err != nil {
		t.Fatal(err)
	}
	opt := audit.VerifyOptions{Keys: b.keys, Since: heads, Witnesses: []audit.WitnessKey{b.store.Key()}}
	if rep, err := audit.Verify(b.logDir, opt); err != nil || rep.Tampered() || !strings.HasPrefix(rep.Scope, "witnessed to record 11 at") || rep.TailUnproven() != 0 {
		t.Fatalf("%v, %+v, %q", err, rep.FirstBad(), rep.Scope)
	}
	if _, err := b.client.Heads(ctx, id, b.now.Add(time.Hour)); err == nil || !strings.Contains(err.Error(), "repeated") {
		t.Fatalf("an hour later: %v", err)
	}
	other := &Client{URL: b.client.URL, Key: audit.NewWitnessKey("witness.example/w1", testKey(9).Public().(ed25519.PublicKey))}
	if _, err := other.Heads(ctx, id, b.now); err == nil || !strings.Contains(err.Error(), "not signed by its key") {
		t.Fatalf("another key: %v", err)
	}
	// Cut, rewound or begun anew, and signed with the log's own key.
	b.restart(5)
	if rep, err := audit.Verify(b.logDir, audit.VerifyOptions{Keys: b.keys}); err != nil || rep.Tampered() {
		t.Fatalf("without the witness: %v, %+v", err, rep.FirstBad())
	}
	if rep, err := audit.Verify(b.logDir, opt); err != nil || !rep.Tampered() {
		t.Fatalf("with the witness: %v, nothing found", err)
	}
}

// TestWitnessRemembers: over a restart, and not without its memory.
func TestWitnessRemembers(t *testing.T) {
	b := newBench(t)
	b.enrol()
	b.grow(10)
	if _, err := b.client.Cosign(context.Background(), b.chain, 0); err != nil {
		t.Fatal(err)
	}
	again, err := OpenStore(b.store.dir, "")
	if err != nil || again.Key().String() != b.store.Key().String() {
		t.Fatalf("%v, %v", again, err)
	}
	b.server.Store = again
	b.restart(10)
	if _, err := b.client.Cosign(context.Background(), b.chain, 0); err == nil {
		t.Fatal("cosigned another history after a restart")
	}
	if err := os.Remove(filepath.Join(b.store.dir, keyName)); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenStore(b.store.dir, ""); err == nil {
		t.Fatal("made a new key beside old heads")
	}
	err = filepath.WalkDir(b.store.dir, func(path string, e os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		st, err := e.Info()
		if err == nil && st.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", path, st.Mode())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestEnrolByFingerprint: what nobody compared is not enrolled, and neither are
// keys that contradict those known.
func TestEnrolByFingerprint(t *testing.T) {
	b := newBench(t)
	if _, err := b.store.Enrol(b.keys, audit.Fingerprint(testKey(9).Public().(ed25519.PublicKey)), 0, b.now); !errors.Is(err, ErrFingerprint) {
		t.Fatalf("another fingerprint: %v", err)
	}
	b.enrol()
	one, err := b.keys.Rotate(b.key, testKey(2))
	if err != nil {
		t.Fatal(err)
	}
	two, err := b.keys.Rotate(b.key, testKey(3))
	if err != nil {
		t.Fatal(err)
	}
	b.keys = one
	b.enrol()
	if _, err := b.store.Enrol(two, audit.Fingerprint(two.Current()), 0, b.now); err == nil {
		t.Fatal("enrolled keys that contradict those known")
	}
}

// TestOneOfManyIsCosigned: of different histories that come at once the witness
// cosigns one.
func TestOneOfManyIsCosigned(t *testing.T) {
	b := newBench(t)
	b.enrol()
	var bodies [][]byte
	for n := range 8 {
		b.restart(n + 3)
		signed, _, err := b.chain.Head()
		if err != nil {
			t.Fatal(err)
		}
		bodies = append(bodies, (&request{checkpoint: signed}).marshal())
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	cosigned := 0
	for _, body := range bodies {
		wg.Go(func() {
			res, err := http.Post(b.http.URL+"/add-checkpoint", "", bytes.NewReader(body))
			if err != nil {
				t.Error(err)
				return
			}
			defer res.Body.Close()
			mu.Lock()
			defer mu.Unlock()
			if res.StatusCode == http.StatusOK {
				cosigned++
			}
		})
	}
	wg.Wait()
	if cosigned != 1 {
		t.Fatalf("%d histories were cosigned", cosigned)
	}
}
