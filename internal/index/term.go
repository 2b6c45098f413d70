package index

import "encoding/base64"

// term is what a posting is about: a text of the dictionary, a digest or a pair,
// in the upper bits, and its class in the lower five.
type term int64

// class says what about an entry a term names.
type class uint8

// The classes of terms. Their numbers are stored.
const (
	ofKind  class = iota + 1
	ofEnd         // the kind of the outcome
	ofTitle       // backend.tool
	ofDecision
	ofReason
	ofRule
	ofPolicy
	ofSubject
	ofAgent
	ofSession
	ofApprover
	ofLabel
	ofSelf // approved by who asked; has no value
	ofPath
	ofHost
	// Pairs: what is frequent alone and may be rare together.
	ofSubjectTitle
	ofTitleDecision
	ofSubjectDecision
	ofSubjectRule
	ofTitleLabel
	ofSubjectLabel
	ofArg
)

const (
	classBits  = 5
	digestBits = 48
	digestSize = digestBits / 8
)

// word returns the term of a text of the dictionary.
func (c class) word(id int64) term { return term(id<<classBits) | term(c) }

// pair returns the term of two texts. Two pairs may share a term: what a posting
// finds is looked at anyway.
func (c class) pair(a, b int64) term {
	x := uint64(a)*0x9e3779b97f4a7c15 ^ uint64(b)*0xc2b2ae3d27d4eb4f
	x ^= x >> 29
	x *= 0xbf58476d1ce4e5b9
	x ^= x >> 32
	return term(x&(1<<digestBits-1)<<classBits) | term(c)
}

// digest returns the term of the digest of a judged value, and its six bytes.
func (c class) digest(text string) (t term, b [digestSize]byte, ok bool) {
	n, err := base64.RawURLEncoding.Decode(b[:], []byte(text))
	if err != nil || n != digestSize {
		return 0, b, false
	}
	var v int64
	for _, x := range b {
		v = v<<8 | int64(x)
	}
	return term(v<<classBits) | term(c), b, true
}

// blockSize is how many entries a posting points at.
const (
	blockShift = 8
	blockSize  = 1 << blockShift
)

// chunkShift: one posting is about 64 blocks, a bit each.
const (
	chunkShift = 6
	chunkMask  = 1<<chunkShift - 1
)

// blockOf returns the block of entry n, and where a block begins and ends.
func blockOf(n int64) int64     { return n >> blockShift }
func firstOf(block int64) int64 { return block << blockShift }
func lastOf(block int64) int64  { return block<<blockShift | (blockSize - 1) }
