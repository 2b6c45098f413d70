package pdp

import (
	"slices"

	"github.com/custos-zt/custos/access"
)

// Declared returns what the policy declares about a tool: the entry of
// `tools:` for backend.tool over the one for the backend, field by field, and
// the labels that `labels:` gives it. known is the registry entry that either
// names, or "".
//
// These are the declared facts alone. Package inventory lays them over the
// registry's and the schema's before a request is decided.
func (s *Snapshot) Declared(backend, tool string) (facts access.ToolFacts, known string) {
	base, isBase := s.tools[backend]
	own, isOwn := s.tools[backend+"."+tool]
	d := base.Over(own)
	if isBase || isOwn {
		d.Facts.Source = "policy"
	}
	for i := range s.labels {
		l := &s.labels[i]
		tagged := slices.ContainsFunc(l.Targets, func(t Target) bool { return t.matches(access.Tool, backend, tool) })
		if tagged && !slices.Contains(d.Facts.Labels, l.Name) {
			d.Facts.Labels = append(slices.Clip(d.Facts.Labels), l.Name)
		}
	}
	return d.Facts, d.Known
}

// Over returns d with every field replaced that o has written.
func (d Declaration) Over(o Declaration) Declaration {
	f, g := &d.Facts, &o.Facts
	if o.Known != "" {
		d.Known = o.Known
	}
	if o.Has&HasOps != 0 {
		// by refines ops, and goes with them.
		f.Ops, f.OpsBy = g.Ops, nil
	}
	if o.Has&HasBy != 0 {
		f.OpsBy = g.OpsBy
	}
	if o.Has&HasSideEffects != 0 {
		f.SideEffects = g.SideEffects
	}
	if o.Has&HasTier != 0 {
		f.Tier = g.Tier
	}
	if o.Has&HasLabels != 0 {
		f.Labels = g.Labels
	}
	if o.Has&HasPaths != 0 {
		f.Paths = g.Paths
	}
	if o.Has&HasNotPaths != 0 {
		f.NotPaths = g.NotPaths
	}
	if o.Has&HasURLs != 0 {
		f.URLs = g.URLs
	}
	if o.Has&HasCommands != 0 {
		f.Commands = g.Commands
	}
	if o.Has&HasSecrets != 0 {
		f.Secrets = g.Secrets
	}
	f.Described = f.Described || g.Described
	d.Has |= o.Has
	return d
}
