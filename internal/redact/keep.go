package redact

import (
	"slices"
	"strings"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/audit"
)

// The bounds of what a record keeps of values.
const (
	maxValue  = 1 << 10   // of one argument, at tier 2
	maxValues = 4 << 10   // of all of them
	maxWhole  = 512 << 10 // of the whole, at tier 3: a record holds 1 MiB
)

// Keep adds to the description of the arguments of r what the tier keeps of
// their values. Known secrets are masked first, at every tier.
//
// Tier 2 keeps a value where that is certain to be wanted: the tool carries a
// label, all its labels are among those that are allowed, the tool declares the
// argument, nothing declares it or a part of it as a secret, and it is at most
// 1 KiB. Tier 3 keeps everything, encrypted to the auditor's key, up to 512 KiB.
func (d *Redactor) Keep(a *audit.Args, r *access.Request) {
	if d == nil || a == nil {
		return
	}
	switch d.opt.Tier {
	case 2:
		a.Tier = 2
		d.values(a, r)
	case 3:
		a.Tier = 3
		d.whole(a, r)
	}
}

func (d *Redactor) values(a *audit.Args, r *access.Request) {
	if len(r.Tool.Labels) == 0 || r.Args.Kind() != access.Object {
		return
	}
	for _, l := range r.Tool.Labels {
		if !slices.Contains(d.opt.Labels, l) {
			return
		}
	}
	kept, room := make([]string, len(a.Names)), maxValues
	for i := range a.Names {
		m := r.Args.At(i)
		raw := m.Value.Raw()
		if a.Names[i] != m.Key || isSecret(&r.Tool, m.Key) || len(raw) > min(maxValue, room) {
			continue
		}
		room -= len(raw)
		text, masked := d.opt.Secrets.Mask(raw)
		kept[i], a.Masked = text, a.Masked || masked
	}
	if slices.ContainsFunc(kept, func(s string) bool { return s != "" }) {
		a.Values = kept
	}
}

// isSecret reports whether an argument, or something in it, is declared as a
// secret.
func isSecret(t *access.ToolFacts, name string) bool {
	return slices.ContainsFunc(t.Secrets, func(path string) bool {
		rest, ok := strings.CutPrefix(path, name)
		return ok && (rest == "" || rest[0] == '.' || rest[0] == '[')
	})
}

func (d *Redactor) whole(a *audit.Args, r *access.Request) {
	raw := r.Args.Raw()
	if len(raw) > maxWhole || d.opt.Encrypt == nil {
		return
	}
	text, masked := d.opt.Secrets.Mask(raw)
	sealed, err := d.opt.Encrypt([]byte(text))
	if err != nil {
		return // the record says tier 3 and holds nothing, which is what happened
	}
	a.Age, a.Masked = sealed, masked
}
