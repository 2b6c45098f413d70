package sealed

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

const day = 24 * time.Hour

func testKey(b byte) []byte { return bytes.Repeat([]byte{b}, KeySize) }

// desk is a folder of one slot with a clock.
type desk struct {
	root, dir string
	now       time.Time
	opened    int
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	root := t.TempDir()
	return &desk{root: root, dir: filepath.Join(root, "00"), now: time.Unix(1_790_000_000, 0)}
}

func (d *desk) store(t *testing.T, change func(*Options)) *Store {
	t.Helper()
	o := Options{
		Open: func() (string, []byte, error) {
			d.opened++
			return d.dir, testKey(1), os.MkdirAll(d.dir, 0o700)
		},
		Root: d.root, Now: func() time.Time { return d.now },
		Failed: func(err error) { t.Errorf("sealing failed: %v", err) },
	}
	if change != nil {
		change(&o)
	}
	return New(o)
}

func place(seq uint64) Place {
	return Place{Slot: 3, Seq: seq, HMAC: fmt.Sprintf("hmac-sha256:%d", seq)}
}

func call(seq uint64) Call {
	return Call{Method: "tools/call", Params: fmt.Sprintf(`{"name":"t","arguments":{"n":%d,"s":"canary"}}`, seq)}
}

func (d *desk) find(p Place) (Call, error) {
	return Find(d.dir, testKey(1), p, 30*day, d.now)
}

func TestKeepsCalls(t *testing.T) {
	d := newDesk(t)
	for round := range uint64(3) { // three processes, one after the other
		s := d.store(t, nil)
		for i := range uint64(200) {
			s.Seal(place(round*200+i+1), call(round*200+i+1))
		}
		s.Close()
		s.Close()
		s.Seal(place(9999), call(9999)) // too late, and no panic
	}
	for seq := range uint64(600) {
		got, err := d.find(place(seq + 1))
		if err != nil || got != call(seq+1) {
			t.Fatalf("call %d: %+v, %v", seq+1, got, err)
		}
	}
	for _, seq := range []uint64{601, 9999} {
		if _, err := d.find(place(seq)); !errors.Is(err, ErrNotKept) {
			t.Errorf("call %d: %v", seq, err)
		}
	}
	list, err := files(d.dir)
	if err != nil || len(list) != 1 {
		t.Fatalf("%d files, %v", len(list), err)
	}
	b, err := os.ReadFile(list[0].path)
	if err != nil || bytes.Contains(b, []byte("canary")) || bytes.Contains(b, []byte("tools/call")) {
		t.Errorf("a call stands in the file as it is (%v)", err)
	}
	if info, err := os.Stat(list[0].path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file has mode %v, %v", info.Mode(), err)
	}
}

func TestNothingIsMadeForNothing(t *testing.T) {
	d := newDesk(t)
	d.store(t, nil).Close()
	var none *Store
	none.Seal(place(1), call(1))
	none.Close()
	if _, err := os.Stat(d.dir); d.opened != 0 || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("opened %d times, %v", d.opened, err)
	}
	if _, err := d.find(place(1)); !errors.Is(err, ErrNotKept) {
		t.Errorf("without a folder: %v", err)
	}
}

// one returns a desk with a few sealed calls, and their file.
func one(t *testing.T) (*desk, string) {
	t.Helper()
	d := newDesk(t)
	s := d.store(t, nil)
	for seq := range uint64(5) {
		s.Seal(place(seq+1), call(seq+1))
	}
	s.Close()
	list, err := files(d.dir)
	if err != nil || len(list) != 1 {
		t.Fatalf("%d files, %v", len(list), err)
	}
	return d, list[0].path
}

func TestAnEntryOpensForItsRecordAlone(t *testing.T) {
	d, _ := one(t)
	for name, p := range map[string]Place{
		"another slot":    {Slot: 4, Seq: 2, HMAC: place(2).HMAC},
		"other arguments": {Slot: 3, Seq: 2, HMAC: place(3).HMAC},
		"no digest":       {Slot: 3, Seq: 2},
	} {
		if c, err := d.find(p); !errors.Is(err, ErrTampered) {
			t.Errorf("%s: %+v, %v", name, c, err)
		}
	}
	if _, err := Find(d.dir, testKey(2), place(2), day, d.now); !errors.Is(err, ErrKey) {
		t.Errorf("another key: %v", err)
	}
}

