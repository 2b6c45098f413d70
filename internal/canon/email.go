package canon

import "strings"

// EmailDomain returns the domain of one address like "a@b.example",
// "Name <a@b.example>" or "mailto:a@b.example", in the form of [ReadHost]. It
// reports false for several addresses: see [EmailDomains].
func EmailDomain(s string) (string, bool) {
	domains := EmailDomains(s)
	if len(domains) != 1 {
		return "", false
	}
	return domains[0], true
}

// EmailDomains returns the domains of a list of addresses separated by commas
// or semicolons, or nil if s is no such list. Each domain counts: one good
// recipient must not hide another.
func EmailDomains(s string) []string {
	if strings.IndexByte(s, '@') < 0 {
		return nil
	}
	if len(s) >= 7 && strings.EqualFold(s[:7], "mailto:") {
		s, _, _ = strings.Cut(s[7:], "?")
	}
	var out []string
	seen := map[string]bool{}
	for part := range strings.FieldsFuncSeq(s, func(r rune) bool { return r == ',' || r == ';' }) {
		part = strings.TrimSpace(part)
		if part == "" {
			continue
		}
		domain, ok := mailboxDomain(part)
		if !ok {
			return nil
		}
		if !seen[domain] {
			seen[domain] = true
			out = append(out, domain)
		}
	}
	return out
}

// mailboxDomain reads one mailbox.
func mailboxDomain(s string) (string, bool) {
	if inner, angled := strings.CutSuffix(s, ">"); angled {
		s = inner[strings.LastIndexByte(inner, '<')+1:]
	}
	at := strings.LastIndexByte(s, '@')
	if at < 1 || strings.ContainsAny(s, " \t\r\n/") {
		return "", false
	}
	domain, _ := ReadHost(s[at+1:])
	return domain, domain != ""
}
