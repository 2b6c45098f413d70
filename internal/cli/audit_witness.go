package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"github.com/custos-zt/custos/audit"
	"github.com/custos-zt/custos/audit/witness"
	"github.com/custos-zt/custos/internal/term"
)

// witnessListen is where a witness answers where nothing else is said.
const witnessListen = "127.0.0.1:7445"

// witnessServe are the flags of `custos audit witness`.
type witnessServe struct {
	dir, name, listen, cert, key string
}

func (a *app) auditWitnessCommand() *cobra.Command {
	var f witnessServe
	cmd := &cobra.Command{
		Use:   "witness",
		Short: "Be the witness of other logs: remember their heads, refuse what does not continue them",
		Long: `A witness belongs on another machine than the logs it watches. It speaks C2SP
tlog-witness; it sees sizes and hashes, never a record.

  custos audit witness                                   answer on ` + witnessListen + `
  custos audit witness key                               what goes into audit.witness of a guard
  custos audit witness enrol custos.pub --fingerprint …  watch an instance
  custos audit witness status                            what it has seen; exit 10 with alarms`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.beWitness(cmd.Context(), &f) },
	}
	cmd.PersistentFlags().StringVar(&f.dir, "dir", "", "the witness's own `directory`; default: custos-witness beside the usual state directory")
	cmd.Flags().StringVar(&f.name, "name", "", "what a new witness is called, for example witness.example/w1")
	cmd.Flags().StringVar(&f.listen, "listen", witnessListen, "the `address` to answer on")
	cmd.Flags().StringVar(&f.cert, "cert", "", "a TLS certificate `file`; other machines are answered over TLS only")
	cmd.Flags().StringVar(&f.key, "key", "", "the `file` of its key")
	cmd.AddCommand(a.witnessKeyCommand(&f), a.witnessEnrolCommand(&f), a.witnessStatusCommand(&f), a.witnessDismissCommand(&f))
	return cmd
}

// store opens the directory of the witness. Only who serves makes one.
func (a *app) witnessStore(f *witnessServe, mayMake bool) (*witness.Store, error) {
	dir := f.dir
	if dir == "" {
		base := a.getenv("XDG_STATE_HOME")
		if !filepath.IsAbs(base) {
			home, err := os.UserHomeDir()
			if err != nil {
				return nil, failure(err, "name the directory: --dir DIR")
			}
			base = filepath.Join(home, ".local", "state")
		}
		dir = filepath.Join(base, "custos-witness")
	}
	if _, err := os.Lstat(dir); err != nil && !mayMake {
		return nil, failure(err, "a witness is made by: custos audit witness key")
	}
	s, err := witness.OpenStore(dir, f.name)
	if err != nil {
		return nil, failure(err, "")
	}
	return s, nil
}

func (a *app) witnessKeyCommand(f *witnessServe) *cobra.Command {
	return &cobra.Command{
		Use: "key", Short: "Print the public key of the witness, making it at need", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			s, err := a.witnessStore(f, true)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(a.Out, s.Key())
			return err
		},
	}
}

func (a *app) witnessEnrolCommand(f *witnessServe) *cobra.Command {
	var fingerprint string
	var silence time.Duration
	cmd := &cobra.Command{
		Use:   "enrol FILE --fingerprint FINGERPRINT",
		Short: "Watch an instance, by its public key and the fingerprint that its owner tells",
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 || fingerprint == "" {
				return usage("enrol takes a key file and the fingerprint that its owner reads to you", "custos audit witness enrol custos.pub --fingerprint sha256:…  (there: custos audit key show)")
			}
			s, err := a.witnessStore(f, true)
			if err != nil {
				return err
			}
			keys, err := a.logKeys("", args[0])
			if err != nil {
				return failure(err, "custos audit key publish -o FILE writes one")
			}
			in, err := s.Enrol(keys, fingerprint, silence, time.Now())
			if errors.Is(err, witness.ErrFingerprint) {
				return &Error{Code: ExitDenied, Text: "the key in " + args[0] + " has the fingerprint " + audit.Fingerprint(keys.Current()), Hint: "nothing was enrolled; compare: custos audit key show, on the machine of the log"}
			}
			if err != nil {
				return failure(err, "")
			}
			a.say("%s is watched; in its configuration: audit: {witness: [{url: …, key: %s}]}", in.ID, s.Key())
			return nil
		},
	}
	cmd.Flags().StringVar(&fingerprint, "fingerprint", "", "the `fingerprint` of the current key")
	cmd.Flags().DurationVar(&silence, "silence", witness.DefaultSilence, "how long the instance may say nothing before that is an alarm")
	return cmd
}

func (a *app) witnessDismissCommand(f *witnessServe) *cobra.Command {
	return &cobra.Command{
		Use: "dismiss [INSTANCE]", Short: "Forget the alarms of an instance, or those about unknown ones", Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			s, err := a.witnessStore(f, false)
			if err != nil {
				return err
			}
			if err := s.Dismiss(append(args, "")[0]); err != nil {
				return failure(err, "custos audit witness status lists the instances")
			}
			return nil
		},
	}
}

