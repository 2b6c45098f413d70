package canon

import (
	"strings"

	"golang.org/x/net/idna"
)

// maxHost bounds the work on one host. A name in DNS has 253 bytes, each of
// which can be sent as three escapes of a longer character.
const maxHost = 4096

// ReadHost returns the one form of a host: lower case, IDNA in ASCII, IP
// addresses of any notation in the usual one, IPv6 without brackets, no dot at
// the end. sure is false where programs may read another host, and the result
// is then the likeliest. A host that is too long or has characters that none has,
// such as spaces, is "" and not sure.
func ReadHost(s string) (host string, sure bool) {
	if len(s) > maxHost {
		return "", false
	}
	if inner, isV6 := strings.CutPrefix(s, "["); isV6 {
		inner, closed := strings.CutSuffix(inner, "]")
		host, ok := readIPv6(inner)
		return host, ok && closed
	}
	host, sure = s, true
	if escapeAt(s, 0) >= 0 {
		host, sure = decodeOnce(s), false
	}
	host, ok := toASCII(host)
	sure = sure && ok
	host = strings.TrimSuffix(host, ".")
	if host == "" || strings.ContainsAny(host, " #/:<>?@[\\]^|%\"`{}") || hasControl(host) {
		return "", false
	}
	if endsInNumber(host) {
		ip, ok := readIPv4(host, false)
		return ip, sure && ok && !hasLeadingZero(host)
	}
	return host, sure && !strings.Contains("."+host+".", "..")
}

// toASCII maps a host name as the WHATWG URL standard does (UTS #46,
// non-transitional). Where that fails, the folded text is the best there is.
func toASCII(s string) (string, bool) {
	lower := strings.ToLower(s)
	plain := true
	for i := range len(lower) {
		plain = plain && lower[i] < 0x80
	}
	if plain && !strings.Contains(lower, "xn--") {
		return lower, true
	}
	profile := idna.New(idna.MapForLookup(), idna.Transitional(false), idna.BidiRule(),
		idna.StrictDomainName(false), idna.CheckHyphens(false))
	ascii, err := profile.ToASCII(lower)
	if err != nil {
		return Fold(s), false
	}
	return ascii, true
}
