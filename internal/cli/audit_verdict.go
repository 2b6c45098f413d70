package cli

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/custos-zt/custos/audit"
	"github.com/custos-zt/custos/internal/engine"
)

// maxNote bounds the text that goes with a verdict, in bytes.
const maxNote = 2000

// judge records verdicts. All are understood before the first is written; each
// is durable when it is printed.
func (a *app) judge(verdicts []string, note string) error {
	if len(note) > maxNote {
		return usage(fmt.Sprintf("a note has at most %d bytes", maxNote), "keep the long story elsewhere and name it in the note")
	}
	var records []audit.Record
	dir, err := a.logDir()
	if err != nil {
		return err
	}
	for _, v := range verdicts {
		j, err := a.judgement(dir, v)
		if err != nil {
			return err
		}
		j.Note = note
		records = append(records, audit.Record{
			Kind: audit.KindReview, Subject: engine.LocalSubject().String(), Isolation: engine.Isolation, Judgement: &j,
		})
	}
	return a.record(dir, records, func(r *audit.Record) error {
		if a.json {
			return a.printRecord(r)
		}
		printVerdict(a.Out, r)
		return nil
	})
}

// judgement reads ID=ok or ID=bad, of a record that is there.
func (a *app) judgement(dir, text string) (audit.Judgement, error) {
	id, verdict, ok := strings.Cut(text, "=")
	if !ok || verdict != audit.VerdictOK && verdict != audit.VerdictBad {
		return audit.Judgement{}, usage(fmt.Sprintf("%q is no verdict", text), "custos audit review --verdict d_7F3K=ok, or =bad")
	}
	rec, err := audit.Find(dir, id)
	if err != nil {
		return audit.Judgement{}, &Error{Code: ExitFailure, Text: plainError(err), Hint: "custos audit review names the ids", Err: err}
	}
	if rec.Kind == audit.KindReview {
		return audit.Judgement{}, usage(id+" is a verdict itself", "judge the record that it is about: "+rec.Judgement.Of)
	}
	return audit.Judgement{Of: rec.ID(), Verdict: verdict}, nil
}

// record writes records to a slot of its own, as every writer does, and calls
// each once they are durable.
func (a *app) record(logDir string, records []audit.Record, each func(*audit.Record) error) error {
	if _, err := os.Stat(logDir); err != nil {
		return unreadable(err)
	}
	conf, err := a.config()
	if err != nil {
		return err
	}
	path, hide, err := a.personsPlace(conf)
	if err != nil {
		return err
	}
	ev, err := engine.OpenEvidence(engine.EvidenceOptions{StateDir: path, Keys: stateOptions(conf, path).Keys, Redaction: hide})
	if err != nil {
		return &Error{Code: ExitEvidence, Text: err.Error(), Hint: "nothing was recorded", Err: err}
	}
	for _, rec := range records {
		t := ev.Log.Append(rec)
		if err = t.Wait(); err != nil {
			break
		}
		rec.Slot, rec.Seq = t.Slot(), t.Seq()
		if written, ferr := audit.Find(logDir, t.ID()); ferr == nil {
			rec = written
		}
		if err = each(&rec); err != nil {
			break
		}
	}
	if err = errors.Join(err, ev.Close()); err != nil {
		return &Error{Code: ExitEvidence, Text: err.Error(), Hint: "what was not printed was not recorded", Err: err}
	}
	return nil
}
