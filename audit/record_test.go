package audit

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/custos-zt/custos/access"
)

// full returns a record with every field set.
func full() Record {
	r := admission(7)
	r.Version, r.Slot, r.Seq, r.Prev = RecordVersion, 3, 12, genesisPrev
	r.Time = time.Date(2026, 11, 20, 10, 2, 11, 123456000, time.UTC)
	r.Admission, r.URI, r.Prompt, r.OldPolicyDigest = 11, "file:///x", "p", "sha256:old"
	r.Args.HMAC = "hmac-sha256:00"
	r.Message, r.EvalUS = "no", 12
	r.Matched = append(r.Matched, access.Match{Rule: "new", Effect: access.Deny, Truth: access.Unknown, Position: "a:1", Monitor: true},
		access.Match{Rule: "freeze", Effect: access.Deny, Truth: access.True, Position: "a:2", Lifted: true})
	r.Provenance = []Origin{{Of: "client", From: "claimed"}}
	r.Status, r.Bytes, r.DurationUS, r.Labels = StatusOK, 120, 842, []string{"pii"}
	r.Counts = &Counts{Total: 14, Shown: 12, Hidden: 2}
	r.Agent, r.AddLabels, r.Notify = "spiffe://corp/agent", []string{"pii"}, []string{"security", "leads"}
	r.Approval = &Approval{ID: "a_91", State: "granted", By: "os:dev", Channel: "tty", Assurance: "host"}
	r.Change = &Change{Digest: "sha256:new", Old: "sha256:old", Actor: "os:dev", Signer: "key", Diff: "-a\n+b\n"}
	r.Judgement = &Judgement{Of: "d_7F3K", Verdict: VerdictBad, Note: "not asked for"}
	r.CommandDigest, r.Instance, r.Format, r.Previous = "sha256:cmd", "i_X", 1, "0000000000000001.seg"
	r.Open, r.Segment, r.Offset, r.Cut, r.Detail = []uint64{4, 9}, "0000000000000001.seg", 16, 40, "why"
	return r
}

func TestRecordSurvivesStorage(t *testing.T) {
	for _, want := range []Record{full(), {Version: 1, Seq: 1, Prev: genesisPrev, Kind: KindAnomaly, Time: time.Unix(0, 0).UTC()}} {
		line := appendStored(nil, &want)
		got, err := Decode(line)
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Fatalf("(-stored +read)\n%s", d)
		}
	}
}

func TestExportedLines(t *testing.T) {
	denied := admission(7)
	denied.Version, denied.Slot, denied.Seq, denied.Prev = 1, 0, 12, genesisPrev
	denied.Time = time.Date(2026, 11, 20, 10, 2, 11, 123456789, time.FixedZone("", 3600))
	denied.Decision, denied.Reason, denied.Rule, denied.Position, denied.Matched = access.Deny, access.DefaultDenied, "", "", nil
	out := outcome(12)
	out.Version, out.Slot, out.Seq, out.Prev, out.Time = 1, 0, 14, genesisPrev, denied.Time
	tests := []struct {
		rec  Record
		want string
	}{
		{denied, `{"kind":"admission","id":"d_0C00","slot":0,"seq":12,"time":"2026-11-20T09:02:11.123456Z","rpc_id":"7","method":"tools/call","backend":"files","tool":"write_file","decision":"deny","reason":"default_denied","rule":null,"layer":"global","policy_digest":"sha256:5994471abb01112afcc18159f6cc74b4f511b99806da59b3caf5a9c173cacfc5","subject":"os:dev","client":"claude-code","session":"s_1","isolation":"same-user","args":{"names":["content","path"],"types":["string","string"],"lengths":[400,12],"count":2,"bytes":412},"prev":"` + genesisPrev + `","v":1}`},
		{out, `{"kind":"outcome","id":"d_0E00","slot":0,"seq":14,"time":"2026-11-20T09:02:11.123456Z","admission":12,"status":"ok","bytes":120,"duration_us":842,"labels":[],"prev":"` + genesisPrev + `","v":1}`},
	}
	for _, c := range tests {
		if d := cmp.Diff(c.want, string(c.rec.ExportJSON())); d != "" {
			t.Errorf("(-want +got)\n%s", d)
		}
		var any map[string]any
		if err := json.Unmarshal(c.rec.ExportJSON(), &any); err != nil {
			t.Error(err)
		}
	}
}

func TestHostileText(t *testing.T) {
	r := admission(1)
	r.Version, r.Seq, r.Prev, r.Time = 1, 1, genesisPrev, time.Unix(0, 0)
	r.Tool = "a\x1b[2Jb\u202ec\u200bd\u2028e\x7ff\u009bg\"\\\n\xff\U000e0041"
	r.URI = strings.Repeat("é", 5000)
	line := appendStored(nil, &r)
	for _, b := range line {
		if b < ' ' || b == 0x7f {
			t.Fatalf("a control character in %q", line)
		}
	}
	for _, s := range []string{"\u202e", "\u200b", "\u2028", "\u009b", "\U000e0041"} {
		if bytes.Contains(line, []byte(s)) {
			t.Errorf("%+q stands in the record as it is", s)
		}
	}
	got, err := Decode(line)
	if err != nil {
		t.Fatal(err)
	}
	if want := strings.ToValidUTF8(r.Tool, "\ufffd"); got.Tool != want {
		t.Errorf("read back %+q, want %+q", got.Tool, want)
	}
	if len(got.URI) > maxText+40 || !strings.HasSuffix(got.URI, "…[10000 bytes]") || strings.ContainsRune(got.URI, '\ufffd') {
		t.Errorf("a long text became %d bytes ending %q", len(got.URI), got.URI[len(got.URI)-20:])
	}
}

