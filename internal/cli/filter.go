package cli

import (
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/custos-zt/custos/audit"
	"github.com/custos-zt/custos/internal/query"
	"github.com/custos-zt/custos/internal/redact"
)

// filterFlags are the conditions that `audit query` and `tail` share.
type filterFlags struct{ terms query.Terms }

// filterHelp explains them.
const filterHelp = `All conditions hold at once; of several values of one condition (--tool a,b or
--tool a --tool b) one has to hold. Values are compared whole. A tool is named
with or without its server; a subject without issuer is a user of this machine;
a policy is a digest or its beginning. The log has no paths, hosts and values, but
keyed digests of those that were judged: --path finds what was about a path or
anything in it, --arg an argument that some rule names, as the rule writes it
(--arg opts.limit=5).

Times: ` + query.TimeSyntax + `.`

// add declares the flags with these names, or all of them.
func (f *filterFlags) add(cmd *cobra.Command, names ...string) {
	t := &f.terms
	for _, x := range []struct {
		to          *[]string
		name, usage string
	}{
		{&t.Subject, "subject", "who asked: `issuer:id`"},
		{&t.Agent, "agent", "the proven `identity` of the software that acted"},
		{&t.Tool, "tool", "`tool` or server.tool"},
		{&t.Decision, "decision", "`allow`, approve or deny"},
		{&t.Reason, "reason", "the precise `reason`, such as default_denied"},
		{&t.Rule, "rule", "`id` of the rule that determined"},
		{&t.Kind, "kind", "`kind` of record: admission, start, policy, outcome_unknown, …"},
		{&t.Approver, "approver", "who answered a held call: `issuer:id`"},
		{&t.Policy, "policy", "`digest` of the policy that decided"},
		{&t.Path, "path", "a `path`, or a directory above it, that the call was about"},
		{&t.Host, "host", "a `host` or URL that the call was about"},
		{&t.Label, "label", "a `label` of the result"},
		{&t.Session, "session", "`id` of the session"},
	} {
		if len(names) == 0 || slices.Contains(names, x.name) {
			cmd.Flags().StringSliceVar(x.to, x.name, nil, x.usage)
		}
	}
	if len(names) == 0 {
		cmd.Flags().BoolVar(&t.SelfApproved, "self-approved", false, "only what was approved by who asked for it")
	}
	if len(names) == 0 || slices.Contains(names, "arg") {
		// A value may hold commas.
		cmd.Flags().StringArrayVar(&t.Arg, "arg", nil, "an argument that rules name, with its value: `name=value`")
	}
	f.addTimes(cmd)
}

// addTimes declares --since and --until alone.
func (f *filterFlags) addTimes(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.terms.Since, "since", "", "the first `time` that counts: 24h, today, 2026-11-20, …")
	cmd.Flags().StringVar(&f.terms.Until, "until", "", "the first `time` that does not count")
}

// asked is what a command that reads the log begins with: where the log is, and
// what is asked of it.
func (a *app) asked(flags *filterFlags) (logDir string, f query.Filter, err error) {
	if logDir, err = a.logDir(); err != nil {
		return "", f, err
	}
	f, err = a.filter(flags)
	return logDir, f, err
}

// filter reads the conditions. Judged values become digests under the key of the
// state directory.
func (a *app) filter(flags *filterFlags) (query.Filter, error) {
	f, err := query.Parse(flags.terms, time.Now())
	if err != nil {
		return f, usage(err.Error(), "times are "+query.TimeSyntax)
	}
	if err := a.alsoPseudonyms(&f); err != nil {
		return f, err
	}
	judged := len(f.Path) + len(f.Host) + len(f.Arg)
	if judged+len(f.Subject)+len(f.Approver) == 0 {
		return f, nil
	}
	keyed, err := a.keyed()
	if err != nil && judged > 0 {
		return f, failure(err, "paths, hosts and arguments are looked up by keyed digests: the key is in the state directory")
	}
	if err != nil {
		return f, nil // without the key nothing was hidden under it
	}
	// A subject may stand there under its pseudonym, from some day on.
	for _, list := range []*[]string{&f.Subject, &f.Approver} {
		for _, s := range slices.Clone(*list) {
			*list = append(*list, redact.Pseudonym(s, keyed))
		}
	}
	for _, p := range f.Path {
		if abs, err := filepath.Abs(p); err == nil && !filepath.IsAbs(p) {
			p = abs // as the shell means it
		}
		f.Digests.Path = append(f.Digests.Path, audit.PathDigests(p, keyed)...)
	}
	for _, h := range f.Host {
		f.Digests.Host = append(f.Digests.Host, audit.HostDigests(h, keyed)...)
	}
	for _, v := range f.Arg {
		f.Digests.Arg = append(f.Digests.Arg, audit.ArgDigests(v.Name, v.Value, keyed)...)
	}
	return f, nil
}
