package cli

import (
	"bufio"
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/spf13/cobra"

	"github.com/custos-zt/custos/audit"
	"github.com/custos-zt/custos/internal/ocsf"
	"github.com/custos-zt/custos/internal/sink"
	"github.com/custos-zt/custos/internal/spell"
)

func (a *app) auditExportCommand() *cobra.Command {
	var kinds []string
	var format string
	cmd := &cobra.Command{
		Use:   "export [--kind KIND…] [--format ndjson|csv|ocsf]",
		Short: "Write all records to standard output",
		Long: `Write all records to standard output, one line each. ndjson is the record with
its id first; csv is a table; ocsf is OCSF 1.9.0, one event a line.

  custos audit export --kind policy,config          the history of the policy
  custos audit export --format ocsf > events.ndjson`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if err := knownKinds(kinds); err != nil {
				return err
			}
			switch format {
			case "ndjson", "csv", "ocsf":
				return a.export(kinds, format)
			default:
				return usage(fmt.Sprintf("%q is no format", format), "--format is ndjson, csv or ocsf")
			}
		},
	}
	cmd.Flags().StringSliceVar(&kinds, "kind", nil, "only records of this `kind`: admission, outcome, …")
	cmd.Flags().StringVar(&format, "format", "ndjson", "ndjson, csv or ocsf")
	return cmd
}

// knownKinds refuses a kind that no record has: an empty export looks like a
// log in which nothing happened.
func knownKinds(kinds []string) error {
	var known []string
	for _, k := range ocsf.Kinds() {
		known = append(known, string(k))
	}
	for _, k := range kinds {
		if slices.Contains(known, k) {
			continue
		}
		hint := fmt.Sprintf("the kinds are %v", known)
		if near, ok := spell.Nearest(k, known); ok {
			hint = "custos audit export --kind " + near
		}
		return usage(fmt.Sprintf("%q is no kind of record", k), hint)
	}
	return nil
}

func (a *app) export(kinds []string, format string) error {
	dir, err := a.logDir()
	if err != nil {
		return err
	}
	opt := audit.ReadOptions{}
	keep := func(*audit.Record) bool { return true }
	if len(kinds) > 0 {
		keep = func(r *audit.Record) bool { return slices.Contains(kinds, string(r.Kind)) }
		opt.Keep = keep
	}
	switch format {
	case "csv":
		err = audit.WriteCSV(a.Out, audit.Read(dir, opt))
	case "ocsf":
		err = a.writeOCSF(sink.Events(dir), keep)
	default:
		err = a.writeLines(audit.Read(dir, opt))
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
	return writeEach(bufio.NewWriterSize(a.Out, 64<<10), records, func(b []byte, r *audit.Record) ([]byte, error) {
		return r.AppendJSON(b), nil
	})
}

// writeOCSF writes one event a line.
func (a *app) writeOCSF(events iter.Seq2[sink.Event, error], keep func(*audit.Record) bool) error {
	encoders := map[string]*ocsf.Encoder{}
	return writeEach(bufio.NewWriterSize(a.Out, 64<<10), events, func(b []byte, ev *sink.Event) ([]byte, error) {
		if !keep(&ev.Record) {
			return b, nil
		}
		instance := ev.Instance()
		if encoders[instance] == nil {
			encoders[instance] = ocsf.NewEncoder(instance, version().Version)
		}
		return encoders[instance].Append(b, ocsf.Event{Record: &ev.Record, Hash: ev.Hash, Admission: ev.Admission})
	})
}

// writeEach writes one line for each item, none where its line is empty.
func writeEach[T any](w *bufio.Writer, items iter.Seq2[T, error], line func([]byte, *T) ([]byte, error)) error {
	var buf []byte
	var failed error
	for item, err := range items {
		if err == nil {
			buf, err = line(buf[:0], &item)
		}
		if err != nil {
			failed = errors.Join(failed, err)
			continue
		}
		if len(buf) == 0 {
			continue
		}
		if _, err := w.Write(append(buf, '\n')); err != nil {
			return err
		}
	}
	return errors.Join(failed, w.Flush())
}
