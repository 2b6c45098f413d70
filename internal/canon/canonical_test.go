package canon

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/custos-zt/custos/access"
)

func parsed(t testing.TB, text string) access.Value {
	t.Helper()
	v, err := Parse(text, Limits{FoldDepth: 0})
	if err != nil {
		t.Fatalf("%.80q: %v", text, err)
	}
	return v
}

func TestAppendCanonical(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{` { "b" : 1 , "a" : [ true , null ] } `, `{"a":[true,null],"b":1}`},
		{`{"é":1,"z":2,"\ud83d\ude00":3,"` + "\uff5a" + `":4}`, `{"z":2,"é":1,"` + "\uff5a" + `":4,"😀":3}`},
		{`[1.0,1,1e0,-0,12345678901234567890]`, `[1.0,1,1e0,-0,12345678901234567890]`},
		{`"\u0041\/\u001f\u0008\t\"\\\u007f` + "\u2028" + `"`, `"A/\u001f\b\t\"\\` + "\x7f\u2028" + `"`},
		{`{}`, `{}`},
	} {
		if got := string(AppendCanonical([]byte("#"), parsed(t, c.in))); got != "#"+c.want {
			t.Errorf("%s: %s, want %s", c.in, got[1:], c.want)
		}
	}
	if got := AppendCanonical(nil, access.Value{}); len(got) != 0 {
		t.Errorf("absent: %q", got)
	}
}

// shuffled writes v with its members in random order and random white space
// and escapes.
func shuffled(r *rand.Rand, v access.Value) string {
	space := func() string { return strings.Repeat(" ", r.IntN(3)) }
	var b strings.Builder
	switch v.Kind() {
	case access.Object, access.Array:
		members := slices.Clone(v.Members())
		left, right := "[", "]"
		if v.Kind() == access.Object {
			left, right = "{", "}"
			r.Shuffle(len(members), func(i, j int) { members[i], members[j] = members[j], members[i] })
		}
		for i, m := range members {
			if i > 0 {
				b.WriteString("," + space())
			}
			if v.Kind() == access.Object {
				b.WriteString(Quote(m.Key) + space() + ":")
			}
			b.WriteString(space() + shuffled(r, m.Value))
		}
		return left + b.String() + space() + right
	case access.String:
		for _, c := range v.Text() {
			if c < 0x10000 && r.IntN(3) == 0 {
				fmt.Fprintf(&b, `\u%04x`, c)
			} else {
				quoted := Quote(string(c))
				b.WriteString(quoted[1 : len(quoted)-1])
			}
		}
		return `"` + b.String() + `"`
	default:
		return v.Raw()
	}
}

// randomValue returns JSON of limited depth.
func randomValue(r *rand.Rand, depth int) any {
	switch n := r.IntN(7); {
	case n == 0 && depth > 0:
		out := map[string]any{}
		for range r.IntN(20) {
			out[fmt.Sprint("k", r.IntN(40))] = randomValue(r, depth-1)
		}
		return out
	case n == 1 && depth > 0:
		out := make([]any, r.IntN(4))
		for i := range out {
			out[i] = randomValue(r, depth-1)
		}
		return out
	case n == 2:
		return r.IntN(2) == 0
	case n == 3:
		return nil
	case n == 4:
		return string([]rune{rune(r.IntN(128)), 'é', rune(0x1f600 + r.IntN(40))})
	default:
		return r.IntN(1000)
	}
}

func TestCanonicalProperties(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	seen := map[[32]byte]string{}
	for range 3000 {
		data, err := json.Marshal(map[string]any{"v": randomValue(r, 4), "w": randomValue(r, 3)})
		if err != nil {
			t.Fatal(err)
		}
		v := parsed(t, string(data))
		canonical := string(AppendCanonical(nil, v))
		again := shuffled(r, v)
		if Digest(parsed(t, again)) != Digest(v) {
			t.Fatalf("order, space or escapes change the digest:\n%s\n%s", data, again)
		}
		if !EqualValues(v, parsed(t, again)) {
			t.Fatalf("not equal:\n%s\n%s", data, again)
		}
		if got := string(AppendCanonical(nil, parsed(t, canonical))); got != canonical {
			t.Fatalf("not a fixpoint:\n%s\n%s", canonical, got)
		}
		if other, ok := seen[Digest(v)]; ok && other != canonical {
			t.Fatalf("two values, one digest:\n%s\n%s", canonical, other)
		}
		seen[Digest(v)] = canonical
	}
	if len(seen) < 2000 {
		t.Fatalf("only %d different values", len(seen))
	}
}

