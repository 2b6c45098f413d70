package main

import (
	"strconv"
	"time"

	"github.com/pquerna/otp/totp"
	"github.com/rogpeppe/go-internal/testscript"
)

// showCode sets a variable to the code that a device shows so many steps from
// now.
func showCode(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: totp NAME SECRET STEPS")
	}
	steps, err := strconv.Atoi(args[2])
	ts.Check(err)
	code, err := totp.GenerateCode(args[1], time.Now().Add(time.Duration(steps)*30*time.Second))
	ts.Check(err)
	ts.Setenv(args[0], code)
}
