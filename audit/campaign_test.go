package audit

import (
	"os"
	"testing"
)

// reliability says whether the long campaigns were asked for. They fail where
// the machine lacks a mechanism; the short ones skip with a reason.
func reliability() bool { return os.Getenv("CUSTOS_RELIABILITY") != "" }

// rounds returns how often a campaign runs.
func rounds(share, full int) int {
	switch {
	case reliability():
		return full
	case testing.Short():
		return max(share/10, 5)
	default:
		return share
	}
}

// missing skips a test, or fails it where the long campaigns were asked for.
func missing(t testing.TB, format string, args ...any) {
	t.Helper()
	if reliability() {
		t.Fatalf(format, args...)
	}
	t.Skipf(format, args...)
}
