package pdp

import (
	"strings"

	"github.com/custos-zt/custos/access"
)

// seen writes what a condition looks at in this request.
func (e *evaluation) seen(op *op) string {
	r := e.r
	switch op.code {
	case CodeSubjects, CodeGroups, CodeRoles, CodeTenants, CodeIssuers:
		return e.seenSubject(op.code)
	case CodeClients:
		return orUnknown(r.Client)
	case CodeAgents:
		return orUnknown(r.Agent)
	case CodeOps:
		if r.ArgsUnknown {
			return orUnknown(strings.Join(r.Tool.Ops.Names(), ", "))
		}
		return orUnknown(strings.Join(OpsOf(&r.Tool, r.Args).Names(), ", "))
	case CodeSideEffects:
		return seenWords(r.Tool.SideEffects)
	case CodeLabels:
		return e.seenLabels()
	case CodeTier:
		return orUnknown(r.Tool.Tier)
	case CodeTime:
		return e.s.windows[op.ref].seen(r.Now)
	case CodeFact:
		return e.s.facts[op.ref].seen(r)
	default:
		return e.seenCall(op)
	}
}

func (e *evaluation) seenSubject(c Code) string {
	s := &e.r.Subject
	switch {
	case !s.Known:
		return "unknown"
	case c == CodeGroups:
		return strings.Join(s.Groups, ", ")
	case c == CodeRoles:
		return strings.Join(s.Roles, ", ")
	case c == CodeTenants:
		return orUnknown(s.Tenant)
	case c == CodeIssuers:
		return orUnknown(s.Issuer)
	default:
		return s.String()
	}
}

func (e *evaluation) seenLabels() string {
	words := e.r.Tool.Labels
	for i := range e.s.labels {
		if l := &e.s.labels[i]; e.carries(l) && !contains(words, l.Name) {
			words = append(words[:len(words):len(words)], l.Name)
		}
	}
	if len(words) == 0 && len(e.s.labels) > 0 {
		return "none"
	}
	return seenWords(words)
}

func (e *evaluation) seenCall(op *op) string {
	r := e.r
	if r.ArgsUnknown {
		return "unknown"
	}
	switch op.code {
	case CodeArg:
		return seenArg(r.Args, e.s.wholeArgs[e.s.args[op.ref].whole-1].Path.steps)
	case CodeUnlisted:
		return [...]string{"no schema", "valid by its schema", "not valid by its schema"}[r.SchemaState]
	case CodeCommands:
		var out []string
		for _, arg := range r.Tool.Commands {
			out = append(out, seenValue(argument(r.Args, arg)))
		}
		return orUnknown(strings.Join(out, ", "))
	case CodePlaces:
		return seenPlaces(r, e.s.places[op.ref].Roles)
	case CodeWhen:
		return e.s.whens[op.ref].Seen(r)
	case CodeExtensions:
		return seenPlaces(r, RolesPaths)
	case CodeURLs, CodeHosts, CodePorts:
		var out []string
		for _, u := range e.allURLs() {
			out = append(out, u.raw)
		}
		return orNone(out)
	default:
		return ""
	}
}

func seenPlaces(r *access.Request, roles RoleSet) string {
	var out []string
	for i := range r.Places {
		p := &r.Places[i]
		if p.Declared && roles.has(p.Role) {
			out = append(out, p.Raw)
		} else if !p.Declared {
			out = append(out, p.Raw+" (perhaps)")
		}
	}
	return orNone(out)
}

func seenArg(v access.Value, steps []step) string {
	for _, st := range steps {
		if st.each {
			break
		}
		v = v.Get(st.key)
	}
	return seenValue(v)
}

// seenValue writes a value in short.
func seenValue(v access.Value) string {
	raw := v.Raw()
	switch {
	case v.IsAbsent():
		return "absent"
	case len(raw) > maxShown:
		return strings.ToValidUTF8(raw[:maxShown], "") + "…"
	default:
		return raw
	}
}

func seenWords(words []string) string {
	if words == nil {
		return "unknown"
	}
	return orNone(words)
}

func orNone(words []string) string {
	if len(words) == 0 {
		return "none"
	}
	return strings.Join(words, ", ")
}

func orUnknown(s string) string {
	if s == "" {
		return "unknown"
	}
	return s
}
