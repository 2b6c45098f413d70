package pdp

import "strings"

// wild reports whether all of s matches pattern. `*` is any run of characters
// without sep, `**` any run at all; with sep 0 they are the same. Everything
// else stands for itself.
func wild(pattern, s string, sep byte) bool {
	// A star is retried by giving it one character more. Only the last star of
	// each kind is ever worth retrying: what stands before it has matched as
	// early as it can.
	var one, two retry
	p, i := 0, 0
	for i < len(s) || p < len(pattern) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			if sep == 0 || strings.HasPrefix(pattern[p:], "**") {
				for p < len(pattern) && pattern[p] == '*' {
					p++
				}
				two, one = retry{p, i, true}, retry{}
			} else {
				p++
				one = retry{p, i, true}
			}
			continue
		case p < len(pattern) && i < len(s) && pattern[p] == s[i]:
			p, i = p+1, i+1
			continue
		case one.set && one.at < len(s) && s[one.at] != sep:
			one.at++
			p, i = one.pattern, one.at
		case two.set && two.at < len(s):
			two.at++
			one = retry{}
			p, i = two.pattern, two.at
		default:
			return false
		}
	}
	return true
}

type retry struct {
	pattern, at int
	set         bool
}
