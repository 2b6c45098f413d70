package policy_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/internal/pdp"
	"github.com/custos-zt/custos/policy"
)

// layered is a policy of several layers, as the text of its rules.
type layered struct {
	root, support, platform, alice []string
	head                           string // what the root says beside its rules
	silent                         [3]bool
}

const glass = "break_glass: {incident: {who: {groups: [g1]}, approve: {group: leads}, valid: 1h}}\n"

// layered makes a policy of four layers. toUser lets the root delegate past the
// teams.
func (r random) layered(toUser bool) layered {
	l := layered{head: glass}
	if r.rarely() {
		l.head += "team_membership: any\n"
	}
	to := []string{"team/support", "team/platform", "team/support, team/platform"}
	if toUser {
		to = append(to, `"user/corp:alice"`)
	}
	l.root = r.below("root", 2+r.IntN(5), to)
	l.support = r.below("support", 1+r.IntN(4), []string{`"user/corp:alice"`})
	l.platform = r.below("platform", r.IntN(4)+1, []string{`"user/corp:alice"`})
	l.alice = r.below("alice", 1+r.IntN(4), nil)
	for i := range l.silent {
		l.silent[i] = r.rarely()
	}
	return l
}

// below writes n rules of one layer, which may delegate to the layers in to.
func (r random) below(name string, n int, to []string) []string {
	effects := []string{"allow", "allow", "allow", "approve", "deny"}
	if to != nil {
		effects = append(effects, "delegate", "delegate", "delegate")
	}
	out := make([]string, n)
	for i := range out {
		effect := r.pick(effects...)
		id := fmt.Sprintf("%s%d", name, i)
		if out[i] = r.rule(id, effect, ""); effect != "deny" && r.often() {
			// Most grants have no conditions, or hardly any would meet another.
			out[i] = fmt.Sprintf("  - {id: %s, %s: [%q], unlisted_args: allow}\n", id, effect, r.pick("b.*", "b.t1", "b.t2", "b.t3"))
		}
		if to != nil && effect == "delegate" {
			out[i] = also(out[i], "to: ["+r.pick(to...)+"]")
		}
		if effect == "allow" && r.rarely() {
			out[i] = also(out[i], fmt.Sprintf("rate: {max: 3/1m, over: %s}", r.pick("deny", "approve")))
		}
		if (effect == "deny" || effect == "approve") && r.rarely() {
			out[i] = also(out[i], "liftable: [incident]")
		}
	}
	return out
}

// also adds a key to a rule.
func also(rule, key string) string { return strings.TrimSuffix(rule, "}\n") + ", " + key + "}\n" }

func (l layered) sources() []policy.Source {
	quiet := func(i int) string {
		if l.silent[i] {
			return "silent: deny\n"
		}
		return ""
	}
	text := func(head string, rules []string) []byte { return []byte(head + strings.Join(rules, "")) }
	return []policy.Source{
		{Name: "root.yaml", Data: text(l.head+universe, l.root)},
		{Name: "support.yaml", Data: text("policy: s\nlayer: team/support\nbackend: b\n"+quiet(0)+"rules:\n", l.support)},
		{Name: "platform.yaml", Data: text("policy: p\nlayer: team/platform\nbackend: b\n"+quiet(1)+"rules:\n", l.platform)},
		{Name: "alice.yaml", Data: text("policy: u\nlayer: user/corp:alice\nbackend: b\n"+quiet(2)+"rules:\n", l.alice)},
	}
}

func compileLayers(t testing.TB, sources []policy.Source) *pdp.Snapshot {
	t.Helper()
	s, problems := policy.Compile(sources, policy.Options{Home: "/home/dev", Teams: []policy.Team{
		{Name: "support", Issuer: "corp", Groups: []string{"g1"}}, {Name: "platform", Groups: []string{"g2"}},
	}})
	if s == nil {
		t.Fatalf("%v\n%s", problems, shown(sources))
	}
	return s
}

func shown(sources []policy.Source) string {
	var b strings.Builder
	for _, s := range sources {
		fmt.Fprintf(&b, "-- %s --\n%s", s.Name, s.Data)
	}
	return b.String()
}

// layeredLine is a line whose caller may be in teams, with counters and leases.
func (r random) layeredLine() line {
	l := r.line()
	if l.Subject != nil {
		l.Subject.Groups = [][]string{{}, {"g1"}, {"g2"}, {"g1", "g2"}}[r.IntN(4)]
	}
	if r.IntN(2) == 0 {
		l.Facts = map[string]json.RawMessage{"session.team": json.RawMessage(r.pick(`"support"`, `"platform"`, `"sales"`))}
	}
	l.Counters = map[string]int64{}
	for _, layer := range []string{"root", "support", "platform", "alice"} {
		for i := range 7 {
			if r.often() {
				l.Counters[fmt.Sprintf("%s%d", layer, i)] = int64(r.IntN(5))
			}
		}
	}
	if r.rarely() {
		l.Lifts = []string{"incident"}
	}
	return l
}

const layeredPolicies = 100

