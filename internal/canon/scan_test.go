package canon

import (
	"errors"
	"strings"
	"testing"

	"github.com/custos-zt/custos/access"
)

func TestScanAccepts(t *testing.T) {
	for _, in := range []string{
		`null`, ` true `, "\t[]\r\n", `{}`, `0`, `-0`, `-0.5e+10`, `1E9`, `9007199254740993`,
		`""`, `"\u0000"`, `"\ud83d\ude00"`, `"é"`, `"\/\"\\\b\f\n\r\t"`, `{"a":{"A":1}}`,
		`{"a":1,"b":[{"a":1},{"a":1}]}`, "\"\x7f\"", `"ￏ"`, `[[[[]]]]`,
	} {
		if v, err := Parse(in, DefaultLimits()); err != nil {
			t.Errorf("%s: %v", in, err)
		} else if v.Raw() != strings.Trim(in, " \t\r\n") {
			t.Errorf("%s: raw %s", in, v.Raw())
		}
	}
}

func TestScanRefuses(t *testing.T) {
	many := `{"k0":0`
	for i := range 40 {
		many += `,"x` + strings.Repeat("y", i) + `":0`
	}
	for _, c := range []struct {
		in   string
		kind ErrorKind
		at   int
	}{
		{``, Malformed, 0},
		{`{} {}`, Malformed, 3},
		{`{}x`, Malformed, 2},
		{"\ufeff{}", Malformed, 0},
		{"{}\u00a0", Malformed, 2},
		{`01`, Malformed, 1},
		{`-`, Malformed, 1},
		{`1.`, Malformed, 2},
		{`.5`, Malformed, 0},
		{`+1`, Malformed, 0},
		{`1e`, Malformed, 2},
		{`NaN`, Malformed, 0},
		{`nul`, Malformed, 0},
		{`[1,]`, Malformed, 3},
		{`[1 2]`, Malformed, 3},
		{`{"a":1,}`, Malformed, 7},
		{`{a:1}`, Malformed, 1},
		{`{"a" 1}`, Malformed, 5},
		{`{"a":1`, Malformed, 6},
		{`"a`, Malformed, 0},
		{"\"a\nb\"", Malformed, 2},
		{`"\x41"`, Malformed, 1},
		{`"\u12"`, Malformed, 1},
		{`'a'`, Malformed, 0},
		{`[1] // no`, Malformed, 4},
		{"\"\xff\"", Ambiguous, 1},
		{"\"\xc0\xae\"", Ambiguous, 1},
		{"\"\xed\xa0\x80\"", Ambiguous, 1},
		{`"\ud800"`, Ambiguous, 1},
		{`"\ude00\ud83d"`, Ambiguous, 1},
		{`"\ud83dx"`, Ambiguous, 1},
		{`"\ud83d\u0041"`, Ambiguous, 1},
		{`{"\ud800":1}`, Ambiguous, 2},
		{`{"a":1,"a":2}`, Ambiguous, 7},
		{`{"a":1,"\u0061":2}`, Ambiguous, 7},
		{`{"path":1,"Path":2}`, Ambiguous, 10},
		{`{"k":1,"` + "\u212a" + `":2}`, Ambiguous, 7},
		{`{"s":1,"` + "\u017f" + `":2}`, Ambiguous, 7},
		{`{"é":1,"É":2}`, Ambiguous, 8},
		{`[{"x":{"a":[{"b":1,"B":2}]}}]`, Ambiguous, 19},
		{`{"a\u0000":1}`, Ambiguous, 1},
		{many + `,"X":0}`, Ambiguous, len(many) + 1},
		{many + `,"x":0}`, Ambiguous, len(many) + 1},
		{many + `,"K0":0}`, Ambiguous, len(many) + 1},
		{many + `,"é":0,"É":0}`, Ambiguous, len(many) + 8},
		{many + `,"late":0,"late":0}`, Ambiguous, len(many) + 10},
		{strings.Repeat("[", 65) + strings.Repeat("]", 65), TooLarge, 64},
		{strings.Repeat(`{"a":`, 65) + "1" + strings.Repeat("}", 65), TooLarge, 64 * 5},
	} {
		_, err := Parse(c.in, DefaultLimits())
		var e *Error
		if !errors.As(err, &e) {
			t.Errorf("%.60q: accepted", c.in)
		} else if e.Kind != c.kind || e.Offset != c.at {
			t.Errorf("%.60q: %v at %d, want %v at %d (%v)", c.in, e.Kind, e.Offset, c.kind, c.at, e)
		}
	}
}

