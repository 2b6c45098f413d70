package pdp

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/internal/canon"
)

// URLs is the operand of [CodeURLs], [CodeHosts] and [CodePorts].
type URLs struct {
	// Hosts says that the patterns are hosts, and that the domain of an
	// email-like value counts.
	Hosts bool
	// Ports says that the patterns are ports.
	Ports  bool
	Match  []URLPattern
	Except []URLPattern
	// None is `none: match`: true where the call has no such value.
	None bool
}

// URLPattern matches URLs, or their hosts or ports alone.
type URLPattern struct {
	Text   string
	scheme string
	host   hostPattern
	port   int // 0 is the own port of whatever scheme the glob meets
	path   Name
	// low and high bound the port, of a pattern over ports.
	low, high int
}

// hostPattern is a host, `*.x` for any depth below x, `**` for any, or a glob
// whose `*` stays within a label.
type hostPattern struct {
	any, below bool
	host       string
}

// ParseHost reads a pattern over hosts.
func ParseHost(text string) (URLPattern, error) {
	h, err := parseHost(text)
	return URLPattern{Text: text, host: h}, err
}

func parseHost(text string) (hostPattern, error) {
	if text == "*" || text == "**" {
		return hostPattern{any: true}, nil
	}
	rest, below := strings.CutPrefix(text, "*.")
	if strings.Contains(rest, "*") {
		return hostPattern{below: below, host: strings.ToLower(rest)}, nil
	}
	host, sure := canon.ReadHost(rest)
	if host == "" || !sure {
		return hostPattern{}, fmt.Errorf("%q is not a host", text)
	}
	return hostPattern{below: below, host: host}, nil
}

func (h *hostPattern) matches(host string) bool {
	switch {
	case host == "":
		return false
	case h.any:
		return true
	case !h.below:
		return host == h.host || wild(h.host, host, '.')
	}
	// Any depth below: what stands before some dot is free.
	for i := 0; i < len(host); i++ {
		if host[i] == '.' && i > 0 && (host[i+1:] == h.host || wild(h.host, host[i+1:], '.')) {
			return true
		}
	}
	return false
}

// ParseURL reads a pattern scheme://host[:port]/path. In the path `*` stays
// within a segment and `**` does not; `*` may stand in the scheme too.
func ParseURL(text string) (URLPattern, error) {
	p := URLPattern{Text: text}
	scheme, rest, ok := strings.Cut(text, "://")
	slash := strings.IndexByte(rest, '/')
	switch {
	case !ok || scheme == "":
		return p, errors.New("a URL pattern is scheme://host/path")
	case slash < 0:
		return p, fmt.Errorf("this URL pattern has no path: for all of it write %q", text+"/**")
	case strings.ContainsAny(rest, "?#@"):
		return p, errors.New("a URL pattern has no user, query or fragment")
	}
	p.scheme = strings.ToLower(scheme)
	authority, path := rest[:slash], rest[slash:]
	if i := strings.LastIndexByte(authority, ':'); i >= 0 && !strings.HasSuffix(authority, "]") {
		port, err := strconv.ParseUint(authority[i+1:], 10, 16)
		if err != nil || port == 0 {
			return p, fmt.Errorf("%q is not a port", authority[i+1:])
		}
		p.port, authority = int(port), authority[:i]
	}
	if p.port == 0 && !strings.Contains(scheme, "*") {
		p.port = ownPort(p.scheme)
	}
	var err error
	p.host, err = parseHost(authority)
	p.path = ParseName(access.Resource, path)
	return p, err
}

func (p *URLPattern) matches(u *canon.URLForm) bool {
	if !wild(p.scheme, u.Scheme, 0) || !p.host.matches(u.Host) || !p.path.Matches(u.Path) {
		return false
	}
	return p.port == u.Port || p.port == 0 && ownPort(u.Scheme) == u.Port
}

// ownPort is the port of a URL that names none.
func ownPort(scheme string) int {
	u, _ := canon.ReadURL(scheme + "://h/")
	return u.Port
}

