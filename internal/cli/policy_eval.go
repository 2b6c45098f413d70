package cli

import (
	"bytes"
	"encoding/json"
	"os"

	"github.com/spf13/cobra"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/internal/inventory"
	"github.com/custos-zt/custos/internal/pdp"
	"github.com/custos-zt/custos/internal/proof"
)

// evaluated is one line of `policy eval` (policy.md §6).
type evaluated struct {
	ID           *string        `json:"id"`
	Decision     access.Effect  `json:"decision"`
	Reason       access.Reason  `json:"reason"`
	Rule         *string        `json:"rule"`
	Matched      []string       `json:"matched"`
	Layer        *string        `json:"layer"`
	Position     *string        `json:"position"`
	Returns      map[string]any `json:"returns"`
	AddLabels    []string       `json:"add_labels,omitempty"`
	Notify       []string       `json:"notify,omitempty"`
	StepUp       *access.StepUp `json:"step_up,omitempty"`
	PolicyDigest string         `json:"policy_digest"`
	Message      string         `json:"message"`
	Remediation  string         `json:"remediation"`
}

// malformed is the answer to a line that is no request.
type malformed struct {
	ID       *string       `json:"id"`
	Decision access.Effect `json:"decision"`
	Reason   access.Reason `json:"reason"`
	Error    string        `json:"error"`
}

func (a *app) policyEvalCommand() *cobra.Command {
	var files []string
	var requests string
	cmd := &cobra.Command{
		Use:   "eval --policy FILE… --requests FILE",
		Short: "Decide recorded requests, one JSON object a line",
		Long: `Decide requests without a server: one JSON object a line in, one a line out,
in the same order. Denials exit 0; a line that is no request exits 1 in the end.

Each line is decided by itself: none counts for the limits, rates or labels of
those behind it. What came before is what a line says of it: counters, session.`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if len(files) == 0 || requests == "" {
				return usage("both --policy and --requests are needed", "custos policy eval --policy FILE --requests R.jsonl")
			}
			return a.eval(files, requests)
		},
	}
	cmd.Flags().StringArrayVar(&files, "policy", nil, "policy `file`, may be repeated")
	cmd.Flags().StringVar(&requests, "requests", "", "`file` of requests, - for standard input")
	return cmd
}

func (a *app) eval(files []string, requests string) error {
	e, err := a.evaluator(files)
	if err != nil {
		return err
	}
	data, err := a.read(requests)
	if err != nil {
		return failure(err, "")
	}
	out := json.NewEncoder(a.Out)
	out.SetEscapeHTML(false)
	bad := false
	for line := range bytes.Lines(data) {
		line = bytes.TrimSpace(line)
		if len(line) == 0 {
			continue
		}
		answer, ok := e.line(line)
		bad = bad || !ok
		if err := out.Encode(answer); err != nil {
			return failure(err, "")
		}
	}
	if bad {
		return status(ExitFailure)
	}
	return nil
}

// evaluator decides requests that are written down, and words the answers.
type evaluator struct{ *proof.Decider }

func (a *app) evaluator(files []string) (evaluator, error) {
	conf, err := a.config()
	if err != nil {
		return evaluator{}, err
	}
	registry, err := inventory.LoadRegistry()
	if err != nil {
		return evaluator{}, failure(err, "")
	}
	p, err := a.loadPolicy(files, withTeams(policyOptions("", registry), conf))
	if err != nil {
		return evaluator{}, err
	}
	home, _ := os.UserHomeDir()
	return evaluator{proof.NewDecider(p.snapshot, registry, home)}, nil
}

// line answers one line; ok is false where it is no request.
func (e evaluator) line(line []byte) (answer any, ok bool) {
	r, def, id, err := proof.ReadRequest(line, e.Backend())
	if err != nil {
		return malformed{Decision: access.Deny, Reason: access.RequestMalformed, Error: err.Error()}, false
	}
	snapshot := e.Complete(r, def)
	var d access.Decision
	snapshot.Decide(r, &d)
	snapshot.Oblige(&d)
	return e.answer(snapshot, &d, id), true
}

func (e evaluator) answer(s *pdp.Snapshot, d *access.Decision, id string) evaluated {
	out := evaluated{
		ID: orNull(id), Decision: d.Effect, Reason: d.Reason, Rule: orNull(d.Rule), Position: orNull(d.Position),
		Layer: orNull(d.Layer), Matched: []string{}, Returns: map[string]any{},
		AddLabels: d.AddLabels, Notify: d.Notify, StepUp: d.StepUp,
		PolicyDigest: d.PolicyDigest, Message: d.Message, Remediation: d.Remediation,
	}
	for _, m := range d.Matched {
		out.Matched = append(out.Matched, m.Rule)
	}
	if rule, ok := s.Rule(d.Rule); ok && rule.Returns != nil && d.Effect != access.Deny {
		for mark, act := range rule.Returns.Marks {
			out.Returns[mark] = act
		}
		if rule.Returns.MaxBytes > 0 {
			out.Returns["max_bytes"] = rule.Returns.MaxBytes
		}
	}
	return out
}

func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
