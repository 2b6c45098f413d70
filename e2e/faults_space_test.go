package e2e

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"syscall"
	"testing"
)

// TestDiskOfEverySize gives Custos disks that end anywhere: within a key, a
// frame, the zeros written ahead, a checkpoint. A write that meets the end is
// cut short by the kernel before it fails. On a larger disk the same state
// works again.
func TestDiskOfEverySize(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.custos = l.plain
	const page, smallest, largest = 4, 16, 400 // KiB
	sizes := []int{smallest + page*rand.IntN(12), 64 + page*rand.IntN(24), 160 + page*rand.IntN(60)}
	if reliability() {
		sizes = sizes[:0]
		for size := smallest; size <= largest; size += page {
			sizes = append(sizes, size)
		}
	}
	slots := make(chan struct{}, 4)
	for _, size := range sizes {
		t.Run(fmt.Sprintf("%dk", size), func(t *testing.T) {
			t.Parallel()
			slots <- struct{}{}
			defer func() { <-slots }()
			l.onDiskOf(t, size)
		})
	}
}

// onDiskOf is one run on a disk of this many KiB.
func (l lab) onDiskOf(t *testing.T, size int) {
	t.Helper()
	disk := smallDisk(t, fmt.Sprintf("%dk", size))
	state := filepath.Join(disk, "state")
	g := l.guard(t, setup{state: state})
	refused := g.scripted()
	g.CloseStdin()
	status := g.Wait()
	g.nobody()
	executed := g.executed()
	if refused && status != 10 {
		t.Errorf("calls were refused for want of evidence, and the status is %d", status)
	}
	if len(executed) > 0 {
		l.verified(t, state)
		l.admitted(t, state, executed)
	}
	if err := syscall.Mount("", disk, "", syscall.MS_REMOUNT, "size=4m"); err != nil {
		t.Fatal(err)
	}
	l.goesOn(t, setup{state: state}, executed)
}
