package importer

import (
	"path"
	"regexp"
	"strings"
	"sync"
)

var betweenTimes = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^([01][0-9]|2[0-3]):[0-5][0-9]-(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$`)
})

// os371Conditions writes the conditions of an access rule.
func (r *reader) os371Conditions(n *node, effect string) []part {
	if n = present(n); n == nil {
		return nil
	}
	if !r.keys(n, "conditions", "agent_role", "time_of_day", "device_compliant") {
		return nil
	}
	out := &rule{}
	if v := n.get("agent_role"); v != nil {
		var roles []string
		for _, role := range r.texts(v, "agent_role", true) {
			roles = append(roles, role.value)
		}
		if len(roles) == 0 && !r.refused() {
			r.err(v.pos, "agent_role is an empty list, which nobody has")
		}
		out.list("roles", roles)
	}
	if v := n.get("time_of_day"); v != nil {
		s := r.text(v, "time_of_day")
		if s != "" && !betweenTimes().MatchString(s) {
			r.err(v.pos, "time_of_day is two times such as 09:00-17:00, and this is %s", show(s))
		}
		zone := r.options.Zone
		if zone == "" {
			zone = "UTC"
		}
		out.raw("time", "{between: "+doubleQuote(s)+", zone: "+quote(zone)+"}")
		r.remark(v.pos, "the time has no zone there: it is read in %s (--zone names another)", zone)
	}
	if v := n.get("device_compliant"); v != nil {
		compliant := r.flag(v, "device_compliant", true)
		out.raw("device", "{compliant: "+map[bool]string{true: "true", false: "false"}[compliant]+"}")
		if effect == "deny" {
			r.stricter(v.pos, "a device that is known to be so", "a device that nobody reports on is denied too")
		}
	}
	return out.parts
}

var rateLimit = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^([1-9][0-9]{0,8}) ?(?:/|per ) ?(second|minute|hour|day|s|m|min|h|d)$`)
})

// httpOps maps a method of a service to what its tools do.
func httpOps(method string) []string {
	switch method {
	case "GET", "HEAD":
		return []string{"read", "list"}
	case "OPTIONS":
		return []string{"list"}
	case "POST", "PUT":
		return []string{"write", "create"}
	case "PATCH":
		return []string{"write"}
	case "DELETE":
		return []string{"delete"}
	default:
		return nil
	}
}

// os371Service writes a policy between two services: who may call which
// backend, what its tools may do then, and how often.
func (r *reader) os371Service(n *node) {
	if !r.keys(n, "a service policy", "source", "destination", "allowed_methods", "rate_limit", "encryption_required", "mfa_required", "description") {
		return
	}
	for _, key := range []string{"source", "destination", "allowed_methods"} {
		if n.get(key) == nil {
			r.err(n.pos, "the service policy has no %s", key)
		}
	}
	source, destination := r.text(n.get("source"), "source"), r.text(n.get("destination"), "destination")
	if destination != "" && !backendName().MatchString(destination) {
		r.err(n.get("destination").pos, "the destination %s cannot be the name of a backend: a-z, 0-9 and -, at most 32", show(destination))
	}
	if source != "" && !plainName().MatchString(strings.NewReplacer("/", "", ":", "", ".", "").Replace(source)) {
		r.err(n.get("source").pos, "the source %s cannot be the name of an agent: no patterns", show(source))
	}
	out := &rule{id: r.id(path.Base(source) + "-to-" + destination), effect: "allow", targets: []string{destination + ".*"}}
	out.comment = r.origins(n, r.text(n.get("description"), "description"))
	out.list("agents", []string{source})
	out.list("ops", r.os371Methods(n.get("allowed_methods")))
	r.os371Limits(n, out)
	if v := n.get("source"); v != nil {
		r.stricter(v.pos, "the service that calls itself "+source, "an agent whose identity is proven to be "+source)
	}
	r.doc.rules = append(r.doc.rules, out)
}

// os371Methods maps methods of HTTP to what tools do.
func (r *reader) os371Methods(n *node) []string {
	seen := map[string]bool{}
	for _, m := range r.texts(n, "allowed_methods", true) {
		ops := httpOps(m.value)
		if ops == nil {
			r.err(m.pos, "%s is not a method: GET, HEAD, OPTIONS, POST, PUT, PATCH, DELETE%s", show(m.value), didYouMean(m.value, []string{"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"}))
		}
		for _, o := range ops {
			seen[o] = true
		}
	}
	var out []string
	for _, o := range []string{"read", "list", "write", "create", "delete"} {
		if seen[o] {
			out = append(out, o)
		}
	}
	switch {
	case len(out) > 0:
		r.stricter(n.pos, "any call with these methods", "tools that do nothing but "+strings.Join(out, ", ")+"; one without facts is not granted")
	case n != nil && !r.refused():
		r.err(n.pos, "allowed_methods is an empty list: leave the service policy out")
	}
	return out
}

// os371Limits writes how often, and what the caller must have proven.
func (r *reader) os371Limits(n *node, out *rule) {
	if v := n.get("rate_limit"); v != nil {
		s := r.text(v, "rate_limit")
		m := rateLimit().FindStringSubmatch(s)
		if m == nil && s != "" {
			r.err(v.pos, "rate_limit is a number for a time, such as 100/minute, and this is %s", show(s))
		} else if m != nil {
			per := map[byte]string{'s': "1s", 'm': "1m", 'h': "1h", 'd': "24h"}[m[2][0]]
			out.raw("rate", "{max: "+m[1]+"/"+per+", per: [agent]}")
		}
	}
	if r.flag(n.get("mfa_required"), "mfa_required", false) {
		out.raw("auth", "{mfa: true}")
	}
	if v := n.get("encryption_required"); r.flag(v, "encryption_required", false) {
		r.wider(v.pos, "that an unencrypted connection is refused", "no condition says it: give the backend an https address or a local command in the configuration")
	}
}
