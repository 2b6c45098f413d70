//go:build race

package index

// race says that the race detector slows everything down.
const race = true
