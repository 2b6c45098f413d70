package review

import (
	"slices"
	"time"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/audit"
	"github.com/custos-zt/custos/internal/query"
)

// Rule is one automatic risk rule.
type Rule struct {
	Name     string
	Severity Severity
	// Why is what the page says where the rule holds.
	Why string

	holds func(c *Collector, s *session, e *query.Entry) bool
}

// The thresholds of the rules.
const (
	// quickAnswer is faster than a person reads a call and its arguments.
	quickAnswer = 3 * time.Second
	// A burst is so many denials of one session within so long.
	burstDenials = 5
	burstWithin  = time.Minute
	// probedTools is how many tools that do not exist a session may ask for.
	probedTools = 3
	// largeResult is more than a model can make use of.
	largeResult = 1 << 20
)

// Rules returns every rule, the heaviest first.
func Rules() []Rule {
	return []Rule{
		{"own_files", High, "It tried to reach Custos's own configuration, state, keys or log.", atDecision(reason(access.ProtectedPath))},
		{"outcome_unknown", High, "The guard ended before it saw the answer: nobody knows what this call did.", func(_ *Collector, _ *session, e *query.Entry) bool {
			return e.Outcome != nil && e.Outcome.Kind == audit.KindOutcomeUnknown
		}},
		{"evidence_gap", High, "An earlier process ended because its log failed.", kind(audit.KindGap)},
		{"host_after_label", High, "It named a host after a result with labels was read in the same session.", atDecision(func(_ *Collector, s *session, r *audit.Record) bool {
			return r.Decision == access.Allow && s.labelled && r.Judged != nil && len(r.Judged.Hosts) > 0
		})},
		{"quick_approval", Medium, "It was answered faster than a person reads.", atDecision(func(c *Collector, _ *session, r *audit.Record) bool {
			if r.Kind != audit.KindApproval || r.Approval == nil || r.Approval.By == "" || r.Approval.State != string(access.ApprovalAllowed) {
				return false
			}
			at, ok := c.asked[r.Approval.ID]
			return ok && r.Time.Sub(at) < quickAnswer
		})},
		{"self_approved", Medium, "Who asked for it also approved it.", atDecision(func(_ *Collector, _ *session, r *audit.Record) bool {
			return r.Kind != audit.KindLease && r.Approval.Self(r.Subject)
		})},
		{"break_glass", Medium, "It passed because a rule was lifted for an emergency.", atDecision(func(_ *Collector, _ *session, r *audit.Record) bool {
			return r.Decision == access.Allow && slices.ContainsFunc(r.Matched, func(m access.Match) bool { return m.Lifted })
		})},
		{"denial_burst", Medium, "The session was refused five times within a minute.", atDecision(func(_ *Collector, s *session, r *audit.Record) bool {
			return denied(r) && s.bursts(r.Time)
		})},
		{"denial_flood", Medium, "So many denials came that they were counted and not recorded one by one.", kind(audit.KindDenials)},
		{"probing", Medium, "The session asked for a third tool that does not exist or is hidden from it.", atDecision(func(_ *Collector, s *session, r *audit.Record) bool {
			return r.Reason == access.ToolUnknown && !s.tools[r.Tool] && len(s.tools) == probedTools-1
		})},
		{"tool_changed", Medium, "The server offers another tool than the one that was pinned, or it is quarantined.", atDecision(
			reason(access.ToolChanged, access.ToolUnpinned, access.Quarantined, access.ArgumentNotPinned))},
		{"session_trouble", Medium, "The session was revoked, or who acts in it changed.", atDecision(
			reason(access.SessionRevoked, access.BindingChanged, access.IdentityInvalid))},
		{"anomaly", Medium, "Something happened that should not.", kind(audit.KindAnomaly)},
		{"observed", Low, "No rule granted it: it passed because the policy only observes.", atDecision(reason(access.Observed))},
		{"first_tool", Low, "The tool was used for the first time.", atDecision(func(c *Collector, _ *session, r *audit.Record) bool {
			return r.Decision == access.Allow && c.firsts[ofTool+r.ID()]
		})},
		{"first_host", Low, "It named a host for the first time.", atDecision(func(c *Collector, _ *session, r *audit.Record) bool {
			return r.Decision == access.Allow && c.firsts[ofHost+r.ID()]
		})},
		{"labelled_result", Low, "Its result has labels.", func(_ *Collector, _ *session, e *query.Entry) bool {
			return e.Outcome != nil && len(e.Outcome.Labels) > 0
		}},
		{"large_result", Low, "Its result is larger than 1 MiB.", func(_ *Collector, _ *session, e *query.Entry) bool {
			return e.Outcome != nil && e.Outcome.Bytes > largeResult
		}},
		{"clock_set", Low, "The wall clock was set, or what became of that.", kind(audit.KindClock)},
		{"key_changed", Low, "Another key signs the log from here on.", kind(audit.KindKey)},
		{"torn_tail", Low, "A crash cut the log; what was cut had not been acknowledged.", kind(audit.KindTornTail)},
	}
}

// atDecision makes a rule of a test that looks at the record when it is written,
// not again when its outcome comes.
func atDecision(test func(*Collector, *session, *audit.Record) bool) func(*Collector, *session, *query.Entry) bool {
	return func(c *Collector, s *session, e *query.Entry) bool { return e.Outcome == nil && test(c, s, &e.Record) }
}

// reason holds for decisions with one of these reasons.
func reason(list ...access.Reason) func(*Collector, *session, *audit.Record) bool {
	return func(_ *Collector, _ *session, r *audit.Record) bool {
		for _, want := range list {
			if r.Kind == audit.KindAdmission && r.Reason == want {
				return true
			}
		}
		return false
	}
}

// kind holds for records of a kind.
func kind(k audit.Kind) func(*Collector, *session, *query.Entry) bool {
	return atDecision(func(_ *Collector, _ *session, r *audit.Record) bool { return r.Kind == k })
}

func denied(r *audit.Record) bool {
	return r.Kind == audit.KindAdmission && r.Decision != access.Allow && r.Decision != access.Approve
}

// session is what the rules remember of one session.
type session struct {
	denials  []time.Time     // of the last burstDenials-1
	labelled bool            // a result had labels
	tools    map[string]bool // asked for, and not there; probedTools at most
}

// bursts reports whether one more denial completes a burst.
func (s *session) bursts(now time.Time) bool {
	return len(s.denials) == burstDenials-1 && now.Sub(s.denials[0]) <= burstWithin
}

// note remembers an entry, after the rules looked at it.
func (s *session) note(e *query.Entry) {
	if e.Outcome != nil {
		s.labelled = s.labelled || len(e.Outcome.Labels) > 0
		return
	}
	r := &e.Record
	if r.Reason == access.ToolUnknown && len(s.tools) < probedTools {
		s.tools[r.Tool] = true
	}
	if !denied(r) {
		return
	}
	if s.bursts(r.Time) {
		s.denials = s.denials[:0] // one finding a burst
		return
	}
	if s.denials = append(s.denials, r.Time); len(s.denials) > burstDenials-1 {
		s.denials = s.denials[1:]
	}
}
