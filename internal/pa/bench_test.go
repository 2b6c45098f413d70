package pa

import (
	"strings"
	"testing"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/internal/canon"
)

func BenchmarkPlaces(b *testing.B) {
	g := Ground{Local: true, Home: "/home/dev", Bases: []string{"/tmp", "/usr"}}
	for name, text := range map[string]string{
		"free-text":  `{"message":"` + strings.Repeat("x", 64) + `"}`,
		"path":       `{"path":"/usr/share/doc/README"}`,
		"1MB":        `{"content":"` + strings.Repeat("lorem ipsum ", 87000) + `"}`,
		"100-texts":  `{"rows":["` + strings.Repeat(`some words","`, 99) + `end"]}`,
		"not-a-path": `{"note":"see https://example.com/a/b and /etc/hosts, please"}`,
	} {
		v, err := canon.Parse(text, canon.DefaultLimits())
		if err != nil {
			b.Fatal(err)
		}
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_ = g.places(v, &access.ToolFacts{})
			}
		})
	}
}
