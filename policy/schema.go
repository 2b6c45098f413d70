package policy

import (
	"bytes"
	"encoding/json"
)

// SchemaID is the address of the JSON Schema of the language.
const SchemaID = "https://custos.dev/schema/policy.json"

// shape is a piece of JSON Schema (draft 2020-12).
type shape = map[string]any

// key is a key of the language: what editors show about it, and what its value
// may be.
type key struct {
	name, about string
	value       shape
}

// Schema returns the JSON Schema of the language as this version evaluates it,
// made of the tables that the reader uses; policy/schema.json is a copy. It is
// for editors: a policy that loads is valid by it, and most slips are not. What
// only the whole of a policy shows, such as an id that is taken, is left to
// [Compile].
func Schema() []byte {
	root := object(keysOf(topKeys(), fileShapes()))
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	root["$id"] = SchemaID
	root["title"] = "Custos policy"
	root["description"] = "What an AI agent may do with its tools. Deny by default: a rule allows, approves or denies what its patterns name, under conditions that must all hold."
	root["required"] = []string{"policy", "rules"}
	root["$defs"] = shape{
		"rule": ruleShape(), "use": useShape(), "template": templateShape(), "parameter": parameterShape(),
		"exception": exceptionShape(), "facts": factsShape(),
		"words": wordsShape(), "places": placesShape(), "argument": argumentShape(), "value": valueShape(),
		"duration": durationShape(), "approval": approvalShape(), "returns": returnsShape(),
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(root); err != nil {
		panic(err) // maps, strings and numbers are always JSON
	}
	return out.Bytes()
}

// keysOf picks the keys that this version evaluates, in the order of names. A
// key without a shape may hold anything: the drift test names it.
func keysOf(names []string, all []key) []key {
	out := make([]key, 0, len(names))
	for _, name := range names {
		k := key{name: name, value: shape{}}
		for _, other := range all {
			if other.name == name {
				k = other
			}
		}
		out = append(out, k)
	}
	return out
}

// object is a mapping with these keys and no other.
func object(keys []key) shape {
	properties := shape{}
	for _, k := range keys {
		value := shape{}
		for name, v := range k.value {
			value[name] = v
		}
		if k.about != "" {
			value["description"] = k.about
		}
		properties[k.name] = value
	}
	return shape{"type": "object", "properties": properties, "additionalProperties": false}
}

// atLeastOne is an object that is not empty.
func atLeastOne(s shape) shape {
	s["minProperties"] = 1
	return s
}

func ref(name string) shape { return shape{"$ref": "#/$defs/" + name} }

func words(values ...string) shape { return shape{"enum": values} }

func anyText() shape { return shape{"type": "string", "pattern": `\S`} }

func flag() shape { return shape{"type": "boolean"} }

func number() shape { return shape{"type": "number"} }

func whole(least int) shape { return shape{"type": "integer", "minimum": least} }

func score() shape { return shape{"type": "number", "minimum": 0, "maximum": 100} }

// wordsShape is one text, a list of texts, or the $name of one.
func wordsShape() shape {
	one := shape{"type": "string", "minLength": 1}
	return shape{"anyOf": []shape{one, {"type": "array", "minItems": 1, "items": one}}}
}

// listOf is a list of words of the language, or names of such lists.
func listOf(values []string) shape {
	one := shape{"anyOf": []shape{words(values...), {"type": "string", "pattern": `^\$`}}}
	return shape{"anyOf": []shape{one, {"type": "array", "minItems": 1, "items": one}}}
}

// orNone is a list that may be empty: known to be none.
func orNone(list shape) shape {
	return shape{"anyOf": []shape{list, {"type": "array", "maxItems": 0}}}
}

func durationShape() shape {
	const units = "(ns|us|µs|ms|s|m|h"
	return shape{
		"type": "string", "description": "a length of time such as 45s, 10m, 1h30m or 30d",
		"pattern": `^([0-9]+(\.[0-9]*)?` + units + `))*[0-9]+(\.[0-9]*)?` + units + `|d)$`,
	}
}

// mapOf is a mapping from names of a form to values of a shape.
func mapOf(pattern string, value shape) shape {
	s := shape{"type": "object", "additionalProperties": value}
	if pattern != "" {
		s["propertyNames"] = shape{"pattern": pattern}
	}
	return s
}
