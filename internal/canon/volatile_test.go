package canon

import (
	"strings"
	"testing"

	"github.com/custos-zt/custos/access"
)

const traceParent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

// A repetition brings another trace, and is the same request. Whatever has not
// exactly the form of a trace is content.
func TestTracesAreNoContent(t *testing.T) {
	base := RequestDigest("tools/call", parsed(t, `{"name":"x","arguments":{"a":1}}`))
	for _, meta := range []string{
		`"traceparent":"` + traceParent + `"`,
		`"traceparent":"00-00000000000000000000000000000000-0000000000000000-00","tracestate":"rojo=00f067aa0ba902b7,congo=t61rcWkgMzE"`,
		`"progressToken":7,"tracestate":"a@b=1, c_-*/d=x","traceparent":"` + traceParent + `"`,
	} {
		if RequestDigest("tools/call", parsed(t, `{"name":"x","arguments":{"a":1},"_meta":{`+meta+`}}`)) != base {
			t.Errorf("%s counts", meta)
		}
	}
	for _, meta := range []string{
		`"traceparent":"` + strings.ToUpper(traceParent) + `"`,
		`"traceparent":"` + traceParent + `0"`,
		`"traceparent":"01` + traceParent[2:] + `"`,
		`"traceparent":"00-4bf92f3577b34da6a3ce929d0e0e473 -00f067aa0ba902b7-01"`,
		`"traceparent":"delete everything"`,
		`"traceparent":1`,
		`"traceparent":{"x":1}`,
		`"tracestate":"a=1"`,
		`"tracestate":"a=1","traceparent":"x"`,
		`"traceparent":"` + traceParent + `","tracestate":"delete everything"`,
		`"traceparent":"` + traceParent + `","tracestate":"A=1"`,
		`"traceparent":"` + traceParent + `","tracestate":"a=\u00e9"`,
		`"traceparent":"` + traceParent + `","tracestate":"a=` + strings.Repeat("x", 512) + `"`,
		`"traceparent":"` + traceParent + `","tracestate":"` + strings.Repeat("a=1,", 32) + `a=1"`,
		`"traceparent":"` + traceParent + `","tracestate":["a=1"]`,
		`"traceparent":"` + traceParent + `","baggage":"userId=alice"`,
	} {
		if RequestDigest("tools/call", parsed(t, `{"name":"x","arguments":{"a":1},"_meta":{`+meta+`}}`)) == base {
			t.Errorf("%s does not count", meta)
		}
	}
	if RequestDigest("tools/call", parsed(t, `{"name":"x","arguments":{"a":1,"traceparent":"`+traceParent+`"}}`)) == base {
		t.Error("an argument of that name does not count")
	}
}

func FuzzWithoutVolatile(f *testing.F) {
	f.Add(`{"_meta":{"traceparent":"` + traceParent + `","tracestate":"a=1","k":2},"x":1}`)
	f.Add(`{"_meta":[1]}`)
	f.Fuzz(func(t *testing.T, text string) {
		v, err := Parse(text, DefaultLimits())
		if err != nil || v.Kind() != access.Object {
			return
		}
		once := withoutVolatile(v)
		if twice := withoutVolatile(once); Digest(twice) != Digest(once) {
			t.Errorf("%s: taken out twice is not taken out once", text)
		}
		for _, m := range v.Members() {
			if m.Key != "_meta" && Digest(once.Get(m.Key)) != Digest(m.Value) {
				t.Errorf("%s: %s changed", text, m.Key)
			}
		}
	})
}
