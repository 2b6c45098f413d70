package policy

import (
	"encoding/binary"
	"slices"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/internal/pdp"
)

// unlisted_args: declared | reject | allow. Which arguments a grant admits
// that it does not name; every rule that grants has this condition.
func readUnlisted(r *reader, f field, at place) []pdp.Op {
	switch {
	case at.exception:
		r.err(f.key, "", "unlisted_args has no meaning in an exception")
	case at.effect == access.Deny:
		r.err(f.key, "", "unlisted_args has no meaning on a rule that denies")
	}
	return []pdp.Op{{Code: pdp.CodeUnlisted, Unlisted: &pdp.Unlisted{Admit: r.admission(f.node)}}}
}

// withUnlisted completes the condition on unlisted arguments with what the
// other conditions name, and adds it where the rule does not write it.
func (r *reader) withUnlisted(ops []pdp.Op) []pdp.Op {
	at := slices.IndexFunc(ops, func(op pdp.Op) bool { return op.Code == pdp.CodeUnlisted })
	if at < 0 {
		at = len(ops)
		ops = append(ops, pdp.Op{
			Code: pdp.CodeUnlisted, Group: pdp.GroupArguments, Unlisted: &pdp.Unlisted{Admit: r.unlisted},
			Field: "unlisted_args", Text: [...]string{"declared", "reject", "allow"}[r.unlisted],
		})
	}
	u := ops[at].Unlisted
	for i := range ops {
		switch op := &ops[i]; op.Code {
		case pdp.CodeArg:
			u.HasArgs = true
		case pdp.CodePlaces:
			u.Roles |= op.Places.Roles
		case pdp.CodeCommands:
			u.Commands = true
		case pdp.CodeURLs, pdp.CodeHosts:
			u.URLs = true
		default:
		}
	}
	ops[at].Unlisted = r.sharedUnlisted(u, ops)
	return ops
}

// sharedUnlisted returns one value for all rules that name the same arguments:
// in a large policy most do.
func (r *reader) sharedUnlisted(u *pdp.Unlisted, ops []pdp.Op) *pdp.Unlisted {
	key := append(r.scratch[:0], byte(u.Admit), byte(u.Roles), bit(u.HasArgs)|bit(u.Commands)<<1|bit(u.URLs)<<2)
	for i := range ops {
		if ops[i].Code == pdp.CodeArg {
			path := ops[i].Arg.Path.Text
			key = append(binary.AppendUvarint(key, uint64(len(path))), path...)
		}
	}
	r.scratch = key
	if first := r.unlistedBy[string(key)]; first != nil {
		return first
	}
	for i := range ops {
		if ops[i].Code == pdp.CodeArg {
			u.Name(ops[i].Arg.Path)
		}
	}
	r.unlistedBy[string(key)] = u
	return u
}

func bit(b bool) byte {
	if b {
		return 1
	}
	return 0
}
