package policy

import (
	"time"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/internal/expr"
	"github.com/custos-zt/custos/internal/pdp"
)

// Source is one policy file. Name stands in positions and problems.
type Source struct {
	Name string
	Data []byte
	// Signer names the key whose signature was checked, "" where none was. It
	// is recorded and changes nothing about the policy.
	Signer string
}

// KnownServers is the registry of servers that `known:` names.
type KnownServers interface {
	// Known reports whether there is an entry with this name.
	Known(name string) bool
	// Servers lists all names.
	Servers() []string
}

// Options are what a policy is read against.
type Options struct {
	// Home is what `~` means in path patterns: the home directory of the user
	// who runs Custos. Without it such patterns are errors.
	Home string
	// Backend is the only backend there is, "" where there are several or none
	// is known. A file's `backend:` goes before it.
	Backend string
	// Backends lists every backend there is; nil is not known. A pattern that
	// names another one is a warning, or, with Strict, an error.
	Backends []string
	Strict   bool
	// Issuers lists the identity issuers there are; nil is not known. Where
	// there are several, subjects, groups and roles must name theirs.
	Issuers []string
	// Teams are the teams of the configuration; nil is not known. Nobody is known
	// to be in a team that is not among them: its layer may restrict and never
	// grants.
	Teams []Team
	// Claim says which layer a source may claim at most, by its name: "" or
	// "global" is any, another one is that one alone. Nil lets all claim any.
	Claim func(source string) string
	// Known checks the names under `known:`; nil accepts all.
	Known KnownServers
}

// maxSource is the largest policy file that is read.
const maxSource = 16 << 20

// Compile reads the files of one policy and returns its snapshot, and every
// problem found in the order of the files. The snapshot is nil if one of the
// problems is an error.
//
// Beyond the zones that `time` names, which Go looks up on the machine and then
// in its own table, it does no I/O. It is safe for concurrent use.
func Compile(sources []Source, o Options) (*pdp.Snapshot, []Problem) {
	c := &compiler{options: o, tools: map[string]pdp.Declaration{}, ids: map[string]string{}, patterns: patternCache{}, zones: map[string]*time.Location{}, unlistedBy: map[string]*pdp.Unlisted{}, vocabulary: newVocabulary()}
	if len(sources) == 0 {
		return nil, []Problem{{File: "policy", Line: 1, Column: 1, Message: "there is no policy file"}}
	}
	for _, src := range sources {
		r := &reader{compiler: c, file: src.Name, alike: map[alike][]pdp.Op{}}
		r.source(src.Data)
		inOrder(r.problems)
		c.problems = append(c.problems, r.problems...)
	}
	c.undeclaredLifts()
	if Failed(c.problems) {
		return nil, c.problems
	}
	return pdp.Build(c.program(digest(sources))), c.problems
}

// compiler holds what the files of one policy share.
type compiler struct {
	options  Options
	problems []Problem
	backend  string // the first `backend:`
	rules    []pdp.Rule
	ids      map[string]string // rule id -> position
	tools    map[string]pdp.Declaration
	labels   []pdp.Label
	layers   []pdp.Layer
	limits   []pdp.Limit
	patterns patternCache
	zones    map[string]*time.Location
	// expressions compiles them, from the first one on.
	expressions *expr.Compiler
	// anyTeam and observe are what the root says of the whole policy.
	anyTeam, observe bool
	// remembers says that labels of sessions are asked for, or left.
	remembers  bool
	breakGlass map[string]pdp.BreakGlass
	lifts      []lift
	// unlistedBy shares conditions on unlisted arguments between rules.
	unlistedBy map[string]*pdp.Unlisted
	vocabulary
}

// reader reads one file.
type reader struct {
	*compiler
	file     string
	problems []Problem
	backend  string
	layer    string
	define   map[string]*definition
	// templates are those of the file, by name.
	templates map[string]*template
	expanded  int
	alike     map[alike][]pdp.Op
	scratch   []byte // for keys of maps
	unlisted  pdp.Admission
	returns   *pdp.Returns
}

// grants reports whether conditions at this place are read as those of a rule
// that grants, and whether as those of one that restricts.
func (at place) grants() bool {
	if at.exception {
		return at.effect != access.Allow
	}
	return at.effect != access.Deny
}

func (at place) restricts() bool {
	if at.exception {
		return at.effect != access.Deny
	}
	return at.effect != access.Allow
}
