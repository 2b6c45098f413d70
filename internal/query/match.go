package query

import (
	"slices"
	"strings"

	"github.com/custos-zt/custos/audit"
)

// Entry is what a query finds: a record and, for a call whose end is known, the
// record of its outcome.
type Entry struct {
	Record  audit.Record
	Outcome *audit.Record
}

// Match reports whether an entry is what the filter asks for.
func (f *Filter) Match(e *Entry) bool {
	r := &e.Record
	return f.kind(e) && f.during(r) &&
		has(f.Subject, r.Subject) && has(f.Agent, r.Agent) && has(f.Session, r.Session) &&
		f.tool(r) &&
		(len(f.Decision) == 0 || slices.Contains(f.Decision, r.Decision)) &&
		has(f.Reason, string(r.Reason)) && has(f.Rule, r.Rule) &&
		f.policy(r) && f.approval(r) && f.label(e) && f.values(r)
}

// has reports whether a condition on one text holds. A text that is absent
// fulfils no condition.
func has(list []string, s string) bool { return len(list) == 0 || slices.Contains(list, s) }

// kind matches the kind of the record, or that of the outcome.
func (f *Filter) kind(e *Entry) bool {
	if len(f.Kind) == 0 {
		return !Bookkeeping(e.Record.Kind)
	}
	return slices.Contains(f.Kind, string(e.Record.Kind)) ||
		e.Outcome != nil && slices.Contains(f.Kind, string(e.Outcome.Kind))
}

func (f *Filter) during(r *audit.Record) bool {
	return (f.Since.IsZero() || !r.Time.Before(f.Since)) && (f.Until.IsZero() || r.Time.Before(f.Until))
}

// tool matches the tool's name, with its backend or without.
func (f *Filter) tool(r *audit.Record) bool {
	if len(f.Tool) == 0 {
		return true
	}
	return r.Tool != "" && slices.ContainsFunc(f.Tool, func(want string) bool {
		if want == r.Tool {
			return true
		}
		rest, ok := strings.CutPrefix(want, r.Backend+".")
		return ok && r.Backend != "" && rest == r.Tool
	})
}

func (f *Filter) policy(r *audit.Record) bool {
	return len(f.Policy) == 0 || slices.ContainsFunc(f.Policy, func(p string) bool {
		return strings.HasPrefix(r.PolicyDigest, p)
	})
}

func (f *Filter) approval(r *audit.Record) bool {
	if f.SelfApproved && !r.Approval.Self(r.Subject) {
		return false
	}
	return len(f.Approver) == 0 || r.Approval != nil && slices.Contains(f.Approver, r.Approval.By)
}

func (f *Filter) label(e *Entry) bool {
	if len(f.Label) == 0 {
		return true
	}
	among := func(labels []string) bool {
		return slices.ContainsFunc(labels, func(l string) bool { return slices.Contains(f.Label, l) })
	}
	return among(e.Record.Labels) || e.Outcome != nil && among(e.Outcome.Labels)
}

// values matches judged values by their digests.
func (f *Filter) values(r *audit.Record) bool {
	j := r.Judged
	if j == nil {
		return len(f.Path) == 0 && len(f.Host) == 0 && len(f.Arg) == 0
	}
	return one(len(f.Path), f.Digests.Path, j.Paths) && one(len(f.Host), f.Digests.Host, j.Hosts) && one(len(f.Arg), f.Digests.Arg, j.Args)
}

// one reports whether one of the digests that stand for so many values is there.
func one(values int, digests, have []string) bool {
	return values == 0 || slices.ContainsFunc(digests, func(d string) bool { return slices.Contains(have, d) })
}
