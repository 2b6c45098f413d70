package audit

import (
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/internal/canon"
)

// keyedBy returns the keyed digest of one key.
func keyedBy(key string) Keyed {
	return func(purpose string, data []byte) [32]byte {
		m := hmac.New(sha256.New, []byte(key+"|"+purpose+"|"))
		m.Write(data)
		return [32]byte(m.Sum(nil))
	}
}

// parsed reads JSON as a message is read.
func parsed(t testing.TB, text string) access.Value {
	t.Helper()
	v, err := canon.Parse(text, canon.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// declared is a path argument with its readings.
func declared(readings ...string) access.Place {
	return access.Place{Raw: readings[0], Declared: true, Readings: readings}
}

func TestJudgedPathsAreFound(t *testing.T) {
	keyed := keyedBy("k")
	r := &access.Request{Kind: access.Tool, Places: []access.Place{
		declared("/home/dev/app/main.go", "/srv/app/main.go"),
		{Raw: "notes/of and/or", Readings: []string{"notes/of and/or"}, Suspect: []string{"/tmp/notes/of and/or"}},
		{Raw: "../../etc/passwd", Readings: []string{"../../etc/passwd"}, Suspect: []string{"/etc/passwd"}},
		{Raw: "/opt/hidden", Readings: []string{"/opt/hidden"}},
	}}
	j := Judge(r, keyed)
	for _, c := range []struct {
		path string
		want bool
	}{
		{"/home/dev/app/main.go", true},
		{"/home/dev/app", true},
		{"/home/dev", true},
		{"/home", true},
		{"/srv/app", true}, // what a link led to
		{"/etc/passwd", true},
		{"/etc", true},
		{"/opt/hidden", true},
		{"file:///home/dev/app", true},
		{"/home/dev/../dev/app/", true},
		{"/home/%64ev/app", true},
		{"/", false},
		{"/home/de", false},
		{"/home/dev/app/main.go/x", false},
		{"/tmp/notes", false}, // free text
		{"notes", false},
		{"/HOME", false},
		{"", false},
	} {
		if got := meets(PathDigests(c.path, keyed), j.Paths); got != c.want {
			t.Errorf("a query for %q: %v, want %v", c.path, got, c.want)
		}
		if c.want && meets(PathDigests(c.path, keyedBy("another")), j.Paths) {
			t.Errorf("a query for %q under another key finds the call", c.path)
		}
	}
	for _, d := range j.Paths {
		if len(d) != 8 {
			t.Errorf("digest %q has %d characters", d, len(d))
		}
	}
}

func meets(query, stored []string) bool {
	return slices.ContainsFunc(query, func(d string) bool { return slices.Contains(stored, d) })
}

func TestJudgedHostsAreFound(t *testing.T) {
	keyed := keyedBy("k")
	r := &access.Request{Kind: access.Tool, Args: parsed(t, `{"url":"HTTPS://API.example.com:8443/x?y","to":["a@mail.example","b@other.example"],`+
		`"deep":{"u":["http://[::1]/"]},"note":"see: nothing","odd":"https://good.example\\@evil.example/"}`)}
	j := Judge(r, keyed)
	for host, want := range map[string]bool{
		"api.example.com": true, "API.example.com.": true, "https://api.example.com/other": true,
		"mail.example": true, "other.example": true, "::1": true, "[::1]": true, "evil.example": true,
		"example.com": false, "nothing": false, "": false,
	} {
		if got := meets(HostDigests(host, keyed), j.Hosts); got != want {
			t.Errorf("a query for %q: %v, want %v", host, got, want)
		}
	}
	r = &access.Request{Kind: access.Resource, Name: "https://docs.example/page"}
	if j := Judge(r, keyed); !meets(HostDigests("docs.example", keyed), j.Hosts) {
		t.Error("the host of a resource is not judged")
	}
}

func TestJudgedArgumentsKeepTheirTypes(t *testing.T) {
	keyed := keyedBy("k")
	one, text := parsed(t, `1`), parsed(t, `"1"`)
	j := Judge(&access.Request{Named: []access.NamedArg{{Path: "limit", Value: one}}}, keyed)
	want := []string{ArgDigest("limit", one, keyed)}
	if d := cmp.Diff(want, j.Args); d != "" {
		t.Error(d)
	}
	for what, other := range map[string]string{
		"a text": ArgDigest("limit", text, keyed), "another argument": ArgDigest("limi", one, keyed), "a path": PathDigests("1", keyed)[0],
	} {
		if slices.Contains(j.Args, other) {
			t.Errorf("%s of the same letters has the same digest", what)
		}
	}
	if Judge(&access.Request{Args: parsed(t, `{"a":"b"}`)}, keyed) != nil {
		t.Error("a call in which nothing is judged has digests")
	}
}

// A call may name any number of paths; its record stays small, says so, and
// keeps the paths themselves before the directories above them.
func TestJudgedIsBounded(t *testing.T) {
	var places []access.Place
	for i := range 500 {
		places = append(places, declared(fmt.Sprintf("/a/b/%d/c/d/e", i)))
	}
	j := Judge(&access.Request{Places: places}, keyedBy("k"))
	if len(j.Paths) != maxJudgedPaths || j.Omitted < 500-maxJudgedPaths {
		t.Errorf("%d digests, %d omitted", len(j.Paths), j.Omitted)
	}
	if !meets(PathDigests("/a/b/7/c/d/e", keyedBy("k")), j.Paths) {
		t.Error("a path itself gave way to directories")
	}
	if n := len(appendJudged(nil, j)); n > 450 {
		t.Errorf("the digests take %d bytes", n)
	}
	deep := Judge(&access.Request{Places: []access.Place{declared("/" + strings.Repeat("d/", 3000) + "f")}}, keyedBy("k"))
	if len(deep.Paths) != maxJudgedPaths || deep.Omitted == 0 {
		t.Errorf("%d digests of a deep path", len(deep.Paths))
	}
	few := Judge(&access.Request{Places: []access.Place{declared("/a/b"), declared("/a/c")}}, keyedBy("k"))
	if few.Omitted != 0 || len(few.Paths) != 3 {
		t.Errorf("%d digests of two paths, %d omitted", len(few.Paths), few.Omitted)
	}
	list := strings.Repeat("somebody@mail.example, ", 5000) + "x@last.example"
	many := Judge(&access.Request{Args: parsed(t, `"`+list+`"`)}, keyedBy("k"))
	if many.Omitted == 0 || !meets(HostDigests("mail.example", keyedBy("k")), many.Hosts) {
		t.Errorf("a long list of addresses: %+v", many)
	}
}

// An argument is found by what somebody types: a string, or JSON.
func TestArgDigests(t *testing.T) {
	keyed := keyedBy("k")
	args := parsed(t, `{"s":"5","n":5,"f":5.0,"b":true,"l":["x"],"o":{"a":1}}`)
	for _, c := range []struct {
		name, text string
		want       bool
	}{
		{"s", "5", true},
		{"s", `"5"`, true},
		{"n", "5", true},
		{"n", "5.0", false},
		{"n", `"5"`, false},
		{"f", "5", false},
		{"f", "5.0", true},
		{"b", "true", true},
		{"b", "True", false},
		{"l", `["x"]`, true},
		{"o", `{"a":1}`, true},
		{"o", `{"a":`, false},
		{"s", "", false},
	} {
		have := []string{ArgDigest(c.name, args.Get(c.name), keyed)}
		if got := meets(ArgDigests(c.name, c.text, keyed), have); got != c.want {
			t.Errorf("%s=%s finds %s: %v, want %v", c.name, c.text, args.Get(c.name).Raw(), got, c.want)
		}
		if meets(ArgDigests(c.name+"x", c.text, keyed), have) {
			t.Errorf("%s=%s is found under another name", c.name, c.text)
		}
	}
}

// FuzzJudge looks for values of a call in what is said of them.
func FuzzJudge(f *testing.F) {
	f.Add("/home/dev/app", "https://canary.example/")
	f.Add("a@canary.example, b@x", "file:///%2e%2e/x")
	f.Fuzz(func(t *testing.T, path, text string) {
		r := &access.Request{Args: access.Scalar(access.String, canon.Quote(text), text), Places: []access.Place{declared("/canary/" + path)}}
		rec := Record{Version: 1, Seq: 1, Prev: genesisPrev, Kind: KindAdmission, Judged: Judge(r, keyedBy("k"))}
		rec.Time = time.Unix(0, 0).UTC()
		line := appendStored(nil, &rec)
		got, err := Decode(line)
		if err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		if d := cmp.Diff(rec.Judged, got.Judged); d != "" {
			t.Fatal(d)
		}
		if strings.Contains(string(line), "canary") {
			t.Fatalf("a path stands in %s", line)
		}
		PathDigests(path, keyedBy("k"))
		HostDigests(text, keyedBy("k"))
	})
}

func BenchmarkJudge(b *testing.B) {
	r := &access.Request{
		Kind: access.Tool, Args: parsed(b, `{"path":"/home/dev/src/app/main.go","content":"text"}`),
		Places: []access.Place{declared("/home/dev/src/app/main.go")},
	}
	keyed := keyedBy("k")
	b.ReportAllocs()
	for b.Loop() {
		Judge(r, keyed)
	}
}
