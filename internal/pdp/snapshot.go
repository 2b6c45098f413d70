package pdp

import (
	"hash/maphash"
	"slices"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/internal/canon"
)

// Snapshot is a compiled policy. It is immutable and safe for concurrent use;
// a reload builds another one.
type Snapshot struct {
	digest  string
	backend string
	seed    maphash.Seed // of crowds
	rules   []rule
	// ops holds the conditions of all rules one after the other; rules and
	// their exceptions are spans of it.
	ops []op
	operands
	// written is what the author wrote, for each of ops.
	written []written
	unless  []span
	layers  layers
	limits  []limit
	rated   bool // some rule has a rate
	// observe lifts the default denial; breakGlass holds what may lift rules.
	observe    bool
	breakGlass map[string]breakGlass
	tools      map[string]Declaration
	labels     []Label
	byID       map[string]int32
	// named holds the arguments that conditions name, by their first key.
	named map[string][]ArgPath
}

type span struct{ from, to int32 }

type written struct{ field, text string }

// rule is what an evaluation looks at; the rest of it is in info.
type rule struct {
	ops         span
	unless      span // in Snapshot.unless
	effect      access.Effect
	noGrant     bool
	elseApprove bool
	monitor     bool
	rated       bool
	liftable    bool
	who         uint8 // 3 subject, 2 group, 1 role, 0 any
	layer       int32
	info        *Rule
	targets     []Target
}

// restricts reports whether the rule can deny or hold. A delegation denies
// where nobody answers it, an allow where its rate is exceeded.
func (r *rule) restricts() bool { return r.effect != access.Allow || r.rated }

// grants reports whether the rule can allow, grant a hold, or give consent.
func (r *rule) grants() bool { return r.effect != access.Deny && !r.noGrant }

// Build compiles a program, which then belongs to the snapshot. The program
// MUST be valid: package policy reports what is wrong with one before.
func Build(p Program) *Snapshot {
	s := &Snapshot{
		digest:   p.Digest,
		backend:  p.Backend,
		seed:     maphash.MakeSeed(),
		rules:    make([]rule, len(p.Rules)),
		tools:    p.Tools,
		labels:   p.Labels,
		byID:     make(map[string]int32, len(p.Rules)),
		observe:  p.Observe,
		operands: operands{texts: map[string]string{}, shared: map[any]int32{}},
	}
	s.layers.build(&p)
	s.buildLimits(&p)
	for i := range p.Rules {
		in := &p.Rules[i]
		r := rule{
			effect: in.Effect, noGrant: in.NoGrant, elseApprove: in.ElseApprove, monitor: in.Monitor,
			rated: in.Rate != nil, liftable: len(in.Liftable) > 0,
			who: rank(in.Ops), layer: s.layers.byName[in.Layer], targets: in.Targets, info: in,
		}
		for _, name := range in.To {
			if at, ok := s.layers.byName[name]; ok {
				in.to = append(in.to, at)
			}
		}
		if r.restricts() {
			r.targets = withFolded(in.Targets)
		}
		r.ops = s.add(in.Ops)
		r.unless.from = int32(len(s.unless)) //nolint:gosec // a policy has far fewer exceptions than 2^31
		for _, entry := range in.Unless {
			s.unless = append(s.unless, s.add(entry))
		}
		r.unless.to = int32(len(s.unless)) //nolint:gosec // as above
		s.rated = s.rated || r.rated
		s.rules[i] = r
		s.byID[in.ID] = int32(i)
	}
	s.buildBreakGlass(&p)
	s.nameArgs(&p)
	s.done()
	s.ops, s.written = slices.Clone(s.ops), slices.Clone(s.written)
	s.buildIndexes()
	for i := range s.rules {
		s.rules[i].info.Ops, s.rules[i].info.Unless = nil, nil // packed by now
	}
	return s
}

// add appends conditions, the cheap ones first: order changes no outcome.
func (s *Snapshot) add(ops []Op) span {
	from := len(s.ops)
	ops = slices.Clone(ops)
	slices.SortStableFunc(ops, func(a, b Op) int { return a.Code.cost() - b.Code.cost() })
	for i := range ops {
		s.ops = append(s.ops, s.pack(&ops[i]))
		s.written = append(s.written, written{ops[i].Field, ops[i].Text})
	}
	return span{int32(from), int32(len(s.ops))} //nolint:gosec // a policy has far fewer conditions than 2^31
}

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
		return 6
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
	i, ok := s.byID[id]
	if !ok {
		return RuleInfo{}, false
	}
	return s.describe(&s.rules[i]), true
}

func (s *Snapshot) describe(r *rule) RuleInfo {
	in := r.info
	out := RuleInfo{
		ID: in.ID, Position: in.Position, Layer: in.Layer, Effect: in.Effect,
		NoGrant: in.NoGrant, ElseApprove: in.ElseApprove, Monitor: in.Monitor,
		Approval: in.Approval, Returns: in.Returns,
	}
	for i := range in.Targets {
		out.Patterns = append(out.Patterns, in.Targets[i].String())
	}
	for _, w := range s.written[r.ops.from:r.ops.to] {
		out.Conditions = append(out.Conditions, w.field)
	}
	return out
}
