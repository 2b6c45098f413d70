package inventory

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// TestSimpleFormAgainstLibrary judges random arguments by random schemas both
// ways. The values are few, so that limits are met from both sides often.
func TestSimpleFormAgainstLibrary(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	simple, valid := 0, 0
	for range 4000 {
		text := randomObjectSchema(r, 2, `"additionalProperties":`)
		s := value(t, text)
		shape := compileShape(s, 0)
		if shape == nil {
			continue
		}
		simple++
		general, err := compileLibrary(s)
		if err != nil {
			t.Fatalf("the simple form takes %s, which is refused: %v", text, err)
		}
		for range 10 {
			args := value(t, randomObject(r, 2))
			want := general.valid(args)
			if got := shape.object(args, true); got != want {
				t.Fatalf("schema %s\nargs %s\nsimple form %v, general validator %v", text, args.Raw(), got, want)
			}
			if want {
				valid++
			}
		}
	}
	if simple < 2000 || valid < 1000 {
		t.Errorf("only %d schemas were simple and %d arguments valid: the test lost its point", simple, valid)
	}
}

func pick(r *rand.Rand, words ...string) string { return words[r.IntN(len(words))] }

func randomSchema(r *rand.Rand, depth int) string {
	if depth == 0 || r.IntN(3) > 0 {
		return randomScalarSchema(r)
	}
	if r.IntN(2) == 0 {
		return fmt.Sprintf(`{"type":"array","items":%s,%q:%d}`, randomSchema(r, depth-1), pick(r, "minItems", "maxItems"), r.IntN(3))
	}
	return randomObjectSchema(r, depth, `"additionalProperties":`)
}

func randomScalarSchema(r *rand.Rand) string {
	return pick(r,
		`{}`, `{"type":"string"}`, `{"type":"integer"}`, `{"type":"number"}`, `{"type":"boolean"}`,
		`{"type":["string","null"]}`, `{"type":["integer","boolean"]}`, `{"enum":["a","bb"]}`,
		`{"type":"string","maxLength":1}`, `{"minLength":2}`, `{"type":"string","enum":["a",""],"minLength":1}`,
		`{"minimum":1}`, `{"maximum":1.0}`, `{"type":"integer","exclusiveMinimum":-1,"exclusiveMaximum":10}`,
		`{"type":"object"}`, `{"type":"array"}`, `{"type":"null"}`, `{"format":"uri","type":"string"}`,
		`{"minItems":1}`, `{"type":"string","pattern":"a"}`)
}

func randomObjectSchema(r *rand.Rand, depth int, additional string) string {
	var props, required []string
	for _, name := range []string{"a", "b", "c"} {
		if r.IntN(3) == 0 {
			continue
		}
		props = append(props, fmt.Sprintf(`%q:%s`, name, randomSchema(r, depth-1)))
		if r.IntN(4) == 0 {
			required = append(required, fmt.Sprintf("%q", name))
		}
	}
	text := `{"properties":{` + strings.Join(props, ",") + `}`
	if len(required) > 0 {
		text += `,"required":[` + strings.Join(required, ",") + `]`
	}
	switch r.IntN(4) {
	case 0:
		text += "," + additional + "true"
	case 1:
		text += "," + additional + "false"
	}
	return text + pick(r, "", `,"type":"object"`) + "}"
}

func randomValue(r *rand.Rand, depth int) string {
	if depth == 0 || r.IntN(3) > 0 {
		return pick(r, `"a"`, `"bb"`, `""`, `"é"`, `1`, `1.0`, `0`, `-1`, `1.5`, `10`, `1e1`, `10e-1`, `-0`, `true`, `null`, `[]`, `{}`, `1e2000`)
	}
	if r.IntN(2) == 0 {
		items := make([]string, r.IntN(3))
		for i := range items {
			items[i] = randomValue(r, depth-1)
		}
		return "[" + strings.Join(items, ",") + "]"
	}
	return randomObject(r, depth)
}

func randomObject(r *rand.Rand, depth int) string {
	var members []string
	for _, name := range []string{"a", "b", "c", "d"} {
		if r.IntN(3) == 0 {
			members = append(members, fmt.Sprintf(`%q:%s`, name, randomValue(r, depth-1)))
		}
	}
	return "{" + strings.Join(members, ",") + "}"
}
