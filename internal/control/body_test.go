package control

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/internal/admin"
)

func TestParseAnswer(t *testing.T) {
	for text, want := range map[string]*admin.Answer{
		`{"allow":true}`:  {Allow: true},
		`{"allow":false}`: {},
		`{"allow":true,"code":"123 456","accept_risk":"hidden-characters"}`: {Allow: true, Code: "123 456", AcceptRisk: "hidden-characters"},
		``: nil, `null`: nil, `true`: nil, `[]`: nil, `{}`: nil,
		`{"allow":"true"}`: nil, `{"allow":1}`: nil, `{"allow":null}`: nil,
		`{"Allow":true}`: nil, `{"allow":false,"Allow":true}`: nil, `{"allow":false,"allow":true}`: nil,
		`{"allow":true,"id":"a_2"}`: nil, `{"allow":true,"code":123456}`: nil, `{"allow":true,"code":null}`: nil,
		`{"allow":true} {"allow":false}`: nil, `{"allow":true,}`: nil, "\xef\xbb\xbf{\"allow\":true}": nil,
		`{"allow":true,"code":"` + strings.Repeat("1", maxWord+1) + `"}`: nil,
		`{"allow":true,"code":"\ud800"}`:                                 nil,
		"{\"allow\":true,\"code\":\"\xff\"}":                             nil,
	} {
		got, err := parseAnswer([]byte(text))
		if (want == nil) != (err != nil) {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
		if want != nil && !cmp.Equal(*want, got) {
			t.Errorf("%s: %+v", text, got)
		}
	}
}

// Whatever is sent, it is an answer in one way or it is none; and a text that
// other parsers take for another answer is none.
func FuzzParseAnswer(f *testing.F) {
	for _, s := range []string{yes, `{"allow":false}`, `{"allow":true,"code":"123456"}`, `{"allow":true,"standing":"same","uses":3,"for":"15m"}`, `{"allow":false,"allow":true}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		a, err := parseAnswer(body)
		if err != nil {
			if a != (admin.Answer{}) && a.Allow {
				t.Errorf("%q is refused and allows: %+v", body, a)
			}
			return
		}
		var other admin.Answer
		d := json.NewDecoder(bytes.NewReader(body))
		d.DisallowUnknownFields()
		if err := d.Decode(&other); err != nil || other != a {
			t.Errorf("%q is %+v, and to encoding/json %+v (%v)", body, a, other, err)
		}
	})
}

func TestBodies(t *testing.T) {
	b := newBureau(t)
	id := b.hold(`{"path":"/a"}`)
	at := "/v1/approvals/" + id + "/answer"
	for name, body := range map[string]string{
		"too large": `{"allow":true,"code":"` + strings.Repeat(" ", maxBody) + `"}`,
		"deep":      strings.Repeat("[", 1000),
		"two":       yes + yes,
		"a form":    "allow=true",
	} {
		if got := b.send("POST", at, b.tokens.Approver, body); got.status != 400 || got.code() != "invalid" {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
	}
	if got := b.send("POST", at+"?allow=true", b.tokens.Approver, `{"allow":false}`); got.status != 400 {
		t.Errorf("a query beside the body: %d", got.status)
	}
	if b.state(id) != access.ApprovalOpen {
		t.Error(b.state(id))
	}
}
