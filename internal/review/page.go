package review

import (
	"cmp"
	"fmt"
	"time"

	"github.com/custos-zt/custos/internal/term"
)

// section is one part of a page: what both renderings print.
type section struct {
	title string
	// none is printed where there are no rows.
	none string
	head []string
	rows [][]cell
	more string
}

// cell is a text that was escaped, and what it means.
type cell struct {
	text string
	mood mood
}

// mood is how a cell stands out. It never carries what the text does not say.
type mood string

const (
	plain mood = ""
	bad   mood = "bad"
	fair  mood = "fair"
	good  mood = "good"
)

// esc makes text of others safe for both renderings, and short enough.
func esc(s string) string { return term.Clip(term.Escape(s), 160) }

// sections lays a report out. Times are shown in zone.
func (r *Report) sections(zone *time.Location) []section {
	return []section{r.findings(zone), r.refused(zone), r.approvals(zone), r.firsts(zone), r.changes(zone)}
}

// summary is the line under the title.
func (r *Report) summary(zone *time.Location) string {
	until := "now"
	if !r.Until.IsZero() {
		until = clock(r.Until, zone)
	}
	since := "the beginning"
	if !r.Since.IsZero() {
		since = clock(r.Since, zone)
	}
	return fmt.Sprintf("%s to %s: %d allowed, %d held, %d denied; sessions: %d", since, until, r.Allowed, r.Held, r.Denied, r.Sessions)
}

func clock(t time.Time, zone *time.Location) string { return t.In(zone).Format("2006-01-02 15:04:05") }

func more(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("and %d more", n)
}

func (r *Report) findings(zone *time.Location) section {
	s := section{
		title: "To look at", none: "No rule found anything. That is no proof that nothing happened.", more: more(r.More),
		head: []string{"", "id", "time", "what", "who", "why", "verdict"},
	}
	for _, f := range r.Findings {
		why := ""
		for i, w := range f.Why {
			if i > 0 {
				why += " "
			}
			why += esc(w)
		}
		what := esc(f.Target)
		if f.Decision != "" {
			what = esc(f.Decision) + " " + what
		}
		verdict := cell{"open", plain}
		if f.Verdict != "" {
			verdict = cell{esc(f.Verdict) + " by " + esc(f.By), good}
			if f.Verdict != "ok" {
				verdict.mood = bad
			}
			if f.Note != "" {
				verdict.text += ": " + esc(f.Note)
			}
		}
		weight := cell{string(f.Severity), map[Severity]mood{High: bad, Medium: fair}[f.Severity]}
		s.rows = append(s.rows, []cell{weight, {text: f.ID}, {text: clock(f.Time, zone)}, {text: what}, {text: cmp.Or(esc(f.Subject), "unknown")}, {text: why}, verdict})
	}
	return s
}

func (r *Report) refused(zone *time.Location) section {
	s := section{title: "Denied attempts", none: "Nothing was denied.", head: []string{"times", "what", "reason", "rule", "last", "id"}, more: more(r.MoreRefused)}
	for _, k := range r.Refused {
		s.rows = append(s.rows, []cell{
			{text: fmt.Sprint(k.Count)}, {text: esc(k.Target)}, {text: esc(k.Reason)}, {text: cmp.Or(esc(k.Rule), "none")}, {text: clock(k.Time, zone)}, {text: k.Last},
		})
	}
	return s
}

func (r *Report) approvals(zone *time.Location) section {
	s := section{title: "Approvals", none: "Nobody was asked, or nobody answered.", head: []string{"id", "time", "what", "for", "answer", "by", "how", "after"}}
	for _, a := range r.Approvals {
		after := "unknown"
		if a.After > 0 {
			after = a.After.Round(100 * time.Millisecond).String()
		}
		s.rows = append(s.rows, []cell{
			{text: a.ID},
			{text: clock(a.Time, zone)},
			{text: esc(a.Target)},
			{text: esc(a.Subject)},
			{text: esc(a.State)},
			{text: esc(a.By)},
			{text: esc(a.Channel + ", " + a.Assurance)},
			{text: after},
		})
	}
	return s
}

func (r *Report) firsts(zone *time.Location) section {
	s := section{title: "Seen for the first time", none: "No tool and no host.", head: []string{"what", "time", "id"}}
	for _, f := range r.FirstTools {
		s.rows = append(s.rows, []cell{{text: "tool " + esc(f.Name)}, {text: clock(f.Time, zone)}, {text: f.ID}})
	}
	for _, f := range r.FirstHosts {
		s.rows = append(s.rows, []cell{{text: "a host (its name is not in the log: custos audit query --host NAME)"}, {text: clock(f.Time, zone)}, {text: f.ID}})
	}
	return s
}

func (r *Report) changes(zone *time.Location) section {
	s := section{title: "Policy and configuration", none: "Nothing was put in force.", head: []string{"id", "time", "what", "digest", "before", "by"}}
	for _, c := range r.Changes {
		s.rows = append(s.rows, []cell{
			{text: c.ID}, {text: clock(c.Time, zone)}, {text: esc(c.Kind + " " + c.Backend)}, {text: cmp.Or(short(c.Digest), "none")}, {text: cmp.Or(short(c.Old), "none")}, {text: cmp.Or(esc(c.Actor), "unknown")},
		})
	}
	return s
}

// short is the recognisable beginning of a digest.
func short(digest string) string {
	if len(digest) > 19 {
		return esc(digest[:19]) + "…"
	}
	return esc(digest)
}
