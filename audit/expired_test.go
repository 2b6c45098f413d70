package audit

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// aged is a log whose oldest segments are older than its retention.
type aged struct {
	logDir, dir string
	opt         Options
	now         *atomic.Int64 // nanoseconds on the clock of the log
	heads       []byte        // of before anything expired
	proof       []byte        // of a record that is going to expire
	proven      string
	kept        string // the id of a record that stays
}

const retention = 400 * 24 * time.Hour

// newAged writes a log that spans two years and keeps everything.
func newAged(t *testing.T) *aged {
	t.Helper()
	a := &aged{opt: signing(t), now: &atomic.Int64{}}
	a.logDir, a.dir = slot(t)
	a.now.Store(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).UnixNano())
	a.opt.SegmentSize, a.opt.look = 4<<10, time.Millisecond
	a.opt.Now = func() time.Time { return time.Unix(0, a.now.Load()).UTC() }
	l := mustOpen(t, a.dir, a.opt)
	for i := range 40 {
		tk := l.Append(admission(i))
		mustWait(t, tk)
		mustWait(t, l.Append(outcome(tk.Seq())))
		if i == 5 {
			a.proven = tk.ID()
		}
		a.kept = tk.ID()
		a.now.Add(int64(18 * 24 * time.Hour))
	}
	mustClose(t, l)
	var err error
	if a.heads, _, err = Heads(a.logDir); err != nil {
		t.Fatal(err)
	}
	if a.proof, err = Prove(a.logDir, a.proven, NewKeys(public(a.opt.Key))); err != nil {
		t.Fatal(err)
	}
	a.opt.Retention = retention
	return a
}

// expire opens the log with its retention until something went.
func (a *aged) expire(t *testing.T) {
	t.Helper()
	l := mustOpen(t, a.dir, a.opt)
	mustWait(t, l.Append(admission(1)))
	for deadline := time.Now().Add(time.Minute); ; {
		base, err := firstKept(a.dir)
		if err != nil || time.Now().After(deadline) {
			t.Fatalf("nothing expired: %v, %v", err, l.Err())
		}
		if base > 0 {
			break
		}
		time.Sleep(time.Millisecond)
	}
	mustClose(t, l)
}

func TestRetention(t *testing.T) {
	a := newAged(t)
	a.expire(t)
	rec, err := Last(a.logDir, func(r *Record) bool { return r.Kind == KindExpired })
	if err != nil || rec.Expired == nil {
		t.Fatalf("no record says what expired: %+v, %v", rec, err)
	}
	for _, since := range [][]byte{nil, a.heads} {
		rep, err := Verify(a.logDir, VerifyOptions{Since: since})
		if err != nil || rep.Tampered() || rep.Slots[0].Expired != rec.Expired.Through || rep.Records() < 80 {
			t.Fatalf("verify: %v, %+v, %d of %d records expired", err, rep.FirstBad(), rep.Slots[0].Expired, rep.Records())
		}
	}
	limit := a.opt.Now().Add(-retention)
	for r, err := range Read(a.logDir, ReadOptions{}) {
		if err != nil || r.Seq <= rec.Expired.Through {
			t.Fatalf("record %d is still read, %v", r.Seq, err)
		}
		if r.Seq == rec.Expired.Through+1 && !r.Time.Equal(rec.Expired.Before) {
			t.Errorf("record %d was written %v, the log says %v", r.Seq, r.Time, rec.Expired.Before)
		}
		if r.Seq > rec.Expired.Through+20 && r.Time.Before(limit) {
			t.Errorf("record %d of %v is older than what is kept", r.Seq, r.Time)
		}
	}
	keys := NewKeys(public(a.opt.Key))
	if _, err := CheckProof(a.proof, keys); err != nil {
		t.Errorf("the proof of a record that expired: %v", err)
	}
	if _, err := Find(a.logDir, a.proven); !errors.Is(err, ErrNotFound) {
		t.Errorf("find what expired: %v", err)
	}
	proof, err := Prove(a.logDir, a.kept, keys)
	if err == nil {
		_, err = CheckProof(proof, keys)
	}
	if err != nil {
		t.Errorf("prove what is kept: %v", err)
	}
}

// Without the tree of what is behind the expired records it is computed anew.
func TestRetentionRebuildsTheTree(t *testing.T) {
	a := newAged(t)
	a.expire(t)
	base, err := firstKept(a.dir)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(a.dir, treeName)
	if err := os.Truncate(path, storedSize(base)+3); err != nil {
		t.Fatal(err)
	}
	keys := NewKeys(public(a.opt.Key))
	if _, err := Prove(a.logDir, a.kept, keys); err != nil {
		t.Errorf("prove from a tree that is cut short: %v", err)
	}
	l := mustOpen(t, a.dir, a.opt)
	mustWait(t, l.Append(admission(1)))
	mustClose(t, l)
	if rep, err := Verify(a.logDir, VerifyOptions{}); err != nil || rep.Tampered() || rep.NotCheckpointed() != 0 {
		t.Fatalf("verify: %v, %+v", err, rep.FirstBad())
	}
}

