package pdp

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/custos-zt/custos/access"
)

// A denial whose only cause is how the caller authenticated is one that the
// caller can do something about. Whether it is one is asked of the policy itself:
// the request is decided again as if more was proven, in the ways that conditions
// on `auth` name, the least demanding first. What is proven decides nothing until
// somebody proves it: the call stays denied.

// The facts about authentication.
const (
	factACR = "auth.acr"
	factMFA = "auth.mfa"
	factAge = "auth.age_s"
)

// maxProofs bounds how many contexts and how many ages are tried.
const maxProofs = 4

// proofs are the ways in which a caller could authenticate, that some condition
// asks for.
type proofs struct {
	ways []way
	acrs []access.Value
}

// way is one of them.
type way struct {
	acr access.Value // absent: as it is
	mfa bool
	age time.Duration // 0: as it is
}

// demands counts what a way asks for.
func (w *way) demands() int {
	n := 0
	for _, asks := range [...]bool{!w.acr.IsAbsent(), w.mfa, w.age > 0} {
		if asks {
			n++
		}
	}
	return n
}

// buildProofs collects what conditions on `auth` ask for; nil: nothing.
func (s *Snapshot) buildProofs() {
	var acrs []access.Value
	var ages []time.Duration
	mfa := []bool{false}
	for _, f := range s.facts {
		switch f.Fact {
		case factACR:
			for _, v := range f.Spec.Enum {
				if !slices.ContainsFunc(acrs, func(w access.Value) bool { return w.Text() == v.Text() }) && len(acrs) < maxProofs {
					acrs = append(acrs, v)
				}
			}
		case factMFA:
			mfa = []bool{false, true}
		case factAge:
			if !slices.Contains(ages, f.Within) && len(ages) < maxProofs {
				ages = append(ages, f.Within)
			}
		}
	}
	slices.SortFunc(ages, func(a, b time.Duration) int { return cmp.Compare(b, a) }) // the least demanding first
	var ways []way
	for _, acr := range append([]access.Value{{}}, acrs...) {
		for _, age := range append([]time.Duration{0}, ages...) {
			for _, m := range mfa {
				if w := (way{acr, m, age}); w.demands() > 0 {
					ways = append(ways, w)
				}
			}
		}
	}
	slices.SortStableFunc(ways, func(a, b way) int { return a.demands() - b.demands() })
	if len(ways) > 0 {
		s.proofs = &proofs{ways, acrs}
	}
}

// proven is r as if its caller had authenticated in this way, just now.
func (w *way) proven(r *access.Request) *access.Request {
	v := *r
	v.Facts = make(map[string]access.Fact, len(r.Facts)+3)
	maps.Copy(v.Facts, r.Facts)
	if !w.acr.IsAbsent() {
		v.Facts[factACR] = access.Fact{Value: w.acr}
	}
	if w.mfa {
		v.Facts[factMFA] = access.Fact{Value: access.Scalar(access.Bool, "true", "")}
	}
	if w.age > 0 {
		v.Facts[factAge] = access.Fact{Value: access.Scalar(access.Number, strconv.FormatInt(int64(w.age/time.Second), 10), "")}
	}
	return &v
}

// passes decides r as if its caller had authenticated in this way.
func (s *Snapshot) passes(r *access.Request, w *way) bool {
	var d access.Decision
	s.decideOnce(w.proven(r), &d)
	return d.Effect == access.Allow || d.Effect == access.Approve
}

// stepUp says of a denied request what its caller would have to prove, where
// that is all that is missing.
func (s *Snapshot) stepUp(r *access.Request, d *access.Decision) {
	switch d.Reason {
	case access.DefaultDenied, access.DelegationUnanswered, access.RuleDenied, access.LayerDenied, access.Indeterminate:
	default:
		return
	}
	i := slices.IndexFunc(s.proofs.ways, func(w way) bool { return s.passes(r, &w) })
	if i < 0 {
		return
	}
	w := s.proofs.ways[i]
	d.StepUp = &access.StepUp{MFA: w.mfa, MaxAgeS: int64(w.age / time.Second)}
	if !w.acr.IsAbsent() {
		for _, acr := range s.proofs.acrs {
			if other := (way{acr, w.mfa, w.age}); s.passes(r, &other) {
				d.StepUp.ACR = append(d.StepUp.ACR, acr.Text())
			}
		}
	}
	d.Reason = access.StepUpRequired
	if at, ok := s.numberOf(d.Rule); !ok || s.says[at].message == "" {
		d.Message = "This call needs stronger or fresher authentication: " + d.StepUp.String() + "."
		d.Remediation = "Ask the person to sign in that way, then repeat the call."
	}
}
