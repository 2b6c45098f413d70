package policy

import (
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/custos-zt/custos/internal/canon"
	"github.com/custos-zt/custos/internal/pdp"
)

// maxPattern is the longest regular expression that is read.
const maxPattern = 4096

// pattern compiles a regular expression. A grant matches the whole value with
// it, a restriction searches.
func (r *reader) pattern(n *yaml.Node, what string) *pdp.Pattern {
	text := r.text(n, what)
	if text == "" {
		return nil
	}
	if len(text) > maxPattern {
		r.err(n, "", "%s is longer than %d characters", what, maxPattern)
		return nil
	}
	p, err := r.patterns.compile(text)
	if err != nil {
		r.err(n, "RE2 syntax, without look-around", "%s: %s", what, strings.TrimPrefix(err.Error(), "error parsing regexp: "))
		return nil
	}
	return p
}

// patternCache shares regular expressions that stand in several rules.
type patternCache map[string]*pdp.Pattern

func (c patternCache) compile(text string) (*pdp.Pattern, error) {
	if p := c[text]; p != nil {
		return p, nil
	}
	p, err := pdp.ParsePattern(text)
	if err == nil {
		c[text] = p
	}
	return p, err //nolint:wrapcheck // the message of regexp is what the author needs
}

// references are what same_as may name beside args.PATH.
func references() []string {
	return []string{"subject.id", "subject.issuer", "subject.tenant", "agent.id"}
}

// reference reads what a value must be equal to.
func (r *reader) reference(n *yaml.Node, what string) *pdp.Reference {
	text := r.text(n, what)
	if !strings.HasPrefix(text, "args.") && !has(references(), text) {
		if text != "" {
			r.err(n, suggest(text, references()), "%s is one of %s, or args.PATH", what, strings.Join(references(), ", "))
		}
		return nil
	}
	ref, err := pdp.ParseReference(text)
	if err != nil {
		r.err(n, "", "%s: %v", what, err)
		return nil
	}
	return ref
}

// possible reports constraints that no value meets together.
func (r *reader) possible(arg field, s *pdp.Spec, what string) {
	if s.Min != nil && s.Max != nil {
		least, most := s.Min.Value, s.Max.Value
		if order, _ := canon.CompareNumbers(least, most); order > 0 {
			r.err(arg.key, "", "%s: no number is at least %s and at most %s", what, least.Raw(), most.Raw())
		}
	}
	for _, b := range []*pdp.Bounds{s.Length, s.Count} {
		if b != nil && b.HasMin && b.HasMax && b.Min > b.Max {
			r.err(arg.key, "", "%s: nothing is at least %d and at most %d long", what, b.Min, b.Max)
		}
	}
}
