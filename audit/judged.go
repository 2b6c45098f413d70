package audit

import (
	"encoding/base64"
	"slices"
	"strings"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/internal/canon"
)

// The caps on the digests of one record; see [Judged].Omitted.
const (
	maxJudgedPaths = 32
	maxJudgedOther = 16
	// digestBytes is the length of a digest of a judged value. 48 bits are eight
	// characters, and a record has a dozen digests. A query of a log of ten
	// million calls compares some 10^9 pairs, so that one query in a hundred
	// thousand shows a call that it should not: a line too many on a page, which
	// no decision depends on. Nothing is ever missed for being short, and who has
	// no key learns as little from 48 bits as from 256.
	digestBytes = 6
)

// Judged holds the keyed digests of the values that a decision was about, so
// that a log can be asked for a value that it does not hold. Equal values have
// equal digests under one key; a digest is HMAC-SHA-256 truncated to 48 bits,
// in eight characters of base64url. A match is therefore a strong hint, and
// what is not there did not match.
type Judged struct {
	// Paths are the readings of every path of the call and all directories above
	// them but "/": a query for a directory finds what lies in it.
	Paths []string `json:"paths,omitempty"`
	// Hosts are the hosts of URLs and of mail addresses.
	Hosts []string `json:"hosts,omitempty"`
	// Args are arguments that some rule of the policy names, with their values.
	Args []string `json:"args,omitempty"`
	// Omitted is not 0 where there were more than found room: how many at least
	// were not looked at. A query may miss such a call.
	Omitted int `json:"omitted,omitempty"`
}

// The purposes under which judged values are digested: a path, a host and an
// argument of the same text have nothing in common.
const (
	purposePath = "judged-path"
	purposeHost = "judged-host"
	purposeArg  = "judged-arg"
)

// Judge returns the digests of what a decision on r was about, or nil where
// that is nothing. r is only read.
func Judge(r *access.Request, keyed Keyed) *Judged {
	var j Judged
	hosts := digester{keyed: keyed, purpose: purposeHost, room: maxJudgedOther, omitted: &j.Omitted}
	if r.Kind == access.Resource {
		hosts.hosts(r.Name)
	}
	hosts.walk(r.Args)
	paths := digester{keyed: keyed, purpose: purposePath, room: maxJudgedPaths, omitted: &j.Omitted}
	paths.places(r.Places)
	args := digester{keyed: keyed, purpose: purposeArg, room: maxJudgedOther, omitted: &j.Omitted}
	for _, a := range r.Named {
		args.add(argText(a.Path, a.Value))
	}
	j.Paths, j.Hosts, j.Args = paths.out, hosts.out, args.out
	if j.Paths == nil && j.Hosts == nil && j.Args == nil && j.Omitted == 0 {
		return nil
	}
	return &j
}

// PathDigests returns what records hold in [Judged].Paths where their call is
// about path or something in it: one of these is enough. Every lexical reading
// of path counts. path SHOULD be absolute; links are not resolved, because what
// they led to was resolved when the call was decided.
func PathDigests(path string, keyed Keyed) []string {
	d := digester{keyed: keyed, purpose: purposePath, room: maxJudgedPaths}
	for _, p := range canon.LexicalReadings(canon.ReadPath(path), "") {
		d.add(p)
	}
	return d.out
}

// HostDigests returns what records hold in [Judged].Hosts where their call names
// host: one of these is enough. host may be a URL, whose host is meant then.
func HostDigests(host string, keyed Keyed) []string {
	d := digester{keyed: keyed, purpose: purposeHost, room: maxJudgedOther}
	if d.hosts(host); d.out == nil {
		for _, spelling := range [...]string{host, "[" + host + "]"} { // IPv6
			form, _ := canon.ReadHost(spelling)
			d.add(form)
		}
	}
	return d.out
}

// ArgDigest returns what records hold in [Judged].Args where the argument at a
// JSON path, as a rule writes it ("opts.limit", "to[]"), has this value.
func ArgDigest(path string, value access.Value, keyed Keyed) string {
	return digest(keyed, purposeArg, argText(path, value))
}

// ArgDigests returns what records hold in [Judged].Args where the argument at a
// JSON path has a value that somebody wrote as text: one of these is enough. The
// text is a string; where it is JSON it is that value too, so that 5 finds the
// number and the string of it. A number counts as it was sent: 5 is not 5.0.
func ArgDigests(path, text string, keyed Keyed) []string {
	d := digester{keyed: keyed, purpose: purposeArg, room: maxJudgedOther}
	d.add(path + "\x00" + access.String.String() + "\x00" + text)
	if v, err := canon.Parse(text, canon.Limits{Bytes: len(text) + 1, Depth: 64, FoldDepth: -1}); err == nil {
		d.add(argText(path, v))
	}
	return d.out
}

