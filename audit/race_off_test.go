//go:build !race

package audit

// raceEnabled says that the race detector is compiled in.
const raceEnabled = false
