package proof

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"

	"go.yaml.in/yaml/v3"

	"github.com/custos-zt/custos/policy"
)

// Mutation says which deliberate mistakes the tests of a policy notice.
type Mutation struct {
	Operators []Operator `json:"operators"`
	// Survivors are the mistakes that no case noticed, in the order of the files.
	Survivors []Survivor `json:"survivors"`
}

// Operator is one kind of mistake with what became of its mutants.
type Operator struct {
	Name     string `json:"name"`
	Killed   int    `json:"killed"`
	Survived int    `json:"survived"`
	// Invalid mutants do not compile: the reader notices the mistake.
	Invalid int `json:"invalid"`
}

// Survivor is a mistake that the tests let pass.
type Survivor struct {
	Operator string `json:"operator"`
	File     string `json:"file"`
	Line     int    `json:"line"`
	Rule     string `json:"rule,omitempty"`
	Change   string `json:"change"`
	at       int
}

// operators lists the operators in the order of the report.
func operators() []string {
	return []string{"drop-deny", "widen-glob", "drop-argument", "shift-bound", "flip-effect", "drop-condition"}
}

// edit is one mistake: a change to the content or the value of one node.
type edit struct {
	operator string
	rule     string
	line     int
	words    string
	target   *yaml.Node
	change   func(*yaml.Node)
}

// mutant is a policy with one mistake in it.
type mutant struct {
	Survivor
	sources []policy.Source
}

// fate is what became of a mutant.
type fate struct {
	Survivor
	invalid, survived bool
}

// Mutate changes the policy, one small mistake at a time, and runs the suite
// against every result. The suite MUST pass on the policy itself. At most
// workers mutants are run at once, all processors for 0. An error is a policy
// that cannot be rewritten, or the end of ctx.
func (b *Bench) Mutate(ctx context.Context, s *Suite, workers int) (*Mutation, error) {
	roots := make([]*yaml.Node, len(b.Sources))
	plain := slices.Clone(b.Sources)
	for i, src := range b.Sources {
		roots[i], _ = policy.Expand(src)
		if roots[i] == nil {
			return nil, fmt.Errorf("%s cannot be read", src.Name)
		}
		var err error
		if plain[i], err = rewritten(src, roots[i]); err != nil {
			return nil, err
		}
	}
	if d, _, _ := b.decider(plain); d == nil || !d.passes(s) {
		return nil, fmt.Errorf("%s: the tests do not pass on the policy as it is", s.File)
	}
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	mutants, fates := make(chan mutant), make(chan fate)
	go generate(ctx, roots, b.Sources, plain, mutants)
	var running sync.WaitGroup
	for range workers {
		running.Go(func() {
			for m := range mutants {
				fates <- b.fate(s, &m)
			}
		})
	}
	go func() { running.Wait(); close(fates) }()
	out := summary(fates)
	return out, ctx.Err()
}

// rewritten is a source with another tree. Whatever its format was, it is YAML
// now.
func rewritten(src policy.Source, root *yaml.Node) (policy.Source, error) {
	data, err := yaml.Marshal(root)
	src.Name, src.Data = src.Name+".yaml", data
	return src, err
}

// generate makes the mutants one after the other: each edit is undone before
// the next.
func generate(ctx context.Context, roots []*yaml.Node, sources, plain []policy.Source, to chan<- mutant) {
	defer close(to)
	at := 0
	for i, root := range roots {
		for _, e := range edits(root) {
			saved := *e.target
			e.target.Content = slices.Clone(saved.Content)
			e.change(e.target)
			changed, err := rewritten(sources[i], root)
			*e.target = saved
			if err != nil {
				continue
			}
			m := mutant{Survivor: Survivor{Operator: e.operator, File: sources[i].Name, Line: e.line, Rule: e.rule, Change: e.words, at: at}}
			m.sources = slices.Clone(plain)
			m.sources[i] = changed
			at++
			select {
			case to <- m:
			case <-ctx.Done():
				return
			}
		}
	}
}

func (b *Bench) fate(s *Suite, m *mutant) fate {
	d, _, _ := b.decider(m.sources)
	if d == nil {
		return fate{Survivor: m.Survivor, invalid: true}
	}
	return fate{Survivor: m.Survivor, survived: d.passes(s)}
}

func summary(fates <-chan fate) *Mutation {
	out := &Mutation{Survivors: []Survivor{}}
	for _, name := range operators() {
		out.Operators = append(out.Operators, Operator{Name: name})
	}
	for f := range fates {
		op := &out.Operators[slices.Index(operators(), f.Operator)]
		switch {
		case f.invalid:
			op.Invalid++
		case f.survived:
			op.Survived++
			out.Survivors = append(out.Survivors, f.Survivor)
		default:
			op.Killed++
		}
	}
	slices.SortFunc(out.Survivors, func(a, b Survivor) int { return a.at - b.at })
	return out
}