// Deleting records is what an attacker would like to do.
func TestRetentionIsNoDoor(t *testing.T) {
	removeFirst := func(dir string, n int) error {
		segs, err := listSegments(dir)
		for i := 0; i < n && err == nil; i++ {
			err = os.Remove(filepath.Join(dir, segs[i].name))
		}
		return err
	}
	flip := func(dir string, at int64) error {
		f, err := os.OpenFile(filepath.Join(dir, treeName), os.O_RDWR, 0)
		if err != nil {
			return err
		}
		_, err = f.WriteAt([]byte("x"), at)
		return joinClose(err, f)
	}
	for _, c := range []struct {
		name, want string
		expire     bool
		do         func(a *aged) error
	}{
		{"before anything expired", "no signed record says", false, func(a *aged) error { return removeFirst(a.dir, 1) }},
		{"one segment more", "no signed record says", true, func(a *aged) error { return removeFirst(a.dir, 1) }},
		{"a leaf is changed", "not those that were kept", true, func(a *aged) error { return flip(a.dir, 0) }},
		{"an inner node is changed", "not those that were kept", true, func(a *aged) error { return flip(a.dir, 2*32) }},
		{"the hashes are removed", "not those that were kept", true, func(a *aged) error { return os.Remove(filepath.Join(a.dir, treeName)) }},
		{"the head is removed", "missing", true, func(a *aged) error { return os.Remove(filepath.Join(a.dir, checkpointName)) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := newAged(t)
			if c.expire {
				a.expire(t)
			}
			if err := c.do(a); err != nil {
				t.Fatal(err)
			}
			rep, err := Verify(a.logDir, VerifyOptions{})
			if bad := rep.FirstBad(); err != nil || bad == nil || !strings.Contains(bad.What, c.want) {
				t.Fatalf("verify: %v, %+v; want %q", err, bad, c.want)
			}
		})
	}
}

// A record that was changed before it expires is not taken for granted.
func TestRetentionLooksBeforeItDeletes(t *testing.T) {
	a := newAged(t)
	segs, err := listSegments(a.dir)
	if err != nil {
		t.Fatal(err)
	}
	f := takeApart(t, filepath.Join(a.dir, segs[0].name))
	frame, i := f.locate(2)
	f.frames[frame][i] = []byte(strings.Replace(string(f.frames[frame][i]), `"files"`, `"filed"`, 1))
	f.write(t)
	l := mustOpen(t, a.dir, a.opt)
	_ = l.Append(admission(1)).Wait()
	select {
	case <-l.Done():
	case <-time.After(time.Minute):
	}
	if err := l.Close(); !errors.Is(err, ErrTampered) {
		t.Errorf("close: %v", err)
	}
	if base, err := firstKept(a.dir); base != 0 || err != nil {
		t.Errorf("%d records are gone, %v", base, err)
	}
}

// A failure at any step of an expiry leaves a log that is whole, and the next
// process goes on.
func TestExpiryFailsAnywhere(t *testing.T) {
	whole := newAged(t)
	for at := 1; ; at++ {
		a := *whole
		a.logDir, a.dir = slot(t)
		if err := os.CopyFS(a.dir, os.DirFS(whole.dir)); err != nil {
			t.Fatal(err)
		}
		opt := a.opt
		d := newFaultDisk(0, "error", true)
		opt.disk = d.disk()
		l := mustOpen(t, a.dir, opt)
		d.mu.Lock()
		d.failAt = d.ops + at
		d.mu.Unlock()
		_ = l.Append(admission(1)).Wait()
		for deadline := time.Now().Add(time.Minute); l.Err() == nil && time.Now().Before(deadline); {
			if base, _ := firstKept(a.dir); base > 0 && !d.hit() {
				break
			}
			time.Sleep(time.Millisecond)
		}
		err := l.Close()
		if !d.hit() && err == nil {
			if at < 10 {
				t.Fatalf("an expiry makes %d operations, expected more", at)
			}
			return
		}
		unharmed(t, a.logDir, d.what(), at)
		a.expire(t)
		if rep := unharmed(t, a.logDir, "after the next expiry, "+d.what(), at); rep.Slots[0].Expired == 0 {
			t.Fatalf("%s: nothing expired later", d.what())
		}
	}
}
