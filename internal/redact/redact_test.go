package redact

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/audit"
	"github.com/custos-zt/custos/internal/canary"
	"github.com/custos-zt/custos/internal/canon"
)

const secret = "hunter2-s3cret"

func keyed(purpose string, data []byte) [32]byte {
	m := hmac.New(sha256.New, []byte("key|"+purpose))
	m.Write(data)
	return [32]byte(m.Sum(nil))
}

func known(t *testing.T) *canary.Matcher {
	t.Helper()
	m, err := canary.New([]canary.Secret{{Name: "env:TOKEN", Value: secret}})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// fill sets every text that v holds, in lists and behind pointers too.
func fill(v reflect.Value, text string) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), text)
	case reflect.Slice:
		if v.Type() == reflect.TypeFor[json.RawMessage]() {
			v.SetBytes([]byte(`"` + text + `"`))
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0), text)
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				fill(v.Field(i), text)
			}
		}
	default:
	}
}

// ours are the texts that Custos itself makes; what is in them comes from no
// caller.
func ours() []string {
	return []string{
		"prev", "kind", "direction", "reason", "policy_digest", "old_policy_digest", "isolation", "status",
		"command_digest", "instance", "key", "rotation", "previous", "segment", "clock", "last_good", "signature", "judged",
		"args.types", "args.hmac", "args.age", "approval.state", "change.digest", "change.old", "judgement.of", "judgement.verdict", "coalesced.groups.reason",
	}
}

// TestNoTextOfARecordHoldsASecret: whoever adds a text to a record masks it, or
// says here that Custos makes it.
func TestNoTextOfARecordHoldsASecret(t *testing.T) {
	var r audit.Record
	fill(reflect.ValueOf(&r).Elem(), "before "+secret+" after")
	before, err := json.Marshal(&r)
	if err != nil {
		t.Fatal(err)
	}
	untouched := r
	New(Options{Secrets: known(t)}).Record(&r)
	look(t, "", reflect.ValueOf(r))
	if r.Message != "before [secret env:TOKEN] after" {
		t.Errorf("message %q", r.Message)
	}
	if after, err := json.Marshal(&untouched); err != nil || !bytes.Equal(before, after) {
		t.Errorf("what the record points to was changed: %v", err)
	}
}

func look(t *testing.T, where string, v reflect.Value) {
	t.Helper()
	switch v.Kind() {
	case reflect.String:
		if strings.Contains(v.String(), secret) {
			t.Errorf("a secret stands in %s", where)
		}
	case reflect.Pointer:
		if !v.IsNil() {
			look(t, where, v.Elem())
		}
	case reflect.Slice:
		if v.Type() == reflect.TypeFor[json.RawMessage]() && bytes.Contains(v.Bytes(), []byte(secret)) {
			t.Errorf("a secret stands in %s", where)
			return
		}
		for i := range v.Len() {
			look(t, where, v.Index(i))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			f := v.Type().Field(i)
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			at := strings.TrimPrefix(where+"."+name, ".")
			if f.IsExported() && !slices.Contains(ours(), at) {
				look(t, at, v.Field(i))
			}
		}
	default:
	}
}

func TestSubjectsBecomePseudonyms(t *testing.T) {
	r := audit.Record{
		Subject: "corp:alice", Layer: "user/corp:alice", Position: "/home/alice/p.yaml:3", Detail: "reload of /home/alice/p.yaml",
		Matched:  []access.Match{{Position: "/home/alice/p.yaml:3"}},
		Nearest:  &access.Nearest{Position: "/home/alice/p.yaml:9"},
		Approval: &audit.Approval{By: "corp:alice"}, Change: &audit.Change{Actor: "corp:alice"},
	}
	d := New(Options{Pseudonyms: true, Home: "/home/alice", Keyed: keyed})
	d.Record(&r)
	once := r
	d.Record(&r) // a record that is recorded again, such as that of a held call
	if diff := cmp.Diff(once, r); diff != "" {
		t.Error(diff)
	}
	line := r.ExportJSON()
	if bytes.Contains(line, []byte("alice")) {
		t.Errorf("a person is named in %s", line)
	}
	p := Pseudonym("corp:alice", keyed)
	if r.Subject != p || r.Approval.By != p || r.Change.Actor != p || r.Layer != "user/"+p || !IsPseudonym(p) {
		t.Errorf("got %s, want %s", line, p)
	}
	if Pseudonym("corp:bob", keyed) == p || Pseudonym("", keyed) != "" || IsPseudonym("p_0123456789:abcde") {
		t.Error("pseudonyms are not distinct")
	}
}

