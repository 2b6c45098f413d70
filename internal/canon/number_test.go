package canon

import (
	"strings"
	"testing"

	"github.com/custos-zt/custos/access"
)

func TestCompareNumbers(t *testing.T) {
	// In ascending order; within a row all are equal.
	rows := [][]string{
		{"-1e999999999999", "-10e999999999998"},
		{"-9007199254740993", "-9007199254740993.0"},
		{"-9007199254740992", "-9.007199254740992e15"},
		{"-1.5", "-15e-1", "-0.0015e3"},
		{"-1"},
		{"-1e-99999"},
		{"0", "-0", "0.0", "0e99", "-0.000e-5"},
		{"1e-99999", "10e-100000", "0.1e-99998"},
		{"0.05", "5e-2", "0.0500"},
		{"0.5"},
		{"1", "1.0", "10e-1", "0.1e1", "1e0", "1E+0"},
		{"1.0000000000000000000000000000000000001"},
		{"5", "5.0"},
		{"100", "1e2", "1.00e2"},
		{"123456789012345678"},
		{"1234567890123456789"},
		{"9007199254740992000000"},
		{"9007199254740993000000", "9007199254740993e6"},
		{"1e999999999"},
		{"2e999999999"},
	}
	for i, row := range rows {
		for j, other := range rows {
			for _, a := range row {
				for _, b := range other {
					want := max(-1, min(1, i-j))
					got, ok := CompareNumbers(parsed(t, a), parsed(t, b))
					if !ok || got != want {
						t.Errorf("%s ? %s: %d %v, want %d", a, b, got, ok, want)
					}
					if EqualValues(parsed(t, a), parsed(t, b)) != (want == 0) {
						t.Errorf("%s == %s: not %v", a, b, want == 0)
					}
				}
			}
		}
	}
	for _, c := range [][2]string{{"1", `"1"`}, {"true", "1"}, {"1e9999999999999999", "1"}, {"null", "null"}, {"1", "1e-9999999999999999"}} {
		if _, ok := CompareNumbers(parsed(t, c[0]), parsed(t, c[1])); ok {
			t.Errorf("%v compared", c)
		}
	}
	if _, ok := CompareNumbers(access.Value{}, parsed(t, "1")); ok {
		t.Error("absent compared")
	}
}

func TestIsInteger(t *testing.T) {
	for _, in := range []string{"0", "-0", "5", "5.0", "1e2", "1.50e1", "9007199254740993", "1e999999999", "0.0e-7"} {
		if !IsInteger(parsed(t, in)) {
			t.Errorf("%s is an integer", in)
		}
	}
	for _, in := range []string{"5.5", "1e-1", "15e-1", "true", `"5"`, "null", "[5]", "1e-999999999", "9007199254740993.5"} {
		if IsInteger(parsed(t, in)) {
			t.Errorf("%s is no integer", in)
		}
	}
}

func TestEqualValues(t *testing.T) {
	big, gib := `{"k0":0`, ``
	for i := range 40 {
		key := strings.Repeat("x", i+1)
		big += `,"` + key + `":1`
		gib = `"` + key + `":1.0,` + gib
	}
	big, gib = big+"}", "{"+gib+`"k0":0}`
	for _, c := range []struct {
		a, b  string
		equal bool
	}{
		{`{"a":5,"b":[1]}`, `{"b":[1.0],"a":5.0}`, true},
		{`{"a":5}`, `{"a":5,"b":1}`, false},
		{`{"a":null}`, `{"b":null}`, false},
		{`[1,2]`, `[2,1]`, false},
		{`"a"`, `"\u0061"`, true},
		{`"1"`, `1`, false},
		{`true`, `false`, false},
		{`true`, `true`, true},
		{`null`, `null`, true},
		{`1e9999999999999999`, `1e9999999999999999`, true},
		{`1e9999999999999999`, `10e9999999999999998`, false},
		{big, gib, true},
		{big, gib[:len(gib)-2] + "1}", false},
	} {
		if got := EqualValues(parsed(t, c.a), parsed(t, c.b)); got != c.equal {
			t.Errorf("%s == %s: %v", c.a, c.b, got)
		}
	}
	if !EqualValues(access.Value{}, access.Value{}) || EqualValues(access.Value{}, parsed(t, "null")) {
		t.Error("absent equals absent alone")
	}
}

func TestCompareNumbersAllocates(t *testing.T) {
	a, b := parsed(t, "9007199254740993"), parsed(t, "9007199254740992.5e0")
	if n := testing.AllocsPerRun(100, func() { CompareNumbers(a, b) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
