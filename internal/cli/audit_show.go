package cli

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/spf13/cobra"

	"github.com/custos-zt/custos/audit"
	"github.com/custos-zt/custos/internal/term"
)

func (a *app) auditShowCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "show ID",
		Short: "Print one record as it is stored",
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usage("show takes one record id", "custos audit show d_7F3K")
			}
			rec, err := a.find(args[0])
			if err != nil {
				return err
			}
			return a.printRecord(&rec)
		},
	}
}

// find returns the record with an id.
func (a *app) find(id string) (audit.Record, error) {
	dir, err := a.logDir()
	if err != nil {
		return audit.Record{}, err
	}
	rec, err := audit.Find(dir, id)
	if err != nil {
		return rec, &Error{Code: ExitFailure, Text: plainError(err), Hint: "custos tail and custos audit export list the ids"}
	}
	return rec, nil
}

// printRecord prints a record: one line under --json, indented for people.
func (a *app) printRecord(rec *audit.Record) error {
	if a.json {
		_, err := fmt.Fprintf(a.Out, "%s\n", rec.ExportJSON())
		return err
	}
	pretty, err := json.MarshalIndent(json.RawMessage(rec.ExportJSON()), "", "  ")
	if err != nil {
		return failure(err, "")
	}
	_, err = fmt.Fprintf(a.Out, "%s\n", pretty)
	return err
}

func (a *app) auditExportCommand() *cobra.Command {
	var kinds []string
	var format string
	cmd := &cobra.Command{
		Use:   "export [--kind KIND…] [--format ndjson|csv]",
		Short: "Write all records to standard output",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			switch format {
			case "ndjson", "csv":
				return a.export(kinds, format)
			default:
				return usage(fmt.Sprintf("%q is no format", format), "--format is ndjson or csv")
			}
		},
	}
	cmd.Flags().StringSliceVar(&kinds, "kind", nil, "only records of this `kind`: admission, outcome, …")
	cmd.Flags().StringVar(&format, "format", "ndjson", "ndjson or csv")
	return cmd
}

func (a *app) export(kinds []string, format string) error {
	dir, err := a.logDir()
	if err != nil {
		return err
	}
	opt := audit.ReadOptions{}
	if len(kinds) > 0 {
		opt.Keep = func(r *audit.Record) bool { return slices.Contains(kinds, string(r.Kind)) }
	}
	records := audit.Read(dir, opt)
	if format == "csv" {
		err = audit.WriteCSV(a.Out, records)
	} else {
		err = a.writeLines(records)
	}
	switch {
	case errors.Is(err, audit.ErrTampered):
		return &Error{Code: ExitEvidence, Text: err.Error(), Hint: "custos audit verify names the first bad record"}
	case err != nil:
		return &Error{Code: ExitCannotVerify, Text: plainError(err), Hint: "custos audit verify"}
	}
	return nil
}

// writeLines writes one line a record. An error of one slot does not keep the
// records of the others from being written.
func (a *app) writeLines(records iter.Seq2[audit.Record, error]) error {
	w := bufio.NewWriterSize(a.Out, 64<<10)
	var buf []byte
	var failed error
	for r, err := range records {
		if err != nil {
			failed = errors.Join(failed, err)
			continue
		}
		buf = append(r.AppendJSON(buf[:0]), '\n')
		if _, err := w.Write(buf); err != nil {
			return err
		}
	}
	return errors.Join(failed, w.Flush())
}

// target is what a record is about, as people read it.
func targetOf(r *audit.Record) string {
	switch {
	case r.Tool != "":
		return term.Escape(r.Backend + "." + r.Tool)
	case r.URI != "":
		return term.Escape(r.URI)
	case r.Prompt != "":
		return term.Escape("prompt " + r.Prompt)
	case r.Method != "":
		return term.Escape(r.Method)
	default:
		return "a message that could not be read"
	}
}