func TestDigestChangesWithEveryByte(t *testing.T) {
	const text = `{"arguments":{"n":[1,2.5,"ab"],"path":"/a"},"name":"x"}`
	base := Digest(parsed(t, text))
	for i := range len(text) {
		for _, c := range []byte(`09ab"{`) {
			mutated := text[:i] + string(c) + text[i+1:]
			if v, err := Parse(mutated, DefaultLimits()); err == nil && mutated != text && Digest(v) == base {
				t.Errorf("%s has the digest of %s", mutated, text)
			}
		}
	}
}

func TestDigestOfLongText(t *testing.T) {
	for _, n := range []int{0, 4095, 4096, 4097, 20000} {
		v := parsed(t, `["`+strings.Repeat("x", n)+`","`+strings.Repeat(`\"`, n)+`"]`)
		w := writer{buf: AppendCanonical(nil, v), hash: sha256.New()}
		if w.sum() != Digest(v) {
			t.Errorf("%d: digest in pieces differs", n)
		}
	}
}

func TestRequestDigest(t *testing.T) {
	base := RequestDigest("tools/call", parsed(t, `{"name":"x","arguments":{"a":1}}`))
	for _, same := range []string{
		`{"arguments":{"a":1},"name":"x"}`,
		`{"arguments":{"a":1},"name":"x","_meta":{"progressToken":1}}`,
		`{"_meta":{"progressToken":"other"},"arguments":{"a":1},"name":"x"}`,
	} {
		if RequestDigest("tools/call", parsed(t, same)) != base {
			t.Errorf("%s differs", same)
		}
	}
	for _, other := range []string{
		`{"arguments":{"a":1.0},"name":"x"}`,
		`{"arguments":{"a":1},"name":"x","task":{}}`,
		`{"arguments":{"a":1},"name":"x","_meta":{"progressToken":1,"k":2}}`,
		`{"arguments":{"a":1,"_meta":{"progressToken":1}},"name":"x"}`,
		`{"arguments":{"a":1},"name":"x","_meta":{}}`,
	} {
		if RequestDigest("tools/call", parsed(t, other)) == base {
			t.Errorf("%s is the same", other)
		}
	}
	with := RequestDigest("m", parsed(t, `{"_meta":{"k":2,"progressToken":1}}`))
	if with != RequestDigest("m", parsed(t, `{"_meta":{"k":2,"progressToken":9}}`)) ||
		with != RequestDigest("m", parsed(t, `{"_meta":{"k":2}}`)) {
		t.Error("the progress token counts beside other metadata")
	}
	if RequestDigest("a", access.Value{}) == RequestDigest("a", parsed(t, `{}`)) {
		t.Error("absent params are {}")
	}
	if RequestDigest("a", parsed(t, `{}`)) == RequestDigest("b", parsed(t, `{}`)) {
		t.Error("the method does not count")
	}
}

func TestFromGo(t *testing.T) {
	v, err := FromGo(map[string]any{"b": []int{1, 2}, "a": "<é\u2028\ufffd>", "n": json.Number("9007199254740993")})
	if err != nil {
		t.Fatal(err)
	}
	if v.Get("a").Text() != "<é\u2028\ufffd>" || v.Get("n").Raw() != "9007199254740993" || v.Get("b").Len() != 2 {
		t.Errorf("%s", v.Raw())
	}
	for _, bad := range []any{"a\xff", map[string]string{"a\xff": ""}, map[string]int{"Path": 1, "PATH": 2}, func() {}} {
		if v, err := FromGo(bad); err == nil {
			t.Errorf("%T: accepted as %s", bad, v.Raw())
		}
	}
	if v, err := FromGo(`\ufffd \\ufffd`); err != nil || v.Text() != `\ufffd \\ufffd` {
		t.Errorf("a literal escape: %q, %v", v.Text(), err)
	}
}

func TestQuote(t *testing.T) {
	for _, s := range []string{"", "a", "\x00\x1f\"\\\n", "é😀\u2028", "\x7f"} {
		if v := parsed(t, Quote(s)); v.Text() != s {
			t.Errorf("%q: %s", s, Quote(s))
		}
		if v := String(s); v.Text() != s || v.Raw() != Quote(s) || v.Kind() != access.String {
			t.Errorf("String(%q) = %v", s, v)
		}
	}
	if got := Quote("a\xffb"); got != `"a`+"\ufffd"+`b"` {
		t.Errorf("invalid UTF-8: %q", got)
	}
}

func BenchmarkCanonical(b *testing.B) {
	for _, s := range sizes() {
		v := parsed(b, call(s.n))
		b.Run(s.name, func(b *testing.B) {
			b.SetBytes(int64(len(v.Raw())))
			b.ReportAllocs()
			for b.Loop() {
				Digest(v)
			}
		})
	}
}