// argText joins path and value. Strings count as their content and everything
// else as it was sent, under its type: "1" is not 1.
func argText(path string, v access.Value) string {
	text := v.Raw()
	if v.Kind() == access.String {
		text = v.Text()
	}
	return path + "\x00" + v.Kind().String() + "\x00" + text
}

func digest(keyed Keyed, purpose, text string) string {
	sum := keyed(purpose, []byte(text))
	return base64.RawURLEncoding.EncodeToString(sum[:digestBytes])
}

// digester collects the digests of distinct texts.
type digester struct {
	keyed   Keyed
	purpose string
	room    int
	seen    []string
	out     []string
	omitted *int
}

func (d *digester) add(text string) {
	if text == "" {
		return
	}
	if d.full() {
		d.omit()
		return
	}
	if slices.Contains(d.seen, text) {
		return
	}
	if d.out == nil {
		d.seen, d.out = make([]string, 0, 8), make([]string, 0, 8)
	}
	d.seen = append(d.seen, text)
	d.out = append(d.out, digest(d.keyed, d.purpose, text))
}

func (d *digester) full() bool { return len(d.out) == d.room }

func (d *digester) omit() {
	if d.omitted != nil {
		*d.omitted++
	}
}

const (
	// maxURL is how much of a text is read as a URL: the host stands in front.
	maxURL = 4096
	// maxMail is how much of a text is read as a list of mail addresses.
	maxMail = 16 << 10
)

// hosts adds every host that s names, in every reading.
func (d *digester) hosts(s string) {
	if strings.IndexByte(s, ':') >= 0 {
		if u, ok := canon.ReadURL(s[:min(len(s), maxURL)]); ok && u.Host != "" {
			d.add(u.Host)
			for i := range u.Others {
				d.add(u.Others[i].Host)
			}
			return
		}
	}
	if len(s) > maxMail && strings.IndexByte(s, '@') >= 0 {
		s = s[:max(0, strings.LastIndexAny(s[:maxMail], ",;"))]
		d.omit()
	}
	for _, host := range canon.EmailDomains(s) {
		d.add(host)
	}
}

// walk adds the hosts of every string in v.
func (d *digester) walk(v access.Value) {
	if v.Kind() == access.String {
		d.hosts(v.Text())
		return
	}
	for _, m := range v.Members() {
		d.walk(m.Value)
	}
}

// places adds what the paths of a call may mean: first themselves, those that
// are declared before those that only look like one, then the directories above.
func (d *digester) places(places []access.Place) {
	for _, declared := range [...]bool{true, false} {
		for i := range places {
			if p := &places[i]; p.Declared == declared {
				forms(p, d.add)
			}
		}
	}
	for i := range places {
		if d.full() { // a call may name any number of paths
			d.omit()
			return
		}
		forms(&places[i], d.above)
	}
}

// forms yields the readings of a place that a query may ask for. A text that
// nothing declares as a path counts where it has the shape of one: free text
// with a slash in it does not.
func forms(p *access.Place, yield func(string)) {
	shaped := p.Declared || strings.HasPrefix(p.Raw, ".") || strings.HasPrefix(p.Raw, "~")
	for _, s := range p.Readings {
		if shaped || strings.HasPrefix(s, "/") {
			yield(s)
		}
	}
	if !shaped {
		return
	}
	for _, s := range p.Suspect {
		if strings.HasPrefix(s, "/") {
			yield(s)
		}
	}
}

// above adds the directories that a clean path lies in, the nearest last, but
// not "/", which everything lies in.
func (d *digester) above(s string) {
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] != '/':
		case d.full():
			d.omit()
			return
		default:
			d.add(s[:i])
		}
	}
}

// appendJudged appends the digests of a record.
func appendJudged(b []byte, j *Judged) []byte {
	if j == nil {
		return b
	}
	b = append(b, `,"judged":`...)
	at := len(b)
	b = appendStrings(b, "paths", j.Paths)
	b = appendStrings(b, "hosts", j.Hosts)
	b = appendStrings(b, "args", j.Args)
	b = appendCount(b, "omitted", int64(j.Omitted), false)
	if len(b) == at {
		return append(b, "{}"...)
	}
	b[at] = '{' // instead of the first comma
	return append(b, '}')
}
