package pdp

import (
	"cmp"
	"slices"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/internal/canon"
)

// Snapshot is a compiled policy. It is immutable and safe for concurrent use;
// a reload builds another one.
type Snapshot struct {
	digest  string
	backend string
	rules   []rule
	// ops holds the conditions of all rules one after the other; rules and
	// their exceptions are spans of it.
	ops    []op
	unless []span
	operands
	layers layers
	// The lists of all indexes, their rules and parts, and the directories that
	// some are divided by.
	lists    []list
	postings []posting
	parts    parts
	trees    []trie
	crowds   []crowd // by rule, while building
	// What few decisions look at.
	says    []saying // by rule
	infos   []Rule
	targets [][]Target
	byID    []int32 // the rules, by id
	written []written
	limits  []limit
	rated   bool // some rule has a rate
	// observe lifts the default denial; breakGlass holds what may lift rules.
	observe    bool
	breakGlass map[string]breakGlass
	tools      map[string]Declaration
	labels     []Label
	// remembers: labels of sessions matter; obliges: some rule asks for more
	// than a decision.
	remembers, obliges bool
	// named holds the arguments that conditions name, by their first key.
	named map[string][]ArgPath
	// proofs are what conditions on authentication ask for; nil: nothing.
	proofs *proofs
}

type span struct{ from, to int32 }

// written is what the author wrote, for each op.
type written struct{ field, text string }

// saying is what an author has a rule say; most rules say nothing.
type saying struct{ message, remediation string }

// rule is what an evaluation looks at, and what a decision repeats of a rule that
// matches. It fills a line of memory.
type rule struct {
	ops    span
	unless span // in Snapshot.unless
	layer  int32
	at     int32 // its number
	// rank orders the rules whose specificity does not depend on the request,
	// the most specific first; for others it is noRank.
	rank   int32
	effect access.Effect
	who    uint8 // 3 subject, 2 group, 1 role, 0 any
	flags  ruleFlags

	id, position string
}

type ruleFlags uint16

const (
	isNoGrant ruleFlags = 1 << iota
	isElseApprove
	isMonitor
	isRated
	isLiftable
	// isWorded says that the rule has words of its own.
	isWorded
	// isSimple says that the rule is an allow or a deny of the root layer, that
	// none of the others but isWorded is set, and that it has no exceptions.
	isSimple
)

func (r *rule) is(f ruleFlags) bool { return r.flags&f != 0 }

func flagsOf(in *Rule) ruleFlags {
	var out ruleFlags
	for _, f := range [...]struct {
		flag ruleFlags
		set  bool
	}{
		{isNoGrant, in.NoGrant},
		{isElseApprove, in.ElseApprove},
		{isMonitor, in.Monitor},
		{isRated, in.Rate != nil},
		{isLiftable, len(in.Liftable) > 0},
	} {
		if f.set {
			out |= f.flag
		}
	}
	return out
}

// restricts reports whether the rule can deny or hold. A delegation denies
// where nobody answers it, an allow where its rate is exceeded.
func (r *rule) restricts() bool { return r.effect != access.Allow || r.is(isRated) }

// grants reports whether the rule can allow, grant a hold, or give consent.
func (r *rule) grants() bool { return r.effect != access.Deny && !r.is(isNoGrant) }

// info returns the rest of what is known about a rule.
func (s *Snapshot) info(r *rule) *Rule { return &s.infos[r.at] }

// Build compiles a program, which then belongs to the snapshot. The program
// MUST be valid: package policy reports what is wrong with one before.
func Build(p Program) *Snapshot {
	s := &Snapshot{
		digest:  p.Digest,
		backend: p.Backend,
		rules:   make([]rule, len(p.Rules)),
		infos:   p.Rules,
		says:    make([]saying, len(p.Rules)),
		targets: make([][]Target, len(p.Rules)),
		tools:   p.Tools,
		labels:  p.Labels,
		observe: p.Observe,

		remembers: p.Remembers,
		operands:  operands{packing: newPacking()},
	}
	n := p.conditions()
	s.ops, s.written = make([]op, 0, n), make([]written, 0, n)
	s.layers.build(&p)
	s.buildLimits(&p)
	s.nameArgs(&p)
	for i := range p.Rules {
		s.buildRule(int32(i), &p.Rules[i])
	}
	s.buildBreakGlass(&p)
	s.buildIndexes()
	s.buildRanks()
	s.buildProofs()
	s.done()
	return s
}

func (s *Snapshot) buildRule(at int32, in *Rule) {
	r := &s.rules[at]
	*r = rule{effect: in.Effect, flags: flagsOf(in), who: rank(in.Ops), layer: s.layers.byName[in.Layer], at: at, id: in.ID, position: in.Position}
	if s.says[at] = (saying{in.Message, in.Remediation}); s.says[at] != (saying{}) {
		r.flags |= isWorded
	}
	for _, name := range in.To {
		if layer, ok := s.layers.byName[name]; ok {
			in.to = append(in.to, layer)
		}
	}
	s.targets[at] = in.Targets
	if r.restricts() {
		s.targets[at] = withFolded(in.Targets)
	}
	r.ops = s.add(in.Ops)
	r.unless.from = int32(len(s.unless)) //nolint:gosec // a policy has far fewer exceptions than 2^31
	for _, entry := range in.Unless {
		s.unless = append(s.unless, s.add(entry))
	}
	r.unless.to = int32(len(s.unless)) //nolint:gosec // as above
	if (r.effect == access.Allow || r.effect == access.Deny) && r.flags&^isWorded == 0 && r.layer == 0 && r.unless.from == r.unless.to {
		r.flags |= isSimple
	}
	s.rated = s.rated || r.is(isRated)
	s.obliges = s.obliges || len(in.AddLabels) > 0 || len(in.Notify) > 0
	in.Ops, in.Unless = nil, nil // packed by now
}

