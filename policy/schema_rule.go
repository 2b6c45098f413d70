package policy

import "github.com/custos-zt/custos/access"

// ruleShape is a rule: an id, one effect, conditions, and what follows.
func ruleShape() shape {
	names := append(ruleKeys(), conditionNames()...)
	s := object(keysOf(names, append(effectShapes(), conditionShapes()...)))
	s["required"] = []string{"id"}
	var effects []shape
	for _, name := range []string{"allow", "approve", "deny", "delegate"} {
		if has(names, name) {
			effects = append(effects, shape{"required": []string{name}})
		}
	}
	s["oneOf"] = effects
	s["dependentRequired"] = shape{"grants": []string{"approve"}, "else": []string{"allow"}, "rate": []string{"allow"}, "delegate": []string{"to"}}
	return s
}

// exceptionShape is an entry of `unless`.
func exceptionShape() shape {
	var names []string
	for _, name := range conditionNames() {
		if name != "clients" && name != "unlisted_args" && name != "when" {
			names = append(names, name)
		}
	}
	return atLeastOne(object(keysOf(names, conditionShapes())))
}

// effectShapes describes the keys of a rule that are no conditions.
func effectShapes() []key {
	return []key{
		{"id", "The name of the rule, which no other rule has.", shape{"type": "string", "pattern": ruleID().String()}},
		{"allow", "What the rule allows: BACKEND.TOOL, resource:BACKEND.URI, prompt:BACKEND.NAME or method:NAME, with * for any characters.", ref("words")},
		{"approve", "What a person has to allow. Patterns are as under allow.", ref("words")},
		{"deny", "What the rule denies. Patterns are as under allow; \"*\" is everything.", ref("words")},
		{"delegate", "What another layer decides. Patterns are as under allow.", ref("words")},
		{"unless", "Exceptions, each a set of conditions: where one holds, the rule does not.", shape{"anyOf": []shape{
			{"type": "array", "minItems": 1, "items": ref("exception")},
			{"type": "string", "minLength": 1},
		}}},
		{"approval", "How a held call is answered.", ref("approval")},
		{"grants", "false: the rule holds what others allow, and allows nothing itself.", flag()},
		{"else", "approve: a call that fails an argument or place condition is held instead of denied.", words("approve")},
		{"mode", "monitor: the rule counts as absent, and what it would have done is recorded.", words("enforce", "monitor")},
		{"returns", "What happens to results.", ref("returns")},
		{"message", "Why, in the words that the model reads.", anyText()},
		{"remediation", "What to do instead, in the words that the model reads.", anyText()},
		{"liftable", "Which entries of break_glass may lift this rule.", ref("words")},
		{"rate", "How often the rule allows.", rateShape()},
		{"add_labels", "Labels that a call leaves on its session where it passes, for session.read of later calls.", ref("words")},
		{"notify", "Channels that are told of a match, by name.", ref("words")},
		{"expires", "When the rule ends, and what holds then.", expiryShape()},
	}
}

