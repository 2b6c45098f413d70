package policy_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"

	"github.com/custos-zt/custos/policy"
)

// TestSchemaFile: the published schema is the generated one. After a change of
// the language: go test ./policy -run TestSchemaFile -update
func TestSchemaFile(t *testing.T) {
	got := policy.Schema()
	if *update {
		if err := os.WriteFile("schema.json", got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("schema.json is not what the language is: go test ./policy -run TestSchemaFile -update")
	}
}

// TestSchemaDescribesEveryKey finds keys of the language that the schema has no
// words for.
func TestSchemaDescribesEveryKey(t *testing.T) {
	var root any
	if err := json.Unmarshal(policy.Schema(), &root); err != nil {
		t.Fatal(err)
	}
	described(t, "", root)
}

func described(t *testing.T, at string, v any) {
	t.Helper()
	switch v := v.(type) {
	case []any:
		for i, c := range v {
			described(t, fmt.Sprintf("%s/%d", at, i), c)
		}
	case map[string]any:
		properties, _ := v["properties"].(map[string]any)
		for name, p := range properties {
			if s, ok := p.(map[string]any); !ok || s["description"] == nil || len(s) < 2 {
				t.Errorf("%s/%s has no description or no shape: write them in schema_*.go", at, name)
			}
		}
		for name, c := range v {
			described(t, at+"/"+name, c)
		}
	}
}

func compiledSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(policy.Schema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource(policy.SchemaID, doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile(policy.SchemaID)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// instance is a YAML policy as the value that a schema looks at. Dates are
// text, as in the reader.
func instance(t *testing.T, data []byte) any {
	t.Helper()
	var doc yaml.Node
	if err := yaml.Unmarshal(data, &doc); err != nil {
		t.Fatal(err)
	}
	textualDates(&doc)
	var v any
	if err := doc.Decode(&v); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	out, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func textualDates(n *yaml.Node) {
	if n.Kind == yaml.ScalarNode && n.ShortTag() == "!!timestamp" {
		n.Tag = "!!str"
	}
	for _, c := range n.Content {
		textualDates(c)
	}
}

func TestSchemaAcceptsWhatLoads(t *testing.T) {
	s := compiledSchema(t)
	names, err := filepath.Glob("testdata/*/*.txtar")
	if err != nil || len(names) < 20 {
		t.Fatalf("no cases: %v", err)
	}
	accepted := 0
	for _, name := range names {
		ar, err := txtar.ParseFile(name)
		if err != nil {
			t.Fatal(err)
		}
		a := archive{ar, name}
		if loaded, _ := policy.Compile(a.sources(), a.options()); loaded == nil {
			continue
		}
		for _, src := range a.sources() {
			accepted++
			if err := s.Validate(instance(t, src.Data)); err != nil {
				t.Errorf("%s: %s loads, and is not valid: %v", name, src.Name, err)
			}
		}
	}
	if accepted < 20 {
		t.Errorf("only %d policies were looked at", accepted)
	}
}

func TestSchemaFindsSlips(t *testing.T) {
	s := compiledSchema(t)
	const whole = "policy: p\nrules:\n  - {id: a, allow: [\"x.y\"], %s}\n"
	if err := s.Validate(instance(t, []byte(strings.ReplaceAll(whole, ", %s", "")))); err != nil {
		t.Fatalf("a policy without slips: %v", err)
	}
	for _, slip := range []string{
		"alow: [z]", "deny: [z]", "allows: z", "roles: []", "roles: [1]", "ops: [reed]", "side_effects: [fs-read]",
		"paths: {al: [x]}", "paths: {none: match}", "paths: {all: [x], any: [y]}", "paths: {any: [x], none: skip}",
		"args: {}", "args: {a: LOW}", "args: {a: {typ: string}}", "args: {a: {type: str}}", "args: {a: {enum: []}}",
		"args: {a: {min: \"5\"}}", "args: {a: {min_length: -1}}", "args: {a: {items: {each: {}}}}", "args: {a: {items: {all: {type: string}}}}",
		"args: {a: {missing: ignore}}", "unlisted_args: some", "approval: {valid: soon}", "approval: {valid: 5}", "approval: {quorum: 0}",
		"approval: {self: maybe}", "grants: false", "else: deny", "mode: audit", "returns: {secrets: hide}", "returns: {max_bytes: 0}",
		"message: \"\"", "unless: [{}]", "unless: [{clients: [x]}]", "unless: {roles: [a]}", "trust: {min: 101}", "device: {}",
		"session: {max_calls: no}", "network: {cidr: [x]}", "auth: {mfa: \"yes\"}", "integrity: checked",
		"rate: {per: [subject]}", "rate: {max: 5}", "rate: {max: 5/1m, over: allow}", "rate: {max: 5/1m, per: [client]}", "delegate: [z]",
	} {
		text := fmt.Sprintf(whole, slip)
		if err := s.Validate(instance(t, []byte(text))); err == nil {
			t.Errorf("%s is accepted", slip)
		}
		if loaded, _ := policy.Compile([]policy.Source{{Name: "a.yaml", Data: []byte(text)}}, policy.Options{}); loaded != nil {
			t.Errorf("%s is no slip: it loads", slip)
		}
	}
	for _, text := range []string{
		"rules:\n  - {id: a, allow: [x.y]}\n", "policy: p\n", "policy: p\nrules: []\n", "policy: p\nrules:\n  - {allow: [x.y]}\n",
		"policy: p\nrules:\n  - {id: a}\n", "policy: p\nrules:\n  - {id: a b, allow: [x.y]}\n", "policy: p\nrule: []\nrules:\n  - {id: a, allow: [x.y]}\n",
		"policy: p\ntools: {Files: {}}\nrules:\n  - {id: a, allow: [x.y]}\n", "policy: p\ndefine: {a: []}\nrules:\n  - {id: a, allow: [x.y]}\n",
		"policy: p\ntools: {files: {op: [read]}}\nrules:\n  - {id: a, allow: [x.y]}\n", "policy: p\nsilent: pass\nrules:\n  - {id: a, allow: [x.y]}\n",
		"policy: p\nlimits: [{id: a, max: 1/1m}]\nrules:\n  - {id: b, allow: [x.y]}\n", "policy: p\nbreak_glass: {a: {}}\nrules:\n  - {id: b, allow: [x.y]}\n",
		"policy: p\nlayer: teams/x\nrules:\n  - {id: b, allow: [x.y]}\n", "policy: p\nrules:\n  - {id: b, delegate: [x.y]}\n", "policy: p\nbackend: A B\nrules:\n  - {id: a, allow: [x]}\n",
	} {
		if err := s.Validate(instance(t, []byte(text))); err == nil {
			t.Errorf("%q is accepted", text)
		}
	}
}
