package e2e

import (
	"strings"
	"testing"

	"github.com/custos-zt/custos/e2e/peers"
)

// What a modern request says of itself. The dialogue names them.
var modernMeta = [][2]string{
	{"$META", modern(`{"roots":{"listChanged":true},"sampling":{},"elicitation":{}}`, "")},
	{"$NONE", modern(`{}`, "")},
	{"$LOGGING", modern(`{}`, `,"io.modelcontextprotocol/logLevel":"debug"`)},
	{"$PROGRESS", modern(`{}`, `,"progressToken":"p-1","x-vendor/trace":9007199254740993`)},
	{"$FUTURE", strings.Replace(modern(`{}`, ""), "2026-07-28", "2099-01-01", 1)},
}

func modern(capabilities, more string) string {
	return `{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"dialogue","version":"1"},` +
		`"io.modelcontextprotocol/clientCapabilities":` + capabilities + more + `}`
}

// meta returns what a name of the dialogue stands for.
func meta(name string) string {
	for _, m := range modernMeta {
		if m[0] == name {
			return m[1]
		}
	}
	return "null"
}

// The stateless era passes through as it is: the era belongs to the server.
func TestModernIsTheSame(t *testing.T) {
	t.Parallel()
	d := readDialogue(t, "modern.txtar")
	d.given = modernMeta
	direct := sameThrough(t, d, peers.Modern(t))
	direct.covers(t, "tools/list", "tools/call", "tools", "name")
	direct.covers(t, "prompts/list", "prompts/get", "prompts", "name")
	direct.covers(t, "resources/list", "resources/read", "resources", "uri")
}
