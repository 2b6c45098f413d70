package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// tolerance is by how much memory may differ between the early and the late
// part of a soak, as a share.
const tolerance = 0.05

// soak runs many short sessions on one state directory and one long session,
// and fails where memory grows, where a session does not end cleanly, where a
// process is left behind or where the log does not verify.
func soak(args []string) error {
	set := flag.NewFlagSet("soak", flag.ContinueOnError)
	sessions := set.Int("sessions", 1000, "how many sessions follow one another")
	calls := set.Int("calls", 100_000, "how many calls the long session makes")
	if err := set.Parse(args); err != nil {
		return err
	}
	lab, err := openLab(settings{modes: []string{custos}})
	if err != nil {
		return err
	}
	defer lab.close()
	state := lab.newState()
	short, err := soakSessions(lab, state, *sessions)
	if err != nil {
		return err
	}
	long, err := soakCalls(lab, state, *calls)
	if err != nil {
		return err
	}
	if err := lab.verify(state); err != nil {
		return err
	}
	left, err := leftBehind(lab)
	if err != nil {
		return err
	}
	if left > 0 {
		err = fmt.Errorf("%d processes were left behind", left)
	}
	return errors.Join(flat("peak memory of a session", short), flat("memory of the long session", long), err)
}

// soakSessions runs sessions of one call each, one after another, and returns
// the peak size of each.
func soakSessions(l *lab, state string, sessions int) ([]int64, error) {
	began := time.Now()
	var peaks []int64
	for n := range sessions {
		s, _, err := start(l.command(custos, state))
		if err != nil {
			return nil, fmt.Errorf("session %d: %w", n+1, err)
		}
		if err := s.ready(); err != nil {
			return nil, fmt.Errorf("session %d: %w", n+1, err)
		}
		if _, _, err := newRun(s, 1, 64, 1).do(time.Minute); err != nil {
			return nil, fmt.Errorf("session %d: %w", n+1, s.abort(err))
		}
		peak, err := s.memory("VmHWM")
		if err := errors.Join(err, s.end()); err != nil {
			return nil, fmt.Errorf("session %d: %w", n+1, err)
		}
		peaks = append(peaks, peak)
	}
	each := time.Since(began) / time.Duration(max(sessions, 1))
	fmt.Printf("%d sessions, %v each, %s\n", sessions, each.Round(100*time.Microsecond), stateSize(state))
	return peaks, nil
}

// soakCalls makes many calls in one session and returns its size after each
// fiftieth of them.
func soakCalls(l *lab, state string, calls int) ([]int64, error) {
	s, _, err := start(l.command(custos, state))
	if err != nil {
		return nil, err
	}
	if err := s.ready(); err != nil {
		return nil, err
	}
	began := time.Now()
	var sizes []int64
	for range 50 {
		if _, _, err := newRun(s, 8, 64, max(calls/50, 1)).do(10 * time.Minute); err != nil {
			return nil, s.abort(err)
		}
		size, err := s.memory("VmRSS")
		if err != nil {
			return nil, s.abort(err)
		}
		sizes = append(sizes, size)
	}
	took := time.Since(began)
	if err := s.end(); err != nil {
		return nil, err
	}
	fmt.Printf("one session of %d calls, %.0f calls/s, %s\n", calls, float64(calls)/took.Seconds(), stateSize(state))
	return sizes, nil
}

// flat compares the largest of the second fifth of the figures, when everything
// has warmed up, with the largest of the last fifth, and prints both.
func flat(what string, figures []int64) error {
	fifth := len(figures) / 5
	if fifth == 0 {
		return nil
	}
	early, late := slices.Max(figures[fifth:2*fifth]), slices.Max(figures[4*fifth:])
	growth := float64(late)/float64(early) - 1
	fmt.Printf("%s: %.1f MB early, %.1f MB late, %+.1f %%\n", what, mega(early), mega(late), 100*growth)
	if growth > tolerance {
		return fmt.Errorf("%s grew by %.1f %%, more than %.0f %%", what, 100*growth, 100*tolerance)
	}
	return nil
}

// stateSize describes what lies in the state directory.
func stateSize(state string) string {
	files, total := 0, int64(0)
	err := filepath.WalkDir(state, func(_ string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		files++
		total += info.Size()
		return nil
	})
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("%d files of %.1f MB in the state directory", files, mega(total))
}

// leftBehind counts the running processes of this lab other than this one.
func leftBehind(l *lab) (int, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return 0, err
	}
	count := 0
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil || pid == os.Getpid() {
			continue
		}
		program, err := os.Readlink(filepath.Join("/proc", e.Name(), "exe"))
		if err != nil {
			continue // not ours, or gone meanwhile
		}
		if program == l.binary || program == l.self {
			count++
			fmt.Fprintf(os.Stderr, "bench: left behind: %d %s\n", pid, strings.ReplaceAll(read("/proc/"+e.Name()+"/cmdline"), "\x00", " "))
		}
	}
	return count, nil
}
