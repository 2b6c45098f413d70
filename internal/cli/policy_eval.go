package cli

import (
	"bytes"
	"encoding/json"
	"os"

	"github.com/spf13/cobra"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/internal/inventory"
	"github.com/custos-zt/custos/internal/pa"
	"github.com/custos-zt/custos/internal/pdp"
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
in the same order. Denials exit 0; a line that is no request exits 1 in the end.`,
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
	if _, err := a.config(); err != nil {
		return err
	}
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

// evaluator decides requests that are written down: with lexical readings
// only, and with recorded definitions in place of a live server.
type evaluator struct {
	authority *pa.Administrator
	registry  *inventory.Registry
	backend   string
}

// anyBackend is the name of an unnamed `run`.
const anyBackend = "backend"

func (a *app) evaluator(files []string) (*evaluator, error) {
	registry, err := inventory.LoadRegistry()
	if err != nil {
		return nil, failure(err, "")
	}
	o := policyOptions("", registry)
	p, err := a.loadPolicy(files, o)
	if err != nil {
		return nil, err
	}
	home, _ := os.UserHomeDir()
	e := &evaluator{registry: registry, backend: p.snapshot.Backend()}
	if e.backend == "" {
		e.backend = anyBackend
	}
	e.authority = pa.New(pa.Options{Ground: pa.Ground{Home: home}, Registry: registry})
	e.authority.Publish(p.snapshot)
	return e, nil
}

// line answers one line; ok is false where it is no request.
func (e *evaluator) line(line []byte) (answer any, ok bool) {
	r, def, id, err := readRequest(line, e.backend)
	if err != nil {
		return malformed{Decision: access.Deny, Reason: access.RequestMalformed, Error: err.Error()}, false
	}
	snapshot := e.complete(r, def)
	var d access.Decision
	snapshot.Decide(r, &d)
	return e.answer(snapshot, &d, id), true
}

// complete adds what deciding needs. Without a schema of its own a tool under
// `known:` has its newest recorded definition.
func (e *evaluator) complete(r *access.Request, def *inventory.Definition) *pdp.Snapshot {
	if def == nil && r.Kind == access.Tool && !factsGiven(r) {
		_, known := e.authority.Policy().Declared(r.Backend, r.Name)
		def = e.registry.Entry(known).Newest(r.Name)
	}
	return e.authority.Complete(r, def)
}

// factsGiven reports whether the request says itself what the tool does.
func factsGiven(r *access.Request) bool {
	for _, name := range []string{"tool.ops", "tool.side_effects", "tool.labels", "tool.tier"} {
		if _, ok := r.Facts[name]; ok && r.Facts[name].Value.Len() > 0 {
			return true
		}
	}
	return false
}

func (e *evaluator) answer(s *pdp.Snapshot, d *access.Decision, id string) evaluated {
	out := evaluated{
		ID: orNull(id), Decision: d.Effect, Reason: d.Reason, Rule: orNull(d.Rule), Position: orNull(d.Position),
		Layer: orNull(d.Layer), Matched: []string{}, Returns: map[string]any{},
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