func TestPermutingLayersChangesNothing(t *testing.T) {
	for seed := range uint64(layeredPolicies) {
		r := newRandom(seed)
		l := r.layered(true)
		one := compileLayers(t, l.sources())
		for _, rules := range [][]string{l.root, l.support, l.platform, l.alice} {
			r.Shuffle(len(rules), func(i, j int) { rules[i], rules[j] = rules[j], rules[i] })
		}
		sources := l.sources()
		r.Shuffle(len(sources), func(i, j int) { sources[i], sources[j] = sources[j], sources[i] })
		two := compileLayers(t, sources)
		for range calls {
			in := r.layeredLine()
			a, b := decide(one, in.request(t, one)), decide(two, in.request(t, two))
			for _, d := range []*access.Decision{&a, &b} {
				d.PolicyDigest, d.Position, d.Message, d.Remediation = "", "", "", ""
				d.Shown = ""
				for i := range d.Matched {
					d.Matched[i].Position = ""
				}
				slices.SortFunc(d.Matched, func(x, y access.Match) int { return strings.Compare(x.Rule, y.Rule) })
			}
			if diff := cmp.Diff(a, b); diff != "" {
				t.Fatalf("seed %d: order matters:\n%s\n%s", seed, diff, shown(sources))
			}
		}
	}
}

func TestAddingADenyToALayerNeverWidens(t *testing.T) {
	for seed := range uint64(layeredPolicies) {
		r := newRandom(seed)
		l := r.layered(true)
		one := compileLayers(t, l.sources())
		extra := r.rule("extra", "deny", "")
		switch r.IntN(4) {
		case 0:
			l.root = append(l.root, extra)
		case 1:
			l.support = append(l.support, extra)
		case 2:
			l.platform = append(l.platform, extra)
		default:
			l.alice = append(l.alice, extra)
		}
		two := compileLayers(t, l.sources())
		for range calls {
			in := r.layeredLine()
			if a, b := decide(one, in.request(t, one)), decide(two, in.request(t, two)); wide(b) > wide(a) {
				t.Fatalf("seed %d: %s became %s:\n%s%s", seed, a.Effect, b.Effect, shown(l.sources()), extra)
			}
		}
	}
}

// Who is in a team, which team the session chose, what was counted and what a
// lease lifts are facts too.
func TestLosingAFactOfALayerNeverWidens(t *testing.T) {
	lose := map[string]func(*access.Request){
		"subject":  func(r *access.Request) { r.Subject = access.Subject{} },
		"facts":    func(r *access.Request) { r.Facts = nil },
		"agent":    func(r *access.Request) { r.Agent = "" },
		"tool":     func(r *access.Request) { r.Tool.Ops, r.Tool.OpsBy, r.Tool.SideEffects = 0, nil, nil },
		"counters": func(r *access.Request) { r.Counters = nil },
		"lifts":    func(r *access.Request) { r.Lifts = nil },
	}
	granted := map[string]int{}
	for seed := range uint64(layeredPolicies) {
		r := newRandom(seed)
		l := r.layered(true)
		s := compileLayers(t, l.sources())
		for range calls {
			in := r.layeredLine()
			before := decide(s, in.request(t, s))
			if before.Effect != access.Deny {
				granted[before.Layer]++
			}
			for name, take := range lose {
				less := in.request(t, s)
				take(less)
				after := decide(s, less)
				if wide(after) > wide(before) && !elseHeld(s, before, after) {
					t.Fatalf("seed %d: without %s %s became %s by %s:\n%s\n%+v", seed, name, before.Effect, after.Effect, after.Rule, shown(l.sources()), in)
				}
			}
		}
	}
	for _, layer := range []string{"global", "team/support", "team/platform", "user/corp:alice"} {
		if granted[layer] < 5 {
			t.Errorf("%s decides only %d calls: nothing is tested", layer, granted[layer])
		}
	}
}

// A layer never exceeds the consent of those above it: no call gets further
// than it would if everything that a layer delegates were allowed by it, and
// the layers under it did not exist.
func TestALayerNeverExceedsTheConsentOfItsAncestors(t *testing.T) {
	used := 0
	for seed := range uint64(layeredPolicies) {
		r := newRandom(seed)
		l := r.layered(false)
		s := compileLayers(t, l.sources())
		root := l
		root.root = allowing(l.root)
		teams := l
		teams.support, teams.platform = allowing(l.support), allowing(l.platform)
		above := []*pdp.Snapshot{
			compileLayers(t, root.sources()[:1]),
			compileLayers(t, teams.sources()[:3]),
		}
		for range calls {
			in := r.layeredLine()
			d := decide(s, in.request(t, s))
			if d.Effect != access.Deny && d.Layer != "global" {
				used++
			}
			for i, most := range above {
				if m := decide(most, in.request(t, most)); wide(d) > wide(m) {
					t.Fatalf("seed %d: %s by %s, and those above (%d) say %s by %s:\n%s\n%+v", seed, d.Effect, d.Rule, i, m.Effect, m.Rule, shown(l.sources()), in)
				}
			}
		}
	}
	if used < layeredPolicies/10 {
		t.Errorf("only %d calls are decided below the root", used)
	}
}

// allowing turns what a layer delegates into what it allows.
func allowing(rules []string) []string {
	out := slices.Clone(rules)
	for i, rule := range out {
		if _, to, ok := strings.Cut(rule, ", to: ["); ok && strings.Contains(rule, ", delegate: ") {
			_, rest, _ := strings.Cut(to, "]")
			out[i] = strings.Replace(strings.TrimSuffix(rule, ", to: ["+to)+rest, ", delegate: ", ", allow: ", 1)
		}
	}
	return out
}

func TestExplainAndVisibleAgreeInLayers(t *testing.T) {
	hidden := 0
	for seed := range uint64(layeredPolicies) {
		r := newRandom(seed)
		l := r.layered(true)
		s := compileLayers(t, l.sources())
		for range calls {
			req := r.layeredLine().request(t, s)
			d := decide(s, req)
			agrees(t, s, req, &d)
			listed := *req
			listed.ArgsUnknown, listed.Places = true, nil
			if !s.Visible(&listed) {
				hidden++
			}
		}
	}
	if hidden == 0 {
		t.Error("nothing was ever hidden")
	}
}
