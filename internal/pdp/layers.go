package pdp

import (
	"cmp"
	"slices"
	"strings"

	"github.com/custos-zt/custos/access"
)

// rootLayer is the layer above all others.
const rootLayer = "global"

// Layer is one layer of a policy: the root "global", "team/NAME", or
// "user/ISSUER:SUBJECT".
type Layer struct {
	Name string
	// Silent is `silent: deny`: where no rule of the layer speaks, it denies
	// instead of letting the layers above decide.
	Silent bool
}

// Team says who is in a team: whoever has one of the groups, of this issuer
// where one is named.
type Team struct {
	Name, Issuer string
	Groups       []string
}

// of reports whether the team is one of subjects of this issuer.
func (t *Team) of(issuer string) bool { return t.Issuer == "" || t.Issuer == issuer }

// level orders layers: every layer is judged under those of the levels above.
type level uint8

const (
	levelRoot level = iota
	levelTeam
	levelUser
)

// layer is a [Layer] with its rules.
type layer struct {
	name   string
	level  level
	silent bool
	index  index
}

// layers are all layers of a policy, the root first, and who is in them.
type layers struct {
	all    []layer
	byName map[string]int32
	teams  []Team
	// byGroup finds the teams that a group is in.
	byGroup map[string][]int32
	// anyTeam is `team_membership: any`: who is in several teams has what any
	// of them grants.
	anyTeam bool
	// undefined are the layers of teams that nobody says the members of.
	undefined []int32
}

// build sorts layers by level, so that what stands above comes first, and by
// name, so that the order of the files means nothing.
func (l *layers) build(p *Program) {
	l.teams, l.anyTeam, l.byName = p.Teams, p.AnyTeam, map[string]int32{}
	l.byGroup = map[string][]int32{}
	for i := range l.teams {
		for _, g := range l.teams[i].Groups {
			l.byGroup[g] = append(l.byGroup[g], int32(i))
		}
	}
	in := []Layer{{Name: rootLayer}}
	add := func(layer Layer) {
		if !slices.ContainsFunc(in, func(have Layer) bool { return have.Name == layer.Name }) {
			in = append(in, layer)
		}
	}
	for _, layer := range p.Layers {
		add(layer)
	}
	for i := range p.Rules {
		if name := p.Rules[i].Layer; name != "" && name != rootLayer {
			add(Layer{Name: name})
		}
	}
	slices.SortFunc(in, func(a, b Layer) int {
		return cmp.Or(cmp.Compare(levelOf(a.Name), levelOf(b.Name)), cmp.Compare(a.Name, b.Name))
	})
	for i, entry := range in {
		l.all = append(l.all, layer{name: entry.Name, level: levelOf(entry.Name), silent: entry.Silent})
		l.byName[entry.Name] = int32(i)
		team, ok := strings.CutPrefix(entry.Name, teamPrefix)
		if ok && !slices.ContainsFunc(l.teams, func(t Team) bool { return t.Name == team }) {
			l.undefined = append(l.undefined, int32(i))
		}
	}
}

const (
	teamPrefix = "team/"
	userPrefix = "user/"
)

func levelOf(name string) level {
	switch {
	case strings.HasPrefix(name, teamPrefix):
		return levelTeam
	case strings.HasPrefix(name, userPrefix):
		return levelUser
	default:
		return levelRoot
	}
}

// standing is what a layer has to do with the caller, and so which of its
// rules count.
type standing uint8

const (
	// outside: the layer is for others. None count.
	outside standing = iota
	// aside: a team of the caller beside the one the session chose. Its denies
	// count.
	aside
	// perhaps: it is not known whether the layer is for the caller. It may
	// restrict, by suspicion, and grants nothing.
	perhaps
	// open: a team of the caller, and it is not known which one the session
	// chose. It restricts and grants nothing.
	open
	// inside: every rule counts.
	inside
)

// below is a layer under the root that has to do with the caller.
type below struct {
	layer    int32
	standing standing
}

