package policy

// useShape is a rule that a template makes.
func useShape() shape {
	s := object([]key{
		{"id", "The name of the rule, which no other rule has.", shape{"type": "string", "pattern": ruleID().String()}},
		{"use", "The template that makes the rule.", anyText()},
		{"with", "What its parameters stand for.", shape{"type": "object"}},
	})
	s["required"] = []string{"id", "use"}
	return s
}

func templateShape() shape {
	s := object([]key{
		{"params", "The parameters, by name: a type, or {type, of, enum, min, max, default}.", mapOf(definable().String(), ref("parameter"))},
		{"rule", "The rule, without an id. $NAME stands for the whole value of a parameter.", looseRule()},
	})
	s["required"] = []string{"rule"}
	return s
}

// looseRule has the keys of a rule with any value: each may be a parameter.
func looseRule() shape {
	var keys []key
	for _, k := range keysOf(append(ruleKeys(), conditionNames()...), append(effectShapes(), conditionShapes()...)) {
		if k.name != "id" {
			keys = append(keys, key{k.name, k.about, shape{"not": shape{"type": "null"}}})
		}
	}
	return atLeastOne(object(keys))
}

func parameterShape() shape {
	long := object([]key{
		{"type", "What a value must be.", words(parameterTypes()...)},
		{"of", "What the entries of a list must be.", words(entryTypes()...)},
		{"enum", "Which texts it may be.", ref("words")},
		{"min", "The least number.", number()},
		{"max", "The greatest number.", number()},
		{"default", "The value where none is given.", shape{"not": shape{"type": "null"}}},
	})
	return shape{"anyOf": []shape{words(parameterTypes()...), long}}
}