// conditionShapes describes the conditions.
func conditionShapes() []key {
	span := ref("duration")
	return []key{
		{"subjects", "Who calls: ISSUER:NAME, or NAME where there is one issuer.", ref("words")},
		{"groups", "One of the subject's groups.", ref("words")},
		{"roles", "One of the subject's roles.", ref("words")},
		{"scopes", "One of the scopes of the subject's token.", ref("words")},
		{"issuers", "Who vouched for the subject.", ref("words")},
		{"tenants", "The subject's tenant.", ref("words")},
		{"agents", "The proven identity of the calling software.", ref("words")},
		{"auth", "How well and how lately the subject proved who it is.", atLeastOne(object([]key{
			{"acr", "The authentication context.", ref("words")}, {"mfa", "Whether there was more than one factor.", flag()}, {"max_age", "How long ago at most.", span},
		}))},
		{"clients", "What the client calls itself: a hint, which can only restrict.", ref("words")},
		{"ops", "What the call does: all of it for a grant, some of it for a restriction.", listOf(access.OpNames())},
		{"side_effects", "The tool's side effects: all of them for a grant, one for a restriction.", listOf(sideEffects())},
		{"labels", "What the called thing is labelled with.", ref("words")},
		{"tool_tier", "How dangerous the tool is.", listOf(tiers())},
		{"extensions", "What the names of paths end in, without the dot.", ref("words")},
		{"args", "What arguments must be, by their JSON path.", atLeastOne(mapOf("", ref("argument")))},
		{"unlisted_args", "Which arguments a grant admits that it does not name.", words("declared", "reject", "allow")},
		{"commands", "The whole command as words: * is one word, a|b a choice, ... any words.", ref("words")},
		{"paths", "Every path of the call.", ref("places")},
		{"from", "The sources of the call.", ref("places")},
		{"to", "The destinations of the call.", ref("places")},
		{"urls", "Every URL of the call.", ref("places")},
		{"hosts", "Every host of the call; *.x is any depth below x.", ref("places")},
		{"ports", "The port of every URL of the call, as a number or \"FROM-TO\".", portsShape()},
		{"time", "When the call may come.", atLeastOne(object([]key{
			{"between", "HH:MM-HH:MM; may wrap midnight.", shape{"type": "string", "pattern": `^\s*[0-2][0-9]:[0-5][0-9]\s*-\s*[0-2][0-9]:[0-5][0-9]\s*$`}},
			{"zone", "The zone of times of day and days, such as Europe/Paris.", anyText()},
			{"days", "Days of the week, such as mon or mon-fri.", ref("words")},
			{"from", "The first instant.", anyText()},
			{"until", "The instant at which it ends.", anyText()},
		}))},
		{"network", "Where the call comes from.", atLeastOne(object([]key{
			{"cidrs", "Networks, as ADDRESS/BITS.", ref("words")},
			{"zones", "Named zones.", ref("words")},
			{"countries", "Two capital letters each.", ref("words")},
		}))},
		{"device", "What is known about the caller's machine.", atLeastOne(object([]key{
			{"compliant", "Whether it is compliant.", flag()},
			{"attributes", "What its attributes must be.", atLeastOne(mapOf(wordName().String(), shape{}))},
			{"max_age", "How old this knowledge may be.", span},
			{"source", "Who must have said so.", ref("words")},
		}))},
		{"integrity", "verified: the backend's program is the one expected.", words("verified")},
		{"trust", "The least score of who calls.", object([]key{{"min", "From 0 to 100.", score()}})},
		{"call_risk", "The greatest risk of this call.", object([]key{{"max", "From 0 to 100.", score()}})},
		{"behavior", "How far the caller is from what it usually does.", atLeastOne(object([]key{
			{"rate_z", "Calls, in standard deviations.", boundShape()}, {"novel_tool", "Whether the tool is new to it.", flag()}, {"surprise", "How surprising the call is.", boundShape()},
		}))},
		{"session", "What the session has done so far.", atLeastOne(object([]key{
			{"read", "Labels of what it has read.", ref("words")}, {"max_calls", "Calls in an hour.", whole(1)}, {"max_age", "How long ago it began.", span}, {"idle", "How long ago its last call was.", span},
		}))},
		{"when", "An expression in CEL that must be true.", anyText()},
	}
}

func expiryShape() shape {
	s := object([]key{{"at", "The instant at which the rule ends.", anyText()}, {"then", "drop: the rule is no more; deny: it denies what it covered.", words("drop", "deny")}})
	s["required"] = []string{"at"}
	return s
}

// portsShape is that of places, with numbers for texts.
func portsShape() shape {
	one := shape{"type": []string{"integer", "string"}}
	list := shape{"anyOf": []shape{one, {"type": "array", "minItems": 1, "items": one}}}
	long := object([]key{
		{"all", "Every port must match.", list},
		{"any", "One port suffices.", list},
		{"except", "Ports that do not count.", list},
		{"none", "match: a call without ports matches too.", words("match")},
	})
	long["oneOf"] = []shape{{"required": []string{"all"}}, {"required": []string{"any"}}}
	return shape{"anyOf": []shape{one, list, long}}
}

func boundShape() shape {
	return atLeastOne(object([]key{{"min", "At least.", number()}, {"max", "At most.", number()}}))
}

// placesShape is a list, or {all|any: …, except: …, none: match}.
func placesShape() shape {
	long := object([]key{
		{"all", "Every value must match.", ref("words")},
		{"any", "One value suffices.", ref("words")},
		{"except", "Values that do not count.", ref("words")},
		{"none", "match: a call without such values matches too.", words("match")},
	})
	long["oneOf"] = []shape{{"required": []string{"all"}}, {"required": []string{"any"}}}
	return shape{"anyOf": []shape{ref("words"), long}}
}

func approvalShape() shape {
	return object([]key{
		{"group", "Who answers.", anyText()},
		{"quorum", "How many of them.", whole(1)},
		{"valid", "How long an approval counts for the same call.", ref("duration")},
		{"wait", "How long a call waits for it.", ref("duration")},
		{"assurance", "How surely the answer is a person's.", words("host", "code", "passkey", "remote")},
		{"self", "Whether who asks may answer.", words("never", "allowed")},
		{"standing", "Approvals that count for more than one call.", object([]key{
			{"max", "How long at most.", ref("duration")},
			{"uses", "How often at most.", whole(1)},
			{"issue", "Every answer stands by itself, for calls that are alike this much.", words(issueNames()...)},
		})},
	})
}

func returnsShape() shape {
	s := object([]key{{"max_bytes", "The largest result.", whole(1)}})
	s["additionalProperties"] = words("redact", "deny")
	s["propertyNames"] = shape{"pattern": wordName().String()}
	return s
}
