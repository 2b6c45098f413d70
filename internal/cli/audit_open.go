package cli

import (
	"fmt"

	"github.com/custos-zt/custos/audit"
	"github.com/custos-zt/custos/internal/auditor"
	"github.com/custos-zt/custos/internal/term"
)

// showOpened prints a record with what redaction tier 3 keeps of its call,
// decrypted with the identity in a file.
func (a *app) showOpened(rec *audit.Record, identity string) error {
	if rec.Args == nil || rec.Args.Age == "" {
		return &Error{Code: ExitFailure, Text: rec.ID() + " holds nothing encrypted", Hint: "redaction tier 3 encrypts arguments: audit: {redaction: {tier: 3, recipient: age1…}}"}
	}
	file, err := a.read(identity)
	if err != nil {
		return failure(err, "age-keygen -o FILE writes an identity")
	}
	plain, err := auditor.Decrypt(rec.Args.Age, file)
	if err != nil {
		return &Error{Code: ExitCannotVerify, Text: err.Error(), Hint: "the identity belongs to the recipient of the configuration at that time", Err: err}
	}
	if a.json {
		line, err := openedJSON(rec, "arguments", string(plain))
		if err != nil {
			return failure(err, "")
		}
		_, err = fmt.Fprintf(a.Out, "%s\n", line)
		return err
	}
	short := *rec
	args := *rec.Args
	args.Age = "(opened below)"
	short.Args = &args
	if err := a.printRecord(&short); err != nil {
		return err
	}
	_, err = fmt.Fprintf(a.Out, "arguments %s\n", term.Escape(string(plain)))
	return err
}
