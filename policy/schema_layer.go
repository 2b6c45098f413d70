package policy

import "github.com/custos-zt/custos/internal/pdp"

// rateShapes are the keys that limits and rates share.
func rateShapes() []key {
	return []key{
		{"max", "How many within which time, such as 100/1m.", shape{"type": "string", "pattern": `^[0-9]+/\S+$`}},
		{"per", "What is counted apart; issuer, subject and agent where nothing is said.", listOf(pdp.PerNames())},
		{"over", "What happens to more: deny, or approve for a person to decide.", words("deny", "approve")},
	}
}

// rateShape is `rate:` of a rule.
func rateShape() shape {
	s := object(rateShapes())
	s["required"] = []string{"max"}
	return s
}

// limitsShape is the list under `limits`.
func limitsShape() shape {
	one := object(append([]key{
		{"id", "The name of the limit, which no rule and no other limit has.", shape{"type": "string", "pattern": ruleID().String()}},
		{"tools", "What is counted. Patterns are as under deny.", ref("words")},
		{"message", "Why, in the words that the model reads.", anyText()},
		{"remediation", "What to do instead, in the words that the model reads.", anyText()},
	}, rateShapes()...))
	one["required"] = []string{"id", "tools", "max"}
	return shape{"type": "array", "minItems": 1, "items": one}
}

// breakGlassShape is the mapping under `break_glass`.
func breakGlassShape() shape {
	one := object(keysOf(glassKeys(), []key{
		{"who", "Conditions on the caller, which must be true for certain.", atLeastOne(object(keysOf(whoNames(), conditionShapes())))},
		{"approve", "Who approves it.", object([]key{
			{"group", "One of this group.", anyText()},
			{"quorum", "So many of them.", whole(1)},
			{"assurance", "How surely the answer is a person's.", words(assurances()...)},
			{"self", "Whether who opens it may approve it; never where nothing is said.", words("never", "allowed")},
		})},
		{"purpose", "required: the caller says what for.", words("required")},
		{"valid", "How long it lifts.", ref("duration")},
		{"uses", "How many calls it lifts for.", whole(1)},
		{"notify", "Who is told.", ref("words")},
		{"review", "By when somebody looks at what was done.", ref("duration")},
	}))
	one["required"] = []string{"who", "approve", "valid"}
	return mapOf(wordName().String(), one)
}
