package pdp

import (
	"strings"
	"unicode"

	"github.com/custos-zt/custos/access"
)

// The words here reach the model that made the call. They say why in terms of
// the call, and name no rule and no pattern.

// gateMessage words a hard stop.
func gateMessage(reason access.Reason) string {
	for _, doc := range access.Reasons() {
		if doc.Code == reason {
			return doc.Meaning
		}
	}
	return "This call is stopped."
}

// defaultMessage words what a rule does that has no message of its own.
func defaultMessage(effect access.Effect, reason access.Reason) string {
	switch {
	case effect == access.Approve:
		return "A person has to allow this call."
	case reason == access.Indeterminate:
		return "What this call would do could not be told for certain, and it may be denied."
	case reason == access.DelegationUnanswered:
		return "" // what the layer asked for is what helps: see explainDefault
	case reason == access.LimitExceeded:
		return "Too many calls like this one were made in a short time."
	default:
		return "This call is denied here."
	}
}

const (
	askOrOther       = "Ask the person, or do it another way."
	limitRemediation = "Wait, or do it with fewer calls."
)

// explainDefault words a denial that has no words yet, because no rule made it:
// which condition of the rule
// that came nearest to a grant did not hold.
func (e *evaluation) explainDefault(candidates []int32, d *access.Decision) {
	near := e.nearest(candidates, true, d.Reason == access.DelegationUnanswered)
	switch {
	case near.rule == none32:
		d.Message, d.Remediation = "Nothing allows this call.", askOrOther
	case near.op == none32:
		d.Message, d.Remediation = "An exception keeps this call from being allowed.", askOrOther
	default:
		d.Message, d.Remediation, d.Shown = e.wants(&e.s.ops[near.op])
	}
}

// near is the rule that would have granted with the fewest conditions changed;
// none32 where no rule is about the call at all.
type near struct {
	rule int32
	// failed counts the conditions that are not true, exceptions as one.
	failed int
	// op is the condition whose failing tells most, none32 for an exception.
	op int32
	// forOthers says that a condition on who calls is false.
	forOthers bool
}

// forCaller leaves out rules that are for others: there is nothing about them
// that the caller could do better. under looks at the layers under the root,
// else at the root, which alone can consent.
func (e *evaluation) nearest(candidates []int32, forCaller, under bool) near {
	best := near{rule: none32}
	for _, i := range candidates {
		r := &e.s.rules[i]
		if at, _ := e.standing(r.layer); !r.grants() || r.is(isMonitor) || under != (r.layer != 0) || at != inside {
			continue
		}
		if all, _ := e.covered(r); !all {
			continue
		}
		n := e.distance(i, r)
		if forCaller && n.forOthers {
			continue
		}
		if best.rule == none32 || n.failed < best.failed || n.failed == best.failed && e.moreSpecific(r, &e.s.rules[best.rule]) {
			best = n
		}
	}
	return best
}

// distance counts what keeps rule i from granting.
func (e *evaluation) distance(i int32, r *rule) near {
	n := near{rule: i, op: none32}
	for k := r.ops.from; k < r.ops.to; k++ {
		op := &e.s.ops[k]
		if op.code == CodeWhen && n.failed > 0 {
			continue // it stands last, and others tell enough
		}
		t := e.eval(op, granting)
		if t == access.True {
			continue
		}
		n.failed++
		n.forOthers = n.forOthers || op.group == GroupWho && t == access.False
		if n.op == none32 || op.group == GroupPlaces && e.s.ops[n.op].group != GroupPlaces {
			n.op = k
		}
	}
	if r.unless.from < r.unless.to && e.excepted(r, restricting) != access.False {
		n.failed++
	}
	return n
}

// wants words what a condition that failed would have needed.
func (e *evaluation) wants(op *op) (message, remediation, shown string) {
	switch op.code {
	case CodePlaces:
		return e.s.places[op.ref].wants(e.r)
	case CodeURLs, CodeHosts:
		return "The address is outside what is allowed here.", "Use an address that is allowed, or ask the person.", ""
	case CodeArg:
		w := &e.s.argKeys.entries[e.s.args[op.ref].key-1].value
		return w.says, w.suggestion, ""
	case CodeUnlisted:
		if e.r.SchemaState == access.SchemaInvalid {
			return "The arguments are not what the tool declares.", "Send the arguments that the tool declares.", ""
		}
		return "The call carries an argument that is not allowed here.", "Leave out arguments that are not needed.", ""
	case CodeCommands:
		return "This command is not among those that are allowed here.", "Run a plain command that is allowed, or ask the person.", ""
	case CodeOps, CodeSideEffects, CodeLabels, CodeTier:
		return "What this tool does is not allowed here.", "Ask the person, or do it another way.", ""
	case CodePorts:
		return "The port of an address is not among those that are allowed here.", "Use another address, or ask the person.", ""
	case CodeExtensions:
		return "This kind of file is not allowed here.", "Use a file that is allowed, or ask the person.", ""
	case CodeTime:
		return "This call is not allowed at this time.", "Ask the person.", ""
	case CodeWhen:
		return "This call does not meet a condition of the policy.", "Ask the person, or do it another way.", ""
	case CodeFact:
		return "What is known about this session, its device or its place does not allow this call.", "Ask the person.", ""
	default:
		return "This call is not allowed for this caller.", "Ask the person.", ""
	}
}

// wants words the first declared place that no pattern takes in.
func (p *Places) wants(r *access.Request) (message, remediation, shown string) {
	for i := range r.Places {
		pl := &r.Places[i]
		if !pl.Declared || !p.Roles.has(pl.Role) || p.within(pl) == access.True {
			continue
		}
		name, says, remedy := showable(pl.Raw), " is outside what is allowed here.", "Use a path that is allowed, or ask the person."
		if !pl.Grantable {
			says, remedy = " does not say where it is.", "Send an absolute path."
		}
		if name == "" {
			return "A path with characters that are not shown" + says, remedy, ""
		}
		return name + says, remedy, name
	}
	return "The call names no path, and it is allowed on certain paths only.", "Name the path.", ""
}

// maxShown is how many bytes of a value a message repeats.
const maxShown = 160

// showable makes a value of the call safe to repeat on one line. It returns ""
// for what should not be shown.
func showable(s string) string {
	if strings.IndexFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) >= 0 {
		return ""
	}
	if len(s) > maxShown {
		return strings.ToValidUTF8(s[:maxShown], "") + "…"
	}
	return s
}
