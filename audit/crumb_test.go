package audit

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// failing is a disk on which every write and sync of some files fails, or
// hangs, from a moment on.
type failing struct {
	on   atomic.Bool
	hang chan struct{} // nil: they fail
	what func(path string) bool
}

func (f *failing) disk() *disk {
	d := osDisk()
	broken := func(file *os.File) bool {
		if !f.on.Load() || !f.what(file.Name()) {
			return false
		}
		if f.hang != nil {
			<-f.hang
		}
		return true
	}
	write, sync := d.write, d.sync
	d.write = func(file *os.File, b []byte, off int64) (int, error) {
		if broken(file) {
			return 0, errors.New("injected")
		}
		return write(file, b, off)
	}
	d.sync = func(file *os.File) error {
		if broken(file) {
			return errors.New("injected")
		}
		return sync(file)
	}
	return &d
}

// failed runs a log with a key until it fails, and returns the last record that
// was acknowledged.
func failed(t *testing.T, dir string, opt Options, f *failing) Head {
	t.Helper()
	opt.disk = f.disk()
	l := mustOpen(t, dir, opt)
	mustWait(t, l.Append(admission(1)))
	good := l.Head()
	f.on.Store(true)
	if err := l.Append(admission(2)).Wait(); !errors.Is(err, ErrFailed) {
		t.Fatalf("append on a broken disk: %v", err)
	}
	if err := l.Close(); !errors.Is(err, ErrFailed) {
		t.Fatalf("close: %v", err)
	}
	return good
}

// The disk of the log takes nothing any more; the secondary directory does. On a
// clock of its own a deadline passes at once where everybody waits, and never
// where the machine is only slow.
func TestSecondaryBreadcrumb(t *testing.T) {
	for _, mode := range []string{"fails", "hangs"} {
		t.Run(mode, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				logDir, dir := slot(t)
				opt := signing(t)
				opt.every, opt.Secondary = time.Hour, t.TempDir()
				f := &failing{what: func(path string) bool { return filepath.Dir(path) == dir }}
				if mode == "hangs" {
					f.hang = make(chan struct{})
					defer close(f.hang)
				}
				good := failed(t, dir, opt, f)
				if c, err := ReadBreadcrumb(dir); c != nil || err != nil {
					t.Fatalf("the broken disk took a breadcrumb: %+v, %v", c, err)
				}
				c, err := readCrumb(filepath.Join(opt.Secondary, secondaryName(opt.Instance, 0)))
				if err != nil || c == nil || !c.is(good) {
					t.Fatalf("breadcrumb %+v, %v; want record %d", c, err, good.Seq)
				}
				l := mustOpen(t, dir, opt)
				mustClose(t, l)
				gap, err := Last(logDir, func(r *Record) bool { return r.Kind == KindGap })
				if err != nil || gap.LastGood == nil || gap.LastGood.Seq != good.Seq || gap.Signature == "" {
					t.Fatalf("gap record: %+v, %v", gap, err)
				}
				if rep, err := Verify(logDir, VerifyOptions{}); err != nil || rep.Tampered() {
					t.Fatalf("verify: %v, %+v", err, rep.FirstBad())
				}
				if c, err := findCrumb(dir, &opt); c != nil || err != nil {
					t.Fatalf("a breadcrumb is left after recovery: %+v, %v", c, err)
				}
			})
		})
	}
}

func TestSecondaryMustExist(t *testing.T) {
	_, dir := slot(t)
	opt := signing(t)
	opt.Secondary = filepath.Join(t.TempDir(), "not-mounted")
	if l, err := Open(dir, opt); err == nil || !strings.Contains(err.Error(), opt.Secondary) {
		t.Fatalf("opened %v, %v; want an error that names the directory", l, err)
	}
}

