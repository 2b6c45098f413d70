package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/custos-zt/custos/audit"
	"github.com/custos-zt/custos/internal/admin"
	"github.com/custos-zt/custos/internal/approval"
	"github.com/custos-zt/custos/internal/approval/book"
	"github.com/custos-zt/custos/internal/engine"
	"github.com/custos-zt/custos/internal/state"
)

func (a *app) approvalsEnrolCommand() *cobra.Command {
	var confirm, code string
	cmd := &cobra.Command{
		Use: "enrol [--code CODE] | enrol --confirm CODE", Short: "Enrol a device that shows codes", Args: cobra.NoArgs,
		Long: `Enrol a device or program that shows six digits every thirty seconds (TOTP). A
rule with "assurance: code" is answered with such a code. Give the secret to the
device, then confirm it with a code that the device shows. To replace a device
takes a code of the one that is enrolled.

  custos approvals enrol
  custos approvals enrol --confirm 123456`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if confirm != "" {
				return a.confirmDevice(cmd.Context(), confirm)
			}
			return a.enrolDevice(cmd.Context(), code)
		},
	}
	cmd.Flags().StringVar(&confirm, "confirm", "", "a `code` of the new device; - reads it from standard input")
	cmd.Flags().StringVar(&code, "code", "", "a `code` of the device that is enrolled; - reads it from standard input")
	return cmd
}

// enrolCounter is counter for a directory in which nothing was held yet.
func (a *app) enrolCounter() (*counter, error) {
	c, err := a.counter()
	if !errors.Is(err, errNoBook) {
		return c, err
	}
	conf, err := a.config()
	if err != nil {
		return nil, err
	}
	path, err := a.statePath(conf)
	if err != nil {
		return nil, failure(err, "name the directory: --state DIR")
	}
	dir, err := state.Open(path)
	if err != nil {
		return nil, &Error{Code: ExitEvidence, Text: err.Error(), Err: err}
	}
	if _, err := dir.Database(); err != nil {
		return nil, &Error{Code: ExitEvidence, Text: err.Error(), Err: err}
	}
	return a.counter()
}

func (a *app) enrolDevice(ctx context.Context, code string) error {
	c, err := a.enrolCounter()
	if err != nil {
		return err
	}
	defer c.Close()
	by := operator()
	has, err := c.book.Enrolled(ctx, by.ID)
	switch {
	case err != nil:
		return failure(err, "")
	case has && code == "":
		return &Error{
			Code: ExitDenied, Text: "a device is enrolled already, and another one takes a code of it",
			Hint: "custos approvals enrol --code CODE",
		}
	case has:
		if err := a.takeCode(ctx, c, code); err != nil {
			return err
		}
	}
	secret, uri, err := c.book.Enrol(ctx, by.ID)
	if err != nil {
		return failure(err, "")
	}
	if a.json {
		return json.NewEncoder(a.Out).Encode(map[string]string{"person": by.ID, "secret": secret, "uri": uri})
	}
	fmt.Fprintf(a.Out, "secret  %s\nuri     %s\n\nGive one of the two to your device, keep it from everybody else, and confirm:\n  custos approvals enrol --confirm CODE\n", secret, uri)
	return nil
}

func (a *app) confirmDevice(ctx context.Context, code string) error {
	c, err := a.enrolCounter()
	if err != nil {
		return err
	}
	defer c.Close()
	if code, err = a.readCode(code); err != nil {
		return err
	}
	by := operator()
	if err := c.log.open(); err != nil {
		return &Error{Code: ExitEvidence, Text: err.Error(), Err: err}
	}
	if err := c.book.Confirm(ctx, by.ID, code); err != nil {
		return wrongCode(err)
	}
	record := c.log.Append(audit.Record{
		Kind: audit.KindApproval, Subject: by.ID, Isolation: engine.Isolation, Detail: "a device for codes was enrolled",
		Approval: &audit.Approval{By: by.ID, State: "enrolled", Channel: "cli", Assurance: string(approval.Code)},
	})
	if err := record.Wait(); err != nil {
		return &Error{Code: ExitEvidence, Text: "the device is enrolled and the log does not say so: " + err.Error(), Err: err}
	}
	fmt.Fprintln(a.Out, "the device is enrolled: custos approvals allow ID --code CODE")
	return nil
}

// takeCode uses up a code of the device of whoever runs this process.
func (a *app) takeCode(ctx context.Context, c *counter, code string) error {
	code, err := a.readCode(code)
	if err != nil {
		return err
	}
	if err := c.book.TakeCode(ctx, operator().ID, code); err != nil {
		return wrongCode(err)
	}
	return nil
}

// readCode reads a code that is given as "-" from standard input, and drops the
// spaces that devices show in codes.
func (a *app) readCode(code string) (string, error) {
	if code == "-" {
		line, err := bufio.NewReader(a.In).ReadString('\n')
		if err != nil && line == "" {
			return "", usage("no code on standard input", "")
		}
		code = line
	}
	return strings.ReplaceAll(strings.TrimSpace(code), " ", ""), nil
}

func wrongCode(err error) error {
	e := &Error{Code: ExitDenied, Text: err.Error(), Err: err}
	switch {
	case errors.Is(err, book.ErrNoDevice):
		e.Hint = codeHint(admin.NoDevice)
	case errors.Is(err, book.ErrCode):
		e.Hint = codeHint(admin.WrongCode)
	}
	return e
}
