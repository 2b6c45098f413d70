package canon

import (
	"strings"
	"testing"
)

// call returns a tools/call whose content argument has n bytes.
func call(n int) string {
	return `{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"write_file","arguments":{"path":"/srv/pub/a.txt","content":"` +
		strings.Repeat("all work and no play ", n/21+1)[:n] + `"},"_meta":{"progressToken":12}}}`
}

func sizes() []struct {
	name string
	n    int
} {
	return []struct {
		name string
		n    int
	}{{"64B", 64}, {"10KB", 10 << 10}, {"1MB", 1 << 20}}
}

func BenchmarkScan(b *testing.B) {
	for _, s := range sizes() {
		frame := []byte(call(s.n))
		b.Run(s.name, func(b *testing.B) {
			b.SetBytes(int64(len(frame)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Scan(frame, DefaultLimits()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkReadMessage(b *testing.B) {
	frame := []byte(call(64))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ReadMessage(frame, DefaultLimits()); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkReadPath(b *testing.B) {
	for _, raw := range []string{"/srv/pub/a.txt", "/srv/pub/%2e%2e/Secret/é"} {
		b.Run(raw, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				form := ReadPath(raw)
				FoldPaths(append(LexicalReadings(form, ""), SuspectForms(raw)...))
			}
		})
	}
}
