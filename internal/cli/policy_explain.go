package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/audit"
	"github.com/custos-zt/custos/internal/pdp"
	"github.com/custos-zt/custos/internal/proof"
	"github.com/custos-zt/custos/internal/term"
)

func (a *app) policyExplainCommand() *cobra.Command {
	var files []string
	var request string
	cmd := &cobra.Command{
		Use:   "explain --policy FILE… --request REQUEST|DECISION",
		Short: "Say why a request is decided as it is",
		Long: `Decide one request and show every rule that is about it, each condition, what
it saw, and whether it held. REQUEST is a JSON object, a file that holds one, or
- for standard input; DECISION is the id of a recorded decision.`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if request == "" {
				return usage("no request was given", `custos policy explain --policy FILE --request '{"tool":"read_file"}'`)
			}
			if _, _, err := audit.ParseID(request); err == nil {
				return a.why(request)
			}
			if len(files) == 0 {
				return usage("no policy was given", "custos policy explain --policy FILE --request R")
			}
			return a.explain(files, request)
		},
	}
	cmd.Flags().StringArrayVar(&files, "policy", nil, "policy `file`, may be repeated")
	cmd.Flags().StringVar(&request, "request", "", "`request`, file, - or decision id")
	return cmd
}

func (a *app) explain(files []string, request string) error {
	line := []byte(request)
	if !strings.HasPrefix(strings.TrimSpace(request), "{") {
		var err error
		if line, err = a.read(request); err != nil {
			return failure(err, "")
		}
	}
	e, err := a.evaluator(files)
	if err != nil {
		return err
	}
	r, def, _, err := proof.ReadRequest(line, e.Backend())
	if err != nil {
		return &Error{Code: ExitFailure, Text: "the request cannot be read: " + err.Error()}
	}
	x := e.Complete(r, def).Explain(r)
	if a.json {
		return json.NewEncoder(a.Out).Encode(x)
	}
	a.printExplanation(r, x)
	return nil
}

// printExplanation shows the outcome, then each rule with its conditions.
func (a *app) printExplanation(r *access.Request, x *pdp.Explanation) {
	p := a.paint()
	d := &x.Decision
	fmt.Fprintf(a.Out, "%s  %s  %s\n", p.Paint(effectStyle(d.Effect), strings.ToUpper(d.Effect.String())), term.Escape(r.Backend+"."+r.Name), d.Reason)
	if d.Rule != "" {
		fmt.Fprintf(a.Out, "  by rule %s  %s\n", term.Escape(d.Rule), term.Escape(d.Position))
	}
	if d.Message != "" {
		fmt.Fprintf(a.Out, "  %s\n", term.Escape(d.Message))
	}
	if len(d.AddLabels) > 0 {
		fmt.Fprintf(a.Out, "  labels the session: %s\n", term.Escape(strings.Join(d.AddLabels, ", ")))
	}
	if len(d.Notify) > 0 {
		fmt.Fprintf(a.Out, "  notifies: %s\n", term.Escape(strings.Join(d.Notify, ", ")))
	}
	for i := range x.Rules {
		a.printRule(p, &x.Rules[i])
	}
	if x.Nearest != nil && d.Effect == access.Deny {
		fmt.Fprintf(a.Out, "nearest rule that would have granted: %s  %s\n", term.Escape(x.Nearest.Rule), term.Escape(x.Nearest.Position))
		for _, c := range x.Nearest.Failed() {
			printCondition(a.Out, p, c.Grants, c)
		}
	}
}

func (a *app) printRule(p term.Printer, t *pdp.RuleTrace) {
	acts := t.Acts
	if acts == "" {
		acts = "does not match"
	}
	if t.Monitor {
		acts += " (monitor: only recorded)"
	}
	fmt.Fprintf(a.Out, "rule %s  %s  %s  %s\n", p.Paint(term.Bold, term.Escape(t.Rule)), t.Effect, term.Escape(t.Position), acts)
	if t.Template != nil {
		fmt.Fprintf(a.Out, "  made by template %s  %s\n", term.Escape(t.Template.Name), term.Escape(t.Template.Position))
	}
	for _, c := range t.Conditions {
		printCondition(a.Out, p, c.Truth, c)
	}
	for _, entry := range t.Unless {
		fmt.Fprintln(a.Out, "  unless")
		for _, c := range entry {
			printCondition(a.Out, p, c.Truth, c)
		}
	}
}

func printCondition(w io.Writer, p term.Printer, truth access.Truth, c pdp.ConditionTrace) {
	style := map[access.Truth]term.Style{access.True: term.Green, access.False: term.Dim, access.Unknown: term.Yellow}[truth]
	fmt.Fprintf(w, "  %-8s %s %s  saw %s\n", p.Paint(style, truth.String()), term.Escape(c.Field), term.Escape(c.Text), term.Clip(term.Escape(c.Seen), 160))
}

func effectStyle(e access.Effect) term.Style {
	switch e {
	case access.Allow:
		return term.Green
	case access.Approve:
		return term.Yellow
	default:
		return term.Red
	}
}
