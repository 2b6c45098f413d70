package cli

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// importing runs `custos policy import` on a file with this content.
func importing(t *testing.T, source string, args ...string) (status int, out, errs string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "policy.json")
	if err := os.WriteFile(file, []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	status = Main(append(append([]string{"policy", "import"}, args...), file), Streams{In: strings.NewReader(""), Out: &stdout, Err: &stderr}, func(string) string { return "" })
	return status, stdout.String(), strings.ReplaceAll(stderr.String(), file, "FILE")
}

const acpSource = `{"rules": [{"id": "reads", "effect": "allow", "conditions": {"tool_name": "read_*", "path_pattern": "/srv/**"}}]}`

func TestPolicyImport(t *testing.T) {
	status, out, errs := importing(t, acpSource, "--from", "mcp-acp", "--backend", "files")
	if status != 0 || !strings.Contains(out, "backend: files") || !strings.Contains(out, "allow: [\"read_*\"]") {
		t.Errorf("status %d\n%s%s", status, out, errs)
	}
	for _, want := range []string{"FILE:1:75: stricter: meant tool names in any case;", "custos: rules: 2, places where they are stricter: 2, wider: 0"} {
		if !strings.Contains(errs, want) {
			t.Errorf("no %q in\n%s", want, errs)
		}
	}
}

func TestPolicyImportQuiet(t *testing.T) {
	if status, out, errs := importing(t, acpSource, "--from", "mcp-acp", "--quiet"); status != 0 || out == "" || errs != "" {
		t.Errorf("status %d\n%s%s", status, out, errs)
	}
}

func TestPolicyImportJSON(t *testing.T) {
	status, out, errs := importing(t, acpSource, "--from", "mcp-acp", "--json")
	var got struct {
		Policy string
		Rules  int
		Report []map[string]any
	}
	if err := json.Unmarshal([]byte(out), &got); err != nil || status != 0 || errs != "" {
		t.Fatalf("status %d, %v\n%s%s", status, err, out, errs)
	}
	if got.Rules != 2 || len(got.Report) != 2 || got.Report[0]["kind"] != "stricter" || !strings.Contains(got.Policy, "# policy.json:1\n") {
		t.Errorf("%+v", got)
	}
}

func TestPolicyImportRefused(t *testing.T) {
	status, out, errs := importing(t, `{"rules": [{"efect": "allow"}]}`, "--from", "mcp-acp")
	if status != int(ExitPolicy) || out != "" || !strings.Contains(errs, `(did you mean "effect"?)`) {
		t.Errorf("status %d\n%s%s", status, out, errs)
	}
}

func TestPolicyImportUsage(t *testing.T) {
	for _, args := range [][]string{
		{},
		{"--from", "opa"},
		{"--from", "mcp-acp", "other.json"},
		{"--from", "mcp-acp", "--backend", "A_B"},
		{"--from", "mcp-acp", "--known", "no-such-server"},
		{"--from", "371os", "--root", "srv/*"},
	} {
		if status, out, errs := importing(t, acpSource, args...); status != int(ExitUsage) || out != "" {
			t.Errorf("%v: status %d\n%s%s", args, status, out, errs)
		}
	}
}