// TestChangedEntriesAreFound flips every bit of a file in turn: what opens
// afterwards is what was sealed.
func TestChangedEntriesAreFound(t *testing.T) {
	d, path := one(t)
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	refused := 0
	for at := range good {
		changed := bytes.Clone(good)
		changed[at] ^= 1 << (at % 8)
		if err := os.WriteFile(path, changed, 0o600); err != nil {
			t.Fatal(err)
		}
		for seq := range uint64(5) {
			got, err := d.find(place(seq + 1))
			if err == nil && got != call(seq+1) {
				t.Fatalf("byte %d changed: call %d reads %+v", at, seq+1, got)
			}
			if err != nil {
				refused++
			}
		}
	}
	if refused < len(good) {
		t.Errorf("%d of %d changes were noticed", refused, len(good))
	}
}

func TestSwappedEntriesAreFound(t *testing.T) {
	d, path := one(t)
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	size := (len(good) - headerSize) / 5
	a, b := good[headerSize:headerSize+size], good[headerSize+size:headerSize+2*size]
	// The second call's content under the first one's number.
	forged := append(bytes.Clone(a[:12]), b[12:]...)
	if err := os.WriteFile(path, append(bytes.Clone(good[:headerSize]), forged...), 0o600); err != nil {
		t.Fatal(err)
	}
	if c, err := d.find(place(1)); !errors.Is(err, ErrTampered) {
		t.Errorf("got %+v, %v", c, err)
	}
}

