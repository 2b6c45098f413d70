package proof

import (
	"fmt"
	"strconv"
	"time"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/internal/canon"
	"github.com/custos-zt/custos/internal/inventory"
	"github.com/custos-zt/custos/internal/pep"
	"github.com/custos-zt/custos/internal/spell"
)

// requestFields are the members of a line of requests (policy.md §6), and what
// was counted and lifted before.
func requestFields() []string {
	return []string{
		"id", "method", "backend", "tool", "uri", "prompt", "arguments", "subject", "agent", "client",
		"facts", "labels", "session", "counters", "lifts", "schema", "now",
	}
}

// ReadRequest reads one line of requests. backend is what an absent backend
// means. The definition is what the line's schema says, nil without one.
func ReadRequest(line []byte, backend string) (*access.Request, *inventory.Definition, string, error) {
	v, err := canon.Scan(line, canon.DefaultLimits())
	if err != nil {
		return nil, nil, "", err
	}
	if v.Kind() != access.Object {
		return nil, nil, "", fmt.Errorf("a request is an object, not %s", v.Kind())
	}
	id := v.Get("id").Text()
	d := requestReader{v: v, r: &access.Request{Backend: backend, Facts: map[string]access.Fact{}}}
	for _, step := range []func() error{d.known, d.target, d.who, d.facts, d.session, d.counted, d.when} {
		if err := step(); err != nil {
			return nil, nil, id, err
		}
	}
	var def *inventory.Definition
	if schema := v.Get("schema"); schema.Kind() == access.Object {
		s := inventory.SchemaOnly(d.r.Name, schema)
		def = &s
	}
	return d.r, def, id, nil
}

// requestReader reads the parts of one request.
type requestReader struct {
	v access.Value
	r *access.Request
}

// known refuses members that nobody reads: a misspelt one would change the
// question.
func (d *requestReader) known() error {
	for _, m := range d.v.Members() {
		found := false
		for _, f := range requestFields() {
			found = found || f == m.Key
		}
		if found {
			continue
		}
		if near, ok := spell.Nearest(m.Key, requestFields()); ok {
			return fmt.Errorf("unknown member %q (did you mean %q?)", m.Key, near)
		}
		return fmt.Errorf("unknown member %q", m.Key)
	}
	return nil
}

// text reads an optional string.
func (d *requestReader) text(v access.Value, name string, to *string) error {
	switch v.Kind() {
	case access.Absent, access.Null:
	case access.String:
		*to = v.Text()
	default:
		return fmt.Errorf("%s is a string, not %s", name, v.Kind())
	}
	return nil
}

// list reads an optional list of strings.
func (d *requestReader) list(v access.Value, name string) ([]string, error) {
	if v.IsAbsent() || v.Kind() == access.Null {
		return nil, nil
	}
	if v.Kind() != access.Array {
		return nil, fmt.Errorf("%s is a list of strings, not %s", name, v.Kind())
	}
	out := make([]string, 0, v.Len())
	for _, m := range v.Members() {
		if m.Value.Kind() != access.String {
			return nil, fmt.Errorf("%s is a list of strings, and one item is %s", name, m.Value.Kind())
		}
		out = append(out, m.Value.Text())
	}
	return out, nil
}

// target reads what is asked for: one of tool, uri, prompt or method.
func (d *requestReader) target() error {
	var tool, uri, prompt string
	for _, f := range []struct {
		name string
		to   *string
	}{{"method", &d.r.Method}, {"backend", &d.r.Backend}, {"tool", &tool}, {"uri", &uri}, {"prompt", &prompt}} {
		if err := d.text(d.v.Get(f.name), f.name, f.to); err != nil {
			return err
		}
	}
	d.r.Args = d.v.Get("arguments")
	if k := d.r.Args.Kind(); k != access.Absent && k != access.Object {
		return fmt.Errorf("arguments are an object, not %s", k)
	}
	switch {
	case tool != "" && uri == "" && prompt == "":
		return d.as(access.Tool, tool, "tools/call")
	case uri != "" && tool == "" && prompt == "":
		if d.r.Args.IsAbsent() {
			d.r.Args, _ = canon.FromGo(map[string]string{"uri": uri})
		}
		return d.as(access.Resource, uri, "resources/read")
	case prompt != "" && tool == "" && uri == "":
		return d.as(access.Prompt, prompt, "prompts/get")
	case tool == "" && uri == "" && prompt == "" && d.r.Method != "":
		return d.as(access.Method, d.r.Method, d.r.Method)
	default:
		return fmt.Errorf("a request names one of tool, uri, prompt or method")
	}
}

