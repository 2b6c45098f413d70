package review

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/custos-zt/custos/internal/term"
)

// WriteText prints the page for a terminal.
func (r *Report) WriteText(w io.Writer, p term.Printer, zone *time.Location) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", r.summary(zone))
	for _, s := range r.sections(zone) {
		fmt.Fprintf(&b, "\n%s\n", p.Paint(term.Bold, s.title))
		if len(s.rows) == 0 {
			fmt.Fprintf(&b, "  %s\n", s.none)
		}
		widths := columns(s.rows)
		for _, row := range s.rows {
			b.WriteString(" ")
			for i, c := range row {
				b.WriteString(" ")
				text := c.text
				if i < len(row)-1 {
					text += strings.Repeat(" ", widths[i]-width(c.text))
				}
				if c.mood != plain {
					text = p.Paint(style(c.mood), text)
				}
				b.WriteString(text)
				if i < len(row)-1 {
					b.WriteString(" ")
				}
			}
			b.WriteString("\n")
		}
		if s.more != "" {
			fmt.Fprintf(&b, "  %s\n", s.more)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// columns returns the width of each column.
func columns(rows [][]cell) []int {
	var out []int
	for _, row := range rows {
		for i, c := range row {
			if i == len(out) {
				out = append(out, 0)
			}
			out[i] = max(out[i], width(c.text))
		}
	}
	return out
}

func width(s string) int { return len([]rune(s)) }

func style(m mood) term.Style {
	switch m {
	case bad:
		return term.Red
	case fair:
		return term.Yellow
	default:
		return term.Green
	}
}