func TestACutEntryIsLeftBehind(t *testing.T) {
	d, path := one(t)
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, info.Size()-3); err != nil {
		t.Fatal(err)
	}
	if _, err := d.find(place(5)); !errors.Is(err, ErrNotKept) {
		t.Errorf("the cut entry: %v", err)
	}
	s := d.store(t, nil)
	s.Seal(place(6), Call{Method: "m", Params: "{}"}) // shorter than what was cut
	s.Close()
	for _, seq := range []uint64{1, 4} {
		if got, err := d.find(place(seq)); err != nil || got != call(seq) {
			t.Errorf("call %d: %+v, %v", seq, got, err)
		}
	}
	if got, err := d.find(place(6)); err != nil || got.Params != "{}" {
		t.Errorf("the call after the cut: %+v, %v", got, err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	end, err := walk(f, func(int64, uint64, int) bool { return true })
	if info, serr := f.Stat(); err != nil || serr != nil || info.Size() != end {
		t.Errorf("%d bytes, %d of them in whole entries", info.Size(), end)
	}
}

func TestNothingOutlivesItsTime(t *testing.T) {
	d := newDesk(t)
	for seq := range uint64(40) { // a call a day
		s := d.store(t, func(o *Options) { o.Keep = 10 * day })
		s.Seal(place(seq+1), call(seq+1))
		s.Close()
		d.now = d.now.Add(day)
	}
	list, err := files(d.dir)
	if err != nil || len(list) > 11 {
		t.Fatalf("%d files, %v", len(list), err)
	}
	if _, err := Find(d.dir, testKey(1), place(40), 10*day, d.now); err != nil {
		t.Errorf("yesterday's call: %v", err)
	}
	if _, err := Find(d.dir, testKey(1), place(29), 10*day, d.now); !errors.Is(err, ErrNotKept) {
		t.Errorf("a call of eleven days ago: %v", err)
	}
	// Another slot's process removes them too, and readers do not wait for that.
	d.now = d.now.Add(30 * day)
	if _, err := Find(d.dir, testKey(1), place(40), 10*day, d.now); !errors.Is(err, ErrNotKept) {
		t.Errorf("an old call: %v", err)
	}
	if err := Prune(d.root, 10*day, d.now); err != nil {
		t.Fatal(err)
	}
	if list, err := files(d.dir); err != nil || len(list) != 0 {
		t.Errorf("%d files are left, %v", len(list), err)
	}
}

func TestASlotIsBounded(t *testing.T) {
	d := newDesk(t)
	s := d.store(t, func(o *Options) { o.Size = 3 * maxFile })
	big := strings.Repeat("x", 500<<10)
	for seq := range uint64(60) { // 30 MiB
		for s.waiting.Load() > queueBytes/2 {
			time.Sleep(time.Millisecond)
		}
		s.Seal(place(seq+1), Call{Method: "m", Params: big})
	}
	s.Seal(place(99), Call{Params: strings.Repeat("x", maxEntry+1)})
	s.Close()
	var total int64
	list, err := files(d.dir)
	for _, f := range list {
		total += f.size
	}
	if err != nil || total > 3*maxFile+1<<20 || s.LeftOut() != 1 {
		t.Errorf("%d bytes in %d files, %d left out, %v", total, len(list), s.LeftOut(), err)
	}
	if _, err := d.find(place(60)); err != nil {
		t.Errorf("the newest call: %v", err)
	}
	if _, err := d.find(place(1)); !errors.Is(err, ErrNotKept) {
		t.Errorf("the oldest call: %v", err)
	}
}

func TestSecretsAreCutOutFirst(t *testing.T) {
	d := newDesk(t)
	s := d.store(t, func(o *Options) {
		o.Mask = func(s string) (string, bool) {
			return strings.ReplaceAll(s, "canary", "[secret x]"), strings.Contains(s, "canary")
		}
	})
	s.Seal(place(1), call(1))
	s.Seal(place(2), Call{Params: "{}"})
	s.Close()
	if got, err := d.find(place(1)); err != nil || !got.Masked || strings.Contains(got.Params, "canary") {
		t.Errorf("%+v, %v", got, err)
	}
	if got, err := d.find(place(2)); err != nil || got.Masked {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestFailuresEndTheSealingOnly(t *testing.T) {
	for name, open := range map[string]func(d *desk) (string, []byte, error){
		"no folder": func(d *desk) (string, []byte, error) { return d.dir, testKey(1), nil },
		"no key":    func(*desk) (string, []byte, error) { return "", nil, errors.New("no key") },
	} {
		d := newDesk(t)
		told := make(chan error, 10)
		s := d.store(t, func(o *Options) {
			o.Open = func() (string, []byte, error) { return open(d) }
			o.Failed = func(err error) { told <- err }
		})
		for seq := range uint64(10) {
			s.Seal(place(seq+1), call(seq+1))
		}
		s.Close()
		if len(told) != 1 || s.LeftOut() != 10 {
			t.Errorf("%s: told %d times, %d left out", name, len(told), s.LeftOut())
		}
	}
}

func TestLinksAndOpenFilesAreNotTrusted(t *testing.T) {
	d, path := one(t)
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := d.find(place(1)); err == nil {
		t.Error("a file open to others is read")
	}
	if err := errors.Join(os.Chmod(path, 0o600), os.Rename(path, path+".x"), os.Symlink(path+".x", path)); err != nil {
		t.Fatal(err)
	}
	if _, err := d.find(place(1)); err == nil {
		t.Error("a link is followed")
	}
}

func TestManyAtOnce(t *testing.T) {
	d := newDesk(t)
	s := d.store(t, nil)
	var wg sync.WaitGroup
	for g := range uint64(8) {
		wg.Go(func() {
			for i := range uint64(100) {
				s.Seal(place(g*100+i+1), call(g*100+i+1))
			}
		})
	}
	wg.Wait()
	s.Close()
	kept := int64(0)
	for seq := range uint64(800) {
		if got, err := d.find(place(seq + 1)); err == nil && got == call(seq+1) {
			kept++
		} else if !errors.Is(err, ErrNotKept) {
			t.Fatalf("call %d: %+v, %v", seq+1, got, err)
		}
	}
	if kept+s.LeftOut() != 800 || kept == 0 {
		t.Errorf("%d kept and %d left out of 800", kept, s.LeftOut())
	}
}

// FuzzFind reads arbitrary bytes as a file of sealed calls.
func FuzzFind(f *testing.F) {
	h, err := newHeader(testKey(1), time.Unix(1_790_000_000, 0))
	if err != nil {
		f.Fatal(err)
	}
	aead, err := h.open(testKey(1))
	if err != nil {
		f.Fatal(err)
	}
	c := call(1)
	good, _ := appendEntry(h.bytes(), aead, place(1), &c)
	f.Add(good)
	f.Add(good[:len(good)-1])
	f.Add(append(bytes.Clone(good), good[headerSize:]...))
	f.Fuzz(func(t *testing.T, b []byte) {
		path := filepath.Join(t.TempDir(), "x")
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := find(path, testKey(1), place(1)); err == nil && got != c {
			t.Fatalf("read %+v", got)
		}
	})
}

func BenchmarkSeal(b *testing.B) {
	dir := b.TempDir()
	s := New(Options{Open: func() (string, []byte, error) { return dir, testKey(1), nil }})
	defer s.Close()
	p, c := place(1), call(1)
	b.ReportAllocs()
	for b.Loop() {
		s.Seal(p, c)
	}
}
