package policy

// argumentShape is what one argument must be: constraints on its value, and
// what its absence means.
func argumentShape() shape {
	return object(append(keysOf(specKeys(), specShapes()),
		key{"optional", "The argument may be absent.", flag()},
		key{"missing", "skip: an absent argument makes the condition false.", words("skip")},
	))
}

// valueShape is constraints that stand below others.
func valueShape() shape { return atLeastOne(object(keysOf(specKeys(), specShapes()))) }

func specShapes() []key {
	types := words("string", "integer", "number", "boolean", "array", "object", "null")
	items := object([]key{{"each", "What every item must be.", ref("value")}, {"any", "What one item must be.", ref("value")}})
	items["minProperties"], items["maxProperties"] = 1, 1
	return []key{
		{"type", "The JSON type, or a list of them. 5.0 is an integer, true is not.", shape{"anyOf": []shape{types, {"type": "array", "minItems": 1, "items": types}}}},
		{"enum", "The values to choose from.", shape{"anyOf": []shape{
			{"type": "array", "minItems": 1, "items": shape{"type": []string{"string", "number", "boolean", "null"}}},
			{"type": "string", "pattern": `^\$`},
		}}},
		{"pattern", "A regular expression (RE2): a grant matches the whole value, a restriction searches.", anyText()},
		{"min", "The least number.", number()},
		{"max", "The greatest number.", number()},
		{"min_length", "The least length of a text.", whole(0)},
		{"max_length", "The greatest length of a text.", whole(0)},
		{"items", "What the items of a list must be.", items},
		{"min_items", "The least number of items.", whole(0)},
		{"max_items", "The greatest number of items.", whole(0)},
		{"same_as", "What the value must be equal to: subject.id, subject.issuer, subject.tenant, agent.id or args.PATH.", anyText()},
		{"not", "What the value must not be.", ref("value")},
	}
}
