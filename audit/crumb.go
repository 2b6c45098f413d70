package audit

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

const (
	// emergencyName is a file that exists, with its space, before it is needed:
	// a full disk cannot keep the last words of a log from being written.
	emergencyName = "emergency"
	emergencySize = 4096
	// crumbWait is how long anybody waits for the breadcrumb.
	crumbWait = time.Second
	// maxCause is how much of an error a breadcrumb repeats.
	maxCause = 1024
)

// Breadcrumb is what a failing log leaves behind in its emergency files: the
// one beside its segments and, where there is one, that in the secondary
// directory. It vouches for every record up to Seq as a checkpoint does.
type Breadcrumb struct {
	// Log names the chain: its origin, as in checkpoints.
	Log string `json:"log,omitempty"`
	// Seq and Hash are the last record known to be durable.
	Seq   uint64    `json:"seq"`
	Hash  string    `json:"hash"`
	Time  time.Time `json:"time"`
	Error string    `json:"error"`
	// Signature is that of the log key over all of the above, Ed25519 in
	// base64; "" where the log has no key.
	Signature string `json:"signature,omitempty"`
}

// signedText returns what is signed. No line of another signed text of a log
// begins like its first.
func (c *Breadcrumb) signedText() []byte {
	return fmt.Appendf(nil, "custos breadcrumb\n%s\n%d\n%s\n%s\n%x\n",
		c.Log, c.Seq, c.Hash, c.Time.Format(time.RFC3339Nano), sha256.Sum256([]byte(c.Error)))
}

// is reports whether h is the record that the breadcrumb vouches for.
func (c *Breadcrumb) is(h Head) bool { return c.Seq == h.Seq && c.Hash == h.prev() }

// secondaryName returns the file in a secondary directory, which chains share.
func secondaryName(instance string, slot int) string {
	return "custos-" + instance + "-" + SlotName(slot) + "." + emergencyName
}

// crumbPaths returns where breadcrumbs of a chain lie, the better place first.
func crumbPaths(dir string, opt *Options) []string {
	paths := []string{filepath.Join(dir, emergencyName)}
	if opt.Secondary != "" {
		paths = append([]string{filepath.Join(opt.Secondary, secondaryName(opt.Instance, opt.Slot))}, paths...)
	}
	return paths
}

// openCrumbs opens the emergency files. One that cannot be used is an error: a
// fallback that is missing is found out now, and not when it is needed.
func openCrumbs(dir string, opt *Options) ([]*os.File, error) {
	var files []*os.File
	for _, path := range crumbPaths(dir, opt) {
		f, err := openEmergency(opt.disk, path)
		if err != nil {
			closeAll(files)
			return nil, err
		}
		files = append(files, f)
	}
	return files, nil
}

func closeAll(files []*os.File) {
	for _, f := range files {
		f.Close()
	}
}

// openEmergency opens an emergency file empty, with its space taken.
func openEmergency(d *disk, path string) (*os.File, error) {
	f, err := d.open(path, os.O_RDWR)
	found := err == nil
	if errors.Is(err, fs.ErrNotExist) {
		f, err = d.open(path, os.O_RDWR|os.O_CREATE|os.O_EXCL)
	}
	if err != nil {
		return nil, fmt.Errorf("emergency file: %w", err)
	}
	b := make([]byte, emergencySize)
	if n, err := f.ReadAt(b, 0); n == emergencySize && err == nil && allZero(b) {
		return f, nil
	}
	clear(b)
	err = d.writeFull(f, b, 0)
	if err == nil && found {
		// Old words must not come back. A new file can wait: it matters only
		// once it says something, and syncing it would slow every first start.
		err = d.sync(f)
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("emergency file: %w", err)
	}
	return f, nil
}

// leaveCrumbs writes the last words, to all places at once: one of them may
// hang. Nobody depends on them, so their errors have nowhere to go.
func (l *Log) leaveCrumbs(files []*os.File, last Head, cause error) {
	defer close(l.told)
	b, err := l.lastWords(last, cause)
	if err != nil {
		return
	}
	var wg sync.WaitGroup
	for _, f := range files {
		wg.Go(func() {
			if l.opt.disk.writeFull(f, b, 0) == nil {
				_ = l.opt.disk.sync(f)
			}
			_ = f.Close()
		})
	}
	wg.Wait()
}

// lastWords returns a breadcrumb as it is stored.
func (l *Log) lastWords(last Head, cause error) ([]byte, error) {
	text := cause.Error()
	c := Breadcrumb{
		Log: CheckpointOrigin(l.opt.Instance, l.opt.Slot), Seq: last.Seq, Hash: last.prev(),
		Time: l.opt.Now().UTC().Round(0), Error: text[:wholeRunes(text+" ", min(len(text), maxCause))],
	}
	if l.opt.Key != nil {
		c.Signature = base64.StdEncoding.EncodeToString(ed25519.Sign(l.opt.Key, c.signedText()))
	}
	b, err := json.Marshal(&c)
	if err != nil || len(b) > emergencySize {
		return nil, errors.Join(err, errors.New("no room for the breadcrumb"))
	}
	return append(b, make([]byte, emergencySize-len(b))...), nil
}

// awaitCrumb waits for the breadcrumb, but not for a disk that hangs.
func (l *Log) awaitCrumb() {
	t := time.NewTimer(min(crumbWait, l.opt.WriteDeadline))
	defer t.Stop()
	select {
	case <-l.told:
	case <-t.C:
	}
}

// ReadBreadcrumb returns what a failed log left in dir (log/NN), and nil where
// it left nothing. It does not check the signature: that is for whoever
// continues the chain.
func ReadBreadcrumb(dir string) (*Breadcrumb, error) {
	return readCrumb(filepath.Join(dir, emergencyName))
}

func readCrumb(path string) (*Breadcrumb, error) {
	b, err := readSmall(path, emergencySize)
	if err != nil {
		return nil, err
	}
	b = bytes.TrimRight(b, "\x00")
	if len(b) == 0 {
		return nil, nil
	}
	var c Breadcrumb
	if err := json.Unmarshal(b, &c); err != nil {
		return nil, fmt.Errorf("emergency file: %w", err)
	}
	return &c, nil
}

// errForeignCrumb marks a breadcrumb that this log did not leave.
var errForeignCrumb = errors.New("a breadcrumb is not signed by the key of this log")

// findCrumb returns the breadcrumb of the chain that is about to be continued:
// of several the one that vouches for most. What is not signed by the key of
// the log is not believed, or whoever can write the secondary directory could
// have records removed; the error names it.
func findCrumb(dir string, opt *Options) (best *Breadcrumb, err error) {
	for _, path := range crumbPaths(dir, opt) {
		c, rerr := readCrumb(path)
		if rerr == nil && c != nil && !opt.signedCrumb(c) {
			c, rerr = nil, errForeignCrumb
		}
		if rerr != nil {
			err = fmt.Errorf("%s: %w", path, rerr)
		}
		if c != nil && (best == nil || c.Seq > best.Seq) {
			best = c
		}
	}
	return best, err
}

// signedCrumb reports whether the log with these options left c.
func (o *Options) signedCrumb(c *Breadcrumb) bool {
	if o.Key == nil {
		return true
	}
	sig, err := base64.StdEncoding.DecodeString(c.Signature)
	if err != nil || c.Log != CheckpointOrigin(o.Instance, o.Slot) {
		return false
	}
	// The key may have been replaced since.
	return slices.ContainsFunc(o.Keys.list, func(key ed25519.PublicKey) bool {
		return ed25519.Verify(key, c.signedText(), sig)
	})
}
