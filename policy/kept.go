package policy

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

// Keepsake is one text to keep under its digest, so that a decision that
// names a policy can be shown the policy.
type Keepsake struct {
	Digest string // "sha256:…"
	Data   []byte
}

// Kept returns what has to be kept of a policy: each file, and, of several,
// the list of their digests, whose own digest is that of the policy.
func Kept(sources []Source) []Keepsake {
	out := make([]Keepsake, 0, len(sources)+1)
	for _, s := range sources {
		out = append(out, Keepsake{"sha256:" + hexSum(s.Data), s.Data})
	}
	if len(sources) > 1 {
		list := listing(sources)
		out = append(out, Keepsake{"sha256:" + hexSum(list), list})
	}
	return out
}

// digest is the SHA-256 of the file; of several, that of their listing.
func digest(sources []Source) string {
	if len(sources) == 1 {
		return "sha256:" + hexSum(sources[0].Data)
	}
	return "sha256:" + hexSum(listing(sources))
}

// listing is the list of the files' digests, in order, one a line.
func listing(sources []Source) []byte {
	var list []byte
	for _, s := range sources {
		list = fmt.Appendf(list, "%s\n", hexSum(s.Data))
	}
	return list
}

func hexSum(b []byte) string {
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:])
}
