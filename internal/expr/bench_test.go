package expr_test

import (
	"strings"
	"testing"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/internal/expr"
)

// BenchmarkJudge measures one evaluation: of an expression whose cost needs no
// counting, of one that does, and of one that is cut.
func BenchmarkJudge(b *testing.B) {
	large := `{"limit":5,"items":[` + strings.TrimSuffix(strings.Repeat("1,", 5000), ",") + `]}`
	for _, c := range []struct{ name, text, args string }{
		{"plain", `args.limit <= 100 && session.calls_1h < 50`, args},
		{"counted", `args.tags.all(t, t != "c")`, args},
		{"cut", `args.items.all(x, args.items.all(y, x + y >= 0))`, large},
	} {
		b.Run(c.name, func(b *testing.B) {
			p, issues := compiler(b).Compile(c.text)
			if p == nil {
				b.Fatal(issues)
			}
			r := request(b, c.args)
			b.ReportAllocs()
			for b.Loop() {
				if p.Judge(r) == access.False {
					b.Fatal("false")
				}
			}
		})
	}
}

func BenchmarkCompile(b *testing.B) {
	b.Run("environment", func(b *testing.B) {
		for b.Loop() {
			if _, err := expr.NewCompiler(); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("expression", func(b *testing.B) {
		c := compiler(b)
		n := 0
		for b.Loop() {
			n++
			if p, issues := c.Compile(`args.limit <= 100 && session.calls_1h < ` + strings.Repeat("1", 1+n%8) + `0` + strings.Repeat(" ", n%900)); p == nil {
				b.Fatal(issues)
			}
		}
	})
}
