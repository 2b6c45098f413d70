package inventory

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/custos-zt/custos/access"
)

func TestParseItems(t *testing.T) {
	v := value(t, `{"resources":[{"uri":"file:///a","name":"x"},{"name":"no uri"},7,{"uri":""},{"uri":"file:///b"}]}`)
	items, problems := ParseItems(v, "resources", "uri")
	got := make([]string, 0, len(items))
	for _, it := range items {
		got = append(got, it.Name+" "+it.Raw)
	}
	if diff := cmp.Diff([]string{`file:///a {"uri":"file:///a","name":"x"}`, `file:///b {"uri":"file:///b"}`}, got); diff != "" {
		t.Errorf("items (-want +got):\n%s", diff)
	}
	if len(items) == 2 && items[1].Index != 4 {
		t.Errorf("index %d, want 4", items[1].Index)
	}
	if len(problems) != 3 || problems[0].Index != 1 || problems[1].Index != 2 || problems[2].Index != 3 {
		t.Errorf("problems %v, want elements 1, 2 and 3", problems)
	}
	for _, text := range []string{`{}`, `{"resources":{}}`, `[]`} {
		if items, problems := ParseItems(value(t, text), "resources", "uri"); len(items) != 0 || len(problems) != 1 {
			t.Errorf("%s: %d items, problems %v", text, len(items), problems)
		}
	}
}

func TestFilterList(t *testing.T) {
	for name, tc := range map[string]struct{ frame, keep, want string }{
		"all kept":          {`{"id":1,"result":{"tools":[1, 2 ,3]}}`, "012", `{"id":1,"result":{"tools":[1, 2 ,3]}}`},
		"none kept":         {`{"id":1,"result":{"tools":[1,2,3]}}`, "", `{"id":1,"result":{"tools":[]}}`},
		"first removed":     {`{"id":1,"result":{"tools":[1,2,3]}}`, "12", `{"id":1,"result":{"tools":[2,3]}}`},
		"last removed":      {`{"id":1,"result":{"tools":[1,2,3]}}`, "01", `{"id":1,"result":{"tools":[1,2]}}`},
		"middle removed":    {`{"id":1,"result":{"tools":[1,2,3]}}`, "02", `{"id":1,"result":{"tools":[1,3]}}`},
		"empty list":        {`{"id":1,"result":{"tools":[ ]}}`, "", `{"id":1,"result":{"tools":[ ]}}`},
		"no list":           {`{"id":1,"result":{"x":[1]}}`, "", `{"id":1,"result":{"x":[1]}}`},
		"another list":      {`{"id":1,"result":{"x":[1],"tools":{"0":1}}}`, "", `{"id":1,"result":{"x":[1],"tools":{"0":1}}}`},
		"white space stays": {"{ \"id\" : 1 ,\t\"result\" : { \"tools\" : [ 1 ,\n 2 , 3 ] , \"nextCursor\":\"a\" } }", "02", "{ \"id\" : 1 ,\t\"result\" : { \"tools\" : [ 1 , 3 ] , \"nextCursor\":\"a\" } }"},
		"white space, first removed": {
			"{\"result\":{\"tools\":[\n  1,\n  2\n]}}", "1", "{\"result\":{\"tools\":[\n  2\n]}}",
		},
		"what looks like the list": {
			`{"_meta":{"result":{"tools":[1,2]},"s":"\"result\":{\"tools\":[1,2]}"},"result":{"_meta":{"tools":[1,2]},"tools":[1,2]}}`, "1",
			`{"_meta":{"result":{"tools":[1,2]},"s":"\"result\":{\"tools\":[1,2]}"},"result":{"_meta":{"tools":[1,2]},"tools":[2]}}`,
		},
		"escaped keys":          {`{"r\u0065sult":{"tool\u0073":[1,2]}}`, "0", `{"r\u0065sult":{"tool\u0073":[1]}}`},
		"brackets in strings":   {`{"id":"]}\\","result":{"a":"[\"","tools":["[,",{"b":"]"},[[1],2]]}}`, "02", `{"id":"]}\\","result":{"a":"[\"","tools":["[,",[[1],2]]}}`},
		"equal items":           {`{"result":{"tools":[1,11,1,11]}}`, "03", `{"result":{"tools":[1,11]}}`},
		"scalars before":        {`{"jsonrpc":"2.0","id":1e5,"a":null,"b":[],"c":{},"result":{"tools":[1]}}`, "", `{"jsonrpc":"2.0","id":1e5,"a":null,"b":[],"c":{},"result":{"tools":[]}}`},
		"list is the last byte": {`{"result":{"n":-1,"tools":[1,2]}}`, "1", `{"result":{"n":-1,"tools":[2]}}`},
	} {
		t.Run(name, func(t *testing.T) {
			keep := func(i int) bool { return strings.Contains(tc.keep, string(rune('0'+i))) }
			got, err := FilterList(tc.frame, value(t, tc.frame).Get("result"), "tools", keep)
			if err != nil || got != tc.want {
				t.Errorf("got  %q (%v)\nwant %q", got, err, tc.want)
			}
		})
	}
}

