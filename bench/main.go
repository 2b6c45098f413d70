// Command bench measures what Custos costs, beside what cannot be avoided.
//
//	go run ./bench [flags]         the paired comparison (make bench)
//	go run ./bench soak [flags]    memory over many sessions (make soak)
//
// The ways to reach the same MCP server over stdio are measured in turns on the
// same machine: direct, through a raw relay that does nothing but copy lines,
// through that relay with one fdatasync for each call (synced), and through
// `custos run` with a policy of 500 rules and its durable log. The server answers a call with the text it was given, as fast as it
// can, so that what is measured is what stands in front of it. In the same
// turns a raw fdatasync is probed on the disk that holds the log.
//
// Rounds are interleaved and a figure is the minimum of its rounds' medians:
// noise of the machine only ever adds. Whether the bars are met is printed,
// and decides the exit status. Results are kept as JSON, with the machine they
// were measured on.
//
// The server is written for the purpose and answers in a few microseconds;
// -backend sdk puts one built on the official SDK in its place, which shows
// what share of an ordinary server's throughput is left. Two more subcommands,
// echo and relay, are the processes under measurement.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

func main() {
	args := os.Args[1:]
	var err error
	switch {
	case len(args) > 0 && args[0] == "echo":
		err = echo(os.Stdin, os.Stdout)
	case len(args) > 1 && args[0] == "relay":
		err = relay(args[1:])
	case len(args) > 0 && args[0] == "soak":
		err = soak(args[1:])
	default:
		err = compare(args)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// settings are what the flags of a comparison say.
type settings struct {
	rounds int
	quick  bool
	modes  []string
	server string
	binary string
	out    string
	dir    string
	limit  time.Duration // of one cell in one round
}

func parseFlags(args []string) (settings, error) {
	var s settings
	set := flag.NewFlagSet("bench", flag.ContinueOnError)
	set.IntVar(&s.rounds, "rounds", 10, "how often everything is measured")
	set.BoolVar(&s.quick, "quick", false, "fewer rounds, calls and cells; nothing is kept, a missed bar is no failure")
	modes := set.String("modes", strings.Join(allModes(), ","), "what to measure")
	set.StringVar(&s.server, "backend", "echo", "the server behind everything: echo or sdk")
	set.StringVar(&s.binary, "custos", "", "measure this `program` instead of building the checkout's")
	set.StringVar(&s.out, "out", "", "write the JSON to this `file` instead of bench/results")
	set.StringVar(&s.dir, "dir", "", "put the log under measurement in this `directory` (default: .bench of the checkout)")
	if err := set.Parse(args); err != nil {
		return s, err
	}
	s.modes = strings.Split(*modes, ",")
	for _, m := range s.modes {
		if !slices.Contains(allModes(), m) {
			return s, fmt.Errorf("unknown mode %q: there are %v", m, allModes())
		}
	}
	if s.server != "echo" && s.server != "sdk" {
		return s, fmt.Errorf("unknown backend %q: there are echo and sdk", s.server)
	}
	s.limit = 3 * time.Second
	if s.quick {
		s.rounds, s.limit = min(s.rounds, 2), 500*time.Millisecond
	}
	if s.rounds < 1 {
		return s, fmt.Errorf("-rounds %d: at least one", s.rounds)
	}
	return s, nil
}

// compare measures every mode in turns and reports.
func compare(args []string) error {
	s, err := parseFlags(args)
	if err != nil {
		return err
	}
	started := time.Now()
	lab, err := openLab(s)
	if err != nil {
		return err
	}
	defer lab.close()
	report := &Report{Schema: 1, Date: started.UTC().Format(time.RFC3339), Quick: s.quick, Backend: s.server, Rounds: s.rounds, Rules: policyRules, Machine: describe(lab.dir)}
	report.Commit = commit(lab.root)
	if err := measure(lab, s, report); err != nil {
		return err
	}
	report.Seconds = int(time.Since(started).Seconds())
	report.judge()
	report.print(os.Stdout)
	if s.out == "" && !s.quick {
		name := started.UTC().Format("2006-01-02") + "-" + report.Commit
		if s.server != "echo" {
			name += "-" + s.server
		}
		s.out = filepath.Join(lab.root, "bench/results", name+".json")
	}
	if s.out != "" {
		if err := report.save(s.out); err != nil {
			return err
		}
		fmt.Println("kept in", s.out)
	}
	if missed := report.missed(); len(missed) > 0 && !s.quick {
		return fmt.Errorf("bars missed: %s", strings.Join(missed, ", "))
	}
	return nil
}
