package ocsf

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/audit"
)

const hash = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"

// hostile is text that an agent or a server may choose.
const hostile = "a\x00\x1b[2J\xff\xfe\u202eevil\u200b\u2028\"\\</script>\U0001F600]"

// corpus returns records of every kind, decision, reason and status, whole,
// bare and hostile.
func corpus() []audit.Record {
	full := audit.Record{
		Version: 1, Slot: 3, Seq: 7, Prev: strings.Repeat("ab", 32), Time: time.Date(2026, 11, 20, 10, 2, 11, 123456000, time.UTC),
		Admission: 5, RPCID: "7", Method: "tools/call", Direction: "client", Backend: "files", Tool: "write_file",
		Decision: access.Deny, Reason: access.RuleDenied, Rule: "r1", Position: "p.yaml:3", Layer: "global",
		Matched:      []access.Match{{Rule: "r1", Effect: access.Deny, Position: "p.yaml:3"}, {Rule: "", Effect: access.Allow, Monitor: true}},
		PolicyDigest: "sha256:new", OldPolicyDigest: "sha256:old",
		Subject: "os:dev", Client: "claude-code", Session: "s_1", Agent: "spiffe://corp/agent", Isolation: "same-user",
		Args:    &audit.Args{Names: []string{"path"}, Types: []string{"string"}, Lengths: []int{9}, Count: 1, Bytes: 20, HMAC: "hmac-sha256:00"},
		Message: "Custos denied it", EvalUS: 12, Status: audit.StatusOK, Bytes: 10, DurationUS: 99, Labels: []string{"pii"},
		Approval:      &audit.Approval{By: "os:boss", Channel: "tty", Assurance: "host"},
		Change:        &audit.Change{Digest: "sha256:new", Old: "sha256:old", Actor: "os:dev", Signer: "k", Diff: "-a\n+b\n"},
		Judgement:     &audit.Judgement{Of: "d_7F3K", Verdict: audit.VerdictBad, Note: "not asked for"},
		CommandDigest: "sha256:cmd", Instance: "i_1", Detail: "words",
	}
	evil := full
	for _, p := range []*string{
		&evil.RPCID, &evil.Method, &evil.Backend, &evil.Tool, &evil.Rule, &evil.Subject, &evil.Client, &evil.Session,
		&evil.Agent, &evil.Message, &evil.Detail, &evil.PolicyDigest, &evil.OldPolicyDigest, &evil.CommandDigest, &evil.Instance,
	} {
		*p = hostile
	}
	evil.Labels = []string{hostile}
	var out []audit.Record
	add := func(r audit.Record, change func(*audit.Record)) {
		change(&r)
		out = append(out, r)
	}
	kinds := append(kindsOf(), "made_by_a_newer_version")
	for _, kind := range kinds {
		for _, base := range []audit.Record{full, {Version: 1, Seq: 1, Time: full.Time}, evil} {
			for _, effect := range []access.Effect{access.None, access.Allow, access.Approve, access.Deny} {
				for _, status := range []audit.Status{"", audit.StatusOK, audit.StatusError, audit.StatusCancelled, audit.StatusUnknown} {
					add(base, func(r *audit.Record) { r.Kind, r.Decision, r.Status = kind, effect, status })
				}
			}
		}
	}
	for _, reason := range access.Reasons() {
		for _, effect := range []access.Effect{access.Allow, access.Deny} {
			add(full, func(r *audit.Record) { r.Kind, r.Decision, r.Reason = audit.KindAdmission, effect, reason.Code })
		}
	}
	for _, direction := range []string{"client", "backend", "reply", ""} {
		add(full, func(r *audit.Record) {
			r.Kind, r.Direction, r.Tool, r.URI = audit.KindAdmission, direction, "", "file:///x"
		})
		add(full, func(r *audit.Record) {
			r.Kind, r.Direction, r.Tool, r.Prompt = audit.KindAdmission, direction, "", "p"
		})
	}
	return out
}

// kindsOf reads the kinds from the source of the format, so that none can be
// forgotten here.
func kindsOf() []audit.Kind {
	files, err := filepath.Glob("../../audit/*.go")
	if err != nil || len(files) == 0 {
		panic(fmt.Sprint("no source of package audit: ", err))
	}
	var out []audit.Kind
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			panic(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok || len(spec.Values) != 1 || !strings.HasPrefix(spec.Names[0].Name, "Kind") {
				return true
			}
			if value, ok := spec.Values[0].(*ast.BasicLit); ok {
				if text, err := strconv.Unquote(value.Value); err == nil {
					out = append(out, audit.Kind(text))
				}
			}
			return true
		})
	}
	return out
}

func encode(t testing.TB, r *audit.Record, admission *audit.Record) []byte {
	t.Helper()
	line, err := NewEncoder("i_1", "1.2.3").Append(nil, Event{Record: r, Hash: hash, Admission: admission})
	if err != nil {
		t.Fatal(err)
	}
	return line
}

