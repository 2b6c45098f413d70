package pdp

import (
	"fmt"
	"strconv"
	"strings"
)

// ParsePorts reads a pattern over ports: "443", or "8000-8999".
func ParsePorts(text string) (URLPattern, error) {
	first, last, ranged := strings.Cut(text, "-")
	if !ranged {
		last = first
	}
	low, errLow := strconv.ParseUint(first, 10, 16)
	high, errHigh := strconv.ParseUint(last, 10, 16)
	if errLow != nil || errHigh != nil || low == 0 {
		return URLPattern{}, fmt.Errorf("a port is a number from 1 to 65535, or two with a dash between")
	}
	if low > high {
		return URLPattern{}, fmt.Errorf("a range of ports goes up")
	}
	return URLPattern{Text: text, low: int(low), high: int(high)}, nil
}
