package ask

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/internal/approval"
	"github.com/custos-zt/custos/internal/canary"
	"github.com/custos-zt/custos/internal/canon"
)

// known are the secrets of these tests: of letters that encoders change, and of
// digits, which stand in JSON without quotes.
var known = []canary.Secret{
	{Name: "env:TOKEN", Value: "can/ary=" + `"8&é<x>` + "q"},
	{Name: "env:PIN", Value: "4096123487"},
}

// hushed is a desk that knows them.
func hushed(t *testing.T) *Desk {
	t.Helper()
	d, _ := desk(t)
	m, err := canary.New(known)
	if err != nil {
		t.Fatal(err)
	}
	d.opt.Mask = m.Mask
	return d
}

func quoted(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err) // a string is always JSON
	}
	return string(b)
}

// forms are the encodings in which calls carry a secret.
func forms(secret string) []string {
	return []string{
		secret, quoted(secret), quoted(quoted(secret)), url.QueryEscape(secret), url.PathEscape(secret), hex.EncodeToString([]byte(secret)),
		base64.StdEncoding.EncodeToString([]byte(secret)), base64.URLEncoding.EncodeToString([]byte("xy" + secret + "z")),
	}
}

// consult holds a call and returns how it stands.
func consult(t *testing.T, d *Desk, r *approval.Request) access.Approval {
	t.Helper()
	params, err := canon.Parse(r.Params, canon.DefaultLimits())
	if err != nil {
		t.Fatalf("%v: %s", err, r.Params)
	}
	r.Digest, r.Policy, r.Rules = canon.RequestDigest(r.Method, params), "sha256:p", []approval.Rule{{ID: "writes", Position: "p.yaml:3"}}
	a, err := d.Consult(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// Wherever a known secret stands in a held call, and in whatever encoding, it is
// shown to nobody, and the answer is one to the true call all the same.
func TestSecretsAreShownToNobody(t *testing.T) {
	d := hushed(t)
	n := 0
	for _, secret := range known {
		for _, form := range forms(secret.Value) {
			s := quoted("x " + form + " y")
			for _, r := range []approval.Request{
				{
					Params: `{"name":"write","arguments":{"text":` + s + `,"deep":{"list":[1,{"x":` + s + `}]},` + s + `:{` + s + `:1},` + quoted(form) + `:2,"pin":4096123487}}`,
					Client: form, Root: "/home/" + form,
				},
				{Params: `{"uri":` + s + `}`, Kind: access.Resource, Method: "resources/read", Name: form},
			} {
				if r.Method == "" {
					r.Kind, r.Method, r.Name = access.Tool, "tools/call", "write"
				}
				n++
				r.Subject, r.Backend = fmt.Sprintf("os:%d", n), "files" // five may wait for each
				id := consult(t, d, &r).ID
				v, err := d.Show(t.Context(), id)
				if err != nil || !v.Masked {
					t.Fatalf("%s: masked %v, %v", r.Params, v != nil && v.Masked, err)
				}
				silent(t, v)
				if err := d.Say(t.Context(), id, "tty", true); err != nil {
					t.Fatal(err)
				}
				if a := consult(t, d, &r); a.State != access.ApprovalUsed {
					t.Fatalf("%s: the answer does not count for the true call: %+v", r.Params, a)
				}
			}
		}
	}
}

// silent fails where a request shows a secret.
func silent(t *testing.T, v *View) {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	all := string(b) + "\n" + v.By() + "\n" + v.Title
	for _, l := range v.Lines() {
		all += "\n" + l[0] + " " + l[1]
	}
	for _, secret := range known {
		for _, form := range forms(secret.Value) {
			if strings.Contains(all, form) {
				t.Fatalf("%q is shown: %s", form, all)
			}
		}
	}
	if !strings.Contains(all, "\nMASKED ") {
		t.Errorf("nobody is told: %s", all)
	}
}

func TestDeclaredSecretsAreShownToNobody(t *testing.T) {
	d, _ := desk(t)
	r := &approval.Request{
		Subject: "os:dev", Backend: "files", Kind: access.Tool, Method: "tools/call", Name: "write",
		Params:  `{"name":"write","arguments":{"to":"ada","login":{"user":"u","pass":"hunter2"},"keys":[{"k":"one","n":1},{"k":["two"],"n":2}],"[secret]":"[secret]"}}`,
		Secrets: [][]string{{"login", "pass"}, {"keys", "", "k"}, {"absent"}},
	}
	v, err := d.Show(t.Context(), consult(t, d, r).ID)
	if err != nil {
		t.Fatal(err)
	}
	want := [][2]string{
		{"to", `"ada"`},
		{"login", `{"pass":[secret],"user":"u"}`},
		{"keys", `[{"k":[secret],"n":1},{"k":[secret],"n":2}]`},
		{`"[secret]"`, `"[secret]"`}, // what an agent wrote is quoted
		{"MASKED", "a secret stands in this call; it is shown as its name, and the answer is to its true value"},
		{"why", "rule writes, p.yaml:3"},
	}
	for i, l := range v.Lines() {
		if i >= len(want) || l != want[i] {
			t.Errorf("line %d is %q", i, l)
		}
	}
	// A changed secret shows as a difference, and neither value does.
	if err := d.Say(t.Context(), v.ID, "tty", true); err != nil {
		t.Fatal(err)
	}
	consult(t, d, r)
	r.Params = strings.Replace(r.Params, "hunter2", "hunter3", 1)
	if v, err = d.Show(t.Context(), consult(t, d, r).ID); err != nil || v.Arguments[1].Last != `{"pass":[secret],"user":"u"}` || v.Arguments[0].Last != "" {
		t.Errorf("%+v, %v", v.Arguments, err)
	}
}

func TestNothingMaskedIsNotSaid(t *testing.T) {
	d := hushed(t)
	v, err := d.Show(t.Context(), held(t, d, `{"masked":"[secret env:TOKEN]"}`))
	if err != nil || v.Masked || v.Lines()[0] != [2]string{`"masked"`, `"[secret env:TOKEN]"`} {
		t.Errorf("%+v, %v", v, err)
	}
}
