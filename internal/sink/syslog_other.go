//go:build !linux

package sink

import "net"

// unacknowledged is not known here: what was written counts as arrived.
func unacknowledged(net.Conn) (int, error) { return 0, nil }
