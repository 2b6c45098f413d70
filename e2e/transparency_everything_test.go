package e2e

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/custos-zt/custos/e2e/peers"
)

// Every capability of server-everything works the same through Custos as
// without it.
func TestEverythingIsTheSame(t *testing.T) {
	t.Parallel()
	d := readDialogue(t, "everything.txtar")
	direct := sameThrough(t, d, peers.Everything(t))
	direct.covers(t, "tools/list", "tools/call", "tools", "name")
	direct.covers(t, "prompts/list", "prompts/get", "prompts", "name")
	direct.covers(t, "resources/list", "resources/read", "resources", "uri")
}

// covers fails the test where the dialogue leaves out something that the
// server lists: what is not tried proves nothing.
func (k *talk) covers(t *testing.T, list, use, key, name string) {
	t.Helper()
	lists, used := map[string]bool{}, []string{}
	for _, line := range k.sent {
		var m struct {
			ID     json.RawMessage
			Method string
			Params map[string]json.RawMessage
		}
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Fatal(err)
		}
		switch m.Method {
		case list:
			lists[string(m.ID)] = true
		case use:
			var item string
			if json.Unmarshal(m.Params[name], &item) == nil {
				used = append(used, item)
			}
		}
	}
	var missing []string
	listed := 0
	for _, line := range k.received {
		var m struct {
			ID     json.RawMessage
			Result map[string]json.RawMessage
		}
		if json.Unmarshal([]byte(line), &m) != nil || !lists[string(m.ID)] || m.Result[key] == nil {
			continue
		}
		var items []map[string]any
		if err := json.Unmarshal(m.Result[key], &items); err != nil {
			t.Fatal(err)
		}
		for _, it := range items {
			listed++
			if item, _ := it[name].(string); !slices.Contains(used, item) && !slices.Contains(missing, item) {
				missing = append(missing, item)
			}
		}
	}
	if listed == 0 {
		t.Errorf("%s lists nothing", list)
	}
	if diff := cmp.Diff([]string(nil), missing); diff != "" {
		t.Errorf("%s lists what the dialogue never uses:\n%s", list, diff)
	}
}
