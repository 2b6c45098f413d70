package policy

import (
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// instant reads a point in time: with its offset from UTC, or as a date, or a
// date and a time of day, in the zone given.
func (r *reader) instant(n *yaml.Node, what string, zone *time.Location) time.Time {
	text := r.text(n, what)
	if text == "" {
		return time.Time{}
	}
	if len(text) > len(time.DateOnly) && text[len(time.DateOnly)] == ' ' {
		text = strings.Replace(text, " ", "T", 1) // TOML and YAML have both
	}
	if t, err := time.Parse(time.RFC3339, text); err == nil && !t.IsZero() {
		return t
	}
	for _, layout := range []string{"2006-01-02", "2006-01-02T15:04", "2006-01-02T15:04:05"} {
		wall, err := time.Parse(layout, text)
		if err != nil {
			continue
		}
		if zone == nil {
			r.err(n, "write it as "+wall.Format(time.RFC3339), "%s needs a zone for %s", what, show(text))
			return time.Time{}
		}
		return r.local(n, what, wall, zone)
	}
	r.err(n, "", "%s is a point in time such as 2026-12-01T09:00:00Z, or a date", what)
	return time.Time{}
}

// local finds the one instant at which the clocks of a zone show wall. A change
// of the clock leaves some times out and repeats others.
func (r *reader) local(n *yaml.Node, what string, wall time.Time, zone *time.Location) time.Time {
	var found []time.Time
	for _, around := range []time.Duration{-26 * time.Hour, 26 * time.Hour} {
		_, offset := wall.Add(around).In(zone).Zone()
		t := wall.Add(-time.Duration(offset) * time.Second).In(zone)
		same := t.Format(time.DateTime) == wall.Format(time.DateTime)
		if same && (len(found) == 0 || !found[0].Equal(t)) {
			found = append(found, t)
		}
	}
	switch len(found) {
	case 1:
		return found[0]
	case 0:
		r.err(n, "write it with its offset from UTC", "%s: the clocks of %s never show this time", what, zone)
	default:
		r.err(n, "write it with its offset from UTC", "%s: the clocks of %s show this time twice", what, zone)
	}
	return time.Time{}
}
