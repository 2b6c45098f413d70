package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/custos-zt/custos/internal/config"
	"github.com/custos-zt/custos/internal/inventory"
	"github.com/custos-zt/custos/internal/pdp"
	"github.com/custos-zt/custos/internal/sources"
	"github.com/custos-zt/custos/internal/state"
	"github.com/custos-zt/custos/internal/term"
	"github.com/custos-zt/custos/policy"
)

// loadedPolicy is a policy in force and where it came from.
type loadedPolicy struct {
	snapshot *pdp.Snapshot
	sources  []policy.Source
	files    []string // paths on disk; none for the starter policy
	// again finds the names of the files anew, since a configuration names them
	// by pattern; nil for the starter policy. options are what they are read
	// against.
	again   func() ([]string, error)
	options policy.Options
	reader  *sources.Reader
	read    *sources.Files
}

// protected are the files that no call may touch: the policy and the
// configuration that named it.
func (p *loadedPolicy) protected(conf config.Config) []string {
	out := append([]string{}, p.files...)
	if conf.Source != "" {
		out = append(out, conf.Source)
	}
	if conf.Policy.TrustRoot != "" {
		out = append(out, conf.Policy.TrustRoot)
	}
	return out
}

// statePath returns the state directory: flag, configuration, environment,
// then the usual place. A managed configuration cannot be overridden.
func (a *app) statePath(conf config.Config) (string, error) {
	switch {
	case a.stateDir != "" && conf.Managed && conf.State != "" && a.stateDir != conf.State:
		return "", usage("this machine's configuration sets the state directory", "leave out --state")
	case a.stateDir != "":
		return filepath.Abs(a.stateDir)
	case conf.State != "":
		return conf.State, nil
	}
	return state.DefaultPath()
}

// loadForRun finds the policy of `run`: --policy, else the configured files,
// else the starter policy for this command.
func (a *app) loadForRun(f runFlags, conf config.Config, registry *inventory.Registry, command []string) (loadedPolicy, error) {
	if len(f.policies) > 0 && conf.Managed && len(conf.Policy.Files) > 0 {
		return loadedPolicy{}, usage("this machine's configuration sets the policy", "leave out --policy")
	}
	o := withTeams(policyOptions(f.name, registry), conf)
	again := func() ([]string, error) { return f.policies, nil }
	if len(f.policies) == 0 {
		again = func() ([]string, error) { return configured(conf) }
		o.Claim = claims(conf)
	}
	files, err := again()
	if err != nil {
		return loadedPolicy{}, err
	}
	if len(files) > 0 {
		reader, err := a.sourceReader(conf)
		if err != nil {
			return loadedPolicy{}, err
		}
		reader.Signed = len(reader.Keys) > 0
		p, err := a.loadWith(reader, files, o)
		p.again, p.options, p.reader = again, o, reader
		if err == nil {
			a.sayObligations(p.snapshot, &conf.Approvals)
			_, err = a.provePolicy(context.Background(), p.bench(p.read, registry), p.snapshot)
		}
		return p, err
	}
	if conf.Policy.TrustRoot != "" {
		return loadedPolicy{}, &Error{Code: ExitConfig, Text: "policy.trust_root asks for signed bundles, and policy.files names none"}
	}
	known, _ := registry.FromCommand(command)
	s := starter{Backend: f.name, Roots: declaredRoots(command), Known: known}
	a.say("%s", s.summary())
	return a.compile([]policy.Source{{Name: "starter.yaml", Data: []byte(s.text())}}, policyOptions(f.name, registry))
}

// configured expands the policy files of the configuration.
func configured(conf config.Config) ([]string, error) {
	var out []string
	for _, f := range conf.Policy.Files {
		matches, err := filepath.Glob(f.Path)
		if err != nil || len(matches) == 0 {
			return nil, &Error{Code: ExitConfig, Text: "policy.files names " + f.Path + ", which matches no file"}
		}
		out = append(out, matches...)
	}
	return out, nil
}

// claims says which layer the configuration lets a file claim: that of the
// entries that name it, of several the last one that is not global.
func claims(conf config.Config) func(file string) string {
	return func(file string) string {
		layer := ""
		for _, f := range conf.Policy.Files {
			if hit, err := filepath.Match(f.Path, file); (hit || err != nil || f.Path == file) && f.Layer != "global" {
				layer = f.Layer
			}
		}
		return layer
	}
}

// withTeams adds the teams of the configuration.
func withTeams(o policy.Options, conf config.Config) policy.Options {
	for _, t := range conf.Teams {
		o.Teams = append(o.Teams, policy.Team(t))
	}
	return o
}

func policyOptions(backend string, registry *inventory.Registry) policy.Options {
	home, _ := os.UserHomeDir() // unknown: patterns with ~ are errors
	return policy.Options{Home: home, Backend: backend, Known: registry}
}

// loadPolicy reads and compiles policy files for a command that puts nothing in
// force. "-" is standard input.
func (a *app) loadPolicy(names []string, o policy.Options) (loadedPolicy, error) {
	reader, err := a.readerFor(names)
	if err != nil {
		return loadedPolicy{}, err
	}
	return a.loadWith(reader, names, o)
}

func (a *app) loadWith(reader *sources.Reader, names []string, o policy.Options) (loadedPolicy, error) {
	read, err := reader.Files(names)
	if err != nil {
		return loadedPolicy{}, &Error{Code: ExitPolicy, Text: err.Error(), Err: err}
	}
	p, err := a.compile(read.Sources, read.Under(o))
	p.reader, p.read = reader, read
	for _, name := range names {
		if name != "-" {
			p.files = append(p.files, name)
		}
	}
	return p, err
}

// compile turns sources into a policy and prints every problem on stderr.
func (a *app) compile(sources []policy.Source, o policy.Options) (loadedPolicy, error) {
	snapshot, problems := policy.Compile(sources, o)
	for _, p := range problems {
		if p.Severity == policy.Error || !a.quiet {
			fmt.Fprintln(a.Err, term.Escape(p.String()))
		}
	}
	if snapshot == nil {
		return loadedPolicy{}, &Error{Code: ExitPolicy, Text: "the policy is not valid", Hint: "custos policy check shows every problem"}
	}
	return loadedPolicy{snapshot: snapshot, sources: sources}, nil
}

// maxInput bounds what is read of a named file or standard input.
const maxInput = 64 << 20

// read reads a named file, or standard input for "-".
func (a *app) read(name string) ([]byte, error) {
	in := a.In
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		in = f
	}
	data, err := io.ReadAll(io.LimitReader(in, maxInput+1))
	if err == nil && len(data) > maxInput {
		err = errors.New(name + " is larger than 64 MiB")
	}
	return data, err
}
