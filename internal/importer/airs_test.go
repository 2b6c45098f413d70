package importer_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/internal/importer"
)

// matchGlobset is the matching of the Rust crate globset as its documentation
// has it: * and ? match separators too, **/ is any number of directories, /** at
// the end is everything below.
func matchGlobset(pattern, path string) bool {
	for strings.Contains(pattern, "**/**") {
		pattern = strings.ReplaceAll(pattern, "**/**", "**")
	}
	var b strings.Builder
	for i := 0; i < len(pattern); i++ {
		rest := pattern[i:]
		switch {
		case rest == "**" && i == 0:
			b.WriteString(".*")
			i++
		case strings.HasPrefix(rest, "**/") && i == 0:
			b.WriteString("(?:/?|.*/)")
			i += 2
		case rest == "/**":
			b.WriteString("/.*")
			i += 2
		case strings.HasPrefix(rest, "/**/"):
			b.WriteString("(?:/|/.*/)")
			i += 3
		case rest[0] == '*':
			b.WriteString(".*")
		case rest[0] == '?':
			b.WriteString(".")
		case rest[0] == '[':
			end := strings.IndexByte(rest, ']')
			b.WriteString(strings.Replace(rest[:end+1], "[!", "[^", 1))
			i += end
		default:
			b.WriteString(regexp.QuoteMeta(rest[:1]))
		}
	}
	return regexp.MustCompile(`\A(?:` + b.String() + `)\z`).MatchString(path)
}

// TestAIRSNeverWider compares what is granted with the original's meaning, for
// patterns that allow, deny and grant.
func TestAIRSNeverWider(t *testing.T) {
	t.Parallel()
	parts := []string{"a", "*", "**/", "/**", "/", "?", "b*", "[!a]"}
	paths := []string{"/a", "/b", "/ab", "/a/b", "/a/a", "/b/a", "/a/a/b", "/a/ab", "/a/b/a", "/ba/ab", "/a/x/y/b", "/bab"}
	granted := 0
	for i := range 8 * 8 * 8 {
		pattern := "/" + parts[i%8] + parts[i/8%8] + parts[i/64]
		for place, config := range map[string][3]string{"allowed": {pattern, "/none", "**/*"}, "denied": {"/**", pattern, "**/*"}, "policy": {"/**", "/none", pattern}} {
			source := fmt.Sprintf("[security.filesystem]\nallowed_paths = [%q]\ndenied_paths = [%q]\n[security.operations]\nwrite_requires_policy = false\ndelete_requires_explicit_allow = false\n[security.policies.p]\npatterns = [%q]\noperations = ['read']\nrisk_level = 'low'\n", config[0], config[1], config[2])
			result := importer.Import(importer.AIRS, "config.toml", []byte(source), importer.Options{})
			if result.Policy == nil {
				continue
			}
			j, problems := compile(t, result.Policy)
			if j == nil {
				t.Fatalf("%s: %s", source, problems)
			}
			for _, p := range paths {
				args, _ := json.Marshal(map[string]string{"path": p})
				if d := j.decide(t, request{Tool: "read_file", Arguments: args}); d.Effect != access.Allow {
					continue
				}
				granted++
				if !matchGlobset(config[0], p) || matchGlobset(config[1], p) || !matchGlobset(config[2], p) {
					t.Errorf("%s %s: %s is allowed here and not there", place, pattern, p)
				}
			}
		}
	}
	if granted < 1000 {
		t.Errorf("only %d requests were granted: the test says little", granted)
	}
}
