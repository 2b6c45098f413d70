package canon

import (
	"strings"
	"unicode"

	"github.com/custos-zt/custos/access"
)

// pairwise is the number of keys up to which a new key is compared with each
// one before it; above, a map is cheaper.
const pairwise = 12

// keySet finds clashes among the keys of one object.
type keySet struct {
	fold bool
	seen map[string]struct{} // made when the object outgrows pairwise
}

// add returns why key must not stand beside the keys of members, or "".
func (k *keySet) add(members []access.Member, key string) string {
	if strings.IndexByte(key, 0) >= 0 {
		return "NUL in key " + quoted(key)
	}
	if len(members) < pairwise {
		for i := range members {
			if k.clash(members[i].Key, key) {
				return clashText(members[i].Key, key)
			}
		}
		return ""
	}
	if k.seen == nil {
		k.seen = make(map[string]struct{}, 4*pairwise)
		for i := range members {
			k.seen[k.form(members[i].Key)] = struct{}{}
		}
	}
	form := k.form(key)
	if _, dup := k.seen[form]; dup {
		for i := range members {
			if k.clash(members[i].Key, key) {
				return clashText(members[i].Key, key)
			}
		}
	}
	k.seen[form] = struct{}{}
	return ""
}

func (k *keySet) clash(a, b string) bool {
	return a == b || k.fold && strings.EqualFold(a, b)
}

func (k *keySet) form(key string) string {
	if k.fold {
		return simpleFold(key)
	}
	return key
}

func clashText(a, b string) string {
	if a == b {
		return "duplicate key " + quoted(b)
	}
	return "keys " + quoted(a) + " and " + quoted(b) + " differ only in case"
}

// simpleFold maps s so that two strings are mapped to the same one exactly if
// [strings.EqualFold] calls them equal.
func simpleFold(s string) string {
	return strings.Map(func(r rune) rune {
		if r < 'a' {
			// No rune below 'a' has a smaller one in its orbit.
			return r
		}
		if r <= 'z' {
			return r - 'a' + 'A'
		}
		least := r
		for o := unicode.SimpleFold(r); o != r; o = unicode.SimpleFold(o) {
			least = min(least, o)
		}
		return least
	}, s)
}

// FoldedMember returns the key of the first member of v that is equal to one
// of names after case folding without being it, or "". A reader that ignores
// case would take such a member for the named one. Callers use it on the
// members that they read by name: `Name` beside or instead of `name`.
func FoldedMember(v access.Value, names ...string) string {
	if v.Kind() != access.Object {
		return ""
	}
	for i := range v.Len() {
		key := v.At(i).Key
		for _, n := range names {
			if key != n && strings.EqualFold(key, n) {
				return key
			}
		}
	}
	return ""
}
