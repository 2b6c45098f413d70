package pa

import (
	"path/filepath"
	"strings"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/internal/canon"
)

// protectedPath is one of Custos's own files or directories in the forms in
// which a call may name it, folded like the readings it is compared to.
type protectedPath []string

// protect reads the given paths as written and as the kernel resolves them.
func protect(paths []string) []protectedPath {
	var out []protectedPath
	for _, p := range paths {
		abs, err := filepath.Abs(p)
		if err != nil {
			continue
		}
		forms := []string{canon.Fold(canon.Clean(abs))}
		if resolved, err := resolve(abs); err == nil {
			forms = append(forms, canon.Fold(resolved))
		}
		out = append(out, distinct(forms))
	}
	return out
}

// gate reports the hard stop for a call that names Custos's own configuration,
// policy, state, keys or log: no rule lifts it.
func (a *Administrator) gate(places []access.Place) (access.Gate, bool) {
	protected := *a.protected.Load()
	for i := range places {
		for _, form := range places[i].Folded {
			for _, p := range protected {
				if p.holds(form) {
					return access.Gate{
						Reason: access.ProtectedPath,
						Detail: "this path belongs to Custos itself",
					}, true
				}
			}
		}
	}
	return access.Gate{}, false
}

// holds reports whether a folded reading is the path or lies below it.
func (p protectedPath) holds(form string) bool {
	for _, own := range p {
		if rest, ok := strings.CutPrefix(form, own); ok && (rest == "" || rest[0] == '/') {
			return true
		}
	}
	return false
}
