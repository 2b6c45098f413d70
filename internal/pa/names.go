package pa

import (
	"strings"
	"unicode"

	"github.com/custos-zt/custos/access"
)

// commonName reports whether an argument is a path by its common name: the
// last word of its last key says so ("path", "outputDir", "repo_path").
func commonName(name string) bool {
	all := words(name)
	if len(all) == 0 {
		return false
	}
	switch all[len(all)-1] {
	case "path", "paths", "filepath", "filepaths", "filename", "filenames",
		"file", "files", "dir", "dirs", "directory", "directories", "folder", "folders",
		"source", "sources", "src", "origin", "destination", "destinations", "dest", "dst", "target",
		"uri", "uris", "cwd", "workdir":
		return true
	case "from", "to":
		return len(all) == 1
	default:
		return false
	}
}

// role says which end of a call an argument names.
func role(name string) access.PlaceRole {
	for _, w := range words(name) {
		switch w {
		case "source", "sources", "src", "from", "origin":
			return access.RoleFrom
		case "destination", "destinations", "dest", "dst", "to", "target":
			return access.RoleTo
		}
	}
	return access.RolePath
}

// words splits the last key of a JSON path into lower-case words at
// underscores, dashes, blanks and changes from lower to upper case.
func words(name string) []string {
	name = name[strings.LastIndexByte(name, '.')+1:]
	var out []string
	var word strings.Builder
	flush := func() {
		if word.Len() > 0 {
			out = append(out, word.String())
			word.Reset()
		}
	}
	lower := false
	for _, r := range name {
		switch {
		case r == '_' || r == '-' || r == ' ':
			flush()
			lower = false
			continue
		case unicode.IsUpper(r) && lower:
			flush()
		}
		lower = unicode.IsLower(r)
		word.WriteRune(unicode.ToLower(r))
	}
	flush()
	return out
}
