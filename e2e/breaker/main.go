//go:build linux

// Command breaker runs a program and breaks the n-th of its system calls of one
// kind, counted over all of its threads:
//
//	breaker -calls pwrite64 -fault EIO -at 7 -report FILE custos run …
//
// A fault is the name of an errno, which the call returns without being made;
// "hang 7s", after which the call is made; or "short", which writes half of what
// was to be written. Processes that the program starts are left alone, and so are
// calls that keep nothing: opens below /proc, writes that wake a thread. The
// report says how many such calls there were and what was broken, and the exit
// status is that of the program.
//
// The kernel asks before each call (seccomp_unotify(2)). strace, which counts
// for each thread by itself, cannot promise to reach the n-th of them all.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// installs is the argument of the process that takes the filter and becomes the
// program.
const installs = "-install-and-exec"

func main() {
	if len(os.Args) > 3 && os.Args[1] == installs {
		fmt.Fprintln(os.Stderr, "breaker:", become(os.Args[2], os.Args[3:]))
		os.Exit(125)
	}
	b := &breaker{}
	calls := flag.String("calls", "", "names of system calls, with commas between them")
	fault := flag.String("fault", "", "what becomes of the call: an errno, hang DURATION, short")
	report := flag.String("report", "", "file to report to")
	flag.IntVar(&b.at, "at", 0, "which call, from 1; 0 breaks none and counts")
	flag.Parse()
	status, err := b.run(*calls, *fault, flag.Args())
	if err == nil && *report != "" {
		err = b.write(*report)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "breaker:", err)
		os.Exit(125)
	}
	os.Exit(status)
}

// breaker watches one program.
type breaker struct {
	at     int
	broken fault
	pid    int

	Calls  int    `json:"calls"`  // of the program, all threads
	Broken string `json:"broken"` // what was broken, "" where the program had ended before
}

// run starts the program and watches it to its end.
func (b *breaker) run(calls, fault string, program []string) (status int, err error) {
	if b.broken, err = parseFault(fault); err != nil {
		return 0, err
	}
	if len(program) == 0 {
		return 0, errors.New("no program to run")
	}
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, err
	}
	theirs := os.NewFile(uintptr(pair[1]), "socket")
	cmd := exec.Command("/proc/self/exe", append([]string{installs, calls}, program...)...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.ExtraFiles = []*os.File{theirs}
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	theirs.Close()
	b.pid = cmd.Process.Pid
	if listener, err := receive(pair[0]); err != nil {
		return 0, errors.Join(err, cmd.Wait())
	} else if err := b.watch(listener); err != nil {
		return 0, errors.Join(err, cmd.Process.Kill(), cmd.Wait())
	}
	err = cmd.Wait()
	if cmd.ProcessState == nil {
		return 0, err
	}
	if ws, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		return 128 + int(ws.Signal()), nil
	}
	return cmd.ProcessState.ExitCode(), nil
}

// write reports.
func (b *breaker) write(file string) error {
	text, err := json.Marshal(b)
	if err != nil {
		return err
	}
	return os.WriteFile(file, text, 0o600)
}

// fault is what becomes of a call.
type fault struct {
	errno syscall.Errno
	hang  time.Duration
	short bool
}

func parseFault(text string) (fault, error) {
	if text == "short" {
		return fault{short: true}, nil
	}
	if d, ok := strings.CutPrefix(text, "hang "); ok {
		hang, err := time.ParseDuration(d)
		return fault{hang: hang}, err
	}
	for e := syscall.Errno(1); e < 134; e++ {
		if unix.ErrnoName(e) == text {
			return fault{errno: e}, nil
		}
	}
	return fault{}, fmt.Errorf("unknown fault %q", text)
}
