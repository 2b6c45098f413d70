package pa

import (
	"slices"
	"strconv"
	"strings"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/internal/canon"
)

// Ground says where a backend stands: what its paths mean.
type Ground struct {
	// Local backends open paths on this machine: readings include what the
	// kernel would resolve.
	Local bool
	// Home is the home directory of the user who runs Custos, for `~`.
	Home string
	// Bases are the directories a local backend may resolve relative paths
	// against, as written and as resolved. They only restrict: a relative path
	// without a declared base can satisfy no grant.
	Bases []string
}

// maxPath is PATH_MAX of Linux: what is still longer once folded names no
// file.
const maxPath = 4096

// places lists every string of the arguments that is a path or could be one,
// with its readings (policy.md §3).
func (g Ground) places(args access.Value, facts *access.ToolFacts) []access.Place {
	w := walker{ground: g, args: args, facts: facts}
	w.value("", "", args)
	return w.out
}

// walker visits the arguments of one call.
type walker struct {
	ground Ground
	args   access.Value
	facts  *access.ToolFacts
	out    []access.Place
}

// value visits one value at a JSON path. name is the path without indices,
// the form in which arguments are declared.
func (w *walker) value(path, name string, v access.Value) {
	switch v.Kind() {
	case access.Object:
		for _, m := range v.Members() {
			// A key may name a file too: {"files": {"/etc/passwd": "…"}}.
			if strings.ContainsRune(m.Key, '/') {
				w.suspect(join(path, m.Key), m.Key)
			}
			w.value(join(path, m.Key), join(name, m.Key), m.Value)
		}
	case access.Array:
		for i, m := range v.Members() {
			w.value(path+"["+strconv.Itoa(i)+"]", name, m.Value)
		}
	case access.String:
		w.text(path, name, v.Text())
	case access.Absent:
	default:
		if _, declared := w.declaration(name); declared && name != "" {
			// A declared path that is no string names something we cannot read.
			w.out = append(w.out, access.Place{Arg: path, Raw: v.Raw(), Declared: true, Role: role(name)})
		}
	}
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// declaration returns how the facts declare an argument as a path.
func (w *walker) declaration(name string) (access.PathFact, bool) {
	for _, f := range w.facts.Paths {
		if covers(f.Arg, name) {
			return f, true
		}
	}
	return access.PathFact{}, false
}

// covers reports whether a declared argument is this one or holds it: what is
// said of an argument is said of everything in it.
func covers(arg, name string) bool {
	rest, ok := strings.CutPrefix(name, unindexed(arg))
	return ok && (rest == "" || rest[0] == '.')
}

// unindexed drops "[]", "[*]" and "[0]" from a declared JSON path: a
// declaration holds for every item.
func unindexed(arg string) string {
	for {
		open := strings.IndexByte(arg, '[')
		if open < 0 {
			return arg
		}
		end := strings.IndexByte(arg[open:], ']')
		if end < 0 {
			return arg
		}
		arg = arg[:open] + arg[open+end+1:]
	}
}

func (w *walker) text(path, name, s string) {
	fact, declared := w.declaration(name)
	switch {
	case declared:
	case slices.ContainsFunc(w.facts.NotPaths, func(arg string) bool { return covers(arg, name) }):
		return
	case commonName(name):
		fact, declared = access.PathFact{Arg: name}, true
	default:
		w.suspect(path, s)
		return
	}
	local := w.ground.Local && !fact.Remote
	form := canon.ReadPath(s)
	p := access.Place{Arg: path, Raw: s, Role: role(name), Declared: declared, Refused: form.Control}
	bases, based := w.bases(fact)
	p.Readings, p.Grantable = readings(form, bases, local)
	p.Grantable = p.Grantable && (form.Absolute || based)
	if bare := unquoted(s); bare != s { // "/srv/pub/.. " is "/srv" to who trims
		trimmed, sure := readings(canon.ReadPath(bare), bases, local)
		p.Readings, p.Grantable = distinct(append(p.Readings, trimmed...)), p.Grantable && sure
	}
	w.out = append(w.out, w.suspected(p, form, local))
}

// suspect adds a string that nothing declares: it can restrict, never grant.
func (w *walker) suspect(path, s string) {
	if len(s) > maxPath && len(canon.Clean(s)) > maxPath {
		return
	}
	if plain(s) {
		w.out = append(w.out, w.ground.name(path, s))
		return
	}
	form := canon.ReadPath(s)
	p := access.Place{Arg: path, Raw: s}
	p.Readings, _ = readings(form, nil, w.ground.Local)
	w.out = append(w.out, w.suspected(p, form, w.ground.Local))
}

// bases returns the readings of the argument that relative values are based
// on, and whether such a base is known for certain.
func (w *walker) bases(fact access.PathFact) ([]string, bool) {
	if fact.Base == "" {
		return nil, false
	}
	v := w.args.Path(strings.Split(fact.Base, ".")...)
	if v.Kind() != access.String {
		return nil, false
	}
	form := canon.ReadPath(v.Text())
	if !form.Absolute || !form.Grantable() {
		return nil, false
	}
	// The raw form stays unfolded: the kernel resolves links before "..".
	return form.Forms, true
}

// readings returns {raw, decoded by steps} × {lexical, kernel-resolved}, each
// joined to every base where the form is relative. It reports false where the
// form or the kernel leaves doubt.
func readings(f canon.PathForm, bases []string, local bool) ([]string, bool) {
	sure := f.Grantable()
	var out []string
	for _, p := range f.Forms {
		for _, full := range onto(bases, p) {
			out = append(out, canon.Clean(full))
			if !local || !strings.HasPrefix(full, "/") {
				continue
			}
			opened, err := openings(full)
			if err != nil {
				sure = false
			}
			out = append(out, opened...)
		}
	}
	return distinct(out), sure
}

// onto joins a relative path to each base, without folding: links come first.
func onto(bases []string, p string) []string {
	if strings.HasPrefix(p, "/") || len(bases) == 0 {
		return []string{p}
	}
	out := make([]string, len(bases))
	for i, b := range bases {
		out[i] = b + "/" + p
	}
	return out
}

// suspected adds the readings that only restrict, and the folded forms of all.
func (w *walker) suspected(p access.Place, f canon.PathForm, local bool) access.Place {
	forms := canon.SuspectForms(p.Raw)
	if rest, ok := strings.CutPrefix(f.Decoded, "~"); ok && w.ground.Home != "" && (rest == "" || rest[0] == '/') {
		forms = append(forms, canon.Clean(w.ground.Home+rest))
	}
	forms = append(forms, w.rebased(f, local)...)
	if bare := unquoted(p.Raw); bare != p.Raw {
		form := canon.ReadPath(bare)
		read, _ := readings(form, nil, local)
		forms = slices.Concat(forms, read, w.rebased(form, local))
	}
	for _, s := range forms {
		p.Suspect = append(p.Suspect, s)
		if local && strings.HasPrefix(s, "/") && !slices.Contains(p.Readings, s) {
			opened, _ := openings(s)
			p.Suspect = append(p.Suspect, opened...)
		}
	}
	p.Suspect = slices.DeleteFunc(distinct(p.Suspect), func(s string) bool { return slices.Contains(p.Readings, s) })
	p.Folded = canon.FoldPaths(slices.Concat(p.Readings, p.Suspect))
	return p
}

// rebased returns what a relative path means in the directories that a local
// server may resolve it against.
func (w *walker) rebased(f canon.PathForm, local bool) []string {
	if !local || f.Absolute || f.Scheme || f.Raw == "" || len(w.ground.Bases) == 0 {
		return nil
	}
	out, _ := readings(f, w.ground.Bases, true)
	return out
}

// unquoted cuts surrounding white space and one pair of quotes: known servers
// do so before they open a path.
func unquoted(s string) string {
	s = strings.TrimSpace(s)
	s = strings.TrimLeft(s, `"'`)
	return strings.TrimRight(s, `"'`)
}

// distinct drops repeated strings and keeps the order. It changes in.
func distinct(in []string) []string {
	out := in[:0]
	for _, s := range in {
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}
