package canon

import (
	"errors"
	"testing"

	"github.com/custos-zt/custos/access"
)

func TestReadMessage(t *testing.T) {
	for _, c := range []struct {
		in   string
		kind MessageKind
		key  string
	}{
		{`{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"x"}}` + "\n", Request, `7`},
		{`{"jsonrpc":"2.0","id":"7","method":"ping"}` + "\r\n", Request, `"7`},
		{`{"jsonrpc":"2.0","id":"\u0061\"","method":"ping","x-future":[1]}`, Request, `"a"`},
		{`{"jsonrpc":"2.0","id":9007199254740993,"method":"ping"}`, Request, `9007199254740993`},
		{`{"jsonrpc":"2.0","id":-1,"method":"vendor/anything","params":{}}`, Request, `-1`},
		{`{"jsonrpc":"2.0","id":-0,"method":"ping"}`, Request, `0`},
		{`{"jsonrpc":"2.0","method":"notifications/initialized"}`, Notification, ``},
		{`{"jsonrpc":"2.0","id":1,"result":{}}`, Response, `1`},
		{`{"jsonrpc":"2.0","id":1,"error":{"code":-1,"message":"m"}}`, ErrorResponse, `1`},
		{`{"result":{"Method":1},"id":"","jsonrpc":"2.0"}`, Response, `"`},
	} {
		m, err := ReadMessage([]byte(c.in), DefaultLimits())
		if err != nil {
			t.Errorf("%s: %v", c.in, err)
			continue
		}
		if m.Kind != c.kind || m.IDKey != c.key {
			t.Errorf("%s: %v %q, want %v %q", c.in, m.Kind, m.IDKey, c.kind, c.key)
		}
		if m.Root.Raw() != string(m.Raw) {
			t.Errorf("%s: raw %q", c.in, m.Raw)
		}
	}
}

