package inventory

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/custos-zt/custos/access"
)

// page builds the tools of one page; "a!" lists a with another description.
func page(t testing.TB, names ...string) []Definition {
	t.Helper()
	var list []string
	for _, name := range names {
		plain, changed := strings.CutSuffix(name, "!")
		list = append(list, fmt.Sprintf(`{"name":%q,"description":"%v","inputSchema":{"type":"object"}}`, plain, changed))
	}
	tools, _ := ParseTools(value(t, `{"tools":[`+strings.Join(list, ",")+`]}`))
	return tools
}

// TestBackend plays listings. A step is "page GENERATION CURSOR>NEXT NAMES…",
// "changed", or "NAME=STATE …" and "complete" or "incomplete" as expectation.
func TestBackend(t *testing.T) {
	for name, script := range map[string]string{
		"nothing seen": `expect incomplete a=unlisted`,
		"one page":     "page 0 > a b\nexpect complete a=listed b=listed c=absent",
		"two pages":    "page 0 >x a\nexpect incomplete a=listed b=unlisted\npage 0 x> b\nexpect complete a=listed b=listed c=absent",
		"a tool goes":  "page 0 > a b\npage 0 > a\nexpect complete a=listed b=absent",
		"listing again keeps what is known until its end": "page 0 > a b\npage 0 >x a\nexpect complete a=listed b=listed\npage 0 x> c\nexpect complete a=listed b=absent c=listed",
		"a new tool on a first page":                      "page 0 > a\npage 0 >x z\nexpect incomplete a=listed z=listed q=unlisted",
		"a changed tool on a first page":                  "page 0 > a\npage 0 >x a!\nexpect incomplete a=listed q=unlisted",
		"changed":                                         "page 0 > a\nchanged\nexpect incomplete a=stale b=unlisted\npage 1 > b\nexpect complete a=absent b=listed",
		"a reply that crossed the notice":                 "page 0 > a\nchanged\npage 0 > a b\nexpect incomplete a=stale b=stale c=unlisted",
		"a notice between pages":                          "page 0 >x a\nchanged\npage 0 x> b\nexpect incomplete a=stale b=stale c=unlisted",
		"a page of no chain":                              "page 0 y> a\nexpect incomplete a=listed b=unlisted",
		"a page twice":                                    "page 0 >x a\npage 0 x>y b\npage 0 x> c\nexpect incomplete a=listed b=listed c=listed d=unlisted",
		"the same name on two pages":                      "page 0 >x a\nexpect incomplete a=listed\npage 0 x> b a\nexpect complete a=quarantined b=listed",
		"confusable on two pages":                         "page 0 >x pay\npage 0 x> pаy\nexpect complete pay=quarantined pаy=quarantined",
		"a twin goes":                                     "page 0 > pay pаy\npage 0 > pay\nexpect complete pay=listed pаy=absent",
		"twins stay under quarantine":                     "page 0 >x a a\npage 0 q> b\nexpect incomplete a=quarantined b=listed",
		"quarantine outlives a change":                    "page 0 > a a\nchanged\nexpect incomplete a=quarantined",
	} {
		t.Run(name, func(t *testing.T) {
			var b Backend
			for _, step := range strings.Split(script, "\n") {
				play(t, &b, strings.Fields(step))
			}
		})
	}
}

func play(t *testing.T, b *Backend, words []string) {
	t.Helper()
	switch words[0] {
	case "changed":
		b.Invalidate()
	case "page":
		cursor, next, _ := strings.Cut(words[2], ">")
		b.Replace(Page{Generation: uint64(words[1][0] - '0'), Cursor: cursor, Next: next, Tools: page(t, words[3:]...)})
	case "expect":
		if got, want := b.Complete(), words[1] == "complete"; got != want {
			t.Errorf("complete %v, want %v", got, want)
		}
		for _, w := range words[2:] {
			name, want, _ := strings.Cut(w, "=")
			d, state := b.Lookup(name)
			if state.String() != want {
				t.Errorf("%s is %v, want %s", name, state, want)
			}
			if known := state > Absent; known != (d != nil) {
				t.Errorf("%s is %v with definition %v", name, state, d)
			}
		}
	}
}

func TestBackendAge(t *testing.T) {
	var b Backend
	start := time.Unix(1000, 0)
	if _, ok := b.Age(start); ok {
		t.Error("an empty inventory has an age")
	}
	b.Replace(Page{Next: "x", Tools: page(t, "b"), At: start})
	if _, ok := b.Age(start); ok {
		t.Error("an unfinished listing has an age")
	}
	b.Replace(Page{Cursor: "x", Tools: page(t, "a", "a"), At: start.Add(time.Minute)})
	if age, ok := b.Age(start.Add(time.Hour)); !ok || age != time.Hour {
		t.Errorf("age %v %v, want that of the first page", age, ok)
	}
	if diff := cmp.Diff([]string{"b", "a"}, b.Names()); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
}

// TestBackendKeepsCompiledSchemas lists the same tool again: nothing about it
// is compiled twice.
func TestBackendKeepsCompiledSchemas(t *testing.T) {
	var b Backend
	b.Replace(Page{Tools: page(t, "a", "b")})
	before, _ := b.Lookup("a")
	before.Check(access.Value{})
	b.Replace(Page{Tools: page(t, "a", "b!")})
	if after, _ := b.Lookup("a"); after.schema != before.schema {
		t.Error("an unchanged definition lost its compiled schema")
	}
}

func TestBackendFlood(t *testing.T) {
	var b Backend
	names := make([]string, 4000)
	for p := range 4 {
		for i := range names {
			names[i] = fmt.Sprintf("t%d-%d", p, i)
		}
		next := fmt.Sprint(p + 1)
		if p == 3 {
			next = ""
		}
		cursor := ""
		if p > 0 {
			cursor = fmt.Sprint(p)
		}
		b.Replace(Page{Cursor: cursor, Next: next, Tools: page(t, names...)})
	}
	if got := len(b.Names()); got > MaxTools {
		t.Errorf("%d tools are kept, more than %d", got, MaxTools)
	}
	if b.Complete() {
		t.Error("a listing with too many tools is complete")
	}
}

func TestBackendConcurrently(t *testing.T) {
	var b Backend
	one, two := page(t, "a", "b"), page(t, "a", "b!")
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			for range 200 {
				switch i {
				case 0:
					b.Replace(Page{Generation: b.Generation(), Tools: one})
				case 1:
					b.Replace(Page{Generation: b.Generation(), Tools: two})
				case 2:
					b.Invalidate()
				default:
					if d, state := b.Lookup("a"); state > Absent && d.Check(access.Value{}) != access.SchemaValid {
						t.Error("a listed tool is not valid")
					}
				}
			}
		})
	}
	wg.Wait()
}
