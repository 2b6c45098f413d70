package cli

import (
	"errors"

	"github.com/custos-zt/custos/internal/inventory"
	"github.com/custos-zt/custos/internal/pdp"
	"github.com/custos-zt/custos/internal/sources"
	"github.com/custos-zt/custos/internal/state"
	"github.com/custos-zt/custos/policy"
)

// policyInForce compiles the named policy files or, where none are named, the
// policy that was last put in force in front of a server, as the log says; "" is
// any server.
func (a *app) policyInForce(backend string, files []string) (*pdp.Snapshot, error) {
	conf, err := a.config()
	if err != nil {
		return nil, err
	}
	registry, err := inventory.LoadRegistry()
	if err != nil {
		return nil, failure(err, "")
	}
	options := withTeams(policyOptions(backend, registry), conf)
	if len(files) > 0 {
		p, err := a.loadPolicy(files, options)
		return p.snapshot, err
	}
	all, err := a.activations(backend)
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, &Error{Code: ExitFailure, Text: "no policy was in force here yet", Hint: "name it: --policy FILE, or the server it is in front of"}
	}
	path, err := a.statePath(conf)
	if err != nil {
		return nil, failure(err, "name the directory: --state DIR")
	}
	dir, err := state.OpenExisting(path)
	if err != nil {
		return nil, failure(err, "")
	}
	last := all[len(all)-1]
	if backend == "" {
		options = withTeams(policyOptions(last.Backend, registry), conf)
	}
	return a.compileKept(dir, last.Digest, options)
}

// compileKept compiles a policy from what was kept of it.
func (a *app) compileKept(dir *state.Dir, digest string, options policy.Options) (*pdp.Snapshot, error) {
	conf, err := a.config()
	if err != nil {
		return nil, err
	}
	reader, err := a.sourceReader(conf)
	if err != nil {
		return nil, err
	}
	read, err := reader.Recall(dir, digest, nil)
	if err == nil {
		p, err := a.compile(read.Sources, read.Under(options))
		return p.snapshot, err
	}
	if !errors.Is(err, sources.ErrUnknown) {
		return nil, recalled(err, digest)
	}
	files, err := keptFiles(dir, digest) // the starter policy was read from no file
	if err != nil {
		return nil, err
	}
	var texts []policy.Source
	for _, f := range files {
		texts = append(texts, policy.Source{Name: "policy.yaml", Data: []byte(f.Text)})
	}
	p, err := a.compile(texts, options)
	return p.snapshot, err
}