// hit reports whether a pattern of the list matches one reading.
func (c *URLs) hit(list []URLPattern, u *canon.URLForm) bool {
	for i := range list {
		p, found := &list[i], false
		switch {
		case c.Hosts:
			found = p.host.matches(u.Host)
		case c.Ports:
			found = u.Port != 0 && p.low <= u.Port && u.Port <= p.high
		default:
			found = p.matches(u)
		}
		if found {
			return true
		}
	}
	return false
}

// blank reports whether a reading does not have what the patterns are about:
// the port of a scheme that has none of its own.
func (c *URLs) blank(u *canon.URLForm) bool { return c.Ports && u.Port == 0 }

func (c *URLs) judge(e *evaluation, g reading) access.Truth {
	t, n := truth(g == granting), 0
	urls := e.allURLs()
	for i := range urls {
		v := &urls[i]
		if v.email && !c.Hosts {
			continue
		}
		n++
		if g == granting {
			t = and(t, c.within(v))
		} else {
			t = or(t, c.suspect(v))
		}
	}
	if n == 0 {
		return none(c.None, e.r)
	}
	return t
}

// within asks whether every reading of the URL matches and none is excepted.
func (c *URLs) within(v *urlValue) access.Truth {
	if !v.read {
		return access.Unknown
	}
	for i := -1; i < len(v.form.Others); i++ {
		u := v.at(i)
		if c.blank(u) {
			return access.Unknown
		}
		if !c.hit(c.Match, u) || c.hit(c.Except, u) {
			return access.False
		}
	}
	if !v.form.Grantable() {
		return access.Unknown
	}
	return access.True
}

// suspect asks whether a reading of the URL matches, unless all are excepted.
func (c *URLs) suspect(v *urlValue) access.Truth {
	if !v.read {
		return access.Unknown
	}
	found, exempt, blank := false, true, false
	for i := -1; i < len(v.form.Others); i++ {
		u := v.at(i)
		blank = blank || c.blank(u)
		found = found || c.hit(c.Match, u)
		exempt = exempt && c.hit(c.Except, u)
	}
	if blank && !found {
		return access.Unknown
	}
	return truth(found && !exempt)
}

// urlValue is one URL or address in the arguments.
type urlValue struct {
	raw  string
	form canon.URLForm
	// read is false for an argument that is declared as a URL and is none.
	read  bool
	email bool
}

// at returns the i-th other reading, -1 for the URL itself.
func (v *urlValue) at(i int) *canon.URLForm {
	if i < 0 {
		return &v.form
	}
	return &v.form.Others[i]
}

// allURLs finds every URL of the request, once.
func (e *evaluation) allURLs() []urlValue {
	if e.urlsSet {
		return e.urls
	}
	e.urlsSet = true
	if e.r.Kind == access.Resource {
		e.addURL(e.r.Name, false)
	}
	e.walkURLs(e.r.Args)
	for _, arg := range e.r.Tool.URLs {
		e.declaredURL(argument(e.r.Args, arg))
	}
	return e.urls
}

func (e *evaluation) walkURLs(v access.Value) {
	if v.Kind() == access.String {
		e.addURL(v.Text(), false)
		return
	}
	for i := range v.Len() {
		e.walkURLs(v.At(i).Value)
	}
}

// declaredURL adds what is declared as a URL and does not read as one; what
// does was found already.
func (e *evaluation) declaredURL(v access.Value) {
	switch v.Kind() {
	case access.Absent, access.Null:
	case access.String:
		e.addURL(v.Text(), true)
	case access.Array:
		for i := range v.Len() {
			e.declaredURL(v.At(i).Value)
		}
	default:
		e.urls = append(e.urls, urlValue{raw: v.Raw()})
	}
}

func (e *evaluation) addURL(s string, declared bool) {
	if strings.IndexByte(s, ':') >= 0 {
		if u, ok := canon.ReadURL(s); ok && u.Host != "" {
			if !declared {
				e.urls = append(e.urls, urlValue{raw: s, form: u, read: true})
			}
			return
		}
	}
	if declared {
		e.urls = append(e.urls, urlValue{raw: s})
		return
	}
	for _, host := range canon.EmailDomains(s) {
		e.urls = append(e.urls, urlValue{raw: s, form: canon.URLForm{Host: host}, read: true, email: true})
	}
}