const noRank int32 = -1

// buildRanks orders rules by id, and by specificity those whose one pattern
// matches whenever they are candidates: a URI has readings that it may match
// instead.
func (s *Snapshot) buildRanks() {
	s.byID = make([]int32, len(s.rules))
	for i := range s.byID {
		s.byID[i] = int32(i)
	}
	slices.SortStableFunc(s.byID, func(a, b int32) int { return cmp.Compare(s.rules[a].id, s.rules[b].id) })
	ranked := make([]int32, 0, len(s.byID))
	for _, i := range s.byID {
		s.rules[i].rank = noRank
		if t := s.targets[i]; len(t) == 1 && (t[0].Everything || t[0].Kind != access.Resource) {
			ranked = append(ranked, i)
		}
	}
	slices.SortStableFunc(ranked, func(a, b int32) int {
		return cmp.Or(cmp.Compare(s.targets[b][0].specificity(), s.targets[a][0].specificity()), narrower(&s.rules[a], &s.rules[b]))
	})
	for n, i := range ranked {
		s.rules[i].rank = int32(n)
	}
}

// narrower compares rules of equal specificity by who they name and by how much
// they ask.
func narrower(a, b *rule) int {
	return cmp.Or(cmp.Compare(b.who, a.who), cmp.Compare(b.asks(), a.asks()))
}

// add appends conditions, the cheap ones first: order changes no outcome.
func (s *Snapshot) add(ops []Op) span {
	from := len(s.ops)
	for cost := range maxCost + 1 {
		for i := range ops {
			if ops[i].Code.cost() == cost {
				s.ops = append(s.ops, s.pack(&ops[i]))
				s.written = append(s.written, written{ops[i].Field, ops[i].Text})
			}
		}
	}
	return span{int32(from), int32(len(s.ops))} //nolint:gosec // a policy has far fewer conditions than 2^31
}

const maxCost = 6

// cost orders conditions within a rule.
func (c Code) cost() int {
	switch c {
	case CodeOps, CodeSideEffects, CodeLabels, CodeTier, CodeFact, CodeTime:
		return 1
	case CodeArg:
		return 2
	case CodeUnlisted:
		return 3
	case CodePlaces, CodeCommands, CodeExtensions:
		return 4
	case CodeURLs, CodeHosts, CodePorts:
		return 5
	case CodeWhen:
		return maxCost
	default:
		return 0
	}
}

// rank says how narrowly a rule names who it is about.
func rank(ops []Op) uint8 {
	var best uint8
	for i := range ops {
		switch ops[i].Code {
		case CodeSubjects:
			best = max(best, 3)
		case CodeGroups:
			best = max(best, 2)
		case CodeRoles:
			best = max(best, 1)
		default:
		}
	}
	return best
}

// withFolded adds, for patterns over URIs, what they look like folded in case
// and Unicode form: a restriction sees a URI that way too.
func withFolded(targets []Target) []Target {
	out := slices.Clip(targets)
	for _, t := range targets {
		if t.Kind != access.Resource || t.Everything {
			continue
		}
		if f := canon.Fold(t.Name.Text); f != t.Name.Text {
			t.Name = ParseName(access.Resource, f)
			out = append(out, t)
		}
	}
	return out
}

// Digest returns "sha256:…" of the policy.
func (s *Snapshot) Digest() string { return s.digest }

// Backend returns what a pattern without a backend means in the policy's first
// file that says so, or "".
func (s *Snapshot) Backend() string { return s.backend }

// Observes reports whether what no rule grants passes: `observe: true`.
func (s *Snapshot) Observes() bool { return s.observe }

// RuleInfo describes one rule to people and to the policy administrator.
type RuleInfo struct {
	ID, Position, Layer  string
	Effect               access.Effect
	Patterns             []string
	Conditions           []string // the fields with conditions, as written
	NoGrant, ElseApprove bool
	Monitor              bool
	Approval             *Approval
	Returns              *Returns
	AddLabels, Notify    []string
	Template             Origin // zero where no template made the rule
}

// Rules describes every rule, in the order of the files.
func (s *Snapshot) Rules() []RuleInfo {
	out := make([]RuleInfo, len(s.rules))
	for i := range s.rules {
		out[i] = s.describe(&s.rules[i])
	}
	return out
}

// Rule describes the rule with this id, and reports whether there is one.
func (s *Snapshot) Rule(id string) (RuleInfo, bool) {
	i, ok := s.numberOf(id)
	if !ok {
		return RuleInfo{}, false
	}
	return s.describe(&s.rules[i]), true
}

// numberOf finds a rule by its id.
func (s *Snapshot) numberOf(id string) (int32, bool) {
	i, ok := slices.BinarySearchFunc(s.byID, id, func(at int32, id string) int { return cmp.Compare(s.rules[at].id, id) })
	if !ok {
		return 0, false
	}
	return s.byID[i], true
}

func (s *Snapshot) describe(r *rule) RuleInfo {
	in := s.info(r)
	out := RuleInfo{
		ID: in.ID, Position: in.Position, Layer: in.Layer, Effect: in.Effect,
		NoGrant: in.NoGrant, ElseApprove: in.ElseApprove, Monitor: in.Monitor,
		Approval: in.Approval, Returns: in.Returns, Template: in.Template, AddLabels: in.AddLabels, Notify: in.Notify,
	}
	for i := range in.Targets {
		out.Patterns = append(out.Patterns, in.Targets[i].String())
	}
	for _, w := range s.written[r.ops.from:r.ops.to] {
		out.Conditions = append(out.Conditions, w.field)
	}
	return out
}
