package main

import (
	"errors"
	"fmt"
	"os"
	"time"
)

// shape is one kind of load.
type shape struct{ concurrency, payload, calls, warmup int }

// shapes lists the loads; large payloads get fewer calls, so that a full run
// stays within minutes.
func shapes(quick bool) []shape {
	if quick {
		return []shape{{1, 64, 1000, 100}, {8, 64, 2000, 200}, {1, 10 << 10, 200, 20}}
	}
	var all []shape
	for _, c := range []int{1, 8, 64} {
		scale := min(c, 4)
		all = append(
			all,
			shape{c, 64, 2500 * scale, 200},
			shape{c, 10 << 10, 1000 * scale, 100},
			shape{c, 1 << 20, 32 * scale, 4},
		)
	}
	return all
}

// measure runs all rounds. In each, every shape is run in every mode, one
// directly after the other and in an order that turns with the round, so that
// a slow moment of the machine meets all of them.
func measure(l *lab, s settings, report *Report) error {
	for round := range s.rounds {
		fmt.Fprintf(os.Stderr, "bench: round %d of %d\n", round+1, s.rounds)
		samples, err := probe(l.dir, 300)
		if err != nil {
			return err
		}
		report.Fdatasync.add(samples)
		state := l.newState()
		if err := measureStart(l, s, report, state); err != nil {
			return err
		}
		for _, sh := range shapes(s.quick) {
			for i := range s.modes {
				mode := s.modes[(i+round)%len(s.modes)]
				if mode == synced && sh.concurrency > 1 {
					continue // it commits no groups
				}
				if err := measureCell(l, mode, state, sh, s.limit, report); err != nil {
					return fmt.Errorf("%s, concurrency %d, %d bytes: %w", mode, sh.concurrency, sh.payload, err)
				}
			}
		}
		if l.binary != "" {
			if err := l.verify(state); err != nil {
				return err
			}
		}
	}
	return nil
}

// starts is how often a start is measured in each mode and round.
const starts = 9

// measureStart measures the time from starting a command to its first answer.
// The state directory exists: its first creation is not what a user waits for
// every day.
func measureStart(l *lab, s settings, report *Report, state string) error {
	samples := map[string][]time.Duration{}
	for n := range starts + 1 {
		for _, mode := range s.modes {
			session, took, err := start(l.command(mode, state))
			if err != nil {
				return fmt.Errorf("start %s: %w", mode, err)
			}
			if err := session.end(); err != nil {
				return fmt.Errorf("end %s: %w", mode, err)
			}
			if n > 0 {
				samples[mode] = append(samples[mode], took)
			}
		}
	}
	for mode, took := range samples {
		report.start(mode).add(took)
	}
	return nil
}

// measureCell runs one shape in one mode with a process of its own, so that
// its peak of memory is that of this load.
func measureCell(l *lab, mode, state string, sh shape, limit time.Duration, report *Report) error {
	s, _, err := start(l.command(mode, state))
	if err != nil {
		return err
	}
	if err := s.ready(); err != nil {
		return err
	}
	if _, _, err := newRun(s, sh.concurrency, sh.payload, sh.warmup).do(limit); err != nil {
		return s.abort(err)
	}
	before, err := s.cpu()
	if err != nil {
		return s.abort(err)
	}
	samples, rate, err := newRun(s, sh.concurrency, sh.payload, sh.calls).do(limit)
	if err != nil {
		return s.abort(err)
	}
	after, err := s.cpu()
	peak, err2 := s.memory("VmHWM")
	if err := errors.Join(err, err2, s.end()); err != nil {
		return err
	}
	report.cell(mode, sh.concurrency, sh.payload).add(samples, Cost{
		Rate: rate, CPU: micros(after-before) / float64(max(len(samples), 1)), Peak: peak,
	})
	return nil
}
