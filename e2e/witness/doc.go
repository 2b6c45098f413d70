// Package witness holds the signed formats of Custos against another
// implementation of them, transparency-dev/formats: checkpoints and
// cosignatures, in both directions. It is a module of its own, so that nobody
// who uses Custos downloads what only these tests need.
package witness
