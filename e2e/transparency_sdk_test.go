package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/custos-zt/custos/e2e/client"
	"github.com/custos-zt/custos/e2e/peers"
)

// A client of the official SDK, which makes its own choices of ids, order and
// revision, gets the same from a server through Custos as without, in both
// eras.
func TestSDKClientSeesTheSame(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name    string
		server  []string
		version string // to offer
		agreed  string
		tools   []string // to call, where the server lists them
	}{
		{"everything 2025-11-25", peers.Everything(t), "2025-11-25", "2025-11-25", []string{"echo", "get-sum", "get-tiny-image", "get-roots-list", "trigger-sampling-request", "trigger-elicitation-request"}},
		{"everything, newest offered", peers.Everything(t), "", "2025-11-25", []string{"get-resource-links", "get-structured-content"}},
		{"modern 2026-07-28", peers.Modern(t), "", "2026-07-28", modernTools},
		{"modern 2025-11-25", peers.Modern(t), "2025-11-25", "2025-11-25", modernTools},
		{"modern 2025-06-18", peers.Modern(t), "2025-06-18", "2025-06-18", modernTools},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			settings := client.Settings{Version: tc.version, Roots: []string{"file:///tmp/a", "file:///tmp/b"}, Env: alone(t, nil)}
			_, command := open(tc.server).command(t)
			var seen [2]map[string][]string
			for i, c := range [][]string{tc.server, command} {
				s := client.Connect(t, c, settings)
				if got := s.InitializeResult().ProtocolVersion; got != tc.agreed {
					t.Errorf("agreed on %s, want %s", got, tc.agreed)
				}
				seen[i] = tour(t, s, tc.tools)
			}
			if diff := cmp.Diff(seen[0], seen[1]); diff != "" {
				t.Errorf("what the client sees (-directly +through Custos):\n%s", diff)
			}
		})
	}
}

var modernTools = []string{
	"test_simple_text", "test_multiple_content_types", "test_audio_content", "test_error_handling",
	"test_tool_with_logging", "test_sampling", "test_elicitation", "test_elicitation_sep1330_enums",
	"test_input_required_result_elicitation", "test_input_required_result_sampling",
	"test_input_required_result_list_roots", "test_input_required_result_multiple_inputs",
	"test_input_required_result_multi_round", "test_missing_capability",
}

// timed are the events that a timer of the server fires: which of them come
// before the end of a tour depends on the machine.
var timed = []string{"notifications/resources/updated", "notifications/tools/list_changed", "notifications/message"}

var unTimed = regexp.MustCompile(`created at [0-9: ]+[AP]M`)

// tour uses everything that a server lists, and returns what came of it by
// kind of use.
func tour(t *testing.T, s *client.SDK, tools []string) map[string][]string {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), client.Patience)
	defer stop()
	seen := map[string][]string{}
	note := func(kind string, result any, err error) {
		text, encoding := json.Marshal(result)
		if encoding != nil {
			t.Fatal(encoding)
		}
		seen[kind] = append(seen[kind], unTimed.ReplaceAllString(fmt.Sprintf("%s %v", text, err), "created at TIME"))
	}
	note("initialize", s.InitializeResult(), nil)
	listed, err := s.ListTools(ctx, nil)
	note("tools", listed, err)
	for _, tool := range listed.Tools {
		if slices.Contains(tools, tool.Name) {
			got, err := s.CallTool(ctx, &mcp.CallToolParams{Name: tool.Name, Arguments: arguments(tool)})
			note("call "+tool.Name, got, err)
		}
	}
	prompts, err := s.ListPrompts(ctx, nil)
	note("prompts", prompts, err)
	for _, p := range prompts.Prompts {
		args := map[string]string{}
		for _, a := range p.Arguments {
			args[a.Name] = "1"
		}
		got, err := s.GetPrompt(ctx, &mcp.GetPromptParams{Name: p.Name, Arguments: args})
		note("prompt "+p.Name, got, err)
	}
	resources, err := s.ListResources(ctx, nil)
	note("resources", resources, err)
	for _, r := range resources.Resources {
		got, err := s.ReadResource(ctx, &mcp.ReadResourceParams{URI: r.URI})
		note("resource "+r.URI, got, err)
	}
	templates, err := s.ListResourceTemplates(ctx, nil)
	note("templates", templates, err)
	for _, e := range s.Events() {
		seen[e.Method] = append(seen[e.Method], e.Params)
	}
	for _, kind := range timed {
		delete(seen, kind)
	}
	return seen
}

// arguments gives a tool those of some values that it declares.
func arguments(tool *mcp.Tool) map[string]any {
	out := map[string]any{}
	schema, _ := tool.InputSchema.(map[string]any)
	declared, _ := schema["properties"].(map[string]any)
	for name, value := range map[string]any{"message": "é", "prompt": "2 + 2?", "a": 1, "b": 2.5, "location": "Chicago"} {
		if declared[name] != nil {
			out[name] = value
		}
	}
	return out
}
