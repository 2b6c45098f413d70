// Package floors holds the rules of the house as tests: which package may
// import what, how long a file may be, and which names a package may not use.
//
// The table is [Table]. A package that is not in it fails the test, so that a
// new room is a decision somebody wrote down. Change the table and
// docs/ARCHITECTURE.md in the same commit, and say why.
package floors

// Module is the import path of this module.
const Module = "github.com/custos-zt/custos"

// Room is one package and what it may import beside the standard library.
type Room struct {
	// Path is the package relative to the module; "." is the root.
	Path string
	// Inside lists the packages of this module it may import.
	Inside []string
	// Outside lists the third-party modules (import path prefixes) it may import.
	Outside []string
}

// Table returns the import table, lowest floor first. Test files may import
// more: tests drive the house from outside.
func Table() []Room {
	return []Room{
		{Path: "access"},
		{Path: "internal/spell"},
		{Path: "internal/linediff"},
		{Path: "internal/term", Outside: []string{"golang.org/x/sys"}},
		{Path: "internal/canon", Inside: []string{"access"}, Outside: []string{"golang.org/x/text", "golang.org/x/net/idna"}},
		{Path: "internal/pdp", Inside: []string{"access", "internal/canon"}, Outside: []string{"github.com/bmatcuk/doublestar/v4", "golang.org/x/text"}},
		{Path: "internal/expr", Inside: []string{"access", "internal/canon", "internal/pdp"}, Outside: []string{"cel.dev/cel-go"}},
		{Path: "policy", Inside: []string{"access", "internal/canon", "internal/expr", "internal/pdp", "internal/spell"}, Outside: []string{"go.yaml.in/yaml/v3", "github.com/pelletier/go-toml/v2", "github.com/bmatcuk/doublestar/v4", "golang.org/x/text"}},
		{Path: "policy/enginetest", Inside: []string{"access", "internal/canon", "policy"}},
		{Path: "audit", Inside: []string{"access", "internal/canon"}, Outside: []string{"golang.org/x/sys", "golang.org/x/mod/sumdb"}},
		{Path: "internal/ocsf", Inside: []string{"access", "audit"}},
		{Path: "audit/witness", Inside: []string{"audit"}, Outside: []string{"golang.org/x/mod/sumdb", "golang.org/x/sys"}},
		{Path: "internal/config", Inside: []string{"internal/spell"}, Outside: []string{"go.yaml.in/yaml/v3"}},
		{Path: "internal/post", Inside: []string{"internal/config"}},
		{Path: "internal/sink", Inside: []string{"access", "audit", "internal/config", "internal/ocsf", "internal/post"}, Outside: []string{"golang.org/x/sys", "google.golang.org/protobuf"}},
		{Path: "internal/importer", Inside: []string{"internal/spell"}, Outside: []string{"go.yaml.in/yaml/v3", "github.com/pelletier/go-toml/v2", "github.com/bmatcuk/doublestar/v4"}},
		{Path: "internal/bundle"},
		{Path: "internal/canary"},
		{Path: "internal/redact", Inside: []string{"access", "audit", "internal/canary"}},
		{Path: "internal/sealed"},
		{Path: "internal/auditor", Outside: []string{"filippo.io/age"}},
		{Path: "internal/keychain", Outside: []string{"github.com/zalando/go-keyring"}},
		{Path: "internal/state", Inside: []string{"audit"}, Outside: []string{"golang.org/x/sys"}},
		{Path: "internal/sources", Inside: []string{"internal/bundle", "internal/state", "policy"}},
		{Path: "internal/inventory", Inside: []string{"access", "internal/canon", "policy"}, Outside: []string{"go.yaml.in/yaml/v3", "github.com/santhosh-tekuri/jsonschema/v6", "golang.org/x/text"}},
		{Path: "internal/query", Inside: []string{"access", "audit"}},
		{Path: "internal/index", Inside: []string{"audit", "internal/query"}, Outside: []string{"modernc.org/sqlite"}},
		{Path: "internal/review", Inside: []string{"access", "audit", "internal/query", "internal/term"}},
		{Path: "internal/clock", Outside: []string{"golang.org/x/sys"}},
		{Path: "internal/limit"},
		{Path: "internal/approval", Inside: []string{"access", "internal/canon"}, Outside: []string{"golang.org/x/sys"}},
		{Path: "internal/statedb", Outside: []string{"modernc.org/sqlite"}},
		{Path: "internal/approval/book", Inside: []string{"access", "internal/approval", "internal/statedb"}, Outside: []string{"github.com/pquerna/otp"}},
		{Path: "internal/pa", Inside: []string{"access", "internal/approval", "internal/canon", "internal/inventory", "internal/limit", "internal/pdp"}},
		{Path: "internal/pep", Inside: []string{"access", "audit", "internal/canon", "internal/inventory", "internal/pa"}},
		{Path: "internal/proof", Inside: []string{"access", "internal/canon", "internal/inventory", "internal/pa", "internal/pdp", "internal/pep", "internal/spell", "policy"}, Outside: []string{"go.yaml.in/yaml/v3"}},
		{Path: "internal/engine", Inside: []string{"access", "audit", "internal/canon", "internal/clock", "internal/inventory", "internal/limit", "internal/linediff", "internal/pa", "internal/pdp", "internal/pep", "internal/proof", "internal/redact", "internal/sealed", "internal/sources", "internal/state", "policy"}},
		{Path: "desk", Inside: []string{"access", "internal/approval", "internal/approval/book", "internal/state"}},
		{Path: ".", Inside: []string{"access", "internal/approval", "internal/engine", "internal/pep", "policy"}},
		{Path: "internal/upstream", Outside: []string{"golang.org/x/sys"}},
		{Path: "internal/ask", Inside: []string{"access", "audit", "internal/approval", "internal/approval/book", "internal/canon", "internal/config", "internal/post", "internal/term"}, Outside: []string{"golang.org/x/sys"}},
		{Path: "internal/gateway", Inside: []string{"access", "audit", "internal/ask", "internal/canon", "internal/inventory", "internal/pep"}},
		{Path: "internal/admin", Inside: []string{"access", "audit", "internal/approval", "internal/approval/book", "internal/ask", "internal/state"}},
		{Path: "internal/control", Inside: []string{"access", "audit", "internal/admin", "internal/approval", "internal/ask", "internal/canon"}, Outside: []string{"golang.org/x/sys"}},
		{Path: "internal/demo", Inside: []string{"internal/canon", "internal/term"}},
		{Path: "internal/cli", Inside: []string{".", "access", "audit", "audit/witness", "internal/admin", "internal/approval", "internal/approval/book", "internal/ask", "internal/auditor", "internal/bundle", "internal/canary", "internal/canon", "internal/config", "internal/control", "internal/demo", "internal/engine", "internal/gateway", "internal/importer", "internal/index", "internal/inventory", "internal/keychain", "internal/ocsf", "internal/pa", "internal/pdp", "internal/pep", "internal/proof", "internal/query", "internal/redact", "internal/sealed", "internal/review", "internal/sink", "internal/sources", "internal/spell", "internal/state", "internal/term", "internal/upstream", "policy"}, Outside: []string{"github.com/spf13/cobra", "golang.org/x/sys"}},
		{Path: "cmd/custos", Inside: []string{"internal/cli"}},
		{Path: "internal/floors"},
	}
}

// Thin lists the packages that `go get` users import; their dependencies MUST
// NOT contain anything under [Heavy].
func Thin() []string { return []string{".", "access", "policy", "audit"} }

// Heavy lists what must not reach a library user.
func Heavy() []string {
	return []string{
		"database/sql", "modernc.org/", "github.com/jackc/",
		"go.opentelemetry.io/", "github.com/prometheus/",
		"github.com/spf13/", "github.com/modelcontextprotocol/",
	}
}

// Long lists the files that may exceed [MaxLines], each with its reason. At
// most five in a hundred files may stand here.
func Long() map[string]string { return map[string]string{} }

// MaxLines is the length a file must not exceed.
const MaxLines = 400

// Workbench lists folders whose packages are programs and fixtures for tests
// and measurements; the import table does not bind them, the length rule does.
func Workbench() []string { return []string{"e2e", "bench", "examples"} }
