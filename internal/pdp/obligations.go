package pdp

import (
	"slices"

	"github.com/custos-zt/custos/access"
)

// Oblige adds to a decision what its rules ask for beside it: the labels that an
// allowed call leaves on its session, and who is told. Every rule that acted
// counts, whichever determined; one that only records does not. Labels are left
// by what passes or is held to pass.
func (s *Snapshot) Oblige(d *access.Decision) {
	d.AddLabels, d.Notify = nil, nil
	if !s.obliges {
		return
	}
	for i := range d.Matched {
		m := &d.Matched[i]
		at, ok := s.numberOf(m.Rule)
		if !ok || m.Monitor || m.Lifted {
			continue // a limit, or a rule that did nothing
		}
		in := &s.infos[at]
		if d.Effect != access.Deny {
			d.AddLabels = union(d.AddLabels, in.AddLabels)
		}
		d.Notify = union(d.Notify, in.Notify)
	}
}

// union adds the words that are not there yet.
func union(to, words []string) []string {
	for _, w := range words {
		if !slices.Contains(to, w) {
			to = append(to, w)
		}
	}
	return to
}

// Remembers reports whether the policy asks what a session has read, or says
// what it did: whether labels have to be kept.
func (s *Snapshot) Remembers() bool { return s.remembers }

// Reads returns the labels that a call lets its session see: those of what it
// asks for, where the call reads, or may. What it names in a URI counts in every
// reading.
func (s *Snapshot) Reads(r *access.Request) []string {
	const reading = access.OpRead | access.OpList | access.OpCopy | access.OpMove | access.OpExecute
	if ops := OpsOf(&r.Tool, r.Args); r.Kind == access.Tool && ops != 0 && ops&reading == 0 {
		return nil
	}
	e := evaluation{s: s, r: r}
	e.readURIs()
	out := slices.Clone(r.Tool.Labels)
	for i := range s.labels {
		if l := &s.labels[i]; !slices.Contains(out, l.Name) && e.carries(l) {
			out = append(out, l.Name)
		}
	}
	return out
}
