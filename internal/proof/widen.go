package proof

import "strings"

// kind is what the patterns of a list are.
type kind uint8

const (
	kindTarget kind = iota
	kindPath
	kindURL
	kindHost
	kindCommand
)

// kinds says which conditions are lists of patterns.
func kinds() map[string]kind {
	return map[string]kind{
		"paths": kindPath, "from": kindPath, "to": kindPath, "urls": kindURL, "hosts": kindHost,
		"commands": kindCommand, "agents": kindURL,
	}
}

// widen returns the next wider pattern, or "" where there is none. It takes
// the smallest step that is certain to match more: small mistakes are the ones
// that tests overlook.
func widen(pattern string, k kind) string {
	switch k {
	case kindTarget:
		return widenTarget(pattern)
	case kindPath:
		return widenPath(pattern)
	case kindURL:
		return widenURL(pattern)
	case kindHost:
		return widenHost(pattern)
	default:
		return widenCommand(pattern)
	}
}

// widenTarget widens the name to all of its backend, then the backend.
func widenTarget(pattern string) string {
	if pattern == "*" {
		return ""
	}
	prefix, rest, any := "", pattern, "*"
	if head, tail, ok := strings.Cut(pattern, ":"); ok && !strings.ContainsAny(head, ".*") {
		prefix, rest = head+":", tail
		if head == "method" || head == "resource" {
			any = "**"
		}
	}
	backend, name, dotted := strings.Cut(rest, ".")
	switch {
	case prefix == "method:" && rest != any:
		return prefix + any
	case prefix == "method:":
		return ""
	case !dotted && rest != any:
		return prefix + any
	case !dotted:
		return ""
	case name != any:
		return prefix + backend + "." + any
	case backend != "*":
		return prefix + "*." + any
	}
	return ""
}

// widenPath makes the last segment any one, or drops it where it is.
func widenPath(pattern string) string {
	head, below := strings.CutSuffix(pattern, "/**")
	tail := ""
	if below {
		tail = "/**"
	}
	slash := strings.LastIndexByte(head, '/')
	last := head[slash+1:]
	switch {
	case pattern == "**" || pattern == "**/*" || pattern == "/**" || head == "":
		return ""
	case slash < 0:
		return "**"
	case last == "*" || last == "**":
		return widenPath(head[:slash] + "/**")
	}
	return head[:slash+1] + "*" + tail
}

// widenURL widens the path, then the host.
func widenURL(pattern string) string {
	scheme, rest, ok := strings.Cut(pattern, "://")
	if !ok {
		return ""
	}
	host, path, slashed := strings.Cut(rest, "/")
	if slashed && path != "**" {
		return scheme + "://" + host + strings.TrimSuffix(widenPath("/"+path), "/")
	}
	if wider := widenHost(host); wider != "" && wider != "**" {
		return scheme + "://" + wider + strings.TrimPrefix(rest, host)
	}
	return ""
}

// widenHost makes the first label any.
func widenHost(pattern string) string {
	rest := strings.TrimPrefix(pattern, "*.")
	_, parent, ok := strings.Cut(rest, ".")
	switch {
	case pattern == "**" || pattern == "*":
		return ""
	case !ok:
		return "**"
	}
	return "*." + parent
}

// widenCommand makes the last word that is not any word so.
func widenCommand(pattern string) string {
	words := strings.Fields(pattern)
	for i := len(words) - 1; i >= 0; i-- {
		if words[i] != "*" {
			words[i] = "*"
			return strings.Join(words, " ")
		}
	}
	return ""
}