func (d *requestReader) as(kind access.Kind, name, method string) error {
	if d.r.Method != "" && d.r.Method != method {
		return fmt.Errorf("method %q does not ask for a %s", d.r.Method, kind)
	}
	d.r.Kind, d.r.Name, d.r.Method = kind, name, method
	if d.r.Args.IsAbsent() {
		d.r.Args, _ = canon.FromGo(map[string]any{})
	}
	d.r.Passes = kind == access.Method && pep.Passes(method, d.r.Args)
	return nil
}

// who reads subject, agent and client.
func (d *requestReader) who() error {
	s := d.v.Get("subject")
	if k := s.Kind(); k != access.Absent && k != access.Null && k != access.Object {
		return fmt.Errorf("subject is an object, not %s", k)
	}
	sub := &d.r.Subject
	for _, f := range []struct {
		name string
		to   *string
	}{{"id", &sub.ID}, {"issuer", &sub.Issuer}, {"tenant", &sub.Tenant}} {
		if err := d.text(s.Get(f.name), "subject."+f.name, f.to); err != nil {
			return err
		}
	}
	var err error
	if sub.Groups, err = d.list(s.Get("groups"), "subject.groups"); err != nil {
		return err
	}
	if sub.Roles, err = d.list(s.Get("roles"), "subject.roles"); err != nil {
		return err
	}
	sub.Known = s.Kind() == access.Object && s.Len() > 0
	for _, f := range []string{"acr", "mfa"} {
		if v := s.Get(f); !v.IsAbsent() {
			d.r.Facts["auth."+f] = access.Fact{Value: v, Source: "given"}
		}
	}
	if v := s.Get("auth_age_s"); !v.IsAbsent() {
		d.r.Facts["auth.age_s"] = access.Fact{Value: v, Source: "given"}
	}
	if err := d.text(d.v.Get("agent"), "agent", &d.r.Agent); err != nil {
		return err
	}
	return d.text(d.v.Get("client"), "client", &d.r.Client)
}

// facts reads supplied facts: bare values have age 0.
func (d *requestReader) facts() error {
	f := d.v.Get("facts")
	if k := f.Kind(); k != access.Absent && k != access.Null && k != access.Object {
		return fmt.Errorf("facts are an object, not %s", k)
	}
	for _, m := range f.Members() {
		fact := access.Fact{Value: m.Value, Source: "given"}
		if v := m.Value.Get("value"); !v.IsAbsent() {
			fact.Value, fact.Source = v, m.Value.Get("source").Text()
			seconds, err := wholeSeconds(m.Value.Get("age_s"))
			if err != nil {
				return fmt.Errorf("facts.%s.age_s: %w", m.Key, err)
			}
			fact.Age = seconds
		}
		d.r.Facts[m.Key] = fact
	}
	if labels := d.v.Get("labels"); labels.Kind() == access.Array {
		d.r.Facts["tool.labels"] = access.Fact{Value: labels, Source: "given"}
	}
	return nil
}

func wholeSeconds(v access.Value) (time.Duration, error) {
	if v.IsAbsent() {
		return 0, nil
	}
	out, err := time.ParseDuration(v.Raw() + "s")
	if v.Kind() != access.Number || err != nil || out < 0 {
		return 0, fmt.Errorf("not a number of seconds")
	}
	return out, nil
}

// session reads the session's id and counters, which are facts.
func (d *requestReader) session() error {
	s := d.v.Get("session")
	if err := d.text(s.Get("id"), "session.id", &d.r.Session.ID); err != nil {
		return err
	}
	for _, m := range s.Members() {
		if m.Key != "id" {
			d.r.Facts["session."+m.Key] = access.Fact{Value: m.Value, Source: "given"}
		}
	}
	return nil
}

// counted reads what was counted and lifted before: a call more or less decides
// what `limits`, `rate` and `break_glass` say.
func (d *requestReader) counted() error {
	c := d.v.Get("counters")
	if k := c.Kind(); k != access.Absent && k != access.Null && k != access.Object {
		return fmt.Errorf("counters are an object, not %s", k)
	}
	for _, m := range c.Members() {
		n, err := strconv.ParseInt(m.Value.Raw(), 10, 64)
		if m.Value.Kind() != access.Number || err != nil || n < 0 {
			return fmt.Errorf("counters.%s is not a number of calls", m.Key)
		}
		if d.r.Counters == nil {
			d.r.Counters = map[string]int64{}
		}
		d.r.Counters[m.Key] = n
	}
	var err error
	d.r.Lifts, err = d.list(d.v.Get("lifts"), "lifts")
	return err
}

func (d *requestReader) when() error {
	var now string
	if err := d.text(d.v.Get("now"), "now", &now); err != nil || now == "" {
		return err
	}
	t, err := time.Parse(time.RFC3339Nano, now)
	if err != nil {
		return fmt.Errorf("now is a time like 2026-11-20T10:00:00Z")
	}
	d.r.Now = t
	return nil
}
