package audit

import (
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A power cut is played on an ext4 image behind a loop device: the shutdown
// ioctl makes the file system forget at once everything that it has not
// written, its journal included, and fail every call from then on. What the
// next mount finds is what a disk would hold.
const (
	ext4Shutdown = 0x8004587d // EXT4_IOC_SHUTDOWN, _IOR('X', 125, __u32)
	noLogFlush   = 2          // EXT4_GOING_FLAGS_NOLOGFLUSH
	imageSize    = 96 << 20
	pageSize     = 4096
)

// loopDisk is a mounted image.
type loopDisk struct {
	t          *testing.T
	image, dir string
	mounted    bool
}

// newLoopDisk makes and mounts an image. Where this machine cannot, it skips
// or fails the test.
func newLoopDisk(t *testing.T) *loopDisk {
	t.Helper()
	if os.Geteuid() != 0 {
		missing(t, "a power cut needs root, to mount an image")
	}
	for _, tool := range []string{"mkfs.ext4", "mount", "umount", "losetup"} {
		if _, err := exec.LookPath(tool); err != nil {
			missing(t, "a power cut needs %s: %v (scripts/mechanisms.sh installs it)", tool, err)
		}
	}
	base := t.TempDir()
	d := &loopDisk{t: t, image: filepath.Join(base, "image"), dir: filepath.Join(base, "disk")}
	if err := os.Mkdir(d.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if d.mounted {
			d.run("umount", "-l", d.dir)
		}
	})
	d.format()
	return d
}

// format empties the disk.
func (d *loopDisk) format() {
	d.t.Helper()
	d.unmount()
	_ = os.Remove(d.image)
	f, err := os.Create(d.image)
	if err == nil {
		err = joinClose(f.Truncate(imageSize), f)
	}
	if err != nil {
		d.t.Fatal(err)
	}
	d.run("mkfs.ext4", "-q", "-F", d.image)
	if out, err := exec.Command("mount", "-o", "loop", d.image, d.dir).CombinedOutput(); err != nil {
		missing(d.t, "an ext4 image cannot be mounted here: %v: %s", err, out)
	}
	d.mounted = true
}

func (d *loopDisk) unmount() {
	d.t.Helper()
	if d.mounted {
		d.mounted = false
		d.run("umount", d.dir)
	}
}

func (d *loopDisk) mount() {
	d.t.Helper()
	d.run("mount", "-o", "loop", d.image, d.dir)
	d.mounted = true
}

func (d *loopDisk) run(name string, args ...string) {
	d.t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		d.t.Fatalf("%s %v: %v: %s", name, args, err, out)
	}
}

// cut takes the power away. It waits for nothing.
func (d *loopDisk) cut() error {
	fd, err := unix.Open(d.dir, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	flags := uint32(noLogFlush)
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), ext4Shutdown, uintptr(unsafe.Pointer(&flags))); errno != 0 {
		return os.NewSyscallError("EXT4_IOC_SHUTDOWN", errno)
	}
	return nil
}

// writeBack sends one page near the end of the newest segment to the disk, as
// the kernel may at any time, so that the cut after it tears what is being
// written.
func (d *loopDisk) writeBack(dir string, page int64) {
	segs, err := listSegments(dir)
	if err != nil || len(segs) == 0 {
		return // the cut comes before the chain begins
	}
	f, err := openRead(filepath.Join(dir, segs[len(segs)-1].name))
	if err != nil {
		return
	}
	defer f.Close()
	last, err := lastByte(f, 0)
	if at := last&^(pageSize-1) - page*pageSize; err == nil && at >= 0 {
		const wait = unix.SYNC_FILE_RANGE_WRITE | unix.SYNC_FILE_RANGE_WAIT_AFTER
		_ = unix.SyncFileRange(int(f.Fd()), at, pageSize, wait)
	}
}

// slot makes the directory of a chain on the disk.
func (d *loopDisk) slot() (logDir, dir string) {
	d.t.Helper()
	logDir = filepath.Join(d.dir, "log")
	dir = filepath.Join(logDir, SlotName(0))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		d.t.Fatal(err)
	}
	// The state directory is made and synced long before its log.
	unix.Sync()
	return logDir, dir
}

// slow makes the child wait before each fdatasync, so that a cut finds groups
// that are written and not durable.
const slow = envSlow + "=1"

// TestPowerCut cuts the power under 64 writers, segments that turn and
// checkpoints that follow each other, again and again on the same chain.
// Nothing that was acknowledged may be gone, nothing be taken for tampering,
// and the chain must go on.
//
// An acknowledgement counts where it was given before the cut. A process without
// power gives none; here it runs on for a moment, and an fdatasync that was under
// way may report a success that it did not have.
func TestPowerCut(t *testing.T) {
	d := newLoopDisk(t)
	n := rounds(20, 2000)
	rng := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 1))
	var logDir, dir string
	var total, torn, late uint64
	var times []time.Duration
	slower := time.Duration(1)
	for round := 0; round < n || total == 0 && round < n+6; round++ {
		if round%20 == 0 {
			d.format()
			logDir, dir = d.slot()
		}
		failed := make(chan error, 1)
		acked, after := crashWith(t, dir, slow, slower*time.Duration(15+rng.IntN(70))*time.Millisecond, func(*os.Process) {
			d.writeBack(dir, rng.Int64N(4))
			failed <- d.cut()
		})
		if err := <-failed; err != nil {
			missing(t, "the power cannot be cut: %v", err)
		}
		d.unmount()
		d.mount()
		rep := unharmed(t, logDir, "round", round)
		if acked > rep.Records() {
			t.Fatalf("round %d: record %d was acknowledged, the log ends at %d", round, acked, rep.Records())
		}
		if after > rep.Records() {
			late++
		}
		if len(rep.Slots) > 0 && rep.Slots[0].TornTail > 0 {
			torn++
		}
		times = append(times, reopened(t, dir))
		unharmed(t, logDir, "after recovery, round", round)
		total += acked
		slower = patience(slower, acked)
	}
	if total == 0 {
		t.Fatal("no child acknowledged anything")
	}
	recoveryBar(t, times)
	t.Logf("%d power cuts, %d of them tore a commit group; %d lost acknowledgements that came after the cut", n, torn, late)
}
