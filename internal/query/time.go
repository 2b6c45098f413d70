package query

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// TimeSyntax says in one line what [ParseTime] reads.
const TimeSyntax = "RFC 3339, 2026-11-20, '2026-11-20 10:02', 10:02, today, yesterday, or how long ago: 90m, 24h, 7d, 2w"

// errTime is returned for what is not a time.
var errTime = errors.New("expected " + TimeSyntax)

// maxAgo is the longest time ago: a hundred years.
const maxAgo = 100 * 366 * 24 * time.Hour

// ParseTime reads a moment: RFC 3339; a date, or a date and a time of day, of the
// zone of now; a time of day, which is that of today; today and yesterday, which
// are their midnights; now; or a duration, which counts back from now. A d is 24
// hours and a w 7 of them, whatever the clocks of the zone do.
func ParseTime(s string, now time.Time) (time.Time, error) {
	midnight := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, now.Location())
	switch s {
	case "now":
		return now, nil
	case "today":
		return midnight, nil
	case "yesterday":
		return midnight.AddDate(0, 0, -1), nil
	}
	if d, ok := ago(s); ok {
		return now.Add(-d), nil
	}
	if t, err := time.Parse(time.RFC3339Nano, s); err == nil {
		return sensible(t, s)
	}
	for _, layout := range []string{time.DateOnly, time.DateTime, "2006-01-02 15:04", "2006-01-02T15:04:05", "2006-01-02T15:04"} {
		if t, err := time.ParseInLocation(layout, s, now.Location()); err == nil {
			return sensible(t, s)
		}
	}
	for _, layout := range []string{time.TimeOnly, "15:04"} {
		if t, err := time.ParseInLocation(layout, s, now.Location()); err == nil {
			return time.Date(now.Year(), now.Month(), now.Day(), t.Hour(), t.Minute(), t.Second(), 0, now.Location()), nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is no time: %w", s, errTime)
}

// sensible refuses years that no log has: they are typing errors.
func sensible(t time.Time, s string) (time.Time, error) {
	if t.Year() < 2000 || t.Year() > 9999 {
		return time.Time{}, fmt.Errorf("%q lies outside of the years 2000 to 9999", s)
	}
	return t, nil
}

// ago reads a duration with days and weeks before the units of Go.
func ago(s string) (time.Duration, bool) {
	var total time.Duration
	rest := s
	for _, unit := range []struct {
		letter string
		long   time.Duration
	}{{"w", 7 * 24 * time.Hour}, {"d", 24 * time.Hour}} {
		digits, after, found := strings.Cut(rest, unit.letter)
		if !found {
			continue
		}
		n, err := strconv.ParseUint(digits, 10, 32)
		if err != nil || time.Duration(n) > maxAgo/unit.long {
			return 0, false
		}
		total += time.Duration(n) * unit.long
		rest = after
	}
	if rest != "" {
		d, err := time.ParseDuration(rest)
		if err != nil || d < 0 || d > maxAgo || strings.HasPrefix(rest, "+") {
			return 0, false
		}
		total += d
	}
	return total, s != "" && total <= maxAgo
}
