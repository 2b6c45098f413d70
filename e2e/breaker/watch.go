//go:build linux

package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// question is struct seccomp_notif.
type question struct {
	ID    uint64
	PID   uint32 // of the thread
	Flags uint32
	NR    int32
	Arch  uint32
	IP    uint64
	Args  [6]uint64
}

// answer is struct seccomp_notif_resp.
type answer struct {
	ID    uint64
	Val   int64
	Error int32
	Flags uint32
}

// watch answers until nothing is left that could ask.
func (b *breaker) watch(listener int) error {
	const look = 50 // ms: who the program started may live on, and say nothing
	for {
		fds := []unix.PollFd{{Fd: int32(listener), Events: unix.POLLIN}}
		n, err := unix.Poll(fds, look)
		if err != nil && !errors.Is(err, unix.EINTR) {
			return err
		}
		if b.ended() {
			return nil
		}
		if n <= 0 {
			continue
		}
		if fds[0].Revents&unix.POLLIN == 0 {
			return nil
		}
		var q question
		switch err := ioctl(listener, unix.SECCOMP_IOCTL_NOTIF_RECV, unsafe.Pointer(&q)); {
		case errors.Is(err, unix.ENOENT) || errors.Is(err, unix.EINTR):
			continue // who asked is gone
		case err != nil:
			return fmt.Errorf("receive: %w", err)
		}
		pass := answer{ID: q.ID, Flags: unix.SECCOMP_USER_NOTIF_FLAG_CONTINUE}
		if process(int(q.PID)) != b.pid || keepsNothing(b.pid, q) {
			reply(listener, pass)
			continue
		}
		if b.Calls++; b.Calls != b.at {
			reply(listener, pass)
			continue
		}
		b.Broken = fmt.Sprintf("call %d of thread %d: system call %d, arguments %x", b.Calls, q.PID, q.NR, q.Args)
		if err := b.spoil(listener, q, pass); err != nil {
			return err
		}
	}
}

// ended reports whether the program is over.
func (b *breaker) ended() bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", b.pid))
	_, after, _ := bytes.Cut(stat, []byte(") "))
	return err != nil || bytes.HasPrefix(after, []byte("Z"))
}

// keepsNothing reports whether a call has nothing to do with files: the runtime
// wakes a thread by a write to an eventfd, and what is opened below /proc are
// other processes. Such calls are not counted, because how many there are
// depends on what else the machine does.
func keepsNothing(pid int, q question) bool {
	switch q.NR {
	case unix.SYS_WRITE:
		what, err := os.Readlink(fmt.Sprintf("/proc/%d/fd/%d", pid, q.Args[0]))
		return err == nil && what == "anon_inode:[eventfd]"
	case unix.SYS_OPENAT:
		path := make([]byte, len("/proc/"))
		n, err := peek(pid, path, q.Args[1])
		return err == nil && string(path[:n]) == "/proc/"
	}
	return false
}

// peek reads memory of the program.
func peek(pid int, b []byte, at uint64) (n int, err error) {
	if len(b) == 0 {
		return 0, nil
	}
	local := unix.Iovec{Base: &b[0]}
	local.SetLen(len(b))
	remote := unix.RemoteIovec{Base: uintptr(at), Len: len(b)}
	return unix.ProcessVMReadv(pid, []unix.Iovec{local}, []unix.RemoteIovec{remote}, 0)
}

// spoil answers the one question that the fault is for.
func (b *breaker) spoil(listener int, q question, pass answer) error {
	switch {
	case b.broken.hang > 0:
		// The other threads go on meanwhile.
		time.AfterFunc(b.broken.hang, func() { reply(listener, pass) })
		return nil
	case b.broken.short:
		n, err := half(b.pid, q)
		if err != nil {
			return fmt.Errorf("short write: %w", err)
		}
		reply(listener, answer{ID: q.ID, Val: int64(n)})
		return nil
	default:
		reply(listener, answer{ID: q.ID, Error: -int32(b.broken.errno)})
		return nil
	}
}

// half makes the first half of a write, or of a pwrite64, for the program.
func half(pid int, q question) (n int, err error) {
	data := make([]byte, (q.Args[2]+1)/2)
	if n, err := peek(pid, data, q.Args[1]); err != nil || n != len(data) {
		return 0, fmt.Errorf("read what is written: %d bytes, %w", n, err)
	}
	pidfd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return 0, err
	}
	defer unix.Close(pidfd)
	fd, err := unix.PidfdGetfd(pidfd, int(q.Args[0]), 0)
	if err != nil {
		return 0, err
	}
	defer unix.Close(fd)
	if q.NR == unix.SYS_PWRITE64 {
		return unix.Pwrite(fd, data, int64(q.Args[3]))
	}
	return unix.Write(fd, data)
}

// reply answers; that who asked was killed meanwhile is nobody's loss.
func reply(listener int, a answer) {
	if err := ioctl(listener, unix.SECCOMP_IOCTL_NOTIF_SEND, unsafe.Pointer(&a)); err != nil && !errors.Is(err, unix.ENOENT) {
		fmt.Fprintln(os.Stderr, "breaker: answer:", err)
		os.Exit(125)
	}
}

func ioctl(fd int, request uint, p unsafe.Pointer) error {
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), uintptr(request), uintptr(p))
	if errno != 0 {
		return errno
	}
	return nil
}

// process returns the process of a thread, 0 where it is gone.
func process(tid int) int {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", tid))
	if err != nil {
		return 0
	}
	for line := range bytes.Lines(status) {
		if text, ok := bytes.CutPrefix(line, []byte("Tgid:")); ok {
			pid, _ := strconv.Atoi(string(bytes.TrimSpace(text))) // the kernel wrote it
			return pid
		}
	}
	return 0
}
