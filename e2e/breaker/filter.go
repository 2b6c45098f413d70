//go:build linux

package main

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// numbers are the system calls that can be broken: those that every
// architecture of Go has.
func numbers() map[string]uint32 {
	return map[string]uint32{
		"fdatasync": unix.SYS_FDATASYNC, "fsync": unix.SYS_FSYNC, "ftruncate": unix.SYS_FTRUNCATE,
		"mkdirat": unix.SYS_MKDIRAT, "openat": unix.SYS_OPENAT, "pwrite64": unix.SYS_PWRITE64,
		"renameat": unix.SYS_RENAMEAT, "renameat2": unix.SYS_RENAMEAT2, "unlinkat": unix.SYS_UNLINKAT,
		"write": unix.SYS_WRITE,
	}
}

// become asks the kernel to ask for these calls, hands what it asks through to
// the parent on descriptor 3, and becomes the program. It returns on failure
// alone.
func become(calls string, program []string) error {
	const socket = 3
	unix.CloseOnExec(socket)
	path, err := lookPath(program[0])
	if err != nil {
		return err
	}
	filter, err := asking(strings.Split(calls, ","))
	if err != nil {
		return err
	}
	runtime.LockOSThread() // the filter is that of this thread, which becomes the program
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("no_new_privs: %w", err)
	}
	prog := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	// A signal does not interrupt a call that was asked about, or it would be
	// asked about, and counted, once more.
	const flags = unix.SECCOMP_FILTER_FLAG_NEW_LISTENER | unix.SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
	listener, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, flags, uintptr(unsafe.Pointer(&prog)))
	if errno != 0 {
		return fmt.Errorf("seccomp: %w", errno)
	}
	if err := unix.Sendmsg(socket, []byte{0}, unix.UnixRights(int(listener)), nil, 0); err != nil {
		return err
	}
	return syscall.Exec(path, program, os.Environ())
}

// lookPath is exec.LookPath for what the filter must not meet before exec.
func lookPath(name string) (string, error) {
	if strings.Contains(name, "/") {
		return name, nil
	}
	for _, dir := range strings.Split(os.Getenv("PATH"), ":") {
		path := dir + "/" + name
		if unix.Access(path, unix.X_OK) == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("%s: not found", name)
}

// asking is a filter that asks for these calls and lets the others pass.
func asking(calls []string) ([]unix.SockFilter, error) {
	const number = 0 // where struct seccomp_data holds it
	filter := []unix.SockFilter{{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: number}}
	for i, name := range calls {
		nr, ok := numbers()[name]
		if !ok {
			return nil, fmt.Errorf("cannot break %q", name)
		}
		filter = append(filter, unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jt: uint8(len(calls) - i), K: nr})
	}
	return append(filter,
		unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
		unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_USER_NOTIF}), nil
}

// receive takes the descriptor on which the kernel asks.
func receive(socket int) (listener int, err error) {
	defer unix.Close(socket)
	rights := make([]byte, unix.CmsgSpace(4))
	_, n, _, _, err := unix.Recvmsg(socket, make([]byte, 1), rights, unix.MSG_CMSG_CLOEXEC)
	if err != nil {
		return 0, err
	}
	messages, err := unix.ParseSocketControlMessage(rights[:n])
	if err != nil || len(messages) != 1 {
		return 0, fmt.Errorf("the filter could not be installed: %w", err)
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	if err != nil || len(fds) != 1 {
		return 0, fmt.Errorf("the filter could not be installed: %w", err)
	}
	return fds[0], nil
}
