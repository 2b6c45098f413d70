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
	if covers(r.targets, e.r, canon.Fold(e.r.Name)) {
		return true
	}
	return slices.ContainsFunc(e.uris, func(u string) bool { return covers(r.targets, e.r, canon.Fold(u)) })
}

// candidates finds the rules whose patterns may cover the request, in the
// order of the files.
func (e *evaluation) candidates(out []int32) []int32 {
	c := e.s.caller(&e.r.Subject)
	return e.candidatesFor(out, &c)
}

func (e *evaluation) candidatesFor(out []int32, c *caller) []int32 {
	r := e.r
	e.readURIs()
	out = e.find(out, r.Name, c)
	if r.Kind == access.Resource {
		out = e.foldedCandidates(out, c)
	}
	return ordered(out)
}

func (e *evaluation) foldedCandidates(out []int32, c *caller) []int32 {
	r := e.r
	if f := canon.Fold(r.Name); f != r.Name {
		out = e.find(out, f, c)
	}
	for _, u := range e.uris {
		out = e.find(out, u, c)
		if f := canon.Fold(u); f != u {
			out = e.find(out, f, c)
		}
	}
	return out
}
