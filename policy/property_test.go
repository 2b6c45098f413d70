package policy_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/internal/pdp"
)

// The properties at the end of policy.md §4, over random policies and
// requests. A failure prints the policy and can be repeated by its seed.
const (
	policies = 400
	calls    = 25
)

func TestPermutingRulesChangesNothing(t *testing.T) {
	for seed := range uint64(policies) {
		r := newRandom(seed)
		rules := r.rules(1+r.IntN(8), "")
		shuffled := slices.Clone(rules)
		r.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		one, two := mustCompile(t, rules), mustCompile(t, shuffled)
		for range calls {
			l := r.line()
			a, b := decide(one, l.request(t, one)), decide(two, l.request(t, two))
			for _, d := range []*access.Decision{&a, &b} {
				d.PolicyDigest, d.Position = "", ""
				for i := range d.Matched {
					d.Matched[i].Position = ""
				}
				slices.SortFunc(d.Matched, func(x, y access.Match) int { return strings.Compare(x.Rule, y.Rule) })
			}
			if d := cmp.Diff(a, b); d != "" {
				t.Fatalf("seed %d: order matters:\n%s\n%s", seed, strings.Join(rules, ""), d)
			}
		}
	}
}

func TestAddingADenyNeverWidens(t *testing.T) {
	for seed := range uint64(policies) {
		r := newRandom(seed)
		rules := r.rules(1+r.IntN(8), "")
		one := mustCompile(t, rules)
		two := mustCompile(t, append(slices.Clone(rules), r.rule("extra", "deny", "")))
		for range calls {
			l := r.line()
			if a, b := decide(one, l.request(t, one)), decide(two, l.request(t, two)); wide(b) > wide(a) {
				t.Fatalf("seed %d: %s became %s:\n%s", seed, a.Effect, b.Effect, strings.Join(rules, ""))
			}
		}
	}
}

func TestLosingAFactNeverWidens(t *testing.T) {
	lose := map[string]func(*access.Request){
		"subject":      func(r *access.Request) { r.Subject = access.Subject{} },
		"tenant":       func(r *access.Request) { r.Subject.Tenant = "" },
		"agent":        func(r *access.Request) { r.Agent = "" },
		"time":         func(r *access.Request) { r.Now = time.Time{} },
		"client":       func(r *access.Request) { r.Client = "" },
		"ops":          func(r *access.Request) { r.Tool.Ops, r.Tool.OpsBy = 0, nil },
		"side effects": func(r *access.Request) { r.Tool.SideEffects = nil },
		"labels":       func(r *access.Request) { r.Tool.Labels = nil },
		"tier":         func(r *access.Request) { r.Tool.Tier = "" },
		"description":  func(r *access.Request) { r.Tool.Described = false },
	}
	widened := 0
	for seed := range uint64(policies) {
		r := newRandom(seed)
		rules := r.rules(1+r.IntN(8), "")
		s := mustCompile(t, rules)
		for range calls {
			l := r.line()
			full := l.request(t, s)
			before := decide(s, full)
			widened += wide(before)
			ways := maps.Clone(lose)
			maps.Copy(ways, loseFacts(full))
			for name, take := range ways {
				less := *full
				less.Facts = maps.Clone(full.Facts)
				take(&less)
				after := decide(s, &less)
				if elseHeld(s, before, after) {
					continue
				}
				if wide(after) > wide(before) {
					t.Fatalf("seed %d: without %s %s became %s by %s:\n%s\n%+v", seed, name, before.Effect, after.Effect, after.Rule, strings.Join(rules, ""), l)
				}
			}
		}
	}
	if widened < policies {
		t.Fatalf("the universe grants too little to test anything: %d", widened)
	}
}

// elseHeld reports that an `else: approve` holds a call whose what became
// unknown. The language says so (what "not false"): a person is asked where
// before nothing was granted, and nothing passes that did not.
func elseHeld(s *pdp.Snapshot, before, after access.Decision) bool {
	rule, _ := s.Rule(after.Rule)
	return before.Effect == access.Deny && after.Effect == access.Approve && rule.ElseApprove
}

// Where every rule names an argument, and none says what its absence means, a
// call without it is let through no further than any call with it.
func TestAnAbsentArgumentNeverWidens(t *testing.T) {
	for seed := range uint64(policies) {
		r := newRandom(seed)
		rules := r.rules(1+r.IntN(6), "x")
		s := mustCompile(t, rules)
		for range calls {
			l := r.line()
			with := l.request(t, s)
			if with.Args.Get("x").IsAbsent() {
				continue
			}
			members := slices.DeleteFunc(slices.Clone(with.Args.Members()), func(m access.Member) bool { return m.Key == "x" })
			without := *with
			without.Args = access.Composite(access.Object, "{}", members)
			addPlaces(&without)
			if a, b := decide(s, with), decide(s, &without); wide(b) > wide(a) {
				t.Fatalf("seed %d: without x %s became %s by %s:\n%s\n%+v", seed, a.Effect, b.Effect, b.Rule, strings.Join(rules, ""), l)
			}
		}
	}
}

// Explain says what Decide decides, and what is not listed is never granted.
func TestExplainAndVisibleAgree(t *testing.T) {
	hidden := 0
	for seed := range uint64(policies) {
		r := newRandom(seed)
		s := mustCompile(t, r.rules(1+r.IntN(8), ""))
		for range calls {
			req := r.line().request(t, s)
			d := decide(s, req)
			agrees(t, s, req, &d)
			listed := *req
			listed.ArgsUnknown, listed.Places = true, nil
			if !s.Visible(&listed) {
				hidden++
			}
		}
	}
	if hidden == 0 {
		t.Fatal("nothing was ever hidden")
	}
}
