package config

import (
	"regexp"
	"sync"

	"go.yaml.in/yaml/v3"
)

var (
	layerName = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^(global|team/[A-Za-z0-9][A-Za-z0-9._-]{0,63}|user/[A-Za-z0-9][A-Za-z0-9._-]{0,63}:\S{1,255})$`)
	})
	teamName = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`) })
)

// teams reads teams: {support: {groups: [grp-support], issuer: corp}}.
func (d *decoder) teams(n *yaml.Node) []Team {
	if n.Kind != yaml.MappingNode {
		d.fail(n, "", "teams is a mapping")
		return nil
	}
	seen := map[string]bool{}
	out := make([]Team, 0, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		t := Team{Name: key.Value}
		switch {
		case seen[t.Name]:
			d.fail(key, "", "%q is given twice", t.Name)
			continue
		case !teamName().MatchString(t.Name):
			d.fail(key, "letters, digits, and . _ - between them", "%q is no name for a team", t.Name)
		}
		seen[t.Name] = true
		d.section(value, "a team", []field{
			{"groups", func(d *decoder, n *yaml.Node) { t.Groups = d.texts(n, "groups") }},
			{"issuer", func(d *decoder, n *yaml.Node) { d.text(n, &t.Issuer) }},
		})
		if len(t.Groups) == 0 {
			d.fail(key, "groups: [NAME]", "the team %q has no groups, so nobody can be in it", t.Name)
		}
		out = append(out, t)
	}
	return out
}

// texts reads a list of texts.
func (d *decoder) texts(n *yaml.Node, what string) []string {
	if n.Kind != yaml.SequenceNode {
		d.fail(n, "", "%s is a list", what)
		return nil
	}
	out := make([]string, 0, len(n.Content))
	for _, c := range n.Content {
		var s string
		if d.text(c, &s); s == "" {
			d.fail(c, "", "%s holds an empty entry", what)
			continue
		}
		out = append(out, s)
	}
	return out
}