func TestScanLimits(t *testing.T) {
	deep := strings.Repeat("[", 64) + strings.Repeat("]", 64)
	if _, err := Parse(deep, DefaultLimits()); err != nil {
		t.Errorf("64 levels: %v", err)
	}
	for _, c := range []struct {
		in   string
		l    Limits
		good bool
	}{
		{`[1,2]`, Limits{Bytes: 5}, true},
		{`[1,2] `, Limits{Bytes: 5}, false},
		{`[[]]`, Limits{Depth: 2}, true},
		{`[[[]]]`, Limits{Depth: 2}, false},
		{`[1,2]`, Limits{Values: 3}, true},
		{`[1,2,3]`, Limits{Values: 3}, false},
		{`{"a":{"b":1,"B":2}}`, Limits{FoldDepth: 1}, true},
		{`{"a":{"b":1,"b":2}}`, Limits{FoldDepth: 1}, false},
		{`{"a":{"b":1,"B":2}}`, Limits{FoldDepth: 2}, false},
		{`{"a":[{"b":1,"B":2}]}`, Limits{FoldDepth: 2}, true},
		{`{"a":1,"A":2}`, Limits{FoldDepth: 1}, false},
		{`{"a":1,"A":2}`, Limits{}, true},
		{`{"a":1,"A":2}`, Limits{FoldDepth: -1}, false},
	} {
		if _, err := Scan([]byte(c.in), c.l); (err == nil) != c.good {
			t.Errorf("%s %+v: %v", c.in, c.l, err)
		}
	}
}

func TestScanValue(t *testing.T) {
	v, err := Scan([]byte(`{"a":[1,"x\ty",null,{"b":false}],"A2":{"\u0062":-1.50e3}}`), DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	if got := v.Path("A2", "b"); got.Kind() != access.Number || got.Raw() != "-1.50e3" {
		t.Errorf("A2.b = %v", got)
	}
	a := v.Get("a")
	if a.Len() != 4 || a.At(1).Value.Text() != "x\ty" || a.At(2).Value.Kind() != access.Null {
		t.Errorf("a = %v", a)
	}
	if b := a.At(3).Value.Get("b"); b.Kind() != access.Bool || b.True() {
		t.Errorf("b = %v", b)
	}
	if v.At(0).Key != "a" || v.At(1).Key != "A2" {
		t.Error("members out of order")
	}
}

func TestErrorsQuoteLittle(t *testing.T) {
	secret := strings.Repeat("\x1b[31m hunter2 ", 50)
	for _, in := range []string{`{"` + strings.Repeat("k", 900) + `":1,"` + strings.Repeat("k", 900) + `":2}`, secret, `[` + secret} {
		_, err := Parse(in, DefaultLimits())
		if err == nil || len(err.Error()) > 120 || strings.ContainsAny(err.Error(), "\x1b\n") {
			t.Errorf("error of %.20q: %q", in, err)
		}
	}
}

func TestFoldedMember(t *testing.T) {
	v, err := Parse(`{"name":"x","Arguments":{},"paramſ":1}`, DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		names []string
		want  string
	}{{[]string{"name"}, ""}, {[]string{"name", "arguments"}, "Arguments"}, {[]string{"params"}, "paramſ"}, {nil, ""}} {
		if got := FoldedMember(v, c.names...); got != c.want {
			t.Errorf("%v: %q, want %q", c.names, got, c.want)
		}
	}
}

func TestLoneSurrogatesOfServers(t *testing.T) {
	l := DefaultLimits()
	l.LoneSurrogates = true
	for in, want := range map[string]string{
		`"cut \ud83d"`:         "cut \ufffd",
		`"\ud83d\ude00"`:       "\U0001F600",
		`"\ude00\ud83d"`:       "\ufffd\ufffd",
		`"\ud83dx"`:            "\ufffdx",
		`"\ud83d\n"`:           "\ufffd\n",
		`"\ud83d\ud83d\ude00"`: "\ufffd\U0001F600",
	} {
		v, err := Parse(in, l)
		if err != nil || v.Text() != want || v.Raw() != in {
			t.Errorf("%s: got %q, %v, want %q", in, v.Text(), err, want)
		}
	}
	for _, in := range []string{`{"\ud83d":1}`, `"\ud83d\u00"`, `"\ud8"`} {
		if _, err := Parse(in, l); err == nil {
			t.Errorf("%s was accepted", in)
		}
	}
}
