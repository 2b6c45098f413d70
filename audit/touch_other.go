//go:build !linux

package audit

// touches is not known here: the time of the last change says enough, and
// asking for it costs no more than the call.
type touches struct{}

func watchTouches(string) *touches { return nil }

func (*touches) any() bool { return false }

func (*touches) close() {}