// witnessReport is `audit witness status --json`.
type witnessReport struct {
	Key       string              `json:"key"`
	Instances []*witness.Instance `json:"instances"`
	Alarms    []witness.Alarm     `json:"alarms"`
}

func (a *app) witnessStatusCommand(f *witnessServe) *cobra.Command {
	return &cobra.Command{
		Use: "status", Short: "What the witness has seen: exit 0 without alarms, 10 with some", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return a.witnessStatus(f) },
	}
}

func (a *app) witnessStatus(f *witnessServe) error {
	s, err := a.witnessStore(f, false)
	if err != nil {
		return err
	}
	rep := witnessReport{Key: s.Key().String(), Instances: []*witness.Instance{}, Alarms: []witness.Alarm{}}
	known, err := s.Instances()
	if err == nil {
		rep.Instances = append(rep.Instances, known...)
		var raised []witness.Alarm
		raised, err = s.Alarms(time.Now())
		rep.Alarms = append(rep.Alarms, raised...)
	}
	if err != nil {
		return failure(err, "")
	}
	if a.json {
		err = json.NewEncoder(a.Out).Encode(rep)
	} else {
		a.printWitness(&rep)
	}
	if err == nil && len(rep.Alarms) > 0 {
		return status(ExitEvidence)
	}
	return err
}

func (a *app) printWitness(rep *witnessReport) {
	p := a.paint()
	fmt.Fprintf(a.Out, "witness  %s\n", term.Escape(rep.Key))
	for _, in := range rep.Instances {
		fmt.Fprintf(a.Out, "%s  enrolled %s\n", term.Escape(in.ID), in.Enrolled.Format(time.RFC3339))
		for _, slot := range slices.Sorted(maps.Keys(in.Heads)) {
			fmt.Fprintf(a.Out, "         slot %s  record %d at %s\n", term.Escape(slot), in.Heads[slot].Size, in.Heads[slot].Time.Format(time.RFC3339))
		}
	}
	for i := range rep.Alarms {
		fmt.Fprintf(a.Out, "%s  %s\n", p.Paint(term.Red, "ALARM"), alarmText(&rep.Alarms[i]))
	}
}

func alarmText(al *witness.Alarm) string {
	text := string(al.Kind) + "  " + al.Instance
	if al.Slot != "" {
		text += " slot " + al.Slot
	}
	text += ": " + al.What
	if al.Count > 1 {
		text += fmt.Sprintf(" (%d times, last %s)", al.Count, al.Last.Format(time.RFC3339))
	}
	return term.Escape(text)
}

// beWitness answers until it is told to end. It exits with 10 where there was
// an alarm.
func (a *app) beWitness(ctx context.Context, f *witnessServe) error {
	host, _, err := net.SplitHostPort(f.listen)
	ip := net.ParseIP(host)
	local := host == "localhost" || ip != nil && ip.IsLoopback()
	if err != nil || !local && f.cert == "" {
		return usage(fmt.Sprintf("%q is not an address of this machine alone", f.listen), "to answer other machines: --listen ADDRESS --cert FILE --key FILE")
	}
	s, err := a.witnessStore(f, true)
	if err != nil {
		return err
	}
	var alarmed atomic.Bool
	tell := func(al witness.Alarm) {
		alarmed.Store(true)
		fmt.Fprintf(a.Err, "custos: ALARM: %s\n", alarmText(&al))
	}
	l, err := net.Listen("tcp", f.listen)
	if err != nil {
		return failure(err, "name another address: --listen 127.0.0.1:PORT")
	}
	server := &http.Server{
		Handler:           &witness.Server{Store: s, Alarm: tell},
		ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 10 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 8 << 10,
	}
	fmt.Fprintf(a.Out, "witness  %s\nlistens  %s\n", s.Key(), l.Addr())
	go a.watchSilence(ctx, s, tell)
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	if f.cert != "" {
		err = server.ServeTLS(l, f.cert, f.key)
	} else {
		err = server.Serve(l)
	}
	if !errors.Is(err, http.ErrServerClosed) {
		return failure(err, "")
	}
	if alarmed.Load() {
		return &Error{Code: ExitEvidence, Text: "there were alarms", Hint: "custos audit witness status"}
	}
	return nil
}

// watchSilence tells once of each instance that falls silent.
func (a *app) watchSilence(ctx context.Context, s *witness.Store, tell func(witness.Alarm)) {
	told := map[string]bool{}
	tick := time.NewTicker(time.Minute)
	defer tick.Stop()
	for {
		list, err := s.Alarms(time.Now())
		if err != nil {
			a.say("warning: %s", term.Escape(err.Error()))
		}
		silent := map[string]bool{}
		for _, al := range list {
			if al.Kind != witness.KindSilence {
				continue
			}
			silent[al.Instance] = true
			if !told[al.Instance] {
				tell(al)
			}
		}
		told = silent
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
