package main

import "fmt"

// The bars that Custos promises over stdio, each relative to what was measured
// in the same run.
//
// What one call may add is held against the raw relay and one fdatasync in two
// ways: as the sum of both measured apart, and as the relay that makes one
// (synced). The second is more than the sum, because processors that went idle
// while the disk was busy have to be woken for what follows; nothing that
// waits for a disk escapes that.
const (
	addedFactor  = 1.3 // × what the raw relay and one fdatasync add
	rateShare    = 0.5 // × the raw relay's calls per second
	peakLimit    = 30.0
	startLimitMS = 30.0
)

// Bar is one promise and whether it was kept.
type Bar struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
	Limit float64 `json:"limit"`
	Unit  string  `json:"unit"`
	// AtLeast says that the limit is a floor; else it is a ceiling.
	AtLeast bool `json:"at_least,omitempty"`
	Pass    bool `json:"pass"`
}

func (b Bar) String() string {
	word, sign := "MISSED", "<="
	if b.Pass {
		word = "ok"
	}
	if b.AtLeast {
		sign = ">="
	}
	return fmt.Sprintf("%-6s  %s: %.2f %s %s %.2f", word, b.Name, b.Value, b.Unit, sign, b.Limit)
}

func ceiling(name, unit string, value, limit float64) Bar {
	return Bar{Name: name, Unit: unit, Value: value, Limit: limit, Pass: value <= limit}
}

// judge fills in the bars. One whose parts were not measured is left out.
func (r *Report) judge() {
	r.Bars = nil
	d, raw, c := r.find(direct, 1, 64), r.find(relayd, 1, 64), r.find(custos, 1, 64)
	if d != nil && raw != nil && c != nil && r.Fdatasync.P50 > 0 {
		r.Bars = append(r.Bars, ceiling("added p50, 64 B, concurrency 1, by the sum", "us", c.P50-d.P50, addedFactor*(raw.P50-d.P50+r.Fdatasync.P50)))
	}
	if least := r.find(synced, 1, 64); d != nil && least != nil && c != nil {
		r.Bars = append(r.Bars, ceiling("added p50, 64 B, concurrency 1, by the synced relay", "us", c.P50-d.P50, addedFactor*(least.P50-d.P50)))
	}
	if raw, c := r.find(relayd, 8, 64), r.find(custos, 8, 64); raw != nil && c != nil && raw.Rate > 0 {
		share := c.Rate / raw.Rate
		r.Bars = append(r.Bars, Bar{
			Name: "calls/s of the raw relay's, 64 B, concurrency 8", Unit: "x",
			Value: share, Limit: rateShare, AtLeast: true, Pass: share >= rateShare,
		})
	}
	if peak := r.peak(); peak > 0 {
		r.Bars = append(r.Bars, ceiling("peak memory, 64 B, concurrency up to 8", "MB", mega(peak), peakLimit))
	}
	if d, c := r.Start[direct], r.Start[custos]; d != nil && c != nil {
		r.Bars = append(r.Bars, ceiling("added start to first answer", "ms", (c.P50-d.P50)/1000, startLimitMS))
	}
}

// allowed is how many calls a second this disk allows where each waits for the
// raw relay and for one fdatasync and for nothing else, and what share of the
// raw relay's that is. No durable log comes closer to the relay.
func (r *Report) allowed(concurrency int) (rate, share float64) {
	raw := r.find(relayd, concurrency, 64)
	if raw == nil || raw.Rate <= 0 || r.Fdatasync.P50 <= 0 {
		return 0, 0
	}
	rate = float64(concurrency) / (raw.P50 + r.Fdatasync.P50) * 1e6
	return rate, rate / raw.Rate
}

// peak is the largest size of Custos under the loads the bar names.
func (r *Report) peak() int64 {
	var peak int64
	for _, concurrency := range []int{1, 8} {
		if c := r.find(custos, concurrency, 64); c != nil {
			peak = max(peak, c.Peak)
		}
	}
	return peak
}

// missed names the bars that were not met.
func (r *Report) missed() []string {
	var names []string
	for _, b := range r.Bars {
		if !b.Pass {
			names = append(names, b.Name)
		}
	}
	return names
}
