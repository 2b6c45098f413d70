package audit

import (
	"os"
	"path/filepath"
	"testing"
)

// BenchmarkRawFdatasync is the floor: writing a record's bytes into space that
// exists, and fdatasync, from one goroutine.
func BenchmarkRawFdatasync(b *testing.B) {
	f, err := os.Create(filepath.Join(b.TempDir(), "raw"))
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	rec := make([]byte, 760)
	for i := range rec {
		rec[i] = 'x'
	}
	if _, err := f.Write(make([]byte, min(b.N*len(rec), 64<<20))); err != nil {
		b.Fatal(err)
	}
	if err := f.Sync(); err != nil {
		b.Fatal(err)
	}
	b.ResetTimer()
	for i := range b.N {
		if _, err := f.WriteAt(rec, int64(i*len(rec))%(63<<20)); err != nil {
			b.Fatal(err)
		}
		if err := fdatasync(f); err != nil {
			b.Fatal(err)
		}
	}
}