func TestReadMessageParts(t *testing.T) {
	m, err := ReadMessage([]byte(`{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"x"}}`), DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	if m.Method != "tools/call" || m.Params.Get("name").Text() != "x" || m.ID.Raw() != "7" ||
		!m.Result.IsAbsent() || !m.Error.IsAbsent() {
		t.Errorf("%+v", m)
	}
}

func TestReadMessageRefuses(t *testing.T) {
	for _, in := range []string{
		``,
		`[]`,
		`[{"jsonrpc":"2.0","id":1,"method":"ping"}]`,
		`"ping"`,
		`{"jsonrpc":"2.0","id":1,"method":"ping"}{"jsonrpc":"2.0","id":2,"method":"ping"}`,
		"{\"jsonrpc\":\"2.0\",\"x\":\r{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\"}\r,\"id\":1,\"method\":\"ping\"}",
		"{\"jsonrpc\":\"2.0\",\n\"id\":1,\"method\":\"ping\"}",
		`{"id":1,"method":"ping"}`,
		`{"jsonrpc":"1.0","id":1,"method":"ping"}`,
		`{"jsonrpc":2.0,"id":1,"method":"ping"}`,
		`{"jsonrpc":"2.0","id":null,"method":"ping"}`,
		`{"jsonrpc":"2.0","id":1.0,"method":"ping"}`,
		`{"jsonrpc":"2.0","id":1.5,"method":"ping"}`,
		`{"jsonrpc":"2.0","id":1e2,"method":"ping"}`,
		`{"jsonrpc":"2.0","id":true,"method":"ping"}`,
		`{"jsonrpc":"2.0","id":{},"method":"ping"}`,
		`{"jsonrpc":"2.0","id":[1],"method":"ping"}`,
		`{"jsonrpc":"2.0","method":"ping"}`,
		`{"jsonrpc":"2.0","method":"tools/call","params":{}}`,
		`{"jsonrpc":"2.0","method":"Notifications/initialized"}`,
		`{"jsonrpc":"2.0","id":1,"method":"notifications/initialized"}`,
		`{"jsonrpc":"2.0","id":null,"method":"notifications/initialized"}`,
		`{"jsonrpc":"2.0","id":1,"method":""}`,
		`{"jsonrpc":"2.0","id":1,"method":null}`,
		`{"jsonrpc":"2.0","id":1,"method":7}`,
		`{"jsonrpc":"2.0","id":1,"method":null,"result":{}}`,
		`{"jsonrpc":"2.0","id":1,"method":"ping","params":[]}`,
		`{"jsonrpc":"2.0","id":1,"method":"ping","params":null}`,
		`{"jsonrpc":"2.0","id":1,"method":"ping","result":{}}`,
		`{"jsonrpc":"2.0","id":1,"method":"ping","error":{}}`,
		`{"jsonrpc":"2.0","id":1}`,
		`{"jsonrpc":"2.0","id":1,"result":{},"error":{}}`,
		`{"jsonrpc":"2.0","id":1,"result":{},"error":null}`,
		`{"jsonrpc":"2.0","id":1,"result":{},"params":{}}`,
		`{"jsonrpc":"2.0","id":1,"error":"no"}`,
		`{"jsonrpc":"2.0","result":{}}`,
		`{"jsonrpc":"2.0","id":null,"result":{}}`,
		`{"jsonrpc":"2.0","id":null,"error":{}}`,
		`{"jsonrpc":"2.0","id":1,"Method":"ping"}`,
		`{"jsonrpc":"2.0","id":1,"method":"ping","Method":"tools/call"}`,
		`{"jsonrpc":"2.0","id":1,"method":"ping","Params":{}}`,
		`{"jsonrpc":"2.0","id":1,"method":"ping","param` + "\u017f" + `":{}}`,
		`{"jsonrpc":"2.0","id":1,"method":"ping","method\u0000":"tools/call"}`,
		`{"JSONRPC":"2.0","jsonrpc":"2.0","id":1,"method":"ping"}`,
		`{"jsonrpc":"2.0","id":1,"ID":2,"method":"ping"}`,
		`{"jsonrpc":"2.0","id":1,"method":"tools/list","method":"tools/call"}`,
		`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"arguments":{"path":"/a","Path":"/b"}}}`,
	} {
		for _, fold := range []int{-1, 3} {
			l := DefaultLimits()
			l.FoldDepth = fold
			m, err := ReadMessage([]byte(in), l)
			var e *Error
			if !errors.As(err, &e) {
				t.Errorf("%s: read as %v", in, m.Kind)
			} else if e.Reason() != access.RequestMalformed {
				t.Errorf("%s: reason %s", in, e.Reason())
			}
		}
	}
	l := DefaultLimits()
	l.FoldDepth = 0
	if _, err := ReadMessage([]byte(`{"jsonrpc":"2.0","id":1,"method":"a","Method":"b"}`), l); err == nil {
		t.Error("Method beside method read without folding")
	}
}

func TestReadServerMessage(t *testing.T) {
	m, err := ReadServerMessage([]byte(`{"jsonrpc":"2.0","id":null,"error":{"code":-32700}}`), DefaultLimits())
	if err != nil || m.Kind != ErrorResponse || m.IDKey != "" || m.ID.Kind() != access.Null {
		t.Errorf("error response with null id: %+v, %v", m, err)
	}
	for _, in := range []string{
		`{"jsonrpc":"2.0","id":null,"result":{}}`,
		`{"jsonrpc":"2.0","id":null,"method":"ping"}`,
		`{"jsonrpc":"2.0","error":{"code":-32700}}`,
	} {
		if _, err := ReadServerMessage([]byte(in), DefaultLimits()); err == nil {
			t.Errorf("%s: accepted", in)
		}
	}
}

func TestTooLargeReason(t *testing.T) {
	l := DefaultLimits()
	l.Bytes = 10
	_, err := ReadMessage([]byte(`{"jsonrpc":"2.0","id":1,"method":"ping"}`), l)
	var e *Error
	if !errors.As(err, &e) || e.Reason() != access.RequestTooLarge {
		t.Errorf("%v", err)
	}
}
