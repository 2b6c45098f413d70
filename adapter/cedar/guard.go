package cedar

import (
	"bytes"
	"encoding/json"
	"fmt"

	cedar "github.com/cedar-policy/cedar-go"
)

// guarded returns the policy with types asked for where Cedar compares
// without, and what its head asks for. It works on the JSON form of the
// policy, which is specified, and not on a syntax tree, which is not.
func guarded(p *cedar.Policy) (*cedar.Policy, scope, error) {
	text, err := p.MarshalJSON()
	if err != nil {
		return nil, scope{}, fmt.Errorf("write: %w", err)
	}
	var doc map[string]any
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	if err := dec.Decode(&doc); err != nil {
		return nil, scope{}, fmt.Errorf("read: %w", err)
	}
	conditions, _ := doc["conditions"].([]any)
	for _, c := range conditions {
		if c, ok := c.(map[string]any); ok {
			c["body"] = typed(c["body"])
		}
	}
	if text, err = json.Marshal(doc); err != nil {
		return nil, scope{}, fmt.Errorf("write: %w", err)
	}
	var out cedar.Policy
	if err := out.UnmarshalJSON(text); err != nil {
		return nil, scope{}, fmt.Errorf("compile: %w", err)
	}
	head := scope{resource: entity(doc["resource"], "=="), principal: entity(doc["principal"], "==", "in")}
	return &out, head, nil
}

// entity reads one part of a head, if it is one of these comparisons.
func entity(part any, ops ...string) cedar.EntityUID {
	m, _ := part.(map[string]any)
	for _, op := range ops {
		if e, ok := m["entity"].(map[string]any); ok && m["op"] == op {
			typ, _ := e["type"].(string)
			id, _ := e["id"].(string)
			return cedar.NewEntityUID(cedar.EntityType(typ), cedar.String(id))
		}
	}
	return cedar.EntityUID{}
}

// typed rewrites an expression and all below it.
func typed(x any) any {
	switch x := x.(type) {
	case []any:
		for i := range x {
			x[i] = typed(x[i])
		}
	case map[string]any:
		if _, literal := x["Value"]; literal {
			return x
		}
		for k, v := range x {
			x[k] = typed(v)
		}
		return compared(x)
	}
	return x
}

// compared puts a question for the type before a comparison that has none:
// true, or an error.
func compared(x map[string]any) any {
	for op, operands := range x {
		m, ok := operands.(map[string]any)
		if !ok {
			continue
		}
		var ask any
		switch op {
		case "==", "!=":
			if ask = question(m["left"], m["right"]); ask == nil {
				ask = question(m["right"], m["left"])
			}
		case "contains":
			if set, ok := m["left"].(map[string]any); ok {
				if items, ok := set["Set"].([]any); ok && len(items) > 0 {
					ask = question(m["right"], items[0])
				}
			}
		}
		if ask != nil {
			return binary("&&", ask, x)
		}
	}
	return x
}

// question asks whether x, which was sent, has the type of the literal.
func question(x, literal any) any {
	l, ok := literal.(map[string]any)
	if !ok || !sent(x) {
		return nil
	}
	if _, ok := l["decimal"]; ok {
		return map[string]any{"lessThanOrEqual": []any{x, x}}
	}
	switch l["Value"].(type) {
	case string:
		return map[string]any{"like": map[string]any{"left": x, "pattern": []any{"Wildcard"}}}
	case json.Number:
		zero := map[string]any{"Value": json.Number("0")}
		return binary("||", binary("<", x, zero), binary(">=", x, zero))
	case bool:
		return binary("||", x, map[string]any{"!": map[string]any{"arg": x}})
	default:
		return nil
	}
}

func binary(op string, left, right any) any {
	return map[string]any{op: map[string]any{"left": left, "right": right}}
}

// sent reports whether x is read from context.args or context.facts.
func sent(x any) bool {
	for {
		m, _ := x.(map[string]any)
		get, ok := m["."].(map[string]any)
		if !ok {
			return false
		}
		if of, _ := get["left"].(map[string]any); of["Var"] == "context" {
			return get["attr"] == "args" || get["attr"] == "facts"
		}
		x = get["left"]
	}
}
