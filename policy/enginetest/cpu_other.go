//go:build !unix

package enginetest

import "time"

// cpu is not known here.
func cpu() time.Duration { return 0 }