func TestEveryKindHasARow(t *testing.T) {
	kinds := kindsOf()
	if len(kinds) < 14 {
		t.Fatalf("only %d kinds found in the source of package audit", len(kinds))
	}
	for _, k := range kinds {
		if _, ok := rows()[k]; !ok {
			t.Errorf("records of kind %q have no class: add a row to class.go", k)
		}
	}
}

func TestEveryEventIsValid(t *testing.T) {
	s := loadSchema(t)
	all, bad := corpus(), 0
	for i := range all {
		r := &all[i]
		for _, admission := range []*audit.Record{nil, &all[0]} {
			line := encode(t, r, admission)
			if problems := s.validate(line); len(problems) > 0 && bad < 5 {
				bad++
				t.Errorf("%s %s: %s\n%s", r.Kind, r.Decision, strings.Join(problems, "; "), line[:min(len(line), 400)])
			}
		}
	}
	t.Logf("%d events of %d kinds validated against OCSF %s", 2*len(all), len(kindsOf())+1, s.version)
}

type object = map[string]any

// What the validator lets pass would prove nothing if it let everything pass.
func TestTheValidatorFindsWhatIsBroken(t *testing.T) {
	s := loadSchema(t)
	in := func(o any, steps ...string) object {
		for _, step := range steps {
			switch v := o.(type) {
			case object:
				o = v[step]
			case []any:
				o = v[0]
			}
		}
		inner, ok := o.(object)
		if !ok {
			t.Fatalf("%v is no object", steps)
		}
		return inner
	}
	breaks := map[string]struct {
		kind audit.Kind
		do   func(object)
		want string
	}{
		"unknown attribute":      {audit.KindAdmission, func(o object) { o["mcp_tool"] = "x" }, "is unknown"},
		"unknown inside":         {audit.KindAdmission, func(o object) { in(o, "api")["tool"] = "x" }, "api.tool: is unknown"},
		"missing":                {audit.KindAdmission, func(o object) { delete(o, "src_endpoint") }, "src_endpoint: is required"},
		"missing inside":         {audit.KindAdmission, func(o object) { delete(in(o, "metadata"), "product") }, "metadata.product: is required"},
		"enumeration":            {audit.KindAdmission, func(o object) { o["severity_id"] = 42 }, "is not in the enumeration"},
		"another caption":        {audit.KindAdmission, func(o object) { o["severity"] = "Fatal" }, "severity_id"},
		"other without a name":   {audit.KindAdmission, func(o object) { delete(o, "activity_name") }, "99 needs a name"},
		"type_uid":               {audit.KindAdmission, func(o object) { o["type_uid"] = 600301 }, "type_uid"},
		"category":               {audit.KindAdmission, func(o object) { o["category_uid"] = 3 }, "category_uid"},
		"class":                  {audit.KindAdmission, func(o object) { o["class_uid"] = 6099 }, "no class has 6099"},
		"string for a number":    {audit.KindAdmission, func(o object) { o["time"] = "now" }, "is no whole number"},
		"fraction":               {audit.KindAdmission, func(o object) { o["time"] = 1.5 }, "is no whole number"},
		"number for a string":    {audit.KindAdmission, func(o object) { o["message"] = 1 }, "is no string"},
		"object for an array":    {audit.KindAdmission, func(o object) { o["resources"] = object{} }, "is not an array"},
		"profile not declared":   {audit.KindAdmission, func(o object) { delete(in(o, "metadata"), "profiles") }, "is not declared"},
		"profile of nobody":      {audit.KindAdmission, func(o object) { in(o, "metadata")["profiles"] = []any{"magic"} }, "is no profile of"},
		"profile of other class": {audit.KindAdmission, func(o object) { in(o, "metadata")["profiles"] = []any{"incident"} }, "is no profile of"},
		"constraint":             {audit.KindAdmission, func(o object) { o["actor"] = object{"authorizations": []any{object{"decision": "x"}}} }, "at_least_one"},
		"constraint of class":    {audit.KindApproval, func(o object) { delete(o, "privileges") }, "at_least_one"},
		"deprecated":             {audit.KindPolicy, func(o object) { o["entity_result"] = object{"name": "x"} }, "is deprecated"},
		"version":                {audit.KindAdmission, func(o object) { in(o, "metadata")["version"] = "1.0.0" }, "metadata.version"},
		"hash without algorithm": {audit.KindStart, func(o object) {
			delete(in(o, "attestation_list", "0", "fingerprint"), "algorithm_id")
		}, "algorithm_id: is required"},
		"finding without id": {audit.KindGap, func(o object) { delete(in(o, "finding_info"), "uid") }, "finding_info.uid: is required"},
		"bad timestamp":      {audit.KindAdmission, func(o object) { in(o, "metadata")["logged_time"] = "yesterday" }, "is no whole number"},
	}
	r := corpus()[0]
	for name, c := range breaks {
		r.Kind = c.kind
		var o object
		if err := json.Unmarshal(encode(t, &r, nil), &o); err != nil {
			t.Fatal(err)
		}
		c.do(o)
		line, err := json.Marshal(o)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(s.validate(line), "; "); !strings.Contains(got, c.want) {
			t.Errorf("%s: found %q, want %q", name, got, c.want)
		}
	}
}

