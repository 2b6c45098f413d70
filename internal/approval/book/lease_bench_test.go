package book

import (
	"context"
	"testing"

	"github.com/custos-zt/custos/internal/approval"
)

// What a held call pays for leases: where there is none, where one answers, and
// where an entry of `break_glass` is looked for. Other calls pay nothing.
func BenchmarkLeases(b *testing.B) {
	rules := func(c *approval.Call) *approval.Call {
		c.Rules[0].Standing.Uses = 0
		return c
	}
	b.Run("none", func(b *testing.B) {
		k := newShelf(b).open(b)
		c := rules(call(b, `{"n":1}`))
		for b.Loop() {
			if _, ok, _, err := k.Use(context.Background(), c); err != nil || ok {
				b.Fatal(ok, err)
			}
		}
	})
	b.Run("answers", func(b *testing.B) {
		k := newShelf(b).open(b)
		c := rules(call(b, `{"n":1}`))
		stands(b, k, c, approval.MaxUses, nil)
		for b.Loop() {
			if _, ok, _, err := k.Use(context.Background(), c); err != nil || !ok {
				b.Fatal(ok, err)
			}
		}
	})
	b.Run("glass", func(b *testing.B) {
		k := newShelf(b).open(b)
		for b.Loop() {
			if open, err := k.Lifts(context.Background(), "os:dev", "", []approval.Glass{incident(nil)}); err != nil || len(open) != 0 {
				b.Fatal(open, err)
			}
		}
	})
}
