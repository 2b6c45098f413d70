package policy

import (
	"regexp"
	"slices"
	"strings"
	"sync"

	"go.yaml.in/yaml/v3"

	"github.com/custos-zt/custos/internal/pdp"
)

// Team says who is in a team: whoever has one of the groups, of this issuer
// where one is named. Teams come from the configuration, never from a policy:
// a file must not say itself whom it is for.
type Team struct {
	Name   string
	Issuer string // "" is any
	Groups []string
}

// rootLayer is the layer above all others. Tools, labels and what concerns the
// whole policy are declared in it alone: a layer below must not change what the
// layers above judge by.
const rootLayer = "global"

var (
	teamLayer = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^team/[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`) })
	userLayer = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^user/[A-Za-z0-9][A-Za-z0-9._-]{0,63}:\S{1,255}$`) })
)

// rootKeys are the keys that only a file of the root layer has.
func rootKeys() []string {
	return []string{"tools", "labels", "observe", "team_membership", "break_glass"}
}

// claim reads `layer:`, within what the configuration lets the file claim.
func (r *reader) claim(root *yaml.Node, byName map[string]*yaml.Node) {
	r.layer = rootLayer
	at := root
	if n := byName["layer"]; n != nil {
		at = n
		if r.layer = r.layerName(n); r.layer == "" {
			r.layer = rootLayer
			return
		}
	}
	if claim := r.options.Claim; claim != nil {
		if most := claim(r.file); most != "" && most != rootLayer && r.layer != most {
			r.err(at, "layer: "+most, "this file may claim the layer %s at most, not %s", most, r.layer)
		}
	}
	for _, name := range rootKeys() {
		if n := byName[name]; n != nil && r.layer != rootLayer {
			r.err(n, "", "%s belongs to the layer global, and this file is %s", name, r.layer)
		}
	}
	i := slices.IndexFunc(r.layers, func(l pdp.Layer) bool { return l.Name == r.layer })
	if i < 0 {
		i = len(r.layers)
		r.layers = append(r.layers, pdp.Layer{Name: r.layer})
	}
	if n := byName["silent"]; n != nil {
		r.choice(n, "silent", "deny")
		if r.layer == rootLayer {
			r.err(n, "leave the key out", "what the layer global does not speak of is always denied")
		}
		r.layers[i].Silent = true
	}
}

// layerName reads the name of a layer, "" where it is none.
func (r *reader) layerName(n *yaml.Node) string {
	name := r.scalar(n, "a layer")
	switch team, isTeam := strings.CutPrefix(name, "team/"); {
	case name == "", name == rootLayer:
	case userLayer().MatchString(name):
		r.checkIssuer(n, strings.TrimPrefix(name, "user/"))
	case !isTeam || !teamLayer().MatchString(name):
		r.err(n, suggest(name, []string{rootLayer}), "%s is not a layer: global, team/NAME or user/ISSUER:SUBJECT", show(name))
		return ""
	case r.options.Teams != nil:
		r.checkTeam(n, team)
	}
	return name
}

func (r *reader) checkIssuer(n *yaml.Node, subject string) {
	issuer, _, _ := strings.Cut(subject, ":")
	if all := r.options.Issuers; all != nil && !slices.Contains(all, issuer) {
		r.err(n, suggest(issuer, all), "there is no issuer %s", show(issuer))
	}
}

// checkTeam reports a team that the configuration does not have.
func (r *reader) checkTeam(n *yaml.Node, team string) {
	var all []string
	for _, t := range r.options.Teams {
		all = append(all, t.Name)
	}
	if slices.Contains(all, team) {
		return
	}
	report := r.warn
	if r.options.Strict {
		report = r.err
	}
	report(n, suggest(team, all), "there is no team %s in the configuration, so nobody is known to be in it", show(team))
}

// whole reads what concerns the whole policy.
func (r *reader) whole(byName map[string]*yaml.Node) {
	if n := byName["observe"]; n != nil && r.flag(n, "observe") {
		r.observe = true
	}
	if n := byName["team_membership"]; n != nil {
		r.choice(n, "team_membership", "any")
		r.anyTeam = true
	}
}

// delegatesTo reads `to:` of a rule that delegates: layers below its own.
func (r *reader) delegatesTo(f field, rule *pdp.Rule) {
	words := r.words(f.node, "to")
	for _, w := range words {
		n := *w.node
		n.Value = w.text
		name := r.layerName(&n)
		if name == "" {
			continue
		}
		if depth(name) <= depth(r.layer) {
			r.err(w.node, "", "%s does not stand below %s", name, r.layer)
		}
		rule.To = append(rule.To, name)
	}
}

// depth orders layers: global, then teams, then users.
func depth(layer string) int {
	switch {
	case strings.HasPrefix(layer, "team/"):
		return 1
	case strings.HasPrefix(layer, "user/"):
		return 2
	default:
		return 0
	}
}

// program is what the files make together.
func (c *compiler) program(digest string) pdp.Program {
	p := pdp.Program{
		Digest: digest, Backend: c.backend, Rules: c.rules, Tools: c.tools, Labels: c.labels,
		Layers: c.layers, AnyTeam: c.anyTeam, Observe: c.observe, Limits: c.limits, BreakGlass: c.breakGlass,
		Remembers: c.remembers,
	}
	for _, t := range c.options.Teams {
		p.Teams = append(p.Teams, pdp.Team{Name: t.Name, Issuer: t.Issuer, Groups: t.Groups})
	}
	return p
}
