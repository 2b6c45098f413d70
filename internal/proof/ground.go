package proof

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/policy"
)

// A policy that denies everything from a machine that is not in order would
// decide every made-up request alike. So each starts on good ground: exceptions
// hold, nothing was counted yet, and it is noon on a working day. Then one thing
// at a time is taken away.

// excuse meets the first exception of every restriction that is about a
// request.
func (w *witnesses) excuse(d *draft) {
	p := d.pattern()
	for _, r := range slices.Concat(w.older.rules, w.newer.rules) {
		if r.Effect != access.Deny && r.Effect != access.Approve || len(r.unless) == 0 {
			continue
		}
		if !slices.ContainsFunc(r.patterns, func(q pattern) bool { return q.covers(p) }) {
			continue
		}
		for _, c := range w.fields(r, r.unless[0]) {
			c[0](d)
		}
	}
}

// exceptions meets each exception of a rule alone: the others are missed.
func (w *witnesses) exceptions(base *draft, r *writtenRule) {
	for k, own := range r.unless {
		d := base.clone()
		for j, other := range r.unless {
			if j == k {
				continue
			}
			for _, c := range w.fields(r, other) {
				c[len(c)-1](d)
			}
		}
		choices := w.fields(r, own)
		for _, c := range choices {
			c[0](d)
		}
		w.each(d, choices)
	}
}

// pattern is what the draft asks for.
func (d *draft) pattern() pattern {
	p := pattern{backend: d.target["backend"]}
	for key, kind := range map[string]access.Kind{"tool": access.Tool, "uri": access.Resource, "prompt": access.Prompt, "method": access.Method} {
		if d.target[key] != "" {
			p.kind, p.name = kind, d.target[key]
		}
	}
	return p
}

// join makes the caller one whom the layer of a rule is about.
func (w *witnesses) join(d *draft, r *writtenRule) {
	if user, ok := strings.CutPrefix(r.Layer, "user/"); ok {
		d.subject["issuer"], d.subject["id"], _ = strings.Cut(user, ":")
	}
	for _, t := range w.teams {
		if "team/"+t.Name == r.Layer && len(t.Groups) > 0 {
			d.subject["groups"] = []string{t.Groups[0]}
			if t.Issuer != "" {
				d.subject["issuer"] = t.Issuer
			}
		}
	}
}

// capped notes the counters of a policy's limits and rates.
func (w *witnesses) capped(sources []policy.Source) {
	for _, src := range sources {
		root, _ := policy.Expand(src)
		for _, list := range []string{"limits", "rules"} {
			entries := member(root, list)
			if entries == nil {
				continue
			}
			for _, n := range entries.Content {
				rate := n
				if list == "rules" {
					rate = member(n, "rate")
				}
				id, most := member(n, "id"), member(rate, "max")
				if id == nil || most == nil {
					continue
				}
				count, _, _ := strings.Cut(most.Value, "/")
				if c, err := strconv.Atoi(count); err == nil {
					w.caps[id.Value] = max(c, w.caps[id.Value])
				}
			}
		}
	}
}

// around returns what is tried on every request: counters at their caps, and
// each piece of good ground taken away, by itself.
func (w *witnesses) around() [][]choice {
	out := [][]choice{{
		func(d *draft) { d.now = "" },
		func(d *draft) { delete(d.facts, "tool.ops"); delete(d.facts, "tool.side_effects") },
		func(d *draft) { d.subject = map[string]any{} },
	}}
	for _, id := range slices.Sorted(maps.Keys(w.caps)) {
		var counts []choice
		for by := -2; by <= 1; by++ {
			if n := w.caps[id] + by; n >= 0 {
				counts = append(counts, func(d *draft) { d.counters[id] = n })
			}
		}
		out = append(out, counts)
	}
	return out
}
