package importer_test

import (
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/internal/canon"
	"github.com/custos-zt/custos/internal/inventory"
	"github.com/custos-zt/custos/internal/pa"
	"github.com/custos-zt/custos/internal/pdp"
	"github.com/custos-zt/custos/internal/pep"
	"github.com/custos-zt/custos/policy"
)

const home = "/home/dev"

// request is one line of requests.jsonl: what `policy eval` reads, and in was
// what the original decides. Wider says that the report owns up to granting
// more than the original here.
type request struct {
	Wider                                                   bool
	ID, Was, Method, Backend, Tool, URI, Prompt, Agent, Now string

	Arguments json.RawMessage
	Facts     map[string]json.RawMessage
	// Counters are what the administrator counted, by the id of the rule.
	Counters map[string]int64
	Subject  *struct {
		ID, Issuer string
		Roles      []string
	}
}

// judge decides requests under one policy with the parts that `policy eval`
// uses.
type judge struct {
	authority *pa.Administrator
	registry  *inventory.Registry
	snapshot  *pdp.Snapshot
}

var loadRegistry = sync.OnceValues(inventory.LoadRegistry)

// compile loads an imported policy. Warnings come back as text.
func compile(t testing.TB, yaml []byte) (*judge, string) {
	t.Helper()
	registry, err := loadRegistry()
	if err != nil {
		t.Fatal(err)
	}
	snapshot, problems := policy.Compile([]policy.Source{{Name: "imported.yaml", Data: yaml}}, policy.Options{Home: home, Known: registry})
	var text strings.Builder
	for _, p := range problems {
		text.WriteString(p.String() + "\n")
	}
	if snapshot == nil {
		return nil, text.String()
	}
	j := &judge{registry: registry, snapshot: snapshot}
	j.authority = pa.New(pa.Options{Ground: pa.Ground{Home: home}, Registry: registry})
	j.authority.Publish(snapshot)
	return j, text.String()
}

// decide builds a request as `policy eval` does, and decides it.
func (j *judge) decide(t testing.TB, q request) access.Decision {
	t.Helper()
	r := &access.Request{Backend: q.Backend, Agent: q.Agent, Counters: q.Counters, Facts: map[string]access.Fact{}}
	switch {
	case q.Tool != "":
		r.Kind, r.Name, r.Method = access.Tool, q.Tool, "tools/call"
	case q.URI != "":
		r.Kind, r.Name, r.Method = access.Resource, q.URI, "resources/read"
	case q.Prompt != "":
		r.Kind, r.Name, r.Method = access.Prompt, q.Prompt, "prompts/get"
	default:
		r.Kind, r.Name, r.Method = access.Method, q.Method, q.Method
	}
	if r.Backend == "" {
		if r.Backend = j.snapshot.Backend(); r.Backend == "" {
			r.Backend = "backend"
		}
	}
	if q.Arguments == nil {
		q.Arguments = json.RawMessage("{}")
		if q.URI != "" {
			q.Arguments, _ = json.Marshal(map[string]string{"uri": q.URI})
		}
	}
	r.Args = parse(t, q.Arguments)
	r.Passes = r.Kind == access.Method && pep.Passes(r.Method, r.Args)
	if q.Subject != nil {
		r.Subject = access.Subject{ID: q.Subject.ID, Issuer: q.Subject.Issuer, Roles: q.Subject.Roles, Known: true}
	}
	for name, raw := range q.Facts {
		r.Facts[name] = access.Fact{Value: parse(t, raw), Source: "given"}
	}
	if q.Now != "" {
		now, err := time.Parse(time.RFC3339, q.Now)
		if err != nil {
			t.Fatal(err)
		}
		r.Now = now
	}
	var definition *inventory.Definition
	if _, known := j.snapshot.Declared(r.Backend, r.Name); r.Kind == access.Tool {
		definition = j.registry.Entry(known).Newest(r.Name)
	}
	var d access.Decision
	j.authority.Complete(r, definition).Decide(r, &d)
	return d
}

func parse(t testing.TB, raw []byte) access.Value {
	t.Helper()
	v, err := canon.Scan(raw, canon.DefaultLimits())
	if err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
	return v
}