func request(t *testing.T, args string, facts access.ToolFacts) (*audit.Args, *access.Request) {
	t.Helper()
	v, err := canon.Parse(args, canon.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	declared := func(name string) bool { return name != "odd" }
	return audit.Describe(v, declared, keyed), &access.Request{Kind: access.Tool, Args: v, Tool: facts}
}

func TestTierTwoKeepsWhatItsLabelAllows(t *testing.T) {
	args := `{"n":3,"q":"a ` + secret + ` b","token":"t","opts":{"key":"k"},"odd":"x","long":"` + strings.Repeat("y", 2000) + `"}`
	for name, c := range map[string]struct {
		labels []string
		want   []string
	}{
		"allowed":          {[]string{"public"}, []string{`3`, `"a [secret env:TOKEN] b"`, "", "", "", ""}},
		"one not allowed":  {[]string{"public", "pii"}, nil},
		"none":             {[]string{}, nil},
		"nothing is known": {nil, nil},
	} {
		a, r := request(t, args, access.ToolFacts{Labels: c.labels, Secrets: []string{"token", "opts.key"}})
		New(Options{Secrets: known(t), Tier: 2, Labels: []string{"public", "docs"}}).Keep(a, r)
		if diff := cmp.Diff(c.want, a.Values); diff != "" || a.Tier != 2 || a.Masked != (c.want != nil) {
			t.Errorf("%s: tier %d, masked %v, %s", name, a.Tier, a.Masked, diff)
		}
	}
}

func TestTierTwoIsBounded(t *testing.T) {
	args := `{"a":"` + strings.Repeat("y", 1000) + `"`
	for _, k := range "bcdefgh" {
		args += `,"` + string(k) + `":"` + strings.Repeat("y", 1000) + `"`
	}
	a, r := request(t, args+"}", access.ToolFacts{Labels: []string{"public"}})
	New(Options{Tier: 2, Labels: []string{"public"}}).Keep(a, r)
	if n := len(strings.Join(a.Values, "")); n > maxValues || n < 3000 {
		t.Errorf("%d bytes of values", n)
	}
}

func TestTierThreeKeepsTheWhole(t *testing.T) {
	var plain []byte
	d := New(Options{Secrets: known(t), Tier: 3, Encrypt: func(b []byte) (string, error) { plain = b; return "c2VhbGVk", nil }})
	a, r := request(t, `{"q":"`+secret+`","odd":1}`, access.ToolFacts{})
	d.Keep(a, r)
	if a.Tier != 3 || a.Age != "c2VhbGVk" || !a.Masked || a.Values != nil || string(plain) != `{"q":"[secret env:TOKEN]","odd":1}` {
		t.Errorf("%+v of %s", a, plain)
	}
	a, r = request(t, `{"q":"`+strings.Repeat("x", maxWhole)+`"}`, access.ToolFacts{})
	if d.Keep(a, r); a.Tier != 3 || a.Age != "" {
		t.Error("an outsized call is kept")
	}
}

func TestNothingToHide(t *testing.T) {
	d := New(Options{Tier: 1, Keyed: keyed})
	if d != nil {
		t.Fatal("a redactor without a task")
	}
	r := audit.Record{Subject: "os:dev"}
	d.Record(&r)
	a, req := request(t, `{"n":1}`, access.ToolFacts{Labels: []string{"public"}})
	if d.Keep(a, req); r.Subject != "os:dev" || a.Values != nil || a.Tier != 0 || d.Text("x") != "x" {
		t.Error("nil changes something")
	}
}
