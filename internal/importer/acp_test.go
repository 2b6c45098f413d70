package importer_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/internal/importer"
)

// imported imports a policy of mcp-acp with these rules and loads it.
func imported(t *testing.T, rules ...map[string]any) *judge {
	t.Helper()
	source, err := json.Marshal(map[string]any{"rules": rules})
	if err != nil {
		t.Fatal(err)
	}
	result := importer.Import(importer.MCPACP, "policy.json", source, importer.Options{})
	j, problems := compile(t, result.Policy)
	if j == nil {
		t.Fatalf("%s: %v\n%s\n%s", source, result.Notes, result.Policy, problems)
	}
	return j
}

func rule(effect string, conditions map[string]any) map[string]any {
	return map[string]any{"effect": effect, "conditions": conditions}
}

// everything is what a denial is looked at beside.
func everything() map[string]any { return rule("allow", map[string]any{"tool_name": "*"}) }

// TestPathGlobs runs the path patterns of mcp-acp's own tests, each as a grant
// and as a denial.
func TestPathGlobs(t *testing.T) {
	for _, c := range []struct {
		pattern, path string
		match         bool
	}{
		{"/project/**", "/project", true},
		{"/project/**", "/project/", true},
		{"/project/**", "/project/src/main.py", true},
		{"/project/**", "/project/deep/nested/file.txt", true},
		{"/project/**", "/other/file.txt", false},
		{"/project/**", "/projectX", false},
		{"/project/*", "/project/file.txt", true},
		{"/project/*", "/project/src/file.txt", false},
		{"**/*.key", "/home/user/secrets.key", true},
		{"**/*.key", "/secrets.key", true},
		{"**/*.key", "/home/user/secrets.txt", false},
		{"**/secrets/**", "/app/secrets/token.txt", true},
		{"**/secrets/**", "/secrets/key", true},
		{"**/secrets/**", "/app/config/token.txt", false},
		{"/tmp/file?.txt", "/tmp/file1.txt", true},
		{"/tmp/file?.txt", "/tmp/file12.txt", false},
		{"/etc/passwd", "/etc/passwd", true},
		{"/etc/passwd", "/etc/shadow", false},
		{"**", "/any/path/at/all", true},
		{"*", "file.txt", true},
		{"*", "path/file.txt", false},
	} {
		args, _ := json.Marshal(map[string]string{"path": c.path})
		q := request{Tool: "read_file", Arguments: args}
		conditions := map[string]any{"path_pattern": c.pattern}
		if d := imported(t, rule("deny", conditions), everything()).decide(t, q); (d.Effect == access.Deny) != c.match {
			t.Errorf("deny %s: %s gives %s, match is %v", c.pattern, c.path, d.Effect, c.match)
		}
		// A relative path is granted nothing.
		want := c.match && strings.HasPrefix(c.path, "/")
		if d := imported(t, rule("allow", conditions)).decide(t, q); (d.Effect == access.Allow) != want {
			t.Errorf("allow %s: %s gives %s, match is %v", c.pattern, c.path, d.Effect, c.match)
		}
	}
}

// TestToolGlobs runs the name patterns of mcp-acp's own tests.
func TestToolGlobs(t *testing.T) {
	for _, c := range []struct {
		pattern, name string
		match         bool
	}{
		{"bash", "bash", true},
		{"bash", "zsh", false},
		{"*_file", "read_file", true},
		{"*_file", "write_file", true},
		{"*_file", "execute", false},
		{"read_*", "read_file", true},
		{"read_*", "write_file", false},
		{"execute_*", "execute_command", true},
	} {
		q := request{Tool: c.name}
		conditions := map[string]any{"tool_name": c.pattern}
		if d := imported(t, rule("deny", conditions), everything()).decide(t, q); (d.Effect == access.Deny) != c.match {
			t.Errorf("deny %s: %s gives %s, match is %v", c.pattern, c.name, d.Effect, c.match)
		}
		if d := imported(t, rule("allow", conditions)).decide(t, q); (d.Effect == access.Allow) != c.match {
			t.Errorf("allow %s: %s gives %s, match is %v", c.pattern, c.name, d.Effect, c.match)
		}
		if d := imported(t, rule("hitl", conditions), everything()).decide(t, q); (d.Effect == access.Approve) != c.match {
			t.Errorf("hitl %s: %s gives %s, match is %v", c.pattern, c.name, d.Effect, c.match)
		}
	}
}

