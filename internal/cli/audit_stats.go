package cli

import (
	"encoding/json"
	"fmt"
	"sort"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/custos-zt/custos/internal/index"
	"github.com/custos-zt/custos/internal/query"
	"github.com/custos-zt/custos/internal/term"
)

func (a *app) auditStatsCommand() *cobra.Command {
	var f filterFlags
	cmd := &cobra.Command{
		Use:   "stats [--since TIME] [--until TIME]",
		Short: "Add up decisions, tools, latencies and days",
		Long: `Add up what was decided and how it ended, from sums by the hour: --since is
rounded down and --until up to a whole hour. The sums stay when retention removes
the records. A percentile is at most a fifth too large.

Times: ` + query.TimeSyntax + `.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			dir, err := a.logDir()
			if err != nil {
				return err
			}
			filter, err := a.filter(&f)
			if err != nil {
				return err
			}
			x, err := a.freshIndex(cmd.Context(), dir)
			if err != nil {
				return err
			}
			var s index.Stats
			err = a.ask(cmd.Context(), x, func() (err error) {
				s, err = x.Stats(cmd.Context(), filter.Since, filter.Until, time.Local)
				return err
			})
			if err != nil {
				return a.indexError(err)
			}
			if a.json {
				return json.NewEncoder(a.Out).Encode(s)
			}
			return a.printStats(&s)
		},
	}
	f.addTimes(cmd)
	return cmd
}

// maxToolLines is how many tools are listed for people; --json has all.
const maxToolLines = 30

func (a *app) printStats(s *index.Stats) error {
	p := a.paint()
	w := tabwriter.NewWriter(a.Out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "day\tallowed\theld\tdenied")
	for _, d := range s.Days {
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\n", d.Day, d.Allowed, d.Held, d.Denied)
	}
	fmt.Fprintln(w, "\nreason\tdecision\tcalls")
	for _, r := range s.Reasons {
		fmt.Fprintf(w, "%s\t%s\t%d\n", term.Escape(r.Reason), term.Escape(r.Decision), r.Calls)
	}
	fmt.Fprintln(w, "\ntool\tallowed\theld\tdenied\tanswered\tfailed\tp50\tp95\tlongest")
	for i, t := range s.Tools {
		if i == maxToolLines {
			break
		}
		name := "(no tool)"
		if t.Tool != "" {
			name = t.Backend + "." + t.Tool
		}
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t%d\t%s\t%s\t%s\n", term.Clip(term.Escape(name), 48),
			t.Allowed, t.Held, t.Denied, t.Answered, t.Failed, micros(t.P50), micros(t.P95), micros(t.Longest))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if n := len(s.Tools) - maxToolLines; n > 0 {
		fmt.Fprintf(a.Out, "and %d more\n", n)
	}
	_, err := fmt.Fprintf(a.Out, "\n%s  %s\n", p.Paint(term.Bold, "records"), kinds(s.Records))
	return err
}

// kinds lists how many records there are of each kind.
func kinds(by map[string]int64) string {
	var out []string
	for k, n := range by {
		out = append(out, fmt.Sprintf("%d %s", n, term.Escape(k)))
	}
	sort.Strings(out)
	return strings.Join(out, " · ")
}
