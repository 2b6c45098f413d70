package audit

import (
	"encoding/hex"

	"github.com/custos-zt/custos/access"
)

// The caps on argument names in a record.
const (
	MaxNames   = 64
	MaxNameLen = 64
)

// Keyed is a keyed digest under a purpose, such as the state directory's HMAC.
// Without its key nobody can find a short value by trying.
type Keyed func(purpose string, data []byte) [32]byte

// Describe returns what a record says about the arguments of a call: names,
// types and sizes, and one keyed digest of the whole as sent, but no value.
// declared says whether the tool declares an argument of this name; nil: none
// is. A name that is not declared, or too long, is itself what an agent wrote
// and appears as its keyed digest.
func Describe(args access.Value, declared func(name string) bool, keyed Keyed) *Args {
	if args.IsAbsent() {
		return nil
	}
	a := &Args{Names: []string{}, Bytes: len(args.Raw())}
	sum := keyed("args", []byte(args.Raw()))
	a.HMAC = "hmac-sha256:" + hex.EncodeToString(sum[:])
	if args.Kind() != access.Object {
		return a
	}
	a.Count = args.Len()
	for _, m := range args.Members()[:min(args.Len(), MaxNames)] {
		name := m.Key
		if declared == nil || !declared(name) || len(name) > MaxNameLen {
			sum := keyed("arg-name", []byte(name))
			name = "hmac:" + hex.EncodeToString(sum[:8])
		}
		a.Names = append(a.Names, name)
		a.Types = append(a.Types, m.Value.Kind().String())
		a.Lengths = append(a.Lengths, len(m.Value.Raw()))
	}
	return a
}
