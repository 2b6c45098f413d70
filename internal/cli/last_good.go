package cli

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/custos-zt/custos/audit"
	"github.com/custos-zt/custos/internal/state"
	"github.com/custos-zt/custos/internal/term"
)

// lastGood starts a guard whose policy files cannot be used with the policy that
// was last in force for this server, if it was read from these files and what
// was kept of it is what it was: signed where that is asked for, valid today,
// its own tests passed. Where there is none, refused is returned: nothing is
// guarded by guessing.
func (g *guard) lastGood(dir *state.Dir, name string, refused error) error {
	var e *Error
	if !errors.As(refused, &e) || e.Code != ExitPolicy && e.Code != ExitPolicyTests || g.policy.again == nil {
		return refused
	}
	names, err := g.policy.again()
	if err != nil {
		return refused
	}
	here := func(files []state.PolicyFile) bool { return samePaths(names, files) }
	last, err := audit.Last(dir.LogDir(), func(r *audit.Record) bool {
		if r.Kind != audit.KindPolicy || r.Backend != name {
			return false
		}
		places, err := dir.PolicyFiles(r.PolicyDigest)
		return err == nil && slices.ContainsFunc(places, here)
	})
	if err != nil {
		return refused
	}
	read, err := g.policy.reader.Recall(dir, last.PolicyDigest, here)
	if err != nil {
		return refused
	}
	p, err := g.app.compile(read.Sources, read.Under(g.policy.options))
	if err != nil {
		return refused
	}
	if _, err := g.app.provePolicy(context.Background(), g.policy.bench(read, g.registry), p.snapshot); err != nil {
		return refused
	}
	read.Names = names // as the watcher will find them
	g.policy.snapshot, g.policy.sources, g.policy.read, g.policy.files = p.snapshot, p.sources, read, names
	g.fellBack = "the policy cannot be used: " + e.Text
	fmt.Fprintf(g.app.Err, "custos: error: %s; the last good one is in force: %s\n", term.Escape(g.fellBack), last.PolicyDigest)
	return nil
}

// samePaths reports whether names, as somebody gave them, are these files.
func samePaths(names []string, files []state.PolicyFile) bool {
	return slices.EqualFunc(names, files, func(name string, f state.PolicyFile) bool {
		path, err := filepath.Abs(name)
		return err == nil && path == f.Path
	})
}
