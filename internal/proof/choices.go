package proof

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// choice changes a draft in one respect.
type choice func(*draft)

// choices returns for each condition of a rule the ways to meet it, the edges
// first, and ways to miss it behind them. The first of each list meets it.
func (w *witnesses) choices(r *writtenRule) [][]choice {
	var out [][]choice
	for _, entry := range r.unless {
		for _, all := range w.fields(r, entry) {
			// What an exception names is worth a try on either side.
			out = append(out, append([]choice{func(*draft) {}}, all...))
		}
	}
	return append(out, w.fields(r, r.conditions)...)
}

// fields returns the choices for each condition, in the order of their names.
func (w *witnesses) fields(r *writtenRule, conditions map[string]*yaml.Node) [][]choice {
	var out [][]choice
	for _, field := range slices.Sorted(maps.Keys(conditions)) {
		n := conditions[field]
		if field == "args" {
			for i := 0; i+1 < len(n.Content); i += 2 {
				out = append(out, argChoices(r, n.Content[i].Value, n.Content[i+1]))
			}
			continue
		}
		if all := w.condition(r, field, n); len(all) > 0 {
			out = append(out, all)
		}
	}
	return out
}

// condition returns the choices for one condition that is no argument.
func (w *witnesses) condition(r *writtenRule, field string, n *yaml.Node) []choice {
	switch field {
	case "subjects", "roles", "groups", "issuers", "tenants", "agents":
		return whoChoices(r, field, n)
	case "ops", "side_effects":
		return factChoices(r, field, n)
	case "paths", "from", "to", "urls", "hosts", "commands":
		return w.placeChoices(r, field, n)
	case "time":
		return timeChoices(n)
	case "trust":
		return boundChoices("trust.score", member(n, "min"), nil)
	case "session":
		return sessionChoices(r, n)
	case "auth":
		return authChoices(r, n)
	case "device":
		return deviceChoices(n)
	}
	return nil
}

func whoChoices(r *writtenRule, field string, n *yaml.Node) []choice {
	key := map[string]string{"issuers": "issuer", "tenants": "tenant"}[field]
	var out []choice
	for _, word := range r.words(n) {
		out = append(out, func(d *draft) {
			switch field {
			case "roles", "groups":
				d.subject[field] = []string{bare(word)}
			case "subjects":
				issuer, id, ok := strings.Cut(word, ":")
				if !ok {
					issuer, id = "", word
				}
				d.subject["id"] = instance(id)
				if ok {
					d.subject["issuer"] = issuer
				}
			case "agents":
				d.agent = instance(word)
			default:
				d.subject[key] = word
			}
		})
	}
	return append(out, func(d *draft) {
		switch field {
		case "roles", "groups":
			d.subject[field] = []string{}
		case "agents":
			d.agent = "spiffe://x/y"
		case "subjects":
			d.subject["id"] = "somebody"
		default:
			d.subject[key] = "another"
		}
	})
}

// bare drops the issuer of a group or role.
func bare(word string) string {
	if _, tail, ok := strings.Cut(word, ":"); ok {
		return tail
	}
	return word
}

func factChoices(r *writtenRule, field string, n *yaml.Node) []choice {
	var out []choice
	for _, word := range r.words(n) {
		out = append(out, func(d *draft) {
			if d.def == nil {
				d.facts["tool."+field] = []string{word}
			}
		})
	}
	return append(out, func(*draft) {})
}

func (w *witnesses) placeChoices(r *writtenRule, field string, n *yaml.Node) []choice {
	match, except, _ := r.places(n)
	var out []choice
	for _, pattern := range append(match, except...) {
		switch field {
		case "commands":
			for _, c := range commandInstances(pattern) {
				out = append(out, func(d *draft) { d.setFirst(d.tool.Commands, "command", c) })
			}
		case "urls":
			out = append(out, func(d *draft) { d.setFirst(d.tool.URLs, "url", instance(pattern)) })
		case "hosts":
			out = append(out, func(d *draft) { d.setFirst(d.tool.URLs, "url", "https://"+instance(pattern)+"/") })
		default:
			out = append(out, func(d *draft) {
				value := pathInstance(pattern, w.home)
				if len(d.outer) > 0 {
					value = below(d.outer[0], pattern, w.home)
				}
				d.setPath(field, value)
			})
		}
	}
	if field == "paths" {
		out = append(out, func(d *draft) { d.setPath(field, "/x/other") })
	}
	return out
}

func timeChoices(n *yaml.Node) []choice {
	var out []choice
	at := func(t time.Time) { out = append(out, func(d *draft) { d.now = t.UTC().Format(time.RFC3339) }) }
	zone := time.UTC
	if z := member(n, "zone"); z != nil {
		if loaded, err := time.LoadLocation(z.Value); err == nil {
			zone = loaded
		}
	}
	monday := time.Date(2026, 11, 23, 12, 0, 0, 0, zone)
	if between := member(n, "between"); between != nil {
		from, to, _ := strings.Cut(between.Value, "-")
		for i, text := range []string{from, to} {
			if t, err := time.Parse("15:04", strings.TrimSpace(text)); err == nil {
				edge := time.Date(2026, 11, 23, t.Hour(), t.Minute(), 0, 0, zone)
				at(edge.Add(time.Duration(-i) * time.Second))
				at(edge.Add(time.Duration(i-1) * time.Second))
			}
		}
	}
	for day := range 7 {
		at(monday.AddDate(0, 0, day))
	}
	return out
}

