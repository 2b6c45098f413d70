package audit

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/mod/sumdb/tlog"
)

// FuzzBreadcrumb: whatever lies in an emergency file, nothing that the key of
// the log did not sign is believed.
func FuzzBreadcrumb(f *testing.F) {
	opt := Options{Instance: InstanceID(public(testKey(1))), Key: testKey(1)}
	if err := opt.defaults(); err != nil {
		f.Fatal(err)
	}
	l := &Log{opt: opt}
	signed, err := l.lastWords(Head{Seq: 7}, errors.New("disk full"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(signed)
	f.Add([]byte(`{"seq":1,"hash":"","time":"2026-11-20T00:00:00Z","error":""}`))
	f.Add([]byte("{\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, emergencyName), data, 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := findCrumb(dir, &opt)
		if c != nil && (c.Seq != 7 || c.Error != "disk full" || c.Hash != (Head{Seq: 7}).prev()) {
			t.Errorf("believed %+v, %v", c, err)
		}
	})
}

// FuzzExpiredHashes: whatever lies in the tree, it is read to an end, and what
// is accepted is a tree.
func FuzzExpiredHashes(f *testing.F) {
	var tree fold
	var stored []tlog.Hash
	for _, leaf := range leavesOf(5) {
		stored = tree.add(leafHash(leaf), stored)
	}
	var whole []byte
	for i := range stored {
		whole = append(whole, stored[i][:]...)
	}
	f.Add(whole, uint16(5))
	f.Add(whole[:40], uint16(2))
	f.Add([]byte{}, uint16(1))
	f.Fuzz(func(t *testing.T, data []byte, base uint16) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, treeName), data, 0o600); err != nil {
			t.Fatal(err)
		}
		got, all, err := expiredHashes(dir, uint64(base))
		if err != nil {
			return
		}
		root, err := tlog.TreeHash(int64(base), all)
		if err != nil || base > 0 && (got.size != uint64(base) || got.root() != root) {
			t.Errorf("%d records: accepted %d hashes, %v", base, len(all), err)
		}
	})
}
