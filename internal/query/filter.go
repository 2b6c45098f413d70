// Package query is the one filter language of everything that reads the log:
// `custos audit query`, `tail`, `stats` and `review` ask with the same words and
// mean the same.
//
// A query is about entries. An [Entry] is a record together with, for a call,
// the outcome that belongs to it: who asks for the calls of a tool whose answer
// had a label means one thing, though the log holds it in two records. All
// conditions of a [Filter] hold at once; of several values of one condition, one
// has to hold. Values are compared whole and exactly, because a filter that
// guesses is no ground for a finding.
//
// The index answers the same questions with the same result; its tests hold it
// against [Filter.Match].
package query

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/audit"
)

// Terms are the conditions of a query as somebody wrote them. A list that is
// empty asks nothing.
type Terms struct {
	// Subject is issuer:id, and an id without issuer is a user of this machine.
	Subject, Agent []string
	// Tool is a tool's name, with or without its backend: backend.tool.
	Tool []string
	// Decision is allow, approve or deny.
	Decision     []string
	Reason, Rule []string
	Kind         []string
	Approver     []string
	// Policy is the digest of a policy or its beginning.
	Policy []string
	// Path and Host are judged values. The log knows them by keyed digests alone.
	Path, Host     []string
	Label, Session []string
	// Arg are arguments that rules name, with their values: name=value. The log
	// knows them by keyed digests too.
	Arg []string
	// Since and Until are times: see [ParseTime].
	Since, Until string
	SelfApproved bool
}

// Filter is a query that was understood. The zero Filter matches every entry
// that is not bookkeeping of the log itself.
type Filter struct {
	Subject, Agent, Tool, Reason, Rule, Kind, Approver, Label, Session []string
	Decision                                                           []access.Effect
	// Policy holds beginnings of digests: "sha256:4f…".
	Policy []string
	// Path, Host and Arg are values as they were asked for, and Digests what the
	// log has in their place; the caller fills it in.
	Path, Host []string
	Arg        []Arg
	Digests    Digests
	// Since is the first moment that counts, Until the first that does not.
	Since, Until time.Time
	SelfApproved bool
}

// Arg is an argument by its JSON path, as rules write it, and its value.
type Arg struct{ Name, Value string }

// Digests are the keyed digests of the judged values of a query.
type Digests struct{ Path, Host, Arg []string }

// maxTerms bounds how many values one condition may have, and maxTerm how long
// one may be. A record stores no longer text.
const (
	maxTerms = 32
	maxTerm  = 4096
)

// Parse reads terms. now is what durations count back from. An error names the
// condition and what it may be.
func Parse(t Terms, now time.Time) (Filter, error) {
	f := Filter{
		Subject: subjects(t.Subject), Agent: t.Agent, Tool: t.Tool, Reason: t.Reason, Rule: t.Rule, Kind: t.Kind,
		Approver: subjects(t.Approver), Label: t.Label, Session: t.Session, Path: t.Path, Host: t.Host,
		SelfApproved: t.SelfApproved,
	}
	for name, list := range map[string][]string{
		"subject": t.Subject, "agent": t.Agent, "tool": t.Tool, "reason": t.Reason, "rule": t.Rule, "kind": t.Kind,
		"approver": t.Approver, "label": t.Label, "session": t.Session, "path": t.Path, "host": t.Host,
		"decision": t.Decision, "policy": t.Policy, "arg": t.Arg,
	} {
		if len(list) > maxTerms {
			return Filter{}, fmt.Errorf("%s: at most %d values", name, maxTerms)
		}
		if slices.ContainsFunc(list, func(s string) bool { return s == "" || len(s) > maxTerm }) {
			return Filter{}, fmt.Errorf("%s: a value has 1 to %d bytes", name, maxTerm)
		}
	}
	for _, s := range t.Arg {
		name, value, ok := strings.Cut(s, "=")
		if !ok || name == "" {
			return Filter{}, fmt.Errorf("arg: %q is not name=value", s)
		}
		f.Arg = append(f.Arg, Arg{name, value})
	}
	for _, s := range t.Decision {
		e, err := effect(s)
		if err != nil {
			return Filter{}, err
		}
		f.Decision = append(f.Decision, e)
	}
	for _, s := range t.Policy {
		p, err := policyPrefix(s)
		if err != nil {
			return Filter{}, err
		}
		f.Policy = append(f.Policy, p)
	}
	return f, f.between(t.Since, t.Until, now)
}

// between reads the two ends of a time range.
func (f *Filter) between(since, until string, now time.Time) (err error) {
	if since != "" {
		if f.Since, err = ParseTime(since, now); err != nil {
			return fmt.Errorf("since: %w", err)
		}
	}
	if until != "" {
		if f.Until, err = ParseTime(until, now); err != nil {
			return fmt.Errorf("until: %w", err)
		}
	}
	if !f.Since.IsZero() && !f.Until.IsZero() && !f.Since.Before(f.Until) {
		return fmt.Errorf("since %s is not before until %s", f.Since.Format(time.RFC3339), f.Until.Format(time.RFC3339))
	}
	return nil
}

// effect reads a decision.
func effect(s string) (access.Effect, error) {
	for _, e := range []access.Effect{access.Allow, access.Approve, access.Deny} {
		if s == e.String() {
			return e, nil
		}
	}
	return access.None, fmt.Errorf("decision: %q is none of allow, approve, deny", s)
}

// minPolicy is how many digits of a digest are needed to mean one policy.
const minPolicy = 4

// policyPrefix reads a digest or its beginning.
func policyPrefix(s string) (string, error) {
	digits := strings.TrimSuffix(strings.TrimPrefix(s, "sha256:"), "…")
	if len(digits) < minPolicy || len(digits) > 64 || strings.Trim(digits, "0123456789abcdef") != "" {
		return "", fmt.Errorf("policy: %q is not sha256: and %d to 64 of 0-9, a-f", s, minPolicy)
	}
	return "sha256:" + digits, nil
}

// localIssuer names the users of this machine.
const localIssuer = "os:"

// subjects completes ids without an issuer.
func subjects(list []string) []string {
	var out []string
	for _, s := range list {
		if s != "" && !strings.Contains(s, ":") && !pseudonym(s) {
			s = localIssuer + s
		}
		out = append(out, s)
	}
	return out
}

// pseudonym reports whether s is what stands for a subject in the records of an
// instance that hides them: "p_" and sixteen letters and digits.
func pseudonym(s string) bool { return len(s) == 18 && strings.HasPrefix(s, "p_") }

// Bookkeeping reports whether a record of this kind serves the log alone. It is
// an entry only where its kind is asked for.
func Bookkeeping(k audit.Kind) bool { return k == audit.KindGenesis || k == audit.KindSegment }

// IsOutcome reports whether a record of this kind belongs to a call's entry.
func IsOutcome(k audit.Kind) bool { return k == audit.KindOutcome || k == audit.KindOutcomeUnknown }