// What a reader looks for first, without the schema.
func TestAnEventSaysWhatHappened(t *testing.T) {
	r := corpus()[0]
	r.Kind, r.Decision, r.Reason = audit.KindAdmission, access.Deny, access.ProtectedPath
	var got map[string]any
	if err := json.Unmarshal(encode(t, &r, nil), &got); err != nil {
		t.Fatal(err)
	}
	at := func(path string) any {
		var v any = got
		for _, step := range strings.Split(path, ".") {
			switch in := v.(type) {
			case map[string]any:
				v = in[step]
			case []any:
				i, err := strconv.Atoi(step)
				if err != nil || i >= len(in) {
					return nil
				}
				v = in[i]
			}
		}
		return v
	}
	for path, want := range map[string]any{
		"type_uid": 600399.0, "action_id": 2.0, "disposition_id": 2.0, "severity_id": 4.0, "is_alert": true, "status_id": 2.0,
		"metadata.uid": "i_1:3:7", "metadata.sequence": 7.0, "metadata.version": Version,
		"actor.user.uid": "os:dev", "actor.user.domain": "os", "ai_agent.uid": "spiffe://corp/agent",
		"api.operation": "tools/call", "api.service.name": "files", "resources.0.name": "write_file",
		"attestation_list.0.fingerprint.value": hash, "attestation_list.0.chain_uid": "custos/i_1/03",
		"attestation_list.0.prev_event.uid": "i_1:3:6", "attestation_list.0.prev_event.fingerprint.value": r.Prev,
		"policy.uid": "sha256:new", "authorizations.0.decision": "deny", "authorizations.0.policy.name": "r1",
		"unmapped.mcp.version": MCPVersion, "unmapped.mcp.record.reason": "protected_path", "unmapped.mcp.record.args.names.0": "path",
		"status_code": "protected_path", "status_detail": "Custos denied it",
	} {
		if at(path) != want {
			t.Errorf("%s is %v, want %v", path, at(path), want)
		}
	}
}

// What people say of a held call: only a grant assigns anything.
func TestAnApprovalSaysWhatWasAnswered(t *testing.T) {
	r := corpus()[0]
	r.Kind = audit.KindApproval
	for effect, want := range map[access.Effect]string{
		access.Allow: `"activity_id":1,"activity_name":"Assign Privileges"`, access.Deny: `"activity_name":"Refuse Privileges"`, access.Approve: `"activity_name":"Request Privileges"`,
	} {
		r.Decision = effect
		if line := string(encode(t, &r, nil)); !strings.Contains(line, want) || !strings.Contains(line, `"actor":{"user":{"uid":"os:boss"`) {
			t.Errorf("%s: no %s in %.300s", effect, want, line)
		}
	}
	r.Approval = nil
	if line := string(encode(t, &r, nil)); !strings.Contains(line, `"Change Approver"`) {
		t.Errorf("no answer: %.300s", line)
	}
}

// An outcome does not name the call; with its admission the event does.
func TestAnOutcomeTakesTheCallFromItsAdmission(t *testing.T) {
	admission := corpus()[0]
	admission.Kind, admission.Seq = audit.KindAdmission, 5
	out := audit.Record{Version: 1, Slot: 3, Seq: 9, Time: admission.Time, Kind: audit.KindOutcome, Admission: 5, Method: "tools/call", Status: audit.StatusError, Labels: []string{"pii"}}
	line := string(encode(t, &out, &admission))
	for _, want := range []string{`"correlation_uid":"i_1:3:5"`, `"name":"write_file"`, `"labels":["pii"]`, `"status":"Failure"`, `"uid":"os:dev"`} {
		if !strings.Contains(line, want) {
			t.Errorf("no %s in %s", want, line)
		}
	}
	if strings.Contains(line, "action_id") {
		t.Errorf("an outcome decides nothing: %s", line)
	}
}

func FuzzEventsAreASCIIAndValid(f *testing.F) {
	s := loadSchema(f)
	f.Add("tools/call", hostile, "os:dev", byte(0))
	f.Add("", "", "", byte(3))
	kinds, whole := kindsOf(), corpus()[0]
	f.Fuzz(func(t *testing.T, method, text, subject string, kind byte) {
		r := whole
		r.Kind, r.Method, r.Tool, r.Client, r.Detail, r.Subject = kinds[int(kind)%len(kinds)], method, text, text, text, subject
		r.Backend, r.Message, r.Session, r.Labels = text, text, text, []string{text}
		line := encode(t, &r, nil)
		for _, c := range line {
			if c < 0x20 || c > 0x7e {
				t.Fatalf("byte %#x in %q", c, line)
			}
		}
		if problems := s.validate(line); len(problems) > 0 {
			t.Fatalf("%v", problems)
		}
	})
}
