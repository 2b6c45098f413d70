package audit

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/mod/sumdb/tlog"
)

// naiveRoot is the definition of RFC 6962 §2.1, word for word.
func naiveRoot(leaves [][sha256.Size]byte) [32]byte {
	switch n := len(leaves); n {
	case 0:
		return sha256.Sum256(nil)
	case 1:
		return sha256.Sum256(append([]byte{0}, leaves[0][:]...))
	default:
		k := 1
		for k*2 < n {
			k *= 2
		}
		left, right := naiveRoot(leaves[:k]), naiveRoot(leaves[k:])
		return sha256.Sum256(append(append([]byte{1}, left[:]...), right[:]...))
	}
}

// leavesOf returns the hashes of n records.
func leavesOf(n int) [][sha256.Size]byte {
	leaves := make([][sha256.Size]byte, n)
	for i := range leaves {
		leaves[i] = sha256.Sum256(fmt.Appendf(nil, "record %d", i))
	}
	return leaves
}

// hashesOf returns the hashes of stored records, the entries of their tree.
func hashesOf(lines [][]byte) [][sha256.Size]byte {
	hashes := make([][sha256.Size]byte, len(lines))
	for i := range lines {
		hashes[i] = sha256.Sum256(lines[i])
	}
	return hashes
}

// buildTree writes a tree file of n leaves and returns its path.
func buildTree(t testing.TB, leaves [][sha256.Size]byte) (*treeFile, string) {
	t.Helper()
	d := osDisk()
	dir := t.TempDir()
	tree, err := openTree(&d, dir, Checkpoint{Root: emptyRoot()}, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tree.f.Close() })
	for _, leaf := range leaves {
		if err := tree.append(leaf); err != nil {
			t.Fatal(err)
		}
	}
	if err := tree.flush(); err != nil {
		t.Fatal(err)
	}
	return tree, dir
}

// TestRootIsTheOneOfRFC6962 compares the folded root, and the root of the
// stored hashes, with the definition, for every small size and random large
// ones.
func TestRootIsTheOneOfRFC6962(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	const small, large = 300, 5000
	leaves := leavesOf(large)
	sizes := map[int]bool{large: true}
	for n := range small + 1 {
		sizes[n] = true
	}
	for range 20 {
		sizes[small+rng.IntN(large-small)] = true
	}
	var f fold
	for n := 0; ; n++ {
		if sizes[n] {
			if got, want := f.root(), tlog.Hash(naiveRoot(leaves[:n])); got != want {
				t.Fatalf("size %d: folded root %v, want %v", n, got, want)
			}
		}
		if n == large {
			break
		}
		f.add(leafHash(leaves[n]), nil)
	}
	tree, _ := buildTree(t, leaves)
	for n := range sizes {
		got, err := storedHashes{tree.f}.rootOf(uint64(n))
		if want := tlog.Hash(naiveRoot(leaves[:n])); err != nil || got != want {
			t.Fatalf("size %d: stored root %v, %v; want %v", n, got, err, want)
		}
		again, err := storedHashes{tree.f}.resume(uint64(n))
		if err != nil || again.root() != got {
			t.Fatalf("size %d: resumed root %v, %v; want %v", n, again.root(), err, got)
		}
	}
}

// TestTreeIsTrustedOnlyWhereItWasSigned: a tree file that does not have the
// signed root begins again, one that does goes on from there.
func TestTreeIsTrustedOnlyWhereItWasSigned(t *testing.T) {
	leaves := leavesOf(100)
	signed := Checkpoint{Size: 70, Root: tlog.Hash(naiveRoot(leaves[:70]))}
	damage := map[string]struct {
		do   func(path string) error
		want uint64
	}{
		"untouched": {func(string) error { return nil }, 70},
		"longer":    {func(p string) error { return appendTo(p, "and something else") }, 70},
		"short":     {func(p string) error { return os.Truncate(p, 64*tlog.HashSize) }, 0},
		"gone":      {os.Remove, 0},
		"zeros":     {func(p string) error { return os.WriteFile(p, make([]byte, 200*tlog.HashSize), 0o600) }, 0},
	}
	for name, c := range damage {
		t.Run(name, func(t *testing.T) {
			_, dir := buildTree(t, leaves)
			if err := c.do(filepath.Join(dir, treeName)); err != nil {
				t.Fatal(err)
			}
			d := osDisk()
			tree, err := openTree(&d, dir, signed, 0)
			if err != nil || tree.size != c.want {
				t.Fatalf("opened at %d, %v; want %d", tree.size, err, c.want)
			}
			defer tree.f.Close()
			for _, leaf := range leaves[tree.size:] {
				if err := tree.append(leaf); err != nil {
					t.Fatal(err)
				}
			}
			if err := tree.flush(); err != nil {
				t.Fatal(err)
			}
			want := tlog.Hash(naiveRoot(leaves))
			if got, err := (storedHashes{tree.f}).rootOf(100); err != nil || got != want || tree.root() != want {
				t.Fatalf("root %v, %v; want %v", got, err, want)
			}
		})
	}
}

func TestTreeReportsAShortFile(t *testing.T) {
	tree, _ := buildTree(t, leavesOf(9))
	if _, err := (storedHashes{tree.f}).rootOf(500); !errors.Is(err, io.EOF) {
		t.Fatalf("root of more than there is: %v", err)
	}
}
