package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"text/tabwriter"
	"time"
)

// Report is everything that a comparison found; its JSON is kept.
type Report struct {
	Schema    int                `json:"schema"`
	Date      string             `json:"date"`
	Commit    string             `json:"commit"`
	Machine   Machine            `json:"machine"`
	Quick     bool               `json:"quick,omitempty"`
	Backend   string             `json:"backend"`
	Rounds    int                `json:"rounds"`
	Rules     int                `json:"rules"`
	Seconds   int                `json:"seconds"`
	Fdatasync Spread             `json:"fdatasync"`
	Start     map[string]*Spread `json:"start"`
	Cells     []*Cell            `json:"cells"`
	Bars      []Bar              `json:"bars"`
}

// Cell is one mode under one load.
type Cell struct {
	Mode        string `json:"mode"`
	Concurrency int    `json:"concurrency"`
	Payload     int    `json:"payload_bytes"`
	Calls       int    `json:"calls"` // in all rounds
	Spread
	Cost
}

// Cost is what the calls of a cell took of the machine. CPU and memory are
// those of the started process alone, not of what it started.
type Cost struct {
	// Rate is in calls per second, the maximum of the rounds.
	Rate float64 `json:"calls_per_s"`
	// CPU is in microseconds a call, the minimum of the rounds.
	CPU float64 `json:"cpu_us"`
	// Peak is the largest resident size in bytes, the maximum of the rounds.
	Peak int64 `json:"peak_rss_bytes"`
}

func (c *Cell) add(samples []time.Duration, cost Cost) {
	if c.Calls == 0 {
		c.CPU = cost.CPU
	}
	c.Spread.add(samples)
	c.Calls += len(samples)
	c.Rate, c.CPU, c.Peak = max(c.Rate, cost.Rate), min(c.CPU, cost.CPU), max(c.Peak, cost.Peak)
}

// cell returns the cell of this mode and load, making it where it is new.
func (r *Report) cell(mode string, concurrency, payload int) *Cell {
	if c := r.find(mode, concurrency, payload); c != nil {
		return c
	}
	c := &Cell{Mode: mode, Concurrency: concurrency, Payload: payload}
	r.Cells = append(r.Cells, c)
	return c
}

func (r *Report) find(mode string, concurrency, payload int) *Cell {
	for _, c := range r.Cells {
		if c.Mode == mode && c.Concurrency == concurrency && c.Payload == payload {
			return c
		}
	}
	return nil
}

// start returns the start-up times of a mode, making them where they are new.
func (r *Report) start(mode string) *Spread {
	if r.Start == nil {
		r.Start = map[string]*Spread{}
	}
	if r.Start[mode] == nil {
		r.Start[mode] = &Spread{}
	}
	return r.Start[mode]
}

// print writes the report as tables.
func (r *Report) print(w io.Writer) {
	m := r.Machine
	fmt.Fprintf(w, "%s, %d cores, %s, kernel %s, %s, log on %s, load %s\n", m.CPU, m.Cores, m.MemoryKiB, m.Kernel, m.Go, m.Filesystem, m.Load)
	fmt.Fprintf(w, "commit %s, backend %s, %d rounds in %d s, %d rules; latencies and CPU a call are the minimum of the rounds, in microseconds\n\n", r.Commit, r.Backend, r.Rounds, r.Seconds, r.Rules)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "payload\tconcurrency\tmode\tp50\tp95\tp99\tadded p50\tcalls/s\tCPU\tpeak RSS\t")
	for _, c := range r.ordered() {
		added := ""
		if d := r.find(direct, c.Concurrency, c.Payload); d != nil && c.Mode != direct {
			added = fmt.Sprintf("%+.1f", c.P50-d.P50)
		}
		fmt.Fprintf(t, "%s\t%d\t%s\t%.1f\t%.1f\t%.1f\t%s\t%.0f\t%.1f\t%.1f MB\t\n", size(c.Payload), c.Concurrency, c.Mode, c.P50, c.P95, c.P99, added, c.Rate, c.CPU, mega(c.Peak))
	}
	fmt.Fprintln(t, "\t\t\t\t\t\t\t\t\t\t")
	for _, mode := range allModes() {
		if s := r.Start[mode]; s != nil {
			fmt.Fprintf(t, "start\t\t%s\t%.0f\t%.0f\t%.0f\t\t\t\t\t\n", mode, s.P50, s.P95, s.P99)
		}
	}
	fmt.Fprintf(t, "fdatasync\t\traw\t%.1f\t%.1f\t%.1f\t\t\t\t\t\n", r.Fdatasync.P50, r.Fdatasync.P95, r.Fdatasync.P99)
	_ = t.Flush() // to a terminal or a pipe: nothing to do about it
	fmt.Fprintln(w)
	for _, b := range r.Bars {
		fmt.Fprintln(w, b)
	}
	if most, share := r.allowed(8); most > 0 {
		fmt.Fprintf(w, "        with one fdatasync for each call and no work at all, 8 calls in flight: %.0f calls/s, %.2f x the raw relay's\n", most, share)
	}
}

// ordered returns the cells grouped by load, modes in their usual order.
func (r *Report) ordered() []*Cell {
	var list []*Cell
	for _, c := range r.Cells {
		if r.first(c) {
			for _, mode := range allModes() {
				if same := r.find(mode, c.Concurrency, c.Payload); same != nil {
					list = append(list, same)
				}
			}
		}
	}
	return list
}

// first reports whether c is the first cell of its load.
func (r *Report) first(c *Cell) bool {
	for _, other := range r.Cells {
		if other.Concurrency == c.Concurrency && other.Payload == c.Payload {
			return other == c
		}
	}
	return false
}

// save writes the report as JSON.
func (r *Report) save(path string) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, append(text, '\n'), 0o644)
}

func size(n int) string {
	switch {
	case n >= 1<<20:
		return fmt.Sprintf("%d MB", n>>20)
	case n >= 1<<10:
		return fmt.Sprintf("%d KB", n>>10)
	default:
		return fmt.Sprintf("%d B", n)
	}
}

func mega(bytes int64) float64 { return float64(bytes) / 1e6 }
