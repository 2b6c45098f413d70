package index

import (
	"context"
	"database/sql"
	"slices"
	"strings"
	"time"

	"github.com/custos-zt/custos/audit"
)

// Stats are sums over whole hours. They outlive the records that retention
// removed.
type Stats struct {
	// Since and Until bound the hours that were added up; zero where the log
	// bounds them.
	Since time.Time `json:"since,omitzero"`
	Until time.Time `json:"until,omitzero"`
	// Records are all records by kind.
	Records map[string]int64 `json:"records"`
	// Reasons are decisions by decision and reason, the most frequent first.
	Reasons []ReasonCount `json:"reasons"`
	// Tools are calls by tool, the most called first; what is no call of a tool
	// has the tool "".
	Tools []ToolStats `json:"tools"`
	// Days are decisions by day, the first first.
	Days []DayStats `json:"days"`
}

// ReasonCount is how often a decision was taken for a reason.
type ReasonCount struct {
	Decision string `json:"decision"`
	Reason   string `json:"reason"`
	Calls    int64  `json:"calls"`
}

// Decided counts decisions.
type Decided struct {
	Allowed int64 `json:"allowed"`
	Held    int64 `json:"held"`
	Denied  int64 `json:"denied"`
}

func (d *Decided) add(decision string, n int64) {
	switch decision {
	case "allow":
		d.Allowed += n
	case "approve":
		d.Held += n
	default:
		d.Denied += n
	}
}

// ToolStats is what became of the calls of one tool.
type ToolStats struct {
	Backend string `json:"backend"`
	Tool    string `json:"tool"`
	Decided
	// Answered counts outcomes, Failed those that were no success; what follows
	// is about the answered ones. A percentile is at most a fifth too large.
	Answered int64 `json:"answered"`
	Failed   int64 `json:"failed"`
	Bytes    int64 `json:"bytes"`
	P50      int64 `json:"p50_us"`
	P95      int64 `json:"p95_us"`
	Longest  int64 `json:"longest_us"`

	buckets map[int64]int64
}

// Calls is how many calls of the tool were decided.
func (t *ToolStats) Calls() int64 { return t.Allowed + t.Held + t.Denied }

// DayStats are the decisions of one day.
type DayStats struct {
	Day string `json:"day"` // 2026-11-20
	Decided
}

// Stats adds up the hours from since, which is rounded down to an hour, to
// until, which is rounded up. Zero times are no bounds. Days are those of zone.
func (x *Index) Stats(ctx context.Context, since, until time.Time, zone *time.Location) (Stats, error) {
	s := Stats{Records: map[string]int64{}, Reasons: []ReasonCount{}, Tools: []ToolStats{}, Days: []DayStats{}}
	lo, hi := int64(0), int64(1)<<40
	if !since.IsZero() {
		lo = since.UnixMicro() / hourUS
		s.Since = hourTime(lo, zone)
	}
	if !until.IsZero() {
		hi = (until.UnixMicro() + hourUS - 1) / hourUS
		s.Until = hourTime(hi, zone)
	}
	err := x.view(ctx, func(tx *sql.Tx) error {
		if err := s.readRecords(ctx, tx, lo, hi); err != nil {
			return err
		}
		tools := map[string]*ToolStats{}
		if err := s.readDecisions(ctx, tx, lo, hi, zone, tools); err != nil {
			return err
		}
		if err := readOutcomes(ctx, tx, lo, hi, tools); err != nil {
			return err
		}
		for _, t := range tools {
			t.P50, t.P95 = percentile(t.buckets, t.Answered, 50), percentile(t.buckets, t.Answered, 95)
			s.Tools = append(s.Tools, *t)
		}
		return nil
	})
	slices.SortFunc(s.Tools, func(a, b ToolStats) int {
		if a.Calls() != b.Calls() {
			return sign(b.Calls() - a.Calls())
		}
		return strings.Compare(a.Backend+"."+a.Tool, b.Backend+"."+b.Tool)
	})
	return s, err
}

func sign(n int64) int { return int(max(-1, min(1, n))) }

func hourTime(hour int64, zone *time.Location) time.Time {
	return time.UnixMicro(hour * hourUS).In(zone)
}

func (s *Stats) readRecords(ctx context.Context, tx *sql.Tx, lo, hi int64) error {
	return each(ctx, tx, "SELECT w.text, sum(r.records) FROM hour_record r JOIN word w ON w.id = r.kind WHERE hour >= ? AND hour < ? GROUP BY 1",
		func(scan func(...any) error) error {
			var kind string
			var n int64
			err := scan(&kind, &n)
			s.Records[kind] = n
			return err
		}, lo, hi)
}