// layerRoom is how many layers under the root a caller has to do with before a
// decision allocates.
const layerRoom = 6

// placing is what the layers under the root have to do with the caller.
type placing struct {
	few  [layerRoom]below
	n    int
	many []below // where few has no room
}

// place finds the layers that have to do with the caller.
func (e *evaluation) place() {
	if len(e.s.layers.all) == 1 {
		return
	}
	var room [layerRoom]below
	list := e.s.layers.standings(e.r, room[:0])
	if e.placing.n = copy(e.placing.few[:], list); len(list) > layerRoom {
		e.placing.many = slices.Clone(list)
	}
}

// under lists those layers, the ones above first.
func (e *evaluation) under() []below {
	if e.placing.many != nil {
		return e.placing.many
	}
	return e.placing.few[:e.placing.n]
}

// standings lists the layers under the root that have to do with the caller,
// those above first.
func (l *layers) standings(r *access.Request, out []below) []below {
	if !r.Subject.Known {
		for i := 1; i < len(l.all); i++ {
			out = append(out, below{int32(i), perhaps})
		}
		return out
	}
	for _, i := range l.undefined {
		out = append(out, below{i, perhaps})
	}
	out = l.memberships(r, out)
	if i, ok := l.user(&r.Subject); ok {
		out = append(out, below{i, inside})
	}
	return out
}

// memberships adds the teams of a known subject. Who is in several acts for
// the one that the session chose; every team may still deny.
func (l *layers) memberships(r *access.Request, out []below) []below {
	var room [8]int32
	teams := l.teamsOf(&r.Subject, room[:0])
	choice := r.Facts["session.team"].Value.Text()
	chosen := slices.ContainsFunc(teams, func(i int32) bool { return l.teams[i].Name == choice })
	for _, i := range teams {
		t := &l.teams[i]
		at, ok := l.named(teamPrefix, t.Name)
		if !ok {
			continue
		}
		s := inside
		switch {
		case len(teams) == 1 || l.anyTeam || t.Name == choice:
		case chosen:
			s = aside
		default:
			s = open
		}
		out = append(out, below{at, s})
	}
	return out
}

// teamsOf appends the teams of a subject, each once.
func (l *layers) teamsOf(who *access.Subject, out []int32) []int32 {
	for _, g := range who.Groups {
		for _, i := range l.byGroup[g] {
			if l.teams[i].of(who.Issuer) {
				out = append(out, i)
			}
		}
	}
	return ordered(out)
}

func (l *layers) user(who *access.Subject) (int32, bool) {
	if len(l.all) == 0 || l.all[len(l.all)-1].level != levelUser {
		return 0, false
	}
	var room [160]byte
	key := append(append(append(append(room[:0], userPrefix...), who.Issuer...), ':'), who.ID...)
	i, ok := l.byName[string(key)]
	return i, ok
}

// named finds a layer by the two parts of its name.
func (l *layers) named(prefix, name string) (int32, bool) {
	var room [80]byte
	key := append(append(room[:0], prefix...), name...)
	i, ok := l.byName[string(key)]
	return i, ok
}

// standing returns what a layer has to do with the caller, and where it stands
// among e.under().
func (e *evaluation) standing(layer int32) (standing, int) {
	if layer == 0 {
		return inside, -1
	}
	for k := range e.under() {
		if e.under()[k].layer == layer {
			return e.under()[k].standing, k
		}
	}
	return outside, -1
}

// level returns the level of a rule's layer.
func (e *evaluation) level(rule int32) level { return e.s.layers.all[e.s.rules[rule].layer].level }

// find adds the rules of every layer that has to do with the caller.
func (e *evaluation) find(name string) {
	l := e.s.layers.all
	l[0].index.find(e, name)
	if e.everyLayer {
		for i := 1; i < len(l); i++ {
			l[i].index.find(e, name)
		}
		return
	}
	for i := range e.under() {
		l[e.under()[i].layer].index.find(e, name)
	}
}
