package policy

import (
	"strings"
	"time"
	_ "time/tzdata" // a policy must load where no zones are installed

	"go.yaml.in/yaml/v3"

	"github.com/custos-zt/custos/internal/pdp"
)

// time: {between: "09:00-17:00", zone: Europe/Paris, days: [mon-fri],
// from: 2026-12-01, until: 2027-01-01}. All of it must hold. A window that wraps
// midnight belongs to the day on which it opens.
func readTime(r *reader, f field, _ place) []pdp.Op {
	w := &pdp.Window{}
	parts := r.fields(f.node, "time")
	byName := map[string]*yaml.Node{}
	for _, part := range parts {
		switch part.name {
		case "between":
			r.between(part.node, w)
		case "zone":
			w.Zone = r.zone(part.node)
		case "days":
			r.days(part.node, w)
		case "from", "until":
		default:
			r.unknown(part, "time", []string{"between", "zone", "days", "from", "until"})
			continue
		}
		byName[part.name] = part.node
	}
	if n := byName["from"]; n != nil {
		w.From = r.instant(n, "time.from", w.Zone)
	}
	if n := byName["until"]; n != nil {
		w.Until = r.instant(n, "time.until", w.Zone)
	}
	daily := byName["between"] != nil || byName["days"] != nil
	switch {
	case daily && byName["zone"] == nil:
		r.err(f.node, "zone: Europe/Paris, or zone: UTC", "time needs a zone for times of day and days")
	case !daily && byName["from"] == nil && byName["until"] == nil:
		r.asks(f, "time", 0, "between", "days", "from", "until")
	case !w.From.IsZero() && !w.Until.IsZero() && !w.From.Before(w.Until):
		r.err(byName["until"], "", "time ends before it begins")
	}
	if !daily {
		w.Zone = nil
	}
	return []pdp.Op{{Code: pdp.CodeTime, Window: w}}
}

// between reads HH:MM-HH:MM.
func (r *reader) between(n *yaml.Node, w *pdp.Window) {
	text := r.text(n, "time.between")
	first, last, _ := strings.Cut(text, "-")
	start, okStart := minuteOf(strings.TrimSpace(first))
	end, okEnd := minuteOf(strings.TrimSpace(last))
	switch {
	case text == "":
	case !okStart || !okEnd || start == minutesADay:
		r.err(n, `write "09:00-17:00"`, "time.between is two times of day with a dash between, from 00:00 to 24:00")
	case start == end:
		r.err(n, `the whole day is "00:00-24:00"`, "time.between begins when it ends")
	default:
		w.Daily, w.Start, w.End = true, start, end
	}
}

const minutesADay = 24 * 60

// minuteOf reads HH:MM as minutes since midnight.
func minuteOf(s string) (int, bool) {
	if s == "24:00" {
		return minutesADay, true
	}
	t, err := time.Parse("15:04", s)
	return t.Hour()*60 + t.Minute(), err == nil && len(s) == len("15:04")
}

// zone reads the name of an IANA zone, such as Europe/Paris or UTC.
func (r *reader) zone(n *yaml.Node) *time.Location {
	name := r.text(n, "time.zone")
	if name == "" {
		return nil
	}
	if loc := r.zones[name]; loc != nil {
		return loc
	}
	loc, err := time.LoadLocation(name)
	if err != nil || name == "Local" {
		r.err(n, "an IANA name such as Europe/Paris, or UTC", "%s is not a time zone", show(name))
		return nil
	}
	r.zones[name] = loc
	return loc
}

func dayNames() []string { return []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"} }

// days reads days and ranges of them, which may go over the end of the week.
func (r *reader) days(n *yaml.Node, w *pdp.Window) {
	names := dayNames()
	at := func(name string) int {
		for i := range names {
			if names[i] == name {
				return i
			}
		}
		return -1
	}
	for _, entry := range r.words(n, "time.days") {
		first, last, ranged := strings.Cut(entry.text, "-")
		if !ranged {
			last = first
		}
		from, to := at(first), at(last)
		if from < 0 || to < 0 {
			r.err(entry.node, suggest(first, names), "%s is not a day or a range of days such as mon-fri: %s", show(entry.text), strings.Join(names, ", "))
			continue
		}
		for d := from; ; d = (d + 1) % len(names) {
			w.Days |= 1 << d
			if d == to {
				break
			}
		}
	}
}