func (s *Stats) readDecisions(ctx context.Context, tx *sql.Tx, lo, hi int64, zone *time.Location, tools map[string]*ToolStats) error {
	days := map[string]*DayStats{}
	reasons := map[ReasonCount]int64{}
	err := each(ctx, tx, `SELECT hour, ifnull(b.text, ''), ifnull(t.text, ''), ifnull(d.text, ''), ifnull(r.text, ''), calls FROM hour_decision
		LEFT JOIN word b ON b.id = backend LEFT JOIN word t ON t.id = tool LEFT JOIN word d ON d.id = decision LEFT JOIN word r ON r.id = reason
		WHERE hour >= ? AND hour < ?`,
		func(scan func(...any) error) error {
			var hour, n int64
			var backend, tool string
			var why ReasonCount
			if err := scan(&hour, &backend, &tool, &why.Decision, &why.Reason, &n); err != nil {
				return err
			}
			reasons[why] += n
			day := hourTime(hour, zone).Format(time.DateOnly)
			if days[day] == nil {
				days[day] = &DayStats{Day: day}
			}
			days[day].add(why.Decision, n)
			of(tools, backend, tool).add(why.Decision, n)
			return nil
		}, lo, hi)
	for why, n := range reasons {
		why.Calls = n
		s.Reasons = append(s.Reasons, why)
	}
	for _, d := range days {
		s.Days = append(s.Days, *d)
	}
	slices.SortFunc(s.Days, func(a, b DayStats) int { return strings.Compare(a.Day, b.Day) })
	slices.SortFunc(s.Reasons, func(a, b ReasonCount) int {
		if a.Calls != b.Calls {
			return sign(b.Calls - a.Calls)
		}
		return strings.Compare(a.Decision+a.Reason, b.Decision+b.Reason)
	})
	return err
}

// of returns the sums of one tool.
func of(tools map[string]*ToolStats, backend, tool string) *ToolStats {
	key := backend + "\x00" + tool
	if tools[key] == nil {
		tools[key] = &ToolStats{Backend: backend, Tool: tool, buckets: map[int64]int64{}}
	}
	return tools[key]
}

func readOutcomes(ctx context.Context, tx *sql.Tx, lo, hi int64, tools map[string]*ToolStats) error {
	return each(ctx, tx, `SELECT ifnull(b.text, ''), ifnull(t.text, ''), ifnull(s.text, ''), bucket, sum(calls), sum(bytes), max(longest_us) FROM hour_outcome
		LEFT JOIN word b ON b.id = backend LEFT JOIN word t ON t.id = tool LEFT JOIN word s ON s.id = status
		WHERE hour >= ? AND hour < ? GROUP BY 1, 2, 3, 4`,
		func(scan func(...any) error) error {
			var backend, tool, status string
			var bucket, calls, bytes, longest int64
			if err := scan(&backend, &tool, &status, &bucket, &calls, &bytes, &longest); err != nil {
				return err
			}
			t := of(tools, backend, tool)
			t.Answered += calls
			t.Bytes += bytes
			t.Longest = max(t.Longest, longest)
			if status != "ok" {
				t.Failed += calls
			}
			t.buckets[bucket] += calls
			return nil
		}, lo, hi)
}

// percentile returns the end of the bucket in which the share of percent lies.
func percentile(buckets map[int64]int64, total, percent int64) int64 {
	keys := make([]int64, 0, len(buckets))
	for b := range buckets {
		keys = append(keys, b)
	}
	slices.Sort(keys)
	var sum int64
	for _, b := range keys {
		if sum += buckets[b]; sum*100 >= total*percent {
			return bucketEnd(b)
		}
	}
	return 0
}

// First is the first entry that named something.
type First struct {
	// Tool is backend.tool, or "" for a host, which the log knows by its digest
	// alone.
	Tool string
	ID   string // of the entry
	Time time.Time
}

// Firsts returns the tools and hosts that were first named at since or later.
func (x *Index) Firsts(ctx context.Context, since time.Time) (out []First, err error) {
	err = x.view(ctx, func(tx *sql.Tx) error {
		return each(ctx, tx, `SELECT f.term & 31, ifnull(w.text, ''), f.time, e.slot, e.seq FROM first f JOIN entry e ON e.n = f.n
			LEFT JOIN word w ON w.id = f.term >> 5 AND f.term & 31 = ? WHERE f.time >= ? ORDER BY f.time, e.n`,
			func(scan func(...any) error) error {
				var c, us int64
				var f First
				var slot int
				var seq uint64
				err := scan(&c, &f.Tool, &us, &slot, &seq)
				f.ID, f.Time = audit.FormatID(slot, seq), time.UnixMicro(us).UTC()
				out = append(out, f)
				return err
			}, int64(ofTitle), ceilMicro(since))
	})
	return out, err
}

// Position returns where to begin to read the log for every record since a
// moment; some older ones may come first.
func (x *Index) Position(ctx context.Context, since time.Time) (audit.Position, error) {
	p := audit.Position{}
	err := x.view(ctx, func(tx *sql.Tx) error {
		cursors, err := loadCursors(ctx, tx)
		if err != nil {
			return err
		}
		for slot, c := range cursors {
			p[slot] = c.seq
		}
		plan := planner{ctx: ctx, tx: tx}
		if err := plan.between(since, time.Time{}); err != nil {
			return err
		}
		return each(ctx, tx, "SELECT slot, min(seq) FROM entry WHERE n >= ? GROUP BY slot", func(scan func(...any) error) error {
			var slot int
			var seq uint64
			err := scan(&slot, &seq)
			p[slot] = seq - 1
			return err
		}, firstOf(plan.lo))
	})
	return p, err
}
