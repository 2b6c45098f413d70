package main

import (
	"slices"
	"time"
)

// quantile returns the value below which the share q (0 to 1) of the sorted
// samples lies, by the nearest rank; zero where there are none.
func quantile(sorted []time.Duration, q float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	rank := int(q*float64(len(sorted)) + 0.999999999)
	return sorted[min(max(rank, 1), len(sorted))-1]
}

// Spread is how one measured thing was distributed over the rounds.
type Spread struct {
	// P50, P95 and P99 are in microseconds, each the minimum over the rounds:
	// what else runs on the machine only ever adds.
	P50 float64 `json:"p50_us"`
	P95 float64 `json:"p95_us"`
	P99 float64 `json:"p99_us"`
	// Medians are the rounds' medians, in the order measured.
	Medians []float64 `json:"medians_us"`
}

// add takes the samples of one round into account. It sorts them.
func (s *Spread) add(samples []time.Duration) {
	slices.Sort(samples)
	p50, p95, p99 := micros(quantile(samples, 0.50)), micros(quantile(samples, 0.95)), micros(quantile(samples, 0.99))
	if len(s.Medians) == 0 {
		s.P50, s.P95, s.P99 = p50, p95, p99
	}
	s.P50, s.P95, s.P99 = min(s.P50, p50), min(s.P95, p95), min(s.P99, p99)
	s.Medians = append(s.Medians, p50)
}

// micros is a duration in microseconds with one decimal.
func micros(d time.Duration) float64 {
	return float64(d.Round(100*time.Nanosecond)) / float64(time.Microsecond)
}
