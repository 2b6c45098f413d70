package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/audit"
	"github.com/custos-zt/custos/internal/index"
	"github.com/custos-zt/custos/internal/query"
	"github.com/custos-zt/custos/internal/term"
)

// queryFlags are the flags of `audit query`.
type queryFlags struct {
	filterFlags
	limit  int
	before string
	scan   bool
}

func (a *app) auditQueryCommand() *cobra.Command {
	var f queryFlags
	cmd := &cobra.Command{
		Use:   "query [CONDITION…] [--limit N] [--before ID] [--scan]",
		Short: "Find calls and events, the newest first",
		Long: `Find calls and events of all guards, the newest first. A call is listed with
its outcome. ` + filterHelp + `

The answer comes from an index beside the log, which is brought up to date first.
The index only says where to look: every line is read from the log and matched
again. --scan asks no index and reads the whole log.

  custos audit query --decision deny --since 24h
  custos audit query --tool files.write_file --path /etc --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.query(cmd.Context(), &f) },
	}
	f.add(cmd)
	cmd.Flags().IntVar(&f.limit, "limit", 100, "at most so many; 0 is all")
	cmd.Flags().StringVar(&f.before, "before", "", "the next page: the `id` of the last line of this one")
	cmd.Flags().BoolVar(&f.scan, "scan", false, "read the log itself")
	return cmd
}

func (a *app) query(ctx context.Context, f *queryFlags) error {
	if f.limit < 0 {
		return usage("--limit is a number of lines", "custos audit query --limit 100")
	}
	dir, filter, err := a.asked(&f.filterFlags)
	if err != nil {
		return err
	}
	var found []query.Entry
	if f.scan {
		found, err = scanLog(dir, &filter, f)
	} else {
		found, err = a.indexed(ctx, dir, &filter, f)
	}
	if err != nil {
		return err
	}
	if a.json {
		return a.printEntriesJSON(found)
	}
	for i := range found {
		a.printEntry(&found[i])
	}
	if len(found) == 0 {
		a.say("nothing in the log matches")
	}
	if f.limit > 0 && len(found) == f.limit {
		a.say("there may be more: --before %s", found[len(found)-1].Record.ID())
	}
	return nil
}

func (a *app) indexed(ctx context.Context, dir string, filter *query.Filter, f *queryFlags) ([]query.Entry, error) {
	x, err := a.freshIndex(ctx, dir)
	if err != nil {
		return nil, err
	}
	return a.search(ctx, x, filter, index.Page{Limit: f.limit, Before: f.before})
}

// scanLog answers from the log alone. It keeps what matches in memory.
func scanLog(dir string, filter *query.Filter, f *queryFlags) ([]query.Entry, error) {
	var kept []query.Entry
	at := map[string]int{} // open calls, by id: an outcome may make one match
	var p query.Pairer
	for r, err := range audit.Read(dir, audit.ReadOptions{}) {
		if err != nil {
			return nil, unreadable(err)
		}
		e, known := p.Add(r)
		id := e.Record.ID()
		switch {
		case query.IsOutcome(r.Kind) && !known:
		case query.IsOutcome(r.Kind):
			kept[at[id]].Outcome = e.Outcome
			delete(at, id)
		case r.AwaitsOutcome():
			at[id] = len(kept)
			kept = append(kept, e)
		case filter.Match(&e):
			kept = append(kept, e)
		}
	}
	kept = slices.DeleteFunc(kept, func(e query.Entry) bool { return !filter.Match(&e) })
	slices.Reverse(kept)
	if f.before != "" {
		i := slices.IndexFunc(kept, func(e query.Entry) bool { return e.Record.ID() == f.before })
		if i < 0 {
			return nil, &Error{Code: ExitFailure, Text: f.before + " is not in this result", Hint: "--before takes the id of the last line of the page before"}
		}
		kept = kept[i+1:]
	}
	if f.limit > 0 {
		kept = kept[:min(len(kept), f.limit)]
	}
	return kept, nil
}

// unreadable is the error for a log that cannot be read, or not to its end.
func unreadable(err error) error {
	if errors.Is(err, audit.ErrTampered) {
		return &Error{Code: ExitEvidence, Text: err.Error(), Hint: "custos audit verify names the first bad record", Err: err}
	}
	return &Error{Code: ExitCannotVerify, Text: plainError(err), Hint: "custos audit verify", Err: err}
}

// printEntriesJSON prints an array of exported records; a call has its outcome as
// a member.
func (a *app) printEntriesJSON(found []query.Entry) error {
	out := []byte{'['}
	for i := range found {
		if i > 0 {
			out = append(out, ",\n"...)
		}
		out = found[i].Record.AppendJSON(out)
		if o := found[i].Outcome; o != nil && o.Seq != found[i].Record.Seq {
			out = append(out[:len(out)-1], `,"outcome":`...)
			out = append(o.AppendJSON(out), '}')
		}
	}
	_, err := a.Out.Write(append(out, "]\n"...))
	return err
}

// printEntry prints an entry on one line.
func (a *app) printEntry(e *query.Entry) {
	r := &e.Record
	at := r.Time.Local().Format("2006-01-02 15:04:05")
	if r.Kind != audit.KindAdmission {
		fmt.Fprintf(a.Out, "%s  %-8s %s  %s\n", at, r.Kind, r.ID(), cmp.Or(about(r), "-"))
		return
	}
	fmt.Fprintf(a.Out, "%s  %s %s  %s%s%s%s\n", at, a.effectWord(r.Decision), r.ID(), targetOf(r), why(r), rule(r), ending(e.Outcome))
}

// effectWord is a decision in eight columns.
func (a *app) effectWord(e access.Effect) string {
	style := term.Red
	switch e { //nolint:exhaustive // everything else is a denial
	case access.Allow:
		style = term.Green
	case access.Approve:
		style = term.Yellow
	}
	return a.paint().Paint(style, fmt.Sprintf("%-8s", e.String()))
}

// why is the reason of what was not simply allowed by a rule.
func why(r *audit.Record) string {
	if r.Reason == access.RuleAllowed || r.Reason == "" {
		return ""
	}
	return "  " + term.Escape(string(r.Reason))
}

// ending says how a call ended.
func ending(o *audit.Record) string {
	if o == nil {
		return ""
	}
	out := "  → " + term.Escape(string(o.Status))
	if o.DurationUS > 0 {
		out += fmt.Sprintf(" in %s", micros(o.DurationUS))
	}
	for _, l := range o.Labels {
		out += " [" + term.Escape(l) + "]"
	}
	return out
}

// about says what a record is about that is no call.
func about(r *audit.Record) string {
	switch {
	case r.Judgement != nil:
		return fmt.Sprintf("%s is %s  by %s  %s", term.Escape(r.Judgement.Of), term.Escape(r.Judgement.Verdict), term.Escape(r.Subject), term.Escape(r.Judgement.Note))
	case r.Approval != nil:
		return targetOf(r) + "  by " + term.Escape(cmp.Or(r.Approval.By, "nobody yet"))
	case r.Change != nil && r.Kind == audit.KindConfig:
		return fmt.Sprintf("%s  (before: %s)  by %s", term.Escape(short(cmp.Or(r.Change.Digest, "none"))), term.Escape(short(cmp.Or(r.Change.Old, "none"))), term.Escape(r.Change.Actor))
	case r.Kind == audit.KindPolicy:
		return fmt.Sprintf("%s  %s", term.Escape(r.Backend), term.Escape(short(r.PolicyDigest)))
	case r.Detail != "":
		return term.Escape(r.Backend + " " + r.Detail)
	default:
		return term.Escape(r.Backend)
	}
}

// micros prints a duration for people.
func micros(us int64) string {
	switch {
	case us < 1000:
		return fmt.Sprintf("%d µs", us)
	case us < 1_000_000:
		return fmt.Sprintf("%.1f ms", float64(us)/1e3)
	default:
		return fmt.Sprintf("%.1f s", float64(us)/1e6)
	}
}
