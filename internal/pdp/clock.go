package pdp

import (
	"time"

	"github.com/custos-zt/custos/access"
)

// Window is the operand of [CodeTime]: when a condition holds. Times of day and
// days are those of the wall clock of a zone: an hour that a change of the
// clock leaves out never comes, one that it repeats counts both times.
type Window struct {
	// From is the first instant, Until the first one after it; zero is open.
	From, Until time.Time
	// Zone is set where Daily or Days are.
	Zone *time.Location
	// Daily says that the window opens each day at the minute Start and is
	// closed from the minute End on. Where End is not after Start it ends on the
	// day after, and belongs to the day on which it opened.
	Daily      bool
	Start, End int
	// Days is a set of [time.Weekday] bits; 0 is all.
	Days uint8
}

func (w *Window) judge(now time.Time) access.Truth {
	switch {
	case now.IsZero():
		return access.Unknown
	case !w.From.IsZero() && now.Before(w.From), !w.Until.IsZero() && !now.Before(w.Until):
		return access.False
	case w.Zone == nil:
		return access.True
	}
	local := now.In(w.Zone)
	day := local.Weekday()
	if w.Daily {
		minute := local.Hour()*60 + local.Minute()
		wraps := w.End <= w.Start
		switch {
		case minute >= w.Start && (wraps || minute < w.End):
		case wraps && minute < w.End:
			day = (day + 6) % 7
		default:
			return access.False
		}
	}
	return truth(w.Days == 0 || w.Days&(1<<day) != 0)
}

// seen writes the instant as the window's own clock shows it.
func (w *Window) seen(now time.Time) string {
	if now.IsZero() {
		return "unknown"
	}
	if w.Zone != nil {
		return now.In(w.Zone).Format("Mon 2006-01-02 15:04:05 -07:00")
	}
	return now.UTC().Format(time.RFC3339)
}
