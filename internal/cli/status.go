package cli

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"sort"
	"time"

	"github.com/spf13/cobra"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/audit"
	"github.com/custos-zt/custos/internal/ask"
	"github.com/custos-zt/custos/internal/engine"
	"github.com/custos-zt/custos/internal/state"
	"github.com/custos-zt/custos/internal/term"
)

// health is `custos status --json`.
type health struct {
	Isolation string              `json:"isolation"`
	State     string              `json:"state"`
	Running   []state.Description `json:"running"`
	Today     today               `json:"today"`
	Log       logHealth           `json:"log"`
	Held      heldToday           `json:"held"`
	Reviews   []ask.LeaseView     `json:"reviews"` // leases that somebody has to look at
}

// today counts the decisions since midnight, local time.
type today struct {
	Allowed  int            `json:"allowed"`
	Denied   int            `json:"denied"`
	DeniedBy map[string]int `json:"denied_by"` // rule, or reason where no rule determined
}

type logHealth struct {
	Verdict string `json:"verdict"`
	Scope   string `json:"scope"`
	Records uint64 `json:"records"`
	// Witnessed is what witnesses saw, TailUnproven how many records none did.
	Witnessed    []audit.Cosignature `json:"witnessed,omitempty"`
	TailUnproven uint64              `json:"tail_unproven"`
}

func (a *app) statusCommand() *cobra.Command {
	return &cobra.Command{
		Use: "status", Short: "Health in one screen", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			h, err := a.health()
			if err != nil {
				return err
			}
			if a.json {
				return json.NewEncoder(a.Out).Encode(h)
			}
			a.printHealth(h)
			return nil
		},
	}
}

func (a *app) health() (*health, error) {
	conf, err := a.config()
	if err != nil {
		return nil, err
	}
	path, err := a.statePath(conf)
	if err != nil {
		return nil, failure(err, "name the directory: --state DIR")
	}
	h := &health{
		Isolation: engine.Isolation, State: path, Running: []state.Description{},
		Today: today{DeniedBy: map[string]int{}}, Log: logHealth{Verdict: "empty"},
		Held: heldToday{Waiting: []string{}}, Reviews: []ask.LeaseView{},
	}
	dir, err := state.OpenExisting(path)
	if errors.Is(err, fs.ErrNotExist) {
		return h, nil // nothing was guarded yet: that is a state, not a fault
	}
	if err != nil {
		return nil, &Error{Code: ExitEvidence, Text: err.Error(), Err: err}
	}
	running, err := dir.Running()
	if err != nil {
		return nil, failure(err, "")
	}
	h.Running = append(h.Running, running...)
	h.count(dir.LogDir())
	if err := h.Held.wait(dir); err != nil {
		return nil, failure(err, "")
	}
	h.Reviews = a.reviewsDue()
	clients, err := (&witnessFlags{}).clients(conf)
	if err != nil {
		return nil, &Error{Code: ExitConfig, Text: "audit.witness: " + err.Error(), Hint: "custos audit witness key prints the key of a witness"}
	}
	h.check(dir.LogDir(), keysOf(clients))
	return h, nil
}

// count adds up today's decisions.
func (h *health) count(logDir string) {
	now := time.Now()
	midnight := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, now.Location())
	for r, err := range audit.Read(logDir, audit.ReadOptions{Keep: func(r *audit.Record) bool {
		return (r.Kind == audit.KindAdmission || r.Kind == audit.KindApproval || r.Kind == audit.KindDenials) && !r.Time.Before(midnight)
	}}) {
		switch {
		case err != nil: // check says what is wrong with the log
		case h.Held.count(&r):
		case r.Kind == audit.KindDenials:
			h.Today.coalesced(r.Coalesced)
		case r.Decision == access.Allow:
			h.Today.Allowed++
		default:
			h.Today.Denied++
			h.Today.DeniedBy[deniedBy(&r)]++
		}
	}
}

// coalesced counts the denials that one record stands for.
func (t *today) coalesced(c *audit.Coalesced) {
	if c == nil {
		return
	}
	t.Denied += c.Count
	for _, g := range c.Groups {
		t.DeniedBy[cmp.Or(g.Rule, string(g.Reason))] += g.Count
	}
}

func deniedBy(r *audit.Record) string {
	if r.Rule != "" {
		return r.Rule
	}
	return string(r.Reason)
}

func (h *health) check(logDir string, witnesses []audit.WitnessKey) {
	report, err := audit.Verify(logDir, audit.VerifyOptions{Witnesses: witnesses})
	switch {
	case err != nil:
		h.Log.Verdict = "cannot_verify"
	case report.Tampered():
		h.Log.Verdict = "tampered"
	default:
		h.Log.Verdict = "intact"
	}
	h.Log.Scope, h.Log.Records, h.Log.Witnessed = report.Scope, report.Records(), report.Witnessed
	h.Log.TailUnproven = report.TailUnproven()
}

func (a *app) printHealth(h *health) {
	p := a.paint()
	fmt.Fprintf(a.Out, "isolation %s (an agent with a shell can get around this)\n", h.Isolation)
	if len(h.Running) == 0 {
		fmt.Fprintln(a.Out, "running   nothing: start with  custos run -- CMD")
	}
	for _, d := range h.Running {
		fmt.Fprintf(a.Out, "%s  pid %d since %s  policy %s\n", p.Paint(term.Bold, fmt.Sprintf("%-9s", term.Escape(d.Backend))),
			d.PID, d.Started.Local().Format("15:04:05"), short(d.Policy))
		if d.Degraded != "" {
			fmt.Fprintf(a.Out, "          %s  %s\n", p.Paint(term.Yellow, "DEGRADED"), term.Escape(d.Degraded))
		}
	}
	fmt.Fprintf(a.Out, "today     %d allowed · %d denied%s%s\n", h.Today.Allowed, h.Today.Denied, topDenials(h.Today.DeniedBy), &h.Held)
	for i := range h.Reviews {
		fmt.Fprintf(a.Out, "review    %s\n", reviewLine(&h.Reviews[i], time.Now()))
	}
	verdict := h.Log.Verdict
	switch verdict {
	case "intact":
		verdict = fmt.Sprintf("%d records, %s; checkpoint off this machine: NO", h.Log.Records, h.Log.Scope)
		if len(h.Log.Witnessed) > 0 {
			verdict = fmt.Sprintf("%d records, %s; %d not witnessed", h.Log.Records, h.Log.Scope, h.Log.TailUnproven)
		}
	case "tampered":
		verdict = p.Paint(term.Red, "TAMPERED") + "  see: custos audit verify"
	case "empty":
		verdict = "no records yet"
	}
	fmt.Fprintf(a.Out, "log       %s\n", verdict)
	fmt.Fprintf(a.Out, "state     %s\n", term.Escape(h.State))
}

// topDenials names what denied most often.
func topDenials(by map[string]int) string {
	names := make([]string, 0, len(by))
	for n := range by {
		names = append(names, n)
	}
	sort.Slice(names, func(i, j int) bool {
		if by[names[i]] != by[names[j]] {
			return by[names[i]] > by[names[j]]
		}
		return names[i] < names[j]
	})
	out := ""
	for i, n := range names[:min(3, len(names))] {
		if i > 0 {
			out += ", "
		}
		out += fmt.Sprintf("%d by %s", by[n], term.Escape(n))
	}
	if out == "" {
		return ""
	}
	return " (" + out + ")"
}

// short is the recognisable beginning of a digest.
func short(digest string) string {
	if len(digest) > 15 {
		return digest[:15] + "…"
	}
	return digest
}
