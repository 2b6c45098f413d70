package expr

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"cel.dev/cel-go/cel"
	celast "cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"
)

// Issue is something that is wrong with an expression, or looks wrong. Line and
// Column count from 1, within the expression.
type Issue struct {
	Line, Column int
	Message      string
	Hint         string
	// Warning says that the expression compiles all the same; Guard is what it
	// could ask first: has(args.limit).
	Warning bool
	Guard   string
}

// Compiler compiles expressions and shares what is written alike. It is not
// safe for concurrent use; the programs are.
type Compiler struct {
	env      *cel.Env
	programs map[[sha256.Size]byte]compiled
}

type compiled struct {
	program *Program
	issues  []Issue
}

// NewCompiler returns a compiler with an empty cache.
func NewCompiler() (*Compiler, error) {
	env, err := newEnv()
	if err != nil {
		return nil, fmt.Errorf("expr: %w", err)
	}
	return &Compiler{env: env, programs: map[[sha256.Size]byte]compiled{}}, nil
}

// Compile compiles an expression. The program is nil if one of the issues is no
// warning. Equal expressions give the same program.
func (c *Compiler) Compile(text string) (*Program, []Issue) {
	hash := sha256.Sum256([]byte(text))
	if known, ok := c.programs[hash]; ok {
		return known.program, known.issues
	}
	p, issues := c.compile(text)
	c.programs[hash] = compiled{p, issues}
	return p, issues
}

func (c *Compiler) compile(text string) (*Program, []Issue) {
	if n := utf8.RuneCountInString(text); n > MaxSize {
		return nil, []Issue{{Line: 1, Column: 1, Message: fmt.Sprintf("the expression has %d characters, and %d are allowed", n, MaxSize)}}
	}
	ast, found := c.env.Compile(text)
	if found != nil && found.Err() != nil {
		return nil, issuesOf(found)
	}
	if ast.OutputType().Kind() != types.BoolKind {
		issue := Issue{Line: 1, Column: 1, Message: fmt.Sprintf("the expression is %s, and a condition is true or false", article(ast.OutputType()))}
		if ast.OutputType().Kind() == types.DynKind {
			issue.Hint = "compare it: args.flag == true"
		}
		return nil, []Issue{issue}
	}
	rep := ast.NativeRep()
	if issues := refused(rep); len(issues) > 0 {
		return nil, issues
	}
	options, err := c.bounded(ast)
	if err != nil {
		return nil, []Issue{{Line: 1, Column: 1, Message: err.Error(), Hint: "loop over less, or nest less"}}
	}
	prog, err := c.env.Program(ast, append(options, cel.EvalOptions(cel.OptOptimize))...)
	if err != nil {
		return nil, []Issue{{Line: 1, Column: 1, Message: "the expression cannot be evaluated: " + err.Error()}}
	}
	return &Program{prog: prog}, unguarded(rep)
}

// bounded refuses what may cost too much. The estimate takes data to be of the
// sizes that honest calls have; what could cost more with larger data is also
// counted while it runs.
func (c *Compiler) bounded(ast *cel.Ast) ([]cel.ProgramOption, error) {
	usual, err := c.env.EstimateCost(ast, sizes{usual: true})
	if err != nil {
		return nil, errors.New("what the expression costs cannot be estimated")
	}
	if usual.Max > MaxCost {
		return nil, fmt.Errorf("the expression may cost %d steps, and %d are allowed", usual.Max, MaxCost)
	}
	worst, err := c.env.EstimateCost(ast, sizes{})
	if err == nil && worst.Max <= MaxCost {
		return nil, nil
	}
	return []cel.ProgramOption{cel.CostLimit(MaxCost)}, nil
}

func issuesOf(found *cel.Issues) []Issue {
	var out []Issue
	for _, e := range found.Errors() {
		message, _, _ := strings.Cut(e.Message, "\n")
		message = strings.TrimPrefix(message, "Syntax error: ")
		out = append(out, Issue{Line: max(e.Location.Line(), 1), Column: max(e.Location.Column()+1, 1), Message: message})
	}
	if len(out) == 0 {
		out = append(out, Issue{Line: 1, Column: 1, Message: found.Err().Error()})
	}
	return out
}

func article(t *types.Type) string {
	if name := t.String(); strings.HasPrefix(name, "i") {
		return "an " + name
	}
	return "a " + t.String()
}

// issueAt places an issue at a part of the expression.
func issueAt(ast *celast.AST, id int64, i Issue) Issue {
	at := ast.SourceInfo().GetStartLocation(id)
	i.Line, i.Column = max(at.Line(), 1), max(at.Column()+1, 1)
	return i
}

// refused finds what is CEL and no part of the language here.
func refused(ast *celast.AST) []Issue {
	var out []Issue
	for _, e := range celast.MatchDescendants(celast.NavigateAST(ast), celast.AllMatcher()) {
		switch e.Kind() {
		case celast.StructKind:
			out = append(out, issueAt(ast, e.ID(), Issue{Message: "an expression builds no messages"}))
		case celast.CallKind:
			call := e.AsCall()
			if args := call.Args(); call.FunctionName() == "matches" && len(args) > 0 && args[len(args)-1].Kind() != celast.LiteralKind {
				out = append(out, issueAt(ast, e.ID(), Issue{Message: "the pattern of matches() is not a literal", Hint: "write the pattern in quotes"}))
			}
		default:
		}
	}
	return out
}