// TestOtherSpellings: what is denied by name does not slip by in other letters.
func TestOtherSpellings(t *testing.T) {
	j := imported(t, rule("deny", map[string]any{"tool_name": []string{"run_shell", "Bash"}}), everything())
	for _, name := range []string{"run_shell", "Run_shell", "Run_Shell", "RUN_SHELL", "bash", "Bash", "BASH"} {
		if d := j.decide(t, request{Tool: name}); d.Effect != access.Deny {
			t.Errorf("%s: %s", name, d.Effect)
		}
	}
}

// TestGeneratedIDs compares ids with those that Python gave.
func TestGeneratedIDs(t *testing.T) {
	for id, r := range map[string]map[string]any{
		"rule_0cb116e7": rule("allow", map[string]any{"tool_name": []string{"both", "asks"}, "scheme": nil}),
		"rule_2bee1d08": rule("deny", map[string]any{"tool_name": []string{"both", "all"}}),
	} {
		j := imported(t, r)
		if _, ok := j.snapshot.Rule(id); !ok {
			t.Errorf("%v has another id than %s", r, id)
		}
	}
	// A path that JSON escapes: "/é", DEL, an emoji, a control character.
	source := []byte(`{"rules": [{"effect": "deny", "conditions": {"path_pattern": "/é\u007f😀\u0001/\"q"}}]}`)
	result := importer.Import(importer.MCPACP, "policy.json", source, importer.Options{})
	if want := "rule_d945866a"; !strings.Contains(string(result.Policy), want) {
		t.Errorf("no %s in\n%s%v", want, result.Policy, result.Notes)
	}
}

// TestNeverWider compares grants of random globs with the original's meaning,
// written down here a second time.
func TestNeverWider(t *testing.T) {
	t.Parallel()
	parts := []string{"a", "b", "*", "**", "?", "/", "/**", "a**b", "*b", "**a"}
	paths := []string{"/a", "/b", "/a/b", "/a/a/b", "/ab", "/aab", "/a/ab", "/a/b/ab", "/b/a", "/a/a/a/b", "/axb/b"}
	n := 0
	for i := range 10 * 10 * 10 {
		pattern := "/" + parts[i%10] + parts[i/10%10] + parts[i/100]
		for _, effect := range []string{"allow", "deny"} {
			source := fmt.Sprintf(`{"rules": [{"effect": %q, "conditions": {"path_pattern": %q}}, {"effect": "allow", "conditions": {"tool_name": "other"}}]}`, effect, pattern)
			if effect == "deny" {
				source = strings.Replace(source, `"other"`, `"*"`, 1)
			}
			result := importer.Import(importer.MCPACP, "policy.json", []byte(source), importer.Options{})
			if result.Policy == nil {
				continue
			}
			j, problems := compile(t, result.Policy)
			if j == nil {
				t.Fatalf("%s: %s", pattern, problems)
			}
			for _, p := range paths {
				args, _ := json.Marshal(map[string]string{"path": p})
				d := j.decide(t, request{Tool: "read", Arguments: args})
				original := matchACP(pattern, p)
				allowed := original
				if effect == "deny" {
					allowed = !original
				}
				if d.Effect == access.Allow && !allowed {
					t.Errorf("%s %s: %s is allowed here and not there", effect, pattern, p)
				}
				if d.Effect == access.Allow {
					n++
				}
			}
		}
	}
	if n < 1000 {
		t.Errorf("only %d requests were allowed: the test says little", n)
	}
}
