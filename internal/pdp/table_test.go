package pdp

import (
	"fmt"
	"strings"
	"testing"
)

// A table finds what was put in and nothing else, texts of all lengths and
// texts that share a hash alike.
func TestTable(t *testing.T) {
	var tab table[int]
	if tab.find("") != nil {
		t.Error("an empty table holds the empty text")
	}
	texts := []string{"", "a", "b", "ab", "abc", "abcd", "abcdefgh", "abcdefghi"}
	for i := range 3000 {
		texts = append(texts, fmt.Sprint("role", i), strings.Repeat("x", i%80)+fmt.Sprint(i))
	}
	for i, text := range texts {
		n := tab.add(text)
		*tab.place(text) = i + 1
		if tab.add(text) != n {
			t.Fatalf("%q has two numbers", text)
		}
	}
	for i, text := range texts {
		if v := tab.find(text); v == nil || *v != i+1 {
			t.Fatalf("%q: %v, want %d", text, v, i+1)
		}
		if tab.find(text+"?") != nil {
			t.Fatalf("%q? was found", text)
		}
	}
	// A slot whose hash is that of another text.
	h := hashOf("never")
	for i := range tab.slots {
		tab.slots[i].tag = uint32(h >> 32)
	}
	if n := tab.number("never"); n != 0 {
		t.Errorf("a hash was taken for a text: %q", tab.entries[n-1].text)
	}
}
