package pdp

import (
	"slices"
	"strings"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/internal/canon"
)

// MaxExtensions is how many one condition may list.
const MaxExtensions = 1 << 15

// extensions judges the ends of the names of paths: every declared path for a
// grant, any path for a restriction, as with the places of [CodePlaces].
func (e *evaluation) extensions(op *op, g reading) access.Truth {
	folded := operandsOf(e.s.words, op)
	words := folded[:op.mask] // as written
	t, n := truth(g == granting), 0
	for i := range e.r.Places {
		p := &e.r.Places[i]
		switch {
		case g == restricting:
			n++
			if mayEndIn(folded, p) {
				return access.True
			}
		case p.Declared:
			n++
			t = and(t, endsIn(words, p))
		}
	}
	if n == 0 {
		return access.False
	}
	return t
}

// withFoldedWords adds, behind extensions as they are written, what they look
// like folded: a restriction compares with both.
func withFoldedWords(words []string) []string {
	out := slices.Clip(words)
	for _, w := range words {
		if f := canon.Fold(w); f != w {
			out = append(out, f)
		}
	}
	return out
}

// endsIn asks whether every reading of a path has one of the extensions.
func endsIn(words []string, p *access.Place) access.Truth {
	for _, s := range p.Readings {
		if !hasExtension(words, s) {
			return access.False
		}
	}
	if p.Refused || !p.Grantable || len(p.Readings) == 0 {
		return access.Unknown
	}
	return access.True
}

// mayEndIn asks whether a reading of a path has one of the extensions, also
// as some systems fold it.
func mayEndIn(words []string, p *access.Place) bool {
	for _, forms := range [...][]string{p.Readings, p.Suspect, p.Folded} {
		for _, s := range forms {
			if hasExtension(words, s) {
				return true
			}
		}
	}
	return false
}

// hasExtension reports whether the last part of a path ends in a dot and one of
// the words. A name that is nothing else, like .env, has it too.
func hasExtension(words []string, path string) bool {
	name := path[strings.LastIndexAny(path, `/\`)+1:]
	for _, w := range words {
		if rest, ok := strings.CutSuffix(name, w); ok && strings.HasSuffix(rest, ".") {
			return true
		}
	}
	return false
}
