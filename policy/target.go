package policy

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
	"sync"

	"go.yaml.in/yaml/v3"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/internal/pdp"
)

var (
	backendName    = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-z0-9-]{1,32}$`) })
	backendPattern = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-z0-9*-]{1,64}$`) })
)

// targets reads the patterns of an effect or a label.
func (r *reader) targets(n *yaml.Node, what string, effect access.Effect) []pdp.Target {
	var out []pdp.Target
	for _, w := range r.words(n, what) {
		if t, ok := r.target(w, effect); ok {
			out = append(out, t)
		}
	}
	return out
}

// target reads one pattern: BACKEND.TOOL, resource:BACKEND.URI,
// prompt:BACKEND.NAME, method:NAME, or "*" on a deny.
func (r *reader) target(w word, effect access.Effect) (pdp.Target, bool) {
	if w.text == "*" && effect == access.Deny {
		return pdp.Target{Everything: true}, true
	}
	kind, rest := access.Tool, w.text
	if head, tail, ok := strings.Cut(w.text, ":"); ok && !strings.ContainsAny(head, ".*") {
		switch head {
		case "resource":
			kind, rest = access.Resource, tail
		case "prompt":
			kind, rest = access.Prompt, tail
		case "method":
			return r.method(w, tail)
		default:
			r.err(w.node, cmp.Or(suggest(head, []string{"resource", "prompt", "method"}), "a tool is plain BACKEND.TOOL"), "%s is not a kind of thing: resource, prompt or method", show(head))
			return pdp.Target{}, false
		}
	}
	backend, name, dotted := strings.Cut(rest, ".")
	if !dotted {
		backend, name = r.backend, rest
		if backend == "" && effect == access.Deny {
			backend = "*"
		}
	}
	return r.pair(w, kind, backend, name)
}

func (r *reader) method(w word, name string) (pdp.Target, bool) {
	if name == "" {
		r.err(w.node, "method:NAME", "%s names no method", show(w.text))
		return pdp.Target{}, false
	}
	return pdp.Target{Kind: access.Method, Name: pdp.ParseName(access.Method, name)}, true
}

// pair builds the target for a backend and a name.
func (r *reader) pair(w word, kind access.Kind, backend, name string) (pdp.Target, bool) {
	form := map[access.Kind]string{access.Tool: "backend.tool", access.Resource: "resource:BACKEND.URI", access.Prompt: "prompt:BACKEND.NAME"}[kind]
	switch {
	case backend == "":
		r.err(w.node, "write "+form+", or give the file a backend:", "%s names no backend, and this policy is for several", show(w.text))
		return pdp.Target{}, false
	case !backendPattern().MatchString(backend):
		r.err(w.node, "write "+form, "%s is not the name of a backend: a-z, 0-9 and -, at most 32", show(backend))
		return pdp.Target{}, false
	case name == "":
		r.err(w.node, "write "+form, "%s names nothing after the backend", show(w.text))
		return pdp.Target{}, false
	}
	r.checkBackend(w.node, backend)
	return pdp.Target{Kind: kind, Backend: pdp.ParseName(access.Tool, backend), Name: pdp.ParseName(kind, name)}, true
}

// checkBackend reports a backend that does not exist, where it is known which
// do.
func (r *reader) checkBackend(n *yaml.Node, backend string) {
	all := r.options.Backends
	if all == nil || backend == "" || strings.Contains(backend, "*") || slices.Contains(all, backend) {
		return
	}
	report := r.warn
	if r.options.Strict {
		report = r.err
	}
	report(n, suggest(backend, all), "there is no backend %s", show(backend))
}

// labelled reads `labels:`, what carries which label.
func (r *reader) labelled(n *yaml.Node) {
	for _, f := range r.fields(n, "labels") {
		if !wordName().MatchString(f.name) {
			r.err(f.key, "", "%s is not a label: use a-z, 0-9, _ and -", show(f.name))
			continue
		}
		targets := r.targets(f.node, "a label", access.None)
		for i := range r.labels {
			if r.labels[i].Name == f.name {
				r.labels[i].Targets = append(r.labels[i].Targets, targets...)
				targets = nil
			}
		}
		if targets != nil {
			r.labels = append(r.labels, pdp.Label{Name: f.name, Targets: targets})
		}
	}
}

var wordName = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,63}$`) })
