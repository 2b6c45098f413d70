package inventory

import (
	"testing"

	"github.com/custos-zt/custos/access"
)

// BenchmarkCheck judges {message: string}, as every call of an echo tool is,
// in the simple form and by the general validator.
func BenchmarkCheck(b *testing.B) {
	const echo = `"type":"object","properties":{"message":{"type":"string","description":"Message to echo"}},"required":["message"]`
	for name, schema := range map[string]string{
		"simple":  `{"$schema":"http://json-schema.org/draft-07/schema#",` + echo + `}`,
		"library": `{"$schema":"http://json-schema.org/draft-07/schema#",` + echo + `,"minProperties":1}`,
	} {
		d := definition(b, schema)
		args := value(b, `{"message":"hello"}`)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if d.Check(args) != access.SchemaValid {
					b.Fatal("not valid")
				}
			}
		})
	}
}

func BenchmarkLookup(b *testing.B) {
	tools, problems := ParseTools(recorded(b, "server-filesystem", "2026.8.31"))
	if len(problems) > 0 {
		b.Fatal(problems)
	}
	var backend Backend
	backend.Replace(Page{Tools: tools})
	b.ReportAllocs()
	for b.Loop() {
		if _, state := backend.Lookup("read_text_file"); state != Listed {
			b.Fatal(state)
		}
	}
}