func TestFilterListOfAnotherFrame(t *testing.T) {
	result := value(t, `{"result":{"tools":[1,2]}}`).Get("result")
	for _, frame := range []string{`{"result":{"tools":[1,3]}}`, `{"id":1}`, ``, `[]`, `{`, `{"result"`, `{"result":`} {
		if got, err := FilterList(frame, result, "tools", func(int) bool { return true }); err == nil {
			t.Errorf("%s: got %q, want an error", frame, got)
		}
	}
}

func TestParseTools(t *testing.T) {
	tools, problems := ParseTools(value(t, `{"tools":[
		{"name":"read","inputSchema":{"type":"object"}},
		{"name":"write"},{"name":"wrіte"},
		{"name":"twice","description":"a"},{"name":"twice","description":"b"},
		{"name":"Case"},{"name":"case"},
		{"name":"inv\u200bisible"},{"name":"tab\there"},
		{"name":""},{"title":"none"},"text",
		{"name":"`+strings.Repeat("é", maxName)+`"},{"name":"`+strings.Repeat("x", maxName+1)+`"}]}`))
	got := map[string]string{}
	for i := range tools {
		got[tools[i].Name] = tools[i].Quarantine
	}
	const confusable, unseen = "the name can be taken for another tool's", "the name contains a character that does not show"
	want := map[string]string{
		"read": "", "write": confusable, "wrіte": confusable, "twice": "the name is listed twice",
		"Case": confusable, "case": confusable, "inv\u200bisible": unseen, "tab\there": unseen,
		strings.Repeat("é", maxName): "", strings.Repeat("x", maxName+1): "the name is longer than 128 characters",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("quarantine (-want +got):\n%s", diff)
	}
	if len(tools) != 11 || len(problems) != 12 {
		t.Errorf("%d tools and %d problems, want 11 and 12", len(tools), len(problems))
	}
	if tools[0].Index != 0 || tools[10].Index != 13 {
		t.Errorf("indexes %d and %d, want those of the list", tools[0].Index, tools[10].Index)
	}
}

func TestDigestIgnoresOrderAlone(t *testing.T) {
	a := NewDefinition("t", value(t, `{"name":"t","inputSchema":{"type":"object"}}`))
	b := NewDefinition("t", value(t, `{ "inputSchema": {"type": "object"}, "name": "t"}`))
	c := NewDefinition("t", value(t, `{"name":"t","inputSchema":{"type":"object"},"annotations":{"readOnlyHint":true}}`))
	if a.Digest != b.Digest || a.Digest == c.Digest {
		t.Error("the digest is not that of the canonical definition")
	}
	if a.Check(access.Value{}) != access.SchemaValid {
		t.Error("no arguments are not valid")
	}
}

func TestConfusable(t *testing.T) {
	for _, tc := range []struct {
		a, b string
		want bool
	}{
		{"read_file", "read_file", true},
		{"read_file", "READ_FILE", true},
		{"read_file", "ｒead_file", true},
		{"pay", "раy", true},
		{"pay", "pаy", true},
		{"omega", "οmega", true},
		{"read-file", "read\u2011file", true},
		{"pay", "p\u00aday", true},
		{"élan", "e\u0301lan", true},
		{"ёж", "e\u0308ж", true},
		{"read_file", "read-file", false},
		{"read", "reads", false},
		{"elan", "élan", false},
		{"読む", "読み", false},
	} {
		if got := appearance(tc.a) == appearance(tc.b); got != tc.want {
			t.Errorf("%q and %q: confusable %v, want %v", tc.a, tc.b, got, tc.want)
		}
	}
}
