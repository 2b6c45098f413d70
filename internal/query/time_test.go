package query

import (
	"strings"
	"testing"
	"time"
)

func TestTimes(t *testing.T) {
	zone := time.FixedZone("", 2*3600)
	now := time.Date(2026, 11, 20, 10, 2, 11, 0, zone)
	for in, want := range map[string]string{
		"now":                            "2026-11-20T10:02:11+02:00",
		"today":                          "2026-11-20T00:00:00+02:00",
		"yesterday":                      "2026-11-19T00:00:00+02:00",
		"24h":                            "2026-11-19T10:02:11+02:00",
		"90m":                            "2026-11-20T08:32:11+02:00",
		"1h30m":                          "2026-11-20T08:32:11+02:00",
		"7d":                             "2026-11-13T10:02:11+02:00",
		"1w1d":                           "2026-11-12T10:02:11+02:00",
		"1d12h":                          "2026-11-18T22:02:11+02:00",
		"2026-11-20T08:00:00Z":           "2026-11-20T08:00:00Z",
		"2026-11-20T08:00:00.123456789Z": "2026-11-20T08:00:00.123456789Z",
		"2026-11-20T08:00:00-05:00":      "2026-11-20T08:00:00-05:00",
		"2026-11-18":                     "2026-11-18T00:00:00+02:00",
		"2026-11-18 07:30":               "2026-11-18T07:30:00+02:00",
		"2026-11-18T07:30:15":            "2026-11-18T07:30:15+02:00",
		"07:30":                          "2026-11-20T07:30:00+02:00",
		"07:30:15":                       "2026-11-20T07:30:15+02:00",
	} {
		got, err := ParseTime(in, now)
		if err != nil || got.Format(time.RFC3339Nano) != want {
			t.Errorf("%q: %v, %v; want %s", in, got.Format(time.RFC3339Nano), err, want)
		}
	}
	for _, in := range []string{
		"", " ", "tomorrow", "-24h", "+24h", "7", "d", "w", "7dd", "1d-2h", "24", "h", "1.5d", "0x7d", "99999999999d", "200000w",
		"2026-13-01", "2026-11-31", "25:00", "0001-01-01", "1999-12-31T23:59:59Z", "20-11-2026", "1h 30m", "10:02pm", "NaNh",
	} {
		if got, err := ParseTime(in, now); err == nil {
			t.Errorf("%q was read as %v", in, got)
		} else if !strings.Contains(err.Error(), "2") {
			t.Errorf("%q: %v does not say what is expected", in, err)
		}
	}
}

func FuzzParseTime(f *testing.F) {
	for _, s := range []string{"24h", "7d12h", "1w", "2026-11-20", "10:02", "2026-11-20T08:00:00Z", "today"} {
		f.Add(s)
	}
	now := time.Date(2026, 11, 20, 10, 2, 11, 0, time.UTC)
	f.Fuzz(func(t *testing.T, s string) {
		got, err := ParseTime(s, now)
		if err == nil && (got.Year() < 1900 || got.Year() > 9999) {
			t.Errorf("%q is %v", s, got)
		}
		if _, isAgo := ago(s); isAgo && got.After(now) {
			t.Errorf("%q ago is %v, which is to come", s, got)
		}
	})
}
