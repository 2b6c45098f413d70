package cli

import (
	"cmp"
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/custos-zt/custos/audit"
	"github.com/custos-zt/custos/internal/term"
)

func (a *app) auditShowCommand() *cobra.Command {
	var identity string
	cmd := &cobra.Command{
		Use:   "show ID [--identity FILE]",
		Short: "Print one record as it is stored",
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usage("show takes one record id", "custos audit show d_7F3K")
			}
			rec, err := a.find(args[0])
			switch {
			case err != nil:
				return err
			case identity != "":
				return a.showOpened(&rec, identity)
			default:
				return a.printRecord(&rec)
			}
		},
	}
	cmd.Flags().StringVar(&identity, "identity", "", "an age identity `file`: decrypt what redaction tier 3 kept")
	return cmd
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

// target is what a record is about, as people read it.
func targetOf(r *audit.Record) string {
	return term.Escape(cmp.Or(r.Target(), r.Method, "a message that could not be read"))
}
