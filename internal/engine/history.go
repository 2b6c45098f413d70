package engine

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"slices"
	"strings"

	"github.com/custos-zt/custos/audit"
	"github.com/custos-zt/custos/internal/linediff"
	"github.com/custos-zt/custos/policy"
)

// The names under which the state directory remembers what was last in force.
const (
	lastConfig = "config"
	lastPolicy = "policy "
)

// maxCompared is the longest text that is compared: a policy is short, and a
// record holds little of a diff.
const maxCompared = 256 << 10

// activation is the record of a policy that is about to be in force. old is what
// it replaces in this process, "" where the process begins: then it is compared
// with what was last in force in front of this server.
func (e *Engine) activation(old, digest string, sources []policy.Source) audit.Record {
	change := &audit.Change{Actor: e.actor, Signer: signers(sources)}
	before := old
	if before == "" {
		before = e.evidence.Dir.Last(lastPolicy + e.backend)
		change.Old = before
	}
	if before != "" && before != digest {
		change.Diff = e.diff(before, sources)
	}
	return audit.Record{
		Kind: audit.KindPolicy, PolicyDigest: digest, OldPolicyDigest: old, Backend: e.backend, Session: e.session, Change: change,
	}
}

// diff compares a kept policy with sources. Where it was not kept, it cannot.
func (e *Engine) diff(digest string, sources []policy.Source) string {
	old, ok := e.kept(digest)
	if !ok {
		return ""
	}
	var b strings.Builder
	for _, s := range e.external.all(sources) {
		b.Write(s.Data)
	}
	return compare(old, b.String())
}

func compare(old, new string) string {
	if len(old)+len(new) > maxCompared {
		return "too long to compare here"
	}
	return linediff.Unified(old, new)
}

// kept returns the text of a kept policy: that of its files, one after the other.
func (e *Engine) kept(digest string) (string, bool) {
	data, err := e.evidence.Dir.Policy(digest)
	if err != nil {
		return "", false
	}
	files := strings.Fields(string(data))
	isDigest := regexp.MustCompile(`^[0-9a-f]{64}$`)
	if len(files) < 2 || slices.ContainsFunc(files, func(s string) bool { return !isDigest.MatchString(s) }) {
		return string(data), true
	}
	var b strings.Builder
	for _, f := range files {
		data, err := e.evidence.Dir.Policy("sha256:" + f)
		if err != nil {
			return "", false
		}
		b.Write(data)
	}
	return b.String(), true
}

// signers names the keys that the sources were checked with.
func signers(sources []policy.Source) string {
	var out []string
	for _, s := range sources {
		if s.Signer != "" && !slices.Contains(out, s.Signer) {
			out = append(out, s.Signer)
		}
	}
	return strings.Join(out, " ")
}

// configuration records that this process works with another configuration than
// the last one did, and keeps its text by digest. nil: there is none to speak of.
func (e *Engine) configuration(text *string) error {
	if text == nil {
		return nil
	}
	digest := ""
	if *text != "" {
		sum := sha256.Sum256([]byte(*text))
		digest = "sha256:" + hex.EncodeToString(sum[:])
	}
	old := e.evidence.Dir.Last(lastConfig)
	if old == digest {
		return nil
	}
	change := &audit.Change{Digest: digest, Old: old, Actor: e.actor}
	if before, ok := e.kept(old); ok || old == "" {
		change.Diff = compare(before, *text)
	}
	if digest != "" {
		if err := e.evidence.Dir.KeepPolicy(digest, []byte(*text)); err != nil {
			return err
		}
	}
	if err := e.evidence.Log.Append(audit.Record{Kind: audit.KindConfig, Backend: e.backend, Session: e.session, Change: change}).Wait(); err != nil {
		return err
	}
	e.remember(lastConfig, digest)
	return nil
}

// remember notes what is in force, for the next comparison alone.
func (e *Engine) remember(name, digest string) {
	if e.evidence.Dir.Last(name) == digest {
		return
	}
	if err := e.evidence.Dir.SetLast(name, digest); err != nil {
		e.Anomaly("what is in force could not be remembered, and the next change will show no difference: " + err.Error())
	}
}
