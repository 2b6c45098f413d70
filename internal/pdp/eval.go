package pdp

import "github.com/custos-zt/custos/access"

// evaluation is one request under one snapshot, with what was worked out for
// it so far.
type evaluation struct {
	s       *Snapshot
	r       *access.Request
	who     caller
	found   found
	placing placing
	// everyLayer looks at the rules of layers that are for others too, everyRule
	// at rules for other callers and calls, anyCall at rules for other calls.
	everyLayer, everyRule, anyCall bool
	// narrowed says that rules were left out because of what the call carries.
	narrowed bool
	args     [argRoom]sentArg // those looked at last, by their number
	// determining is the rule that was named last.
	determining int32
	// uris are the readings of a resource's URI beside the one that was sent.
	uris []string
	// urls are the URL values of the arguments, found when first asked for.
	urls    []urlValue
	urlsSet bool
	// when is the expression that was evaluated last, from 1, and whenTruth what
	// it came to.
	when      int32
	whenTruth access.Truth
}

// begin reads who asks.
func (e *evaluation) begin() {
	e.identify()
	e.place()
}

// eval judges one condition. Every caller goes through here. Where what the
// call carries is unknown, conditions on it are.
func (e *evaluation) eval(op *op, g reading) access.Truth {
	if e.r.ArgsUnknown && op.code.carried() {
		return access.Unknown
	}
	switch op.code {
	case CodeRoles:
		if op.mask == oneName && e.r.Subject.Known {
			return truth(e.who.has(key(op.ref)))
		}
		return e.held(op, e.r.Subject.Roles)
	case CodeArg:
		return e.judgeArg(&e.s.args[op.ref], g)
	case CodeUnlisted:
		return e.unlisted(op, g)
	case CodePlaces:
		return e.s.places[op.ref].judge(e.r, g)
	case CodeSubjects:
		return e.subject(op)
	case CodeGroups:
		return e.held(op, e.r.Subject.Groups)
	case CodeTenants:
		return e.word(op, e.r.Subject.Tenant)
	case CodeIssuers:
		return e.word(op, e.r.Subject.Issuer)
	case CodeClients:
		return e.clients(op, g)
	case CodeAgents:
		return e.agents(op)
	case CodeOps, CodeSideEffects, CodeLabels, CodeTier:
		return e.what(op, g)
	case CodeTime:
		return e.s.windows[op.ref].judge(e.r.Now)
	case CodeFact:
		return e.s.facts[op.ref].judge(e, g)
	case CodeCommands:
		return e.commands(op, g)
	case CodeWhen:
		return e.expression(op)
	case CodeExtensions:
		return e.extensions(op, g)
	case CodeURLs, CodeHosts, CodePorts:
		return e.s.urls[op.ref].judge(e, g)
	default:
		return access.Unknown
	}
}

// carried reports whether a condition is about what the call carries.
func (c Code) carried() bool {
	switch c {
	case CodeArg, CodeUnlisted, CodeCommands, CodePlaces, CodeURLs, CodeHosts, CodePorts, CodeExtensions, CodeWhen:
		return true
	default:
		return false
	}
}

// expression evaluates what costs most, once for rules that repeat it.
func (e *evaluation) expression(op *op) access.Truth {
	if e.when != op.ref+1 {
		e.when, e.whenTruth = op.ref+1, e.s.whens[op.ref].Judge(e.r)
	}
	return e.whenTruth
}

// all judges conditions that must hold together, up to the first false one. For
// a grant all must be true: once one is unknown no expression is evaluated.
func (e *evaluation) all(sp span, g reading) access.Truth {
	t := access.True
	ops := e.s.ops[sp.from:sp.to]
	for i := range ops {
		if t == access.Unknown && g == granting && ops[i].code == CodeWhen {
			break
		}
		switch e.eval(&ops[i], g) {
		case access.True:
		case access.False:
			return access.False
		default:
			t = access.Unknown
		}
	}
	return t
}