// boundChoices sets a fact on, below and above its bounds.
func boundChoices(fact string, bounds ...*yaml.Node) []choice {
	var out []choice
	for _, n := range bounds {
		if n == nil {
			continue
		}
		for _, text := range append([]string{n.Value}, shiftNumber(n.Value, false)...) {
			out = append(out, func(d *draft) { d.facts[fact] = json.Number(text) })
		}
	}
	return out
}

func sessionChoices(r *writtenRule, n *yaml.Node) []choice {
	var out []choice
	for _, label := range r.words(member(n, "read")) {
		out = append(out, func(d *draft) { d.session["read"] = []string{label} })
	}
	if calls := member(n, "max_calls"); calls != nil {
		for _, text := range append(shiftNumber(calls.Value, true), calls.Value) {
			out = append(out, func(d *draft) { d.session["calls_1h"] = json.Number(text) })
		}
	}
	return append(out, func(*draft) {})
}

// authChoices proves who calls, then less, or too long ago.
func authChoices(r *writtenRule, n *yaml.Node) []choice {
	prove := func(d *draft) {
		d.subject["mfa"], d.subject["auth_age_s"] = true, 0
		for _, acr := range r.words(member(n, "acr")) {
			d.subject["acr"] = acr
			return
		}
	}
	out := []choice{prove, func(d *draft) { delete(d.subject, "mfa"); delete(d.subject, "auth_age_s"); delete(d.subject, "acr") }}
	if age := member(n, "max_age"); age != nil {
		if limit, err := time.ParseDuration(age.Value); err == nil {
			for _, seconds := range []float64{limit.Seconds(), limit.Seconds() + 1} {
				out = append(out, func(d *draft) { prove(d); d.subject["auth_age_s"] = seconds })
			}
		}
	}
	return append(out, func(d *draft) { prove(d); d.subject["mfa"], d.subject["acr"] = false, "none" })
}

func deviceChoices(n *yaml.Node) []choice {
	var out []choice
	if member(n, "compliant") != nil {
		for _, value := range []bool{true, false} {
			out = append(out, func(d *draft) { d.facts["device.compliant"] = value })
		}
		out = append(out, func(d *draft) { delete(d.facts, "device.compliant") })
	}
	if age := member(n, "max_age"); age != nil {
		if d, err := time.ParseDuration(age.Value); err == nil {
			for _, seconds := range []float64{d.Seconds(), d.Seconds() + 1} {
				out = append(out, func(d *draft) {
					d.facts["device.compliant"] = map[string]any{"value": true, "source": "mdm", "age_s": seconds}
				})
			}
		}
	}
	return out
}

// argChoices sets an argument to the values that its constraints name.
func argChoices(r *writtenRule, path string, spec *yaml.Node) []choice {
	var out []choice
	set := func(v any) { out = append(out, func(d *draft) { d.setArg(path, v) }) }
	if enum := member(spec, "enum"); enum != nil {
		for _, word := range r.words(enum) {
			set(word)
		}
		for _, c := range enum.Content {
			if text, err := scalarJSON(c); err == nil && c.ShortTag() != "!!str" {
				set(json.RawMessage(text))
			}
		}
	}
	if p := member(spec, "pattern"); p != nil {
		set(textInstance(p.Value))
	}
	for _, key := range []string{"min", "max"} {
		if n := member(spec, key); n != nil {
			for _, text := range append([]string{n.Value}, shiftNumber(n.Value, false)...) {
				set(json.Number(text))
			}
		}
	}
	for _, key := range []string{"min_length", "max_length"} {
		if n := member(spec, key); n != nil {
			for _, text := range append([]string{n.Value}, shiftNumber(n.Value, true)...) {
				if length, err := json.Number(text).Int64(); err == nil && length <= 1<<16 {
					set(strings.Repeat("x", int(length)))
				}
			}
		}
	}
	if same := member(spec, "same_as"); same != nil && strings.HasPrefix(same.Value, "subject.") {
		out = append(out, func(d *draft) {
			d.subject[strings.TrimPrefix(same.Value, "subject.")] = "t1"
			d.setArg(path, "t1")
		})
	}
	if kind := member(spec, "type"); kind != nil && len(out) == 0 {
		typed := map[string]any{"string": "x", "integer": 1, "number": 1, "boolean": true, "array": []any{}, "object": map[string]any{}}[kind.Value]
		out = append(out, func(d *draft) {
			if d.args[path] == nil { // another rule may ask for more than a type
				d.setArg(path, typed)
			}
		})
	}
	set("something else")
	set(nil)
	return out
}