// Whoever can write the secondary directory, or the state directory without the
// key, MUST NOT be able to have records removed by a breadcrumb of their own.
func TestForgedBreadcrumb(t *testing.T) {
	for name, forge := range map[string]func(*Breadcrumb){
		"unsigned":       func(c *Breadcrumb) { c.Signature = "" },
		"another record": func(c *Breadcrumb) { c.Seq-- },
		"another chain":  func(c *Breadcrumb) { c.Log = CheckpointOrigin("i_OTHER", 0) },
		"another text":   func(c *Breadcrumb) { c.Error = "x\ny" },
		"no signature":   func(c *Breadcrumb) { c.Signature = "AAAA" },
	} {
		t.Run(name, func(t *testing.T) {
			logDir, dir := slot(t)
			opt := signing(t)
			opt.every = time.Hour
			l := mustOpen(t, dir, opt)
			mustWait(t, l.Append(admission(1)))
			before := l.Head()
			last := l.Append(admission(2))
			mustWait(t, last)
			b, err := l.lastWords(before, errors.New("forged"))
			if err != nil {
				t.Fatal(err)
			}
			mustClose(t, l)
			// As if it had been killed before it was signed.
			if err := os.Remove(filepath.Join(dir, checkpointName)); err != nil {
				t.Fatal(err)
			}
			var c Breadcrumb
			if err := json.Unmarshal(b[:strings.IndexByte(string(b), 0)], &c); err != nil {
				t.Fatal(err)
			}
			forge(&c)
			b, err = json.Marshal(&c)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, emergencyName), b, 0o600); err != nil {
				t.Fatal(err)
			}
			mustClose(t, mustOpen(t, dir, opt))
			if r, err := Find(logDir, last.ID()); err != nil || r.Kind != KindAdmission {
				t.Fatalf("a forged breadcrumb removed record %s: %+v, %v", last.ID(), r.Kind, err)
			}
			if _, err := Last(logDir, func(r *Record) bool { return r.Kind == KindAnomaly }); err != nil {
				t.Fatalf("nobody is told of it: %v", err)
			}
		})
	}
}

// A breadcrumb vouches like a checkpoint: records below it are not a crash's
// work to remove.
func TestBreadcrumbVouches(t *testing.T) {
	_, dir := slot(t)
	opt := signing(t)
	opt.every = time.Hour
	f := &failing{what: func(path string) bool { return filepath.Ext(path) == segmentSuffix }}
	failed(t, dir, opt, f)
	segs, err := listSegments(dir)
	if err != nil {
		t.Fatal(err)
	}
	// Behind the frame of the genesis record the segment is emptied.
	path := filepath.Join(dir, segs[0].name)
	w, err := openWalker(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := w.next(); err != nil {
		t.Fatal(err)
	}
	w.close()
	if err := os.Truncate(path, w.off); err != nil {
		t.Fatal(err)
	}
	if l, err := Open(dir, opt); !errors.Is(err, ErrTampered) {
		t.Fatalf("a chain that lost acknowledged records was opened: %v, %v", l, err)
	}
}

func TestGapIsChecked(t *testing.T) {
	key := testKey(1)
	opt := Options{Instance: InstanceID(public(key)), Key: key}
	head := Head{Seq: 7, Hash: [32]byte{1}}
	for _, c := range []struct {
		name string
		do   func(*Record)
		ok   bool
	}{
		{"as written", func(*Record) {}, true},
		{"hostile cause", func(r *Record) {
			*r = gapRecord(&Breadcrumb{Seq: 7, Error: "a\x1b[2J\u202e\xff\n\"b"}, head, &opt)
		}, true},
		{"another record", func(r *Record) { r.LastGood.Seq = 6 }, false},
		{"another hash", func(r *Record) { r.LastGood.Hash = genesisPrev }, false},
		{"another cause", func(r *Record) { r.Detail = "maintenance" }, false},
		{"unsigned", func(r *Record) { r.Signature = "" }, false},
		{"no last record", func(r *Record) { r.LastGood = nil }, false},
		{"another key", func(r *Record) {
			o := opt
			o.Key = testKey(2)
			*r = gapRecord(&Breadcrumb{Seq: 7}, head, &o)
		}, false},
	} {
		r := gapRecord(&Breadcrumb{Seq: 7, Error: "disk full"}, head, &opt)
		c.do(&r)
		r.Version, r.Seq, r.Prev, r.Time = RecordVersion, 9, genesisPrev, time.Now()
		if err := checkGap(appendStored(nil, &r), head, opt.Instance, public(key)); (err == nil) != c.ok {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}
