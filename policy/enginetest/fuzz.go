package enginetest

import (
	"testing"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/internal/canon"
	"github.com/custos-zt/custos/policy"
)

// FuzzLimit sends arbitrary arguments to the policy Limit: an engine does not
// panic, and allows `pay` only with a number that is at most 100.
func FuzzLimit(f *testing.F, e policy.Engine) {
	f.Helper()
	for _, c := range Table() {
		f.Add(c.Args)
	}
	bound, err := canon.Parse("100", canon.DefaultLimits())
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, args string) {
		v, err := canon.Parse(args, canon.DefaultLimits())
		if err != nil || v.Kind() != access.Object {
			return
		}
		r := Call(t, "pay", args)
		d, err := e.Decide(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		order, isNumber := canon.CompareNumbers(v.Get("limit"), bound)
		if within := isNumber && order <= 0; d.Effect == access.Allow && !within {
			t.Errorf("%s is allowed", args)
		}
	})
}
