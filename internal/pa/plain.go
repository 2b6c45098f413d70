package pa

import (
	"io/fs"
	"os"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/internal/canon"
)

// maxName is NAME_MAX: no file system has a longer name.
const maxName = 255

// plain reports whether a string has one reading only: it could be the name
// of a file in some directory, and nothing in it can be read in two ways. Most
// free text of a call is plain, and this keeps it cheap.
func plain(s string) bool {
	if s == "" || s == "." || s == ".." {
		return false
	}
	for i := range len(s) {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '_', c == '-', c == ',':
		case c == '.', c == ' ':
			if i == 0 && c == ' ' || i == len(s)-1 { // trimmed by some, dropped by Windows
				return false
			}
		default:
			return false
		}
	}
	return true
}

// name reads a plain string as the name of a file in each base. Where that is
// a link, what it leads to counts too.
func (g Ground) name(arg, s string) access.Place {
	p := access.Place{Arg: arg, Raw: s, Readings: []string{s}}
	if g.Local && len(s) <= maxName {
		for _, base := range g.Bases {
			full := base + "/" + s
			p.Suspect = append(p.Suspect, full)
			if info, err := os.Lstat(full); err == nil && info.Mode()&fs.ModeSymlink != 0 {
				if resolved, err := resolve(full); err == nil {
					p.Suspect = append(p.Suspect, resolved)
				}
			}
		}
	}
	p.Folded = make([]string, 0, 1+len(p.Suspect))
	p.Folded = append(p.Folded, canon.Fold(s))
	for _, form := range p.Suspect {
		p.Folded = append(p.Folded, canon.Fold(form))
	}
	return p
}
