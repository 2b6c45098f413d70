package canon

import (
	"encoding/json"
	"errors"
	"math/big"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/custos-zt/custos/access"
)

// toGo is the value as encoding/json decodes it with UseNumber.
func toGo(v access.Value) any {
	switch v.Kind() {
	case access.Bool:
		return v.True()
	case access.Number:
		return json.Number(v.Raw())
	case access.String:
		return v.Text()
	case access.Array:
		out := make([]any, v.Len())
		for i := range out {
			out[i] = toGo(v.At(i).Value)
		}
		return out
	case access.Object:
		out := make(map[string]any, v.Len())
		for _, m := range v.Members() {
			out[m.Key] = toGo(m.Value)
		}
		return out
	case access.Absent, access.Null:
	}
	return nil
}

// FuzzScan compares Scan with encoding/json. What Scan accepts means the same
// there; what it calls malformed is invalid there; what else it refuses is so
// for a documented reason.
func FuzzScan(f *testing.F) {
	for _, seed := range []string{
		call(10), `{"a":[1,-0.5e+7,true,null,"\ud83d\ude00\n"]}`, `{"a":1,"A":2}`, `"\ud800"`, "\"\xff\"", `[`, ` 0 `, `{"a\u0000":1}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, frame []byte) {
		l := DefaultLimits()
		l.Depth = 12
		v, err := Scan(frame, l)
		if err != nil {
			var e *Error
			if !errors.As(err, &e) || e.Offset < 0 || e.Offset > len(frame) || !utf8.ValidString(e.Error()) {
				t.Fatalf("error %#v", err)
			}
			if valid := json.Valid(frame); valid && e.Kind == Malformed {
				t.Fatalf("refused valid JSON: %v", err)
			}
			return
		}
		dec := json.NewDecoder(strings.NewReader(string(frame)))
		dec.UseNumber()
		var want any
		if err := dec.Decode(&want); err != nil || dec.More() {
			t.Fatalf("accepted what encoding/json refuses: %v", err)
		}
		if got := toGo(v); !reflect.DeepEqual(got, want) {
			t.Fatalf("%#v, encoding/json has %#v", got, want)
		}
		canonical := AppendCanonical(nil, v)
		again, err := Scan(canonical, l)
		if err != nil || !EqualValues(v, again) || Digest(v) != Digest(again) {
			t.Fatalf("canonical form %s: %v", canonical, err)
		}
	})
}

// envelope is how a careless server reads a message.
type envelope struct {
	Version string          `json:"jsonrpc"`
	ID      json.RawMessage `json:"id"`
	Method  string          `json:"method"`
	Params  json.RawMessage `json:"params"`
	Result  json.RawMessage `json:"result"`
	Error   json.RawMessage `json:"error"`
}

// FuzzMessage checks that a reader which ignores case and takes the last of
// two keys finds in an accepted message what Custos judged.
func FuzzMessage(f *testing.F) {
	for _, seed := range []string{
		call(10), `{"jsonrpc":"2.0","method":"notifications/x"}`, `{"jsonrpc":"2.0","id":"a","result":{}}`,
		`{"jsonrpc":"2.0","id":1,"error":{},"Method":"x"}`, `{"jsonrpc":"2.0","id":1.0,"method":"x"}`, "{\r}",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, frame []byte) {
		l := DefaultLimits()
		l.FoldDepth = 0 // the envelope must hold without it
		m, err := ReadMessage(frame, l)
		if err != nil {
			return
		}
		var e envelope
		if err := json.Unmarshal(m.Raw, &e); err != nil {
			t.Fatal(err)
		}
		if e.Version != "2.0" || e.Method != m.Method || string(e.ID) != m.ID.Raw() ||
			string(e.Params) != m.Params.Raw() || string(e.Result) != m.Result.Raw() || string(e.Error) != m.Error.Raw() {
			t.Fatalf("read %+v as %+v", e, m)
		}
		if strings.ContainsAny(string(m.Raw), "\r\n") {
			t.Fatal("more than one line")
		}
		if m.Kind == Request != (m.Method != "" && m.IDKey != "") || m.Kind == 0 {
			t.Fatalf("kind %v", m.Kind)
		}
	})
}

// FuzzPath checks what callers rely on: Clean is idempotent, no reading
// climbs, decoding is complete, folding is stable.
func FuzzPath(f *testing.F) {
	for _, c := range readCases[pathCase](f, "paths.json") {
		f.Add(c.Raw, c.Base)
	}
	f.Fuzz(func(t *testing.T, raw, base string) {
		form := ReadPath(raw)
		base = "/" + base
		for _, p := range LexicalReadings(form, base) {
			if Clean(p) != p || !strings.HasPrefix(p, "/") || climbs(p) {
				t.Fatalf("reading %q", p)
			}
		}
		for _, p := range LexicalReadings(form, "") {
			if Clean(p) != p {
				t.Fatalf("reading %q", p)
			}
		}
		if escapeAt(form.Decoded, 0) >= 0 {
			t.Fatalf("decoded %q", form.Decoded)
		}
		slow := form.Unwrapped
		for next := decodeOnce(slow); next != slow; next = decodeOnce(slow) {
			slow = next
		}
		if fast := decodeFully(form.Unwrapped); fast != slow {
			t.Fatalf("decoded %q, step by step %q", fast, slow)
		}
		if hasControl(slow) && !form.Control {
			t.Fatal("control character not seen")
		}
		if form.Grantable() && !isFileURL(raw) && form.Unwrapped != raw {
			t.Fatalf("grants %q for %q", form.Unwrapped, raw)
		}
		SuspectForms(raw)
		if once := Fold(raw); Fold(once) != once {
			t.Fatalf("folded %q, then %q", once, Fold(once))
		}
	})
}

// FuzzURL checks that the canonical form of a URL is a fixpoint: reading it
// again gives the same form.
func FuzzURL(f *testing.F) {
	for _, c := range readCases[urlCase](f, "urls.json") {
		f.Add(c.Raw)
	}
	f.Fuzz(func(t *testing.T, s string) {
		EmailDomains(s)
		u, ok := ReadURL(s)
		if !ok || !u.Grantable() {
			return
		}
		text := u.String()
		again, ok := ReadURL(text)
		if !ok || again.String() != text || again.Host != u.Host || again.Path != u.Path || !again.Grantable() {
			t.Fatalf("%q reads as %+v, and %q as %+v", s, u, text, again)
		}
		if u.Host != strings.ToLower(u.Host) || !strings.HasPrefix(u.Path, "/") || climbs(u.Path) || hasControl(text) {
			t.Fatalf("%q: %+v", s, u)
		}
	})
}

// FuzzNumbers compares with exact rational numbers.
func FuzzNumbers(f *testing.F) {
	f.Add("1", "1.0")
	f.Add("-9007199254740993", "9007199254740992e0")
	f.Add("0.001e3", "1e-0")
	f.Add("-0", "0e9")
	f.Fuzz(func(t *testing.T, a, b string) {
		x, errX := Parse(a, DefaultLimits())
		y, errY := Parse(b, DefaultLimits())
		if errX != nil || errY != nil || x.Kind() != access.Number || y.Kind() != access.Number {
			return
		}
		got, ok := CompareNumbers(x, y)
		if back, okBack := CompareNumbers(y, x); back != -got || okBack != ok {
			t.Fatalf("%s ? %s: %d, back %d", a, b, got, back)
		}
		IsInteger(x)
		for _, s := range []string{x.Raw(), y.Raw()} {
			if _, exponent, _ := strings.Cut(strings.ToLower(s), "e"); len(strings.TrimLeft(exponent, "+-0")) > 3 || len(s) > 200 {
				return // too large for big.Rat
			}
		}
		ratX, _ := new(big.Rat).SetString(x.Raw())
		ratY, _ := new(big.Rat).SetString(y.Raw())
		if !ok || got != ratX.Cmp(ratY) {
			t.Fatalf("%s ? %s: %d %v, want %d", a, b, got, ok, ratX.Cmp(ratY))
		}
		if IsInteger(x) != ratX.IsInt() {
			t.Fatalf("%s is an integer: %v", a, IsInteger(x))
		}
	})
}
