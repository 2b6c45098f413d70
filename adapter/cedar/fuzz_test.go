package cedar_test

import (
	"testing"

	"github.com/custos-zt/custos/policy/enginetest"
)

func FuzzLimit(f *testing.F) {
	e, err := compile(limit)
	if err != nil {
		f.Fatal(err)
	}
	enginetest.FuzzLimit(f, e)
}
