package canon

import (
	"net/netip"
	"strconv"
	"strings"
)

// URLForm is what a string says when it is taken for an absolute URL.
type URLForm struct {
	Scheme string // lower case
	// Host is in the form of [ReadHost]; empty in "file:///x".
	Host string
	// Port is the one given or the scheme's own; 0 if neither is known.
	Port int
	// Path begins with a slash; dot segments are folded and escapes decoded
	// where that changes nothing. Query and fragment are no part of the form.
	Path string

	// Userinfo says that the URL names a user. It then satisfies no grant.
	Userinfo bool
	// Doubtful says that programs are known to read such a URL differently:
	// backslashes, control characters, missing or additional slashes, hosts and
	// ports out of the ordinary, a path that climbs once it is decoded further.
	Doubtful bool
	// Others are the other readings of a doubtful URL. They only restrict.
	Others []URLForm
}

// Grantable reports whether the URL may satisfy a grant at all.
func (u *URLForm) Grantable() bool { return !u.Userinfo && !u.Doubtful }

// String returns scheme://host[:port]/path, without a port that is the
// scheme's own.
func (u *URLForm) String() string {
	host := u.Host
	if addr, err := netip.ParseAddr(host); err == nil && addr.Is6() {
		host = "[" + host + "]"
	}
	if u.Port != 0 && u.Port != defaultPort(u.Scheme) {
		host += ":" + strconv.Itoa(u.Port)
	}
	return u.Scheme + "://" + host + u.Path
}

// ReadURL reads s as an absolute URL with an authority. It follows the WHATWG
// URL standard, which takes more than RFC 3986 does, and marks as doubtful what
// only one of them takes.
func ReadURL(s string) (URLForm, bool) {
	var u URLForm
	colon := strings.IndexByte(s, ':')
	if colon < 2 {
		return u, false
	}
	if clean := urlText(s); clean != s {
		u.Doubtful = true
		if s, colon = clean, strings.IndexByte(clean, ':'); colon < 2 {
			return u, false
		}
	}
	if !isScheme(s[:colon]) {
		return u, false
	}
	u.Scheme = strings.ToLower(s[:colon])
	rest, ok := u.authorityStart(s[colon+1:])
	if !ok {
		return u, false
	}
	ends := "/?#"
	if u.special() {
		ends = `/?#\`
	}
	end := indexAnyOrEnd(rest, ends)
	if !u.authority(rest[:end]) {
		return u, false
	}
	u.hiddenAuthority(rest, end)
	p := rest[end:]
	u.path(p[:indexAnyOrEnd(p, "?#")])
	return u, true
}

// urlText removes what URL parsers ignore: C0 and spaces around, tabs and line
// breaks anywhere.
func urlText(s string) string {
	s = strings.TrimFunc(s, func(r rune) bool { return r <= ' ' })
	return strings.Map(func(r rune) rune {
		if r == '\t' || r == '\n' || r == '\r' {
			return -1
		}
		return r
	}, s)
}

// special reports whether the scheme's URLs always have a host, so that
// browsers repair their slashes.
func (u *URLForm) special() bool {
	switch u.Scheme {
	case "http", "https", "ws", "wss", "ftp":
		return true
	}
	return false
}

func defaultPort(scheme string) int {
	switch scheme {
	case "http", "ws":
		return 80
	case "https", "wss":
		return 443
	case "ftp":
		return 21
	case "ssh", "sftp":
		return 22
	}
	return 0
}

// authorityStart cuts the slashes behind the scheme.
func (u *URLForm) authorityStart(s string) (string, bool) {
	rest, regular := strings.CutPrefix(s, "//")
	if !u.special() {
		return rest, regular && rest != ""
	}
	rest = strings.TrimLeft(s, `/\`)
	n := len(s) - len(rest)
	if n != 2 || !regular {
		u.Doubtful = true
	}
	return rest, rest != "" && (n > 0 || rest[0] > ' ')
}

// authority reads [userinfo@]host[:port]. It reports false if there is no
// host that could be one.
func (u *URLForm) authority(s string) bool {
	if at := strings.LastIndexByte(s, '@'); at >= 0 {
		u.Userinfo = true
		// Some parsers end the userinfo at the first at sign.
		if first := strings.IndexByte(s, '@'); first < at {
			hidden, _, _ := strings.Cut(s[first+1:], "@")
			u.other(hidden)
		}
		s = s[at+1:]
	}
	host, port := splitPort(s)
	if host == "" {
		return !u.special() && port == ""
	}
	var sure bool
	if u.Host, sure = ReadHost(host); u.Host == "" {
		return false
	}
	u.Doubtful = u.Doubtful || !sure
	if hasLeadingZero(host) {
		if ip, ok := readIPv4(strings.ToLower(host), true); ok {
			u.Others = append(u.Others, URLForm{Host: ip})
		}
	}
	u.Port = defaultPort(u.Scheme)
	if port != "" {
		n, err := strconv.ParseUint(port, 10, 16)
		u.Port = int(n)
		if err != nil {
			u.Port, u.Doubtful = 0, true
		}
	}
	return true
}

// splitPort cuts host:port at the colon that does not belong to the host.
func splitPort(s string) (host, port string) {
	from := 0
	if strings.HasPrefix(s, "[") {
		from = strings.IndexByte(s, ']') + 1
	}
	if i := strings.IndexByte(s[from:], ':'); i >= 0 {
		return s[:from+i], s[from+i+1:]
	}
	return s, ""
}

// hiddenAuthority finds the host that a parser sees which ends the authority
// at the first slash alone: "http://good\@evil/", "http://good#@evil/".
func (u *URLForm) hiddenAuthority(rest string, end int) {
	far := indexAnyOrEnd(rest, "/")
	if far <= end {
		return
	}
	if at := strings.LastIndexByte(rest[:far], '@'); at >= end {
		u.Doubtful = true
		u.other(rest[at+1 : far])
	}
}

// other remembers a second host that the URL might name.
func (u *URLForm) other(authority string) {
	host, _ := splitPort(authority)
	if host, _ = ReadHost(host); host != "" && host != u.Host {
		u.Others = append(u.Others, URLForm{Host: host})
	}
}

func indexAnyOrEnd(s, chars string) int {
	if i := strings.IndexAny(s, chars); i >= 0 {
		return i
	}
	return len(s)
}
