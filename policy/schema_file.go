package policy

import "github.com/custos-zt/custos/access"

// fileShapes describes the keys of a file.
func fileShapes() []key {
	return []key{
		{"policy", "The name of the policy.", anyText()},
		{"version", "The version of the policy, for people.", shape{"type": []string{"string", "number", "boolean"}}},
		{"layer", "Which layer the rules belong to: global, team/NAME or user/ISSUER:SUBJECT.", shape{"type": "string", "pattern": `^(global|team/.+|user/.+)$`}},
		{"backend", "What a pattern without a backend means in this file.", shape{"type": "string", "pattern": backendName().String()}},
		{"define", "Named lists, used as $name.", mapOf(definable().String(), ref("words"))},
		{"tools", "Facts about tools, by BACKEND or BACKEND.TOOL. Facts are never permissions.", mapOf(`^[a-z0-9-]{1,32}(\.[^*]+)?$`, ref("facts"))},
		{"labels", "Which tools, resources and prompts carry which label.", mapOf(wordName().String(), ref("words"))},
		{"defaults", "What holds for every rule that does not say otherwise.", object([]key{
			{"unlisted_args", "Which arguments a grant admits that it does not name.", words("declared", "reject", "allow")},
			{"returns", "What happens to results.", ref("returns")},
		})},
		{"limits", "Caps that hold whichever rule allowed the call.", limitsShape()},
		{"break_glass", "What may lift the rules that are marked with its name, by name.", breakGlassShape()},
		{"silent", "deny: what no rule of this team's or user's layer grants is denied, instead of left to the layers above.", words("deny")},
		{"observe", "Lifts the default deny and records what it would have denied.", flag()},
		{"team_membership", "any: who is in several teams has what any of them grants.", words("any")},
		{"templates", "Rules with holes, by name. A rule fills one in with use and with.", mapOf(definable().String(), ref("template"))},
		{"rules", "The rules. Their order means nothing.", shape{"type": "array", "minItems": 1, "items": shape{
			"if": shape{"required": []string{"use"}}, "then": ref("use"), "else": ref("rule"),
		}}},
		{"tests", "Calls and what is meant to become of them, run before the policy is put in force.", testsShape()},
	}
}

// factsShape is an entry under `tools`.
func factsShape() shape {
	return object(keysOf(factKeys(), []key{
		{"known", "The entry of the shipped registry that describes this server.", anyText()},
		{"ops", "What the tool does.", listOf(access.OpNames())},
		{"by", "What it does by the value of an argument: {ARGUMENT: {PATTERN: [OPS]}}.", mapOf("", mapOf("", listOf(access.OpNames())))},
		{"side_effects", "Which side effects it has; an empty list is none.", orNone(listOf(sideEffects()))},
		{"tier", "How dangerous it is.", words(tiers()...)},
		{"labels", "Which labels it carries.", orNone(ref("words"))},
		{"paths", "Which arguments are paths: local, remote, or relative to another argument.", mapOf("", shape{"anyOf": []shape{
			words("local", "remote"),
			object([]key{{"base", "The argument that this path is relative to.", anyText()}}),
		}})},
		{"not_paths", "Which arguments are no paths, whatever they look like.", orNone(ref("words"))},
		{"urls", "Which arguments are URLs.", orNone(ref("words"))},
		{"commands", "Which arguments are commands.", orNone(ref("words"))},
		{"secrets", "Which arguments are secrets.", orNone(ref("words"))},
	}))
}

// testsShape is what a policy says of itself. The fields of a call are those of
// a line of `policy eval`.
func testsShape() shape {
	free := shape{"type": "object"}
	call := object([]key{
		{"name", "What the case shows.", anyText()},
		{"matrix", "Fields with a list of values each: the case is decided for every combination.", free},
		{"backend", "The server.", anyText()},
		{"tool", "The tool that is called.", anyText()},
		{"uri", "The resource that is read.", anyText()},
		{"prompt", "The prompt that is asked for.", anyText()},
		{"method", "The method, where it is none of these.", anyText()},
		{"arguments", "The arguments of the call.", free},
		{"subject", "Who calls: {id: NAME, issuer: NAME, groups: [], roles: []}.", free},
		{"agent", "The proven identity of the calling software.", anyText()},
		{"client", "What the client calls itself.", anyText()},
		{"facts", "What is known, by name.", free},
		{"labels", "The labels of the tool.", shape{"type": "array"}},
		{"session", "What the session has done so far.", free},
		{"counters", "How many calls each limit and rate has counted.", free},
		{"lifts", "Which entries of break_glass are open.", shape{"type": "array"}},
		{"schema", "The tool's input schema.", free},
		{"now", "The time of the call.", anyText()},
		{"expect", "What is meant to become of it.", object([]key{
			{"decision", "The outcome.", words("allow", "approve", "deny")},
			{"rule", "The rule that determines it, null for none.", shape{"type": []string{"string", "null"}}},
			{"reason", "The reason code.", anyText()},
		})},
	})
	call["required"] = []string{"name", "expect"}
	out := object([]key{
		{"home", "What ~ means in the policy and in calls.", shape{"type": "string", "pattern": "^/"}},
		{"now", "The time of every call that names none.", anyText()},
		{"teams", "Who is in which team: {NAME: {groups: [GROUP]}}.", free},
		{"defaults", "What holds for every call that does not say otherwise.", free},
		{"cases", "The calls.", shape{"type": "array", "minItems": 1, "items": call}},
	})
	out["required"] = []string{"cases"}
	return out
}
