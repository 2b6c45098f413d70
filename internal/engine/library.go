package engine

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/custos-zt/custos/internal/inventory"
	"github.com/custos-zt/custos/internal/pa"
	"github.com/custos-zt/custos/internal/pdp"
	"github.com/custos-zt/custos/internal/proof"
	"github.com/custos-zt/custos/internal/sources"
	"github.com/custos-zt/custos/internal/state"
	"github.com/custos-zt/custos/policy"
)

// Library are the options of an engine inside another program.
type Library struct {
	StateDir string // "" is the default place
	// Files are policy files and signed bundles, which calls may not touch, and
	// Texts policies that are no files.
	Files []string
	Texts []policy.Source
	// TrustRoot is a file of public keys: only what they signed is put in force
	// then. Audience is what this program is called in bundles.
	TrustRoot, Audience string
	External            *External
	Backend             string
	Remote              bool
	Failed              func(error)
	// Approvals knows what people answered; nil asks nobody.
	Approvals pa.Approvals
}

// ProblemsError says that a policy was refused, and everything that is wrong
// with it, its own tests among it.
type ProblemsError struct{ Problems []policy.Problem }

// Error returns the first problem and how many there are.
func (e *ProblemsError) Error() string {
	return fmt.Sprintf("the policy has %d problems, the first: %s", len(e.Problems), e.Problems[0])
}

// OpenLibrary builds an engine inside another program: the program itself is
// the backend, so there is no inventory, and the subject is its user unless a
// call says otherwise. A policy that is not valid is a [*ProblemsError].
func OpenLibrary(l Library) (*Engine, error) {
	if err := l.External.check(); err != nil {
		return nil, err
	}
	dir := l.StateDir
	if dir == "" {
		var err error
		if dir, err = state.DefaultPath(); err != nil {
			return nil, err
		}
	}
	registry, err := inventory.LoadRegistry()
	if err != nil {
		return nil, err
	}
	reader, read, err := l.read()
	if err != nil {
		return nil, err
	}
	home, _ := os.UserHomeDir() // unknown: patterns with ~ are errors
	o := Options{
		Sources: append(read.Sources, l.Texts...), Registry: registry, Backend: l.Backend, External: l.External,
		Ground: pa.Ground{Local: !l.Remote, Home: home}, Protected: l.protected(), Subject: LocalSubject(),
		Approvals: l.Approvals,
	}
	if l.Approvals != nil { // an answer counts for programs of one place alone
		o.Root, _ = os.Getwd()
	}
	if o.Policy, err = proven(proof.Bench{
		Sources: o.Sources, Registry: registry,
		Options: read.Under(policy.Options{Home: home, Backend: l.Backend, Known: registry}),
	}); err != nil {
		return nil, err
	}
	ev, err := OpenEvidence(EvidenceOptions{StateDir: dir, Failed: l.Failed})
	if err != nil {
		return nil, err
	}
	err = reader.Advance(ev.Dir, read)
	if err == nil && len(l.Texts) == 0 && !l.External.decides() {
		err = read.Keep(ev.Dir) // what is no file cannot be put back
	}
	if err != nil {
		return nil, errors.Join(err, ev.Close())
	}
	return New(ev, o)
}

// withoutNative stands for the native policy where an external engine alone
// decides.
const withoutNative = "policy: external\nrules: [{id: none, deny: [\"*\"]}]\n"

// read reads the policy files, as strictly as a trust root asks.
func (l *Library) read() (*sources.Reader, *sources.Files, error) {
	r := &sources.Reader{Audience: l.Audience}
	if l.TrustRoot != "" {
		keys, err := sources.TrustRoot(l.TrustRoot, os.ReadFile)
		if err != nil {
			return nil, nil, fmt.Errorf("the trust root: %w", err)
		}
		if r.Keys, r.Signed = keys, true; len(l.Texts) > 0 {
			return nil, nil, fmt.Errorf("%s is not signed, and the trust root asks for signed bundles", l.Texts[0].Name)
		}
	}
	if len(l.Files)+len(l.Texts) == 0 {
		if l.External == nil || l.External.Mode != policy.ModeExternalOnly {
			return nil, nil, errors.New("no policy given: set PolicyFiles or Policy")
		}
		l.Texts = []policy.Source{{Name: "external.yaml", Data: []byte(withoutNative)}}
	}
	read, err := r.Files(l.Files)
	if err != nil {
		return nil, nil, fmt.Errorf("policy: %w", err)
	}
	return r, read, nil
}

func (l *Library) protected() []string {
	out := append([]string{}, l.Files...)
	if l.TrustRoot != "" {
		out = append(out, l.TrustRoot)
	}
	return out
}

// proven compiles a policy and runs the tests that it holds itself.
func proven(b proof.Bench) (*pdp.Snapshot, error) {
	snapshot, problems := policy.Compile(b.Sources, b.Options)
	if snapshot == nil {
		return nil, &ProblemsError{problems}
	}
	_, failed, err := b.Prove(context.Background(), snapshot)
	if err == nil && len(failed) > 0 {
		err = &ProblemsError{failed}
	}
	return snapshot, err
}
