package proof

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/internal/inventory"
)

// draft is a request that is being made up.
type draft struct {
	target  map[string]string // backend and one of tool, uri, prompt, method
	args    map[string]any
	subject map[string]any
	agent   string
	facts   map[string]any
	session map[string]any
	// counters hold what was counted before, by limit or rule.
	counters map[string]any
	now      string
	// What the tool is known to have, where its server is.
	def   *inventory.Definition
	tool  access.ToolFacts
	outer []string // path patterns of the grant that a restriction is laid over
}

func (d *draft) clone() *draft {
	out := *d
	out.args, out.subject = maps.Clone(d.args), maps.Clone(d.subject)
	out.facts, out.session, out.counters = maps.Clone(d.facts), maps.Clone(d.session), maps.Clone(d.counters)
	return &out
}

// line renders the draft as `policy eval` reads it.
func (d *draft) line() []byte {
	all := map[string]any{}
	for k, v := range d.target {
		all[k] = v
	}
	if d.agent != "" {
		all["agent"] = d.agent
	}
	if d.now != "" {
		all["now"] = d.now
	}
	for k, part := range map[string]map[string]any{
		"arguments": d.args, "subject": d.subject, "facts": d.facts, "session": d.session, "counters": d.counters,
	} {
		if len(part) > 0 {
			all[k] = part
		}
	}
	out, err := json.Marshal(all)
	if err != nil {
		return nil // a value that JSON has not: no request
	}
	return out
}

// newDraft is a request for one target with the arguments that its tool wants.
func (w *witnesses) newDraft(p pattern) *draft {
	d := &draft{
		target: map[string]string{}, args: map[string]any{}, facts: map[string]any{},
		// Somebody, of whom nothing is known but what a rule asks for.
		subject: map[string]any{"id": "somebody"}, session: map[string]any{"id": "s", "read": []string{}},
		counters: map[string]any{}, now: "2026-11-23T12:00:00Z",
	}
	for id := range w.caps {
		d.counters[id] = 0
	}
	key := map[access.Kind]string{access.Tool: "tool", access.Resource: "uri", access.Prompt: "prompt", access.Method: "method"}[p.kind]
	d.target[key] = instance(p.name)
	if p.kind == access.Method {
		return d
	}
	d.target["backend"] = instance(p.backend)
	if p.kind != access.Tool {
		return d
	}
	_, known := w.newer.snapshot.Declared(d.target["backend"], d.target["tool"])
	entry := w.bench.Registry.Entry(known)
	declared, _ := w.newer.snapshot.Declared(d.target["backend"], d.target["tool"])
	d.def = entry.Newest(d.target["tool"])
	d.tool = inventory.Describe(declared, entry, d.def)
	if d.def != nil {
		d.required()
	} else if !d.tool.Described {
		d.facts["tool.ops"], d.facts["tool.side_effects"] = []string{"read"}, []string{}
	}
	return d
}

// required fills the arguments that the tool's schema asks for.
func (d *draft) required() {
	for _, m := range d.def.Schema.Get("required").Members() {
		name := m.Value.Text()
		switch spec := d.def.Schema.Path("properties", name); spec.Get("type").Text() {
		case "string":
			d.args[name] = "x"
			if choices := spec.Get("enum"); choices.Len() > 0 {
				d.args[name] = choices.At(0).Value.Text()
			}
		case "integer", "number":
			d.args[name] = 1
		case "boolean":
			d.args[name] = true
		case "array":
			d.args[name] = []any{}
		case "object":
			d.args[name] = map[string]any{}
		}
	}
}

// setPath makes every path of the call this one; only the destination or the
// source where a role is given.
func (d *draft) setPath(role, value string) {
	var names []string
	for _, f := range d.tool.Paths {
		if !strings.ContainsAny(f.Arg, ".[") {
			names = append(names, f.Arg)
		}
	}
	if len(names) == 0 {
		names = []string{map[string]string{"paths": "path", "from": "source", "to": "destination"}[role]}
	}
	for _, name := range names {
		destination := slices.Contains([]string{"destination", "dest", "target", "to"}, name)
		if role == "to" && !destination && len(names) > 1 || role == "from" && destination {
			continue
		}
		if d.isArray(name) {
			d.args[name] = []any{value}
		} else {
			d.args[name] = value
		}
	}
}

func (d *draft) isArray(name string) bool {
	return d.def != nil && d.def.Schema.Path("properties", name, "type").Text() == "array"
}

// setFirst sets the declared argument of a kind, or the common name for it.
func (d *draft) setFirst(declared []string, common, value string) {
	name := common
	if len(declared) > 0 && !strings.ContainsAny(declared[0], ".[") {
		name = declared[0]
	}
	d.args[name] = value
}

// setArg sets an argument by its JSON path; items of lists are not made up.
func (d *draft) setArg(path string, value any) {
	if strings.Contains(path, "[") {
		return
	}
	keys := strings.Split(path, ".")
	at := d.args
	for _, k := range keys[:len(keys)-1] {
		inner, _ := at[k].(map[string]any)
		inner = maps.Clone(inner)
		if inner == nil {
			inner = map[string]any{}
		}
		at[k] = inner
		at = inner
	}
	if value == nil {
		delete(at, keys[len(keys)-1])
		return
	}
	at[keys[len(keys)-1]] = value
}
