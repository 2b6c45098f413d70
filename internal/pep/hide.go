package pep

import (
	"maps"
	"slices"
	"strings"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/audit"
)

// maxMatched bounds how many rules one record lists.
const maxMatched = 64

// message is what the caller was answered, without the value of the call that it
// repeats and without what a parser quoted: a record holds neither.
func message(d *access.Decision) string {
	m := d.Message
	if d.Shown != "" {
		m = strings.Replace(m, d.Shown, "The path", 1)
	}
	if d.Reason == access.RequestMalformed || d.Reason == access.RequestTooLarge {
		m = unquoted(m)
	}
	return m
}

// unquoted empties what stands between double quotes.
func unquoted(s string) string {
	var b strings.Builder
	inside := false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\' && inside:
			i++
		case c == '"':
			if inside {
				b.WriteString("…")
			}
			inside = !inside
			b.WriteByte(c)
		case !inside:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// bare cuts user, query and fragment out of a URI: they are where tokens travel.
func bare(uri string) string {
	if i := strings.IndexAny(uri, "?#"); i >= 0 {
		uri = uri[:i+1] + "…"
	}
	scheme, rest, ok := strings.Cut(uri, "://")
	if !ok {
		return uri
	}
	end := strings.IndexAny(rest, `/\`)
	if end < 0 {
		end = len(rest)
	}
	if at := strings.LastIndexByte(rest[:end], '@'); at >= 0 {
		rest = "…" + rest[at:]
	}
	return scheme + "://" + rest
}

// maxFacts bounds how many facts one record lists.
const maxFacts = 32

// facts lists what was known beside the call, in the order of names.
func facts(r *access.Request) []audit.Fact {
	if len(r.Facts) == 0 {
		return nil
	}
	names := slices.Sorted(maps.Keys(r.Facts))
	out := make([]audit.Fact, 0, min(len(names), maxFacts))
	for _, name := range names[:min(len(names), maxFacts)] {
		out = append(out, audit.NewFact(name, r.Facts[name]))
	}
	return out
}

// describe tells the arguments without repeating them. A name that the tool
// does not declare could itself be a secret, and is recorded as a digest.
func (p *Point) describe(r *access.Request) *audit.Args {
	if r.Args.IsAbsent() {
		return nil
	}
	a := audit.Describe(r.Args, p.declares(r), p.opt.Keyed)
	if p.opt.Keep != nil {
		p.opt.Keep.Keep(a, r)
	}
	return a
}

// declares returns what says which names are not the agent's own: those of the
// tool's schema, and those of MCP. Which arguments a prompt has is in no
// inventory.
func (p *Point) declares(r *access.Request) func(name string) bool {
	switch {
	case r.Kind == access.Method || r.Kind == access.Resource:
		return protocolName
	case r.Kind != access.Tool || p.opt.Tools == nil:
		return nil
	}
	def, _ := p.opt.Tools.Lookup(r.Name)
	if def == nil {
		return nil
	}
	properties := def.Schema.Get("properties")
	return func(name string) bool { return !properties.Get(name).IsAbsent() }
}

// protocolName reports whether MCP has a member of this name in some params.
func protocolName(name string) bool {
	switch name {
	case "_meta", "uri", "name", "arguments", "cursor", "level", "ref", "argument", "context",
		"protocolVersion", "capabilities", "clientInfo", "roots", "requestId", "reason", "progressToken", "progress", "total",
		"message", "messages", "modelPreferences", "systemPrompt", "includeContext", "temperature", "maxTokens",
		"stopSequences", "metadata", "tools", "toolChoice", "requestedSchema", "mode", "url", "elicitationId",
		"action", "content", "model", "role", "stopReason", "logger", "data", "task", "taskId", "status",
		"inputResponses", "requestState", "resourceSubscriptions", "toolsListChanged", "promptsListChanged", "resourcesListChanged":
		return true
	}
	return false
}

// provenance says where the judged values came from.
func (p *Point) provenance(r *access.Request) []audit.Origin {
	out := make([]audit.Origin, 0, 3)
	if r.Subject.Known {
		from := "process" // the user whom this process runs as
		if !sameSubject(r.Subject, p.opt.Subject) {
			from = "caller"
		}
		out = append(out, audit.Origin{Of: "subject", From: from})
	}
	if r.Client != "" {
		out = append(out, audit.Origin{Of: "client", From: "claimed"})
	}
	if r.Tool.Source != "" {
		out = append(out, audit.Origin{Of: "tool", From: r.Tool.Source})
	}
	return out
}

func sameSubject(a, b access.Subject) bool { return b.Known && a.ID == b.ID && a.Issuer == b.Issuer }
