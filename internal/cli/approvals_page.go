package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/custos-zt/custos/internal/config"
	"github.com/custos-zt/custos/internal/control"
	"github.com/custos-zt/custos/internal/state"
)

func (a *app) approvalsPageCommand() *cobra.Command {
	var listen string
	cmd := &cobra.Command{
		Use: "page [--listen ADDRESS]", Short: "Serve the approval page to a browser on this machine", Args: cobra.NoArgs,
		Long: `Serve the approval page, and the API behind it, on an address of this machine
until it is interrupted. The page shows what waits, of every guard of the state
directory, and takes answers.

Two addresses are printed. Whoever has the first can answer, whoever has the
second can look. The token in them is new each time, is held in memory alone and
is not sent as part of an address; the links in messages have none, and the page
asks for it. The address is that of listen.admin in the configuration.`,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.servePage(cmd.Context(), listen) },
	}
	cmd.Flags().StringVar(&listen, "listen", "", "`address` and port; port 0 takes a free one")
	return cmd
}

// pageAt is what `approvals page --json` prints.
type pageAt struct {
	// Page is the address without a token, as links have it.
	Page string `json:"page"`
	// Approver and Viewer hold the tokens.
	Approver string `json:"approver"`
	Viewer   string `json:"viewer"`
}

func (a *app) servePage(ctx context.Context, listen string) (err error) {
	conf, err := a.config()
	if err != nil {
		return err
	}
	path, err := a.statePath(conf)
	if err != nil {
		return failure(err, "name the directory: --state DIR")
	}
	dir, err := state.OpenExisting(path)
	if errors.Is(err, fs.ErrNotExist) {
		return failure(err, "start a guard first: custos run -- CMD; or name another directory: --state DIR")
	}
	if err != nil {
		return &Error{Code: ExitEvidence, Text: err.Error(), Err: err}
	}
	hide, err := a.redactionHere(conf)
	if err != nil {
		return err
	}
	if listen == "" {
		listen = conf.Listen.Admin
	}
	l, err := listenHere(listen)
	if err != nil {
		return err
	}
	log := &lazyLog{dir: path, hide: hide}
	desk := newDesk(dir, log, &hide, 0)
	s, tokens, err := control.ServePage(l, control.Options{Operations: operations(dir, desk, log.open), Person: operator})
	if err != nil {
		return failure(errors.Join(err, l.Close()), "")
	}
	defer func() { err = errors.Join(err, s.Close(), desk.Close(), log.Close()) }()
	base := "http://" + l.Addr().String()
	at := pageAt{Page: base + "/approvals", Approver: base + "/approvals#token=" + tokens.Approver, Viewer: base + "/approvals#token=" + tokens.Viewer}
	if a.json {
		err = json.NewEncoder(a.Out).Encode(at)
	} else {
		_, err = fmt.Fprintf(a.Out, "to answer  %s\nto look    %s\n", at.Approver, at.Viewer)
	}
	if err != nil {
		return failure(err, "")
	}
	<-ctx.Done()
	return nil
}

// listenHere listens on an address that only this machine reaches.
func listenHere(address string) (net.Listener, error) {
	if !config.LoopbackAddress(address) {
		return nil, usage(fmt.Sprintf("%q is not an address of this machine alone", address), "custos approvals page --listen 127.0.0.1:7444")
	}
	l, err := net.Listen("tcp", address)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, failure(err, "the page is open already, or: custos approvals page --listen 127.0.0.1:0")
	}
	if err != nil {
		return nil, failure(err, "")
	}
	return l, nil
}