func TestDecodeRefuses(t *testing.T) {
	r := full()
	good := string(appendStored(nil, &r))
	tests := map[string]string{
		"empty":            "",
		"not an object":    "[]",
		"other order":      `{"slot":0,"v":1,"seq":1,"prev":"` + genesisPrev + `","kind":"stop"}`,
		"seq zero":         strings.Replace(good, `"seq":12`, `"seq":0`, 1),
		"leading zero":     strings.Replace(good, `"seq":12`, `"seq":012`, 1),
		"negative seq":     strings.Replace(good, `"seq":12`, `"seq":-12`, 1),
		"slot too large":   strings.Replace(good, `"slot":3`, `"slot":1024`, 1),
		"short prev":       strings.Replace(good, `"prev":"00`, `"prev":"`, 1),
		"second seq":       strings.Replace(good, `,"method"`, `,"seq":13,"method"`, 1),
		"second kind":      strings.Replace(good, `,"method"`, `,"Kind":"stop","method"`, 1),
		"unknown decision": strings.Replace(good, `"decision":"allow"`, `"decision":"maybe"`, 1),
		"no time":          strings.Replace(good, `,"time":"2026-11-20T10:02:11.123456Z"`, ``, 1),
		"half":             good[:len(good)/2],
		"trailing":         good + "x",
	}
	for name, line := range tests {
		if r, err := Decode([]byte(line)); err == nil {
			t.Errorf("%s: read as %+v", name, r)
		}
	}
	if _, err := Decode([]byte(strings.Replace(good, `,"method"`, `,"added_later":{"x":[1]},"method"`, 1))); err != nil {
		t.Errorf("a field of a newer version: %v", err)
	}
}

func TestIDs(t *testing.T) {
	for _, c := range []struct {
		slot int
		seq  uint64
		id   string
	}{{0, 1, "d_0100"}, {0, 12, "d_0C00"}, {1, 14, "d_0E01"}, {1023, 1, "d_01ZZ"}, {7, maxSeq, "d_FZZZZZZZZZZ07"}} {
		if got := FormatID(c.slot, c.seq); got != c.id {
			t.Errorf("id of %d:%d is %s, want %s", c.slot, c.seq, got, c.id)
		}
		for _, id := range []string{c.id, strings.ToLower(c.id)} {
			if slot, seq, err := ParseID(id); err != nil || slot != c.slot || seq != c.seq {
				t.Errorf("%s: %d:%d, %v; want %d:%d", id, slot, seq, err, c.slot, c.seq)
			}
		}
	}
	if slot, seq, err := ParseID("d_olOO"); err != nil || slot != 0 || seq != 1 {
		t.Errorf("letters that look like digits: %d:%d, %v", slot, seq, err)
	}
	for _, bad := range []string{"", "d_", "x_0100", "0100", "d_01U0", "d_01 0", "d_0001", "d_ZZZZZZZZZZZZZZZ", "d_é"} {
		if slot, seq, err := ParseID(bad); err == nil {
			t.Errorf("%q read as %d:%d", bad, slot, seq)
		}
	}
}

func TestWriteCSV(t *testing.T) {
	evil := admission(1)
	evil.Seq, evil.Tool, evil.Message = 1, "=cmd()", "a,\"b\"\x1b[2J\nc"
	var b bytes.Buffer
	err := WriteCSV(&b, func(yield func(Record, error) bool) { yield(evil, nil) })
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&b).ReadAll()
	if err != nil || len(rows) != 2 || len(rows[1]) != len(rows[0]) {
		t.Fatalf("%v: %q", err, rows)
	}
	got := map[string]string{}
	for i, name := range rows[0] {
		got[name] = rows[1][i]
	}
	want := map[string]string{"tool": "'=cmd()", "message": `a,"b"\u001b[2J\nc`, "decision": "allow", "rule": "files", "id": "d_0100"}
	for name, v := range want {
		if got[name] != v {
			t.Errorf("%s is %q, want %q", name, got[name], v)
		}
	}
}

func TestDescribeTellsNoValue(t *testing.T) {
	str := func(s string) access.Value { return access.Scalar(access.String, `"`+s+`"`, s) }
	items := []access.Member{{Key: "path", Value: str("/etc/canary")}, {Key: "canary-name", Value: str("x")}}
	for range 100 {
		items = append(items, access.Member{Key: "more", Value: str("canary")})
	}
	args := access.Composite(access.Object, `{"path":"/etc/canary"}`, items)
	key := func(purpose string, data []byte) [32]byte { return [32]byte{byte(len(purpose)), byte(len(data))} }
	a := Describe(args, func(n string) bool { return n == "path" || n == "more" }, key)
	r := admission(1)
	r.Args, r.Version, r.Seq, r.Prev = a, 1, 1, genesisPrev
	if line := appendStored(nil, &r); bytes.Contains(line, []byte("canary")) {
		t.Fatalf("a value or an undeclared name stands in %s", line)
	}
	if a.Count != 102 || len(a.Names) != MaxNames || a.Names[0] != "path" || !strings.HasPrefix(a.Names[1], "hmac:") || a.Bytes != 22 {
		t.Fatalf("described as %+v", a)
	}
	if !slices.Equal(a.Types[:2], []string{"string", "string"}) || a.Lengths[0] != 13 {
		t.Fatalf("types %v, lengths %v", a.Types[:2], a.Lengths[:2])
	}
	if Describe(access.Value{}, nil, key) != nil {
		t.Fatal("absent arguments are described")
	}
}

func BenchmarkEncode(b *testing.B) {
	r := full()
	buf := make([]byte, 0, 4096)
	b.ReportAllocs()
	for b.Loop() {
		buf = appendStored(buf[:0], &r)
	}
}
