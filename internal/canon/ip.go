package canon

import (
	"net/netip"
	"strconv"
	"strings"
)

// readIPv6 returns the canonical form of the address between brackets. An
// address of IPv4 in IPv6 clothes is that IPv4 address: it reaches the same
// host. ok is false for a zone and for everything that is no address.
func readIPv6(s string) (host string, ok bool) {
	addr, err := netip.ParseAddr(s)
	if err != nil || addr.Is4() {
		return strings.ToLower(s), false
	}
	return addr.Unmap().WithZone("").String(), addr.Zone() == ""
}

// endsInNumber reports whether host must be an IPv4 address or nothing, by the
// WHATWG URL standard: its last label is a number.
func endsInNumber(host string) bool {
	last := host[strings.LastIndexByte(host, '.')+1:]
	if last == "" {
		return false
	}
	if strings.Trim(last, "0123456789") == "" {
		return true
	}
	hex, isHex := strings.CutPrefix(last, "0x")
	return isHex && strings.Trim(hex, "0123456789abcdef") == ""
}

// readIPv4 reads one to four numbers, each decimal, octal (leading 0) or
// hexadecimal (leading 0x), of which the last fills the remaining bytes: the
// notation of inet_aton, which resolvers and browsers still take. asDecimal
// reads a leading 0 as nothing, which others do.
func readIPv4(host string, asDecimal bool) (string, bool) {
	parts := strings.Split(host, ".")
	if len(parts) > 4 {
		return host, false
	}
	var addr uint64
	for i, part := range parts {
		n, ok := ipNumber(part, asDecimal)
		last := i == len(parts)-1
		if !ok || !last && n > 255 || last && n >= 1<<(8*(5-len(parts))) {
			return host, false
		}
		if last {
			addr |= n
		} else {
			addr |= n << (24 - 8*i)
		}
	}
	b := [4]byte{byte(addr >> 24), byte(addr >> 16), byte(addr >> 8), byte(addr)}
	return netip.AddrFrom4(b).String(), true
}

func ipNumber(s string, asDecimal bool) (uint64, bool) {
	base := 10
	if hex, isHex := strings.CutPrefix(s, "0x"); isHex {
		if hex == "" {
			return 0, true
		}
		s, base = hex, 16
	} else if !asDecimal && len(s) > 1 && s[0] == '0' {
		base = 8
	}
	if s == "" || s[0] == '+' || s[0] == '-' {
		return 0, false
	}
	n, err := strconv.ParseUint(s, base, 32)
	return n, err == nil
}

// hasLeadingZero reports whether a decimal-looking part of an IPv4 address
// begins with 0, so that it is octal to some readers.
func hasLeadingZero(host string) bool {
	for part := range strings.SplitSeq(host, ".") {
		if len(part) > 1 && part[0] == '0' && part[1] != 'x' {
			return true
		}
	}
	return false
}
