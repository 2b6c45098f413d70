package pdp

import (
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/internal/canon"
)

// maxDecodings bounds how often a URI is percent-decoded. What is still encoded
// after it is nothing that an honest client sends, and matches no grant.
const maxDecodings = 8

// readURIs lists the readings of a resource's URI beside the one that was
// sent: percent-decoded to a fixpoint, and with dot segments and doubled
// separators folded. A grant must cover all of them, a restriction one.
func (e *evaluation) readURIs() {
	uri := e.r.Name
	if e.r.Kind != access.Resource || plainURI(uri) {
		return
	}
	forms := []string{uri}
	for decoded := uri; len(forms) <= maxDecodings; {
		next, err := url.PathUnescape(decoded)
		if err != nil || next == decoded {
			break
		}
		forms, decoded = append(forms, next), next
	}
	for _, f := range forms {
		if c := cleanURI(f); !slices.Contains(forms, c) {
			forms = append(forms, c)
		}
	}
	e.uris = forms[1:]
}

// plainURI reports whether a URI has only one reading.
func plainURI(uri string) bool {
	_, rest, ok := strings.Cut(uri, "://")
	if !ok {
		rest = uri
	}
	return !strings.ContainsAny(rest, `%\`) && !strings.Contains(rest, "//") && !strings.Contains(rest, "/.") && !strings.HasPrefix(rest, ".")
}

func cleanURI(uri string) string {
	head, rest, ok := strings.Cut(uri, "://")
	if !ok {
		head, rest, ok = strings.Cut(uri, ":")
		if !ok {
			return path.Clean(uri)
		}
		return head + ":" + path.Clean(rest)
	}
	return head + "://" + path.Clean(strings.ReplaceAll(rest, `\`, "/"))
}

// coveredFolded reports whether a restricting rule covers a reading of the URI
// once both are folded in case and Unicode form.
func (e *evaluation) coveredFolded(r *rule) bool {
	if e.r.Kind != access.Resource {
		return false
	}
	if covers(e.s.targets[r.at], e.r, canon.Fold(e.r.Name)) {
		return true
	}
	return slices.ContainsFunc(e.uris, func(u string) bool { return covers(e.s.targets[r.at], e.r, canon.Fold(u)) })
}

// candidates finds the rules whose patterns may cover the request, in the
// order of the files. What it found before is forgotten.
func (e *evaluation) candidates() []int32 {
	e.found.n, e.found.many = 0, nil
	e.readURIs()
	e.find(e.r.Name)
	if e.r.Kind == access.Resource {
		e.findFolded()
	}
	return e.found.ordered()
}

func (e *evaluation) findFolded() {
	r := e.r
	if f := canon.Fold(r.Name); f != r.Name {
		e.find(f)
	}
	for _, u := range e.uris {
		e.find(u)
		if f := canon.Fold(u); f != u {
			e.find(f)
		}
	}
}
