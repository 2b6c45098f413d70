package policy_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/internal/canon"
	"github.com/custos-zt/custos/internal/pdp"
)

// line is one request as `policy eval` reads it.
type line struct {
	ID        string          `json:"id"`
	Method    string          `json:"method"`
	Backend   string          `json:"backend"`
	Tool      string          `json:"tool"`
	URI       string          `json:"uri"`
	Prompt    string          `json:"prompt"`
	Arguments json.RawMessage `json:"arguments"`
	Subject   *struct {
		ID, Issuer, Tenant string
		Groups, Roles      []string
	} `json:"subject"`
	Agent  string                     `json:"agent"`
	Client string                     `json:"client"`
	Facts  map[string]json.RawMessage `json:"facts"`
	// Schema is the verdict of a schema, "valid" or "invalid": these tests have
	// no schemas.
	Schema string `json:"schema"`
	// Passes and Gate stand for what the enforcement point says.
	Passes bool   `json:"passes"`
	Gate   string `json:"gate"`
	Now    string `json:"now"`
	// Counters and Lifts are what the administrator counted and opened.
	Counters map[string]int64 `json:"counters"`
	Lifts    []string         `json:"lifts"`
}

// request builds what a decision looks at, with lexical readings only.
func (l line) request(t testing.TB, s *pdp.Snapshot) *access.Request {
	t.Helper()
	r := &access.Request{Backend: l.Backend, Agent: l.Agent, Client: l.Client, Passes: l.Passes, Counters: l.Counters, Lifts: l.Lifts}
	switch {
	case l.Tool != "":
		r.Kind, r.Method, r.Name = access.Tool, "tools/call", l.Tool
	case l.URI != "":
		r.Kind, r.Method, r.Name = access.Resource, "resources/read", l.URI
	case l.Prompt != "":
		r.Kind, r.Method, r.Name = access.Prompt, "prompts/get", l.Prompt
	default:
		r.Kind, r.Method, r.Name = access.Method, l.Method, l.Method
	}
	if r.Backend == "" {
		r.Backend = s.Backend()
	}
	if l.Arguments != nil {
		r.Args = parse(t, string(l.Arguments))
	}
	if l.Subject != nil {
		r.Subject = access.Subject{
			ID: l.Subject.ID, Issuer: l.Subject.Issuer, Tenant: l.Subject.Tenant,
			Groups: l.Subject.Groups, Roles: l.Subject.Roles, Known: true,
		}
	}
	if l.Gate != "" {
		r.Gates = []access.Gate{{Reason: access.Reason(l.Gate)}}
	}
	if l.Now != "" {
		now, err := time.Parse(time.RFC3339, l.Now)
		if err != nil {
			t.Fatal(err)
		}
		r.Now = now
	}
	r.SchemaState = map[string]access.SchemaState{"valid": access.SchemaValid, "invalid": access.SchemaInvalid}[l.Schema]
	if r.Kind == access.Tool {
		r.Tool, _ = s.Declared(r.Backend, r.Name)
		r.Tool.Described = r.Tool.Described || r.SchemaState != access.SchemaMissing
	}
	l.facts(t, r)
	addPlaces(r)
	return r
}

// facts lays supplied facts over the declared ones.
func (l line) facts(t testing.TB, r *access.Request) {
	t.Helper()
	for name, raw := range l.Facts {
		f := access.Fact{Source: "request"}
		v := parse(t, string(raw))
		if f.Value = v; v.Kind() == access.Object && !v.Get("value").IsAbsent() {
			f.Value, f.Source = v.Get("value"), v.Get("source").Text()
			var age struct {
				Age float64 `json:"age_s"`
			}
			if err := json.Unmarshal(raw, &age); err != nil {
				t.Fatal(err)
			}
			f.Age = time.Duration(age.Age * float64(time.Second))
		}
		if r.Facts == nil {
			r.Facts = map[string]access.Fact{}
		}
		r.Facts[name] = f
		words := []string{}
		for i := range f.Value.Len() {
			words = append(words, f.Value.At(i).Value.Text())
		}
		switch name {
		case "tool.ops":
			for _, w := range words {
				r.Tool.Ops |= access.ParseOp(w)
			}
		case "tool.side_effects":
			r.Tool.SideEffects = words
		case "tool.labels":
			r.Tool.Labels = words
		case "tool.tier":
			r.Tool.Tier = f.Value.Text()
		}
	}
}

func parseQuietly(text string) (access.Value, error) {
	return canon.Parse(text, canon.DefaultLimits())
}

func parse(t testing.TB, text string) access.Value {
	t.Helper()
	v, err := parseQuietly(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return v
}

// addPlaces finds the paths of a request: declared ones by the facts or their
// common names, and every other string that could be one.
func addPlaces(r *access.Request) {
	r.Places = nil
	if r.Kind == access.Resource && strings.HasPrefix(r.Name, "file:") {
		r.Places = append(r.Places, placeOf("uri", r.Name, true, "", access.RolePath))
		return
	}
	for i := range r.Args.Len() {
		m := r.Args.At(i)
		addPlace(r, m.Key, m.Key, m.Value)
	}
}

func addPlace(r *access.Request, top, arg string, v access.Value) {
	if v.Kind() != access.String {
		for i := range v.Len() {
			key := "[" + string(rune('0'+i%10)) + "]"
			if m := v.At(i); v.Kind() == access.Object {
				key = "." + m.Key
			}
			addPlace(r, top, arg+key, v.At(i).Value)
		}
		return
	}
	for _, n := range r.Tool.NotPaths {
		if n == top {
			return
		}
	}
	declared, base, role := commonPath(top), "", access.RolePath
	for _, p := range r.Tool.Paths {
		if p.Arg == top {
			declared, base = true, r.Args.Get(p.Base).Text()
		}
	}
	switch top {
	case "source":
		role = access.RoleFrom
	case "destination":
		role = access.RoleTo
	}
	r.Places = append(r.Places, placeOf(arg, v.Text(), declared, base, role))
}

func commonPath(name string) bool {
	switch name {
	case "path", "file", "dir", "source", "destination", "uri", "paths", "files":
		return true
	}
	return false
}

func placeOf(arg, raw string, declared bool, base string, role access.PlaceRole) access.Place {
	f := canon.ReadPath(raw)
	p := access.Place{
		Arg: arg, Raw: raw, Role: role, Declared: declared,
		Grantable: f.Grantable() && (f.Absolute || base != ""),
		Refused:   declared && f.Control,
		Readings:  canon.LexicalReadings(f, base),
		Suspect:   canon.SuspectForms(raw),
	}
	p.Folded = canon.FoldPaths(append(append([]string{}, p.Readings...), p.Suspect...))
	return p
}
