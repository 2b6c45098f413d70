package pep

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/audit"
	"github.com/custos-zt/custos/internal/canon"
	"github.com/custos-zt/custos/internal/inventory"
)

func TestURIsLoseWhatCarriesTokens(t *testing.T) {
	for in, want := range map[string]string{
		"https://user:secret@host.example/a/b?token=secret#frag": "https://…@host.example/a/b?…",
		"https://host.example?secret":                            "https://host.example?…",
		"https://a@secret@host.example":                          "https://…@host.example",
		"https://host.example/@secret":                           "https://host.example/@secret",
		`https://secret@host.example\@x`:                         `https://…@host.example\@x`,
		"file:///srv/a#secret":                                   "file:///srv/a#…",
		"memo:notes":                                             "memo:notes",
		"":                                                       "",
	} {
		if got := bare(in); got != want {
			t.Errorf("%s became %s, want %s", in, got, want)
		}
	}
}

func TestWhatParsersQuoteIsNotRecorded(t *testing.T) {
	for in, want := range map[string]string{
		`duplicate key "secret" at byte 7`:           `duplicate key "…" at byte 7`,
		`keys "se\"cret" and "SECRET" differ`:        `keys "…" and "…" differ`,
		`want a value, got "secret`:                  `want a value, got "`,
		`the request does not name what it asks for`: `the request does not name what it asks for`,
	} {
		if got := unquoted(in); got != want {
			t.Errorf("%s became %s, want %s", in, got, want)
		}
	}
}

// TestARecordTellsNoValue sends a secret wherever a call has room for one.
func TestARecordTellsNoValue(t *testing.T) {
	const secret = "hunter2-s3cret"
	tools := &inventory.Backend{}
	list, err := canon.Parse(`{"tools":[{"name":"t","inputSchema":{"type":"object","properties":{"path":{"type":"string"},"deep":{}},"additionalProperties":true}}]}`, canon.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	defs, _ := inventory.ParseTools(list)
	tools.Replace(inventory.Page{Tools: defs})
	deny := func(_ *access.Request, d *access.Decision) {
		d.Effect, d.Reason, d.Shown = access.Deny, access.DefaultDenied, "/x/"+secret
		d.Message = "/x/" + secret + " is outside what is allowed here."
	}
	p, log, dir := point(t, Options{Authority: rules{decide: deny}, Tools: tools})
	for _, c := range []struct{ method, params string }{
		{"tools/call", `{"name":"t","arguments":{"path":"/x/` + secret + `","` + secret + `":1,"deep":{"` + secret + `":["` + secret + `"]}}}`},
		{"prompts/get", `{"name":"p","arguments":{"` + secret + `":"` + secret + `"}}`},
		{"resources/read", `{"uri":"https://` + secret + `@h.example/?q=` + secret + `","` + secret + `":1}`},
		{"x/y", `{"` + secret + `":"` + secret + `"}`},
	} {
		p.Admit(call(t, c.method, c.params))
	}
	_, parsing := canon.Parse(`{"`+secret+`":1,"`+secret+`":2}`, canon.DefaultLimits())
	p.Refuse(access.RequestMalformed, parsing.Error())
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	n := 0
	for r, err := range audit.Read(dir, audit.ReadOptions{}) {
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(r.ExportJSON(), []byte(secret)) {
			t.Errorf("a secret stands in %s", r.ExportJSON())
		}
		if r.Kind == audit.KindAdmission {
			n++
		}
		if r.Tool == "t" {
			if d := cmp.Diff([]string{"path", "deep"}, []string{r.Args.Names[0], r.Args.Names[2]}); d != "" || !strings.HasPrefix(r.Args.Names[1], "hmac:") {
				t.Errorf("names %q", r.Args.Names)
			}
			if r.Message != "The path is outside what is allowed here." {
				t.Errorf("message %q", r.Message)
			}
		}
	}
	if n != 5 {
		t.Errorf("%d admissions were read", n)
	}
}
