package canon

import (
	"strings"
	"testing"
	"time"
)

// TestHostileInputIsCheap gives every reader the inputs that cost a careless
// one quadratic time or many times their size. Each takes milliseconds here;
// the bound only tells linear from quadratic.
func TestHostileInputIsCheap(t *testing.T) {
	const n = 1 << 20
	repeat := func(s string) string { return strings.Repeat(s, n/len(s)) }
	var keys strings.Builder
	for i := range n / 12 {
		keys.WriteString(`,"` + strings.Repeat("k", i%7+1) + string(rune('a'+i%26)) + string(rune(0x4e00+i%20000)) + string(rune(0x4e00+i/20000)) + `":0`)
	}
	for name, run := range map[string]func(){
		"keys":            func() { _, _ = Parse("{"+keys.String()[1:]+"}", DefaultLimits()) },
		"zeros":           func() { _, _ = Parse("["+repeat("0,")+"0]", DefaultLimits()) },
		"brackets":        func() { _, _ = Parse(repeat("["), DefaultLimits()) },
		"escapes":         func() { _, _ = Parse(`"`+repeat(`\u0041`)+`"`, DefaultLimits()) },
		"nested escapes":  func() { SuspectForms("%" + repeat("25") + "2e") },
		"backslashes":     func() { SuspectForms(repeat(`..\`)) },
		"streams":         func() { SuspectForms(repeat(`:$`)) },
		"file URLs":       func() { SuspectForms(repeat(`file://`)) },
		"marks":           func() { Fold("a" + repeat("\u0301\u0323")) },
		"long host":       func() { ReadURL("http://" + repeat("ü.x")) },
		"many at signs":   func() { ReadURL("http://" + repeat("a@")) },
		"many recipients": func() { EmailDomains(keyedRecipients(n / 16)) },
		"large exponents": func() {
			a, _ := Parse("1e999999999999", DefaultLimits())
			b, _ := Parse("1"+repeat("0"), DefaultLimits())
			CompareNumbers(a, b)
		},
	} {
		start := time.Now()
		run()
		if took := time.Since(start); took > time.Minute {
			t.Errorf("%s: %v", name, took)
		} else {
			t.Logf("%s: %v", name, took)
		}
	}
}

func keyedRecipients(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString("a@" + strings.Repeat("x", i%9+1) + string(rune('a'+i%26)) + string(rune('a'+i/26%26)) + string(rune('a'+i/676%26)) + ".example,")
	}
	return b.String()
}
