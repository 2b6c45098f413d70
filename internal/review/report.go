// Package review makes one readable page of what agents did: what deserves a
// second look and why, what was refused, what people approved, and which tools
// and hosts appeared for the first time.
//
// A [Collector] takes entries in the order of the log and applies the rules of
// [Rules], which are data: each has a name, a weight, and the reason that is
// printed. They look at what was recorded and nothing else, so that everybody
// who has the log gets the same page. They are heuristics: a finding is a reason
// to look, and a page without findings is no proof that nothing happened.
//
// Names of tools, clients and servers are chosen by whoever wrote those. Both
// renderings escape every text ([term.Escape]), so that none of them can move
// the cursor, hide or reorder text, or be taken for markup or a link.
package review

import (
	"cmp"
	"slices"
	"time"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/audit"
	"github.com/custos-zt/custos/internal/query"
)

// Severity is how much a finding weighs.
type Severity string

// The severities, the heaviest first.
const (
	High   Severity = "high"
	Medium Severity = "medium"
	Low    Severity = "low"
)

// weight orders severities.
func (s Severity) weight() int { return slices.Index([]Severity{High, Medium, Low}, s) }

// Report is what a page says.
type Report struct {
	Since time.Time `json:"since"`
	Until time.Time `json:"until"`
	// Allowed, Held and Denied count decisions, Sessions those that took part.
	Allowed  int `json:"allowed"`
	Held     int `json:"held"`
	Denied   int `json:"denied"`
	Sessions int `json:"sessions"`
	// Findings are what to look at, the heaviest first and then in order; More
	// counts those that found no room.
	Findings []Finding `json:"findings"`
	More     int       `json:"more"`
	// Refused are denied attempts, the most frequent first; MoreRefused counts
	// the kinds that found no room.
	Refused     []Refused  `json:"refused"`
	MoreRefused int        `json:"more_refused"`
	Approvals   []Approval `json:"approvals"`
	// FirstTools and FirstHosts were never named before.
	FirstTools []First  `json:"first_tools"`
	FirstHosts []First  `json:"first_hosts"`
	Changes    []Change `json:"changes"`
}

// Finding is an entry and what is remarkable about it.
type Finding struct {
	ID       string   `json:"id"`
	Severity Severity `json:"severity"`
	// Rules are the names of the rules that hold, Why their reasons.
	Rules    []string  `json:"rules"`
	Why      []string  `json:"why"`
	Time     time.Time `json:"time"`
	Subject  string    `json:"subject"`
	Session  string    `json:"session"`
	Target   string    `json:"target"`
	Decision string    `json:"decision,omitempty"`
	// Verdict is what a person said of it since, "" where nobody did.
	Verdict string `json:"verdict,omitempty"`
	By      string `json:"verdict_by,omitempty"`
	Note    string `json:"verdict_note,omitempty"`
}

// Refused is one kind of denied attempt.
type Refused struct {
	Target string    `json:"target"`
	Reason string    `json:"reason"`
	Rule   string    `json:"rule"`
	Count  int       `json:"count"`
	Last   string    `json:"last"` // id of the last one
	Time   time.Time `json:"time"` // of the last one
}

// Approval is an answer that a person gave.
type Approval struct {
	ID        string        `json:"id"`
	Time      time.Time     `json:"time"`
	Target    string        `json:"target"`
	Subject   string        `json:"subject"`
	By        string        `json:"by"`
	State     string        `json:"state"`
	Channel   string        `json:"channel"`
	Assurance string        `json:"assurance"`
	After     time.Duration `json:"after_ns"` // since it was asked; 0 where that is not known
}

// First is a tool, or the entry that named a host, that was not there before.
// The log knows hosts by their digests alone.
type First struct {
	Name string    `json:"name,omitempty"`
	ID   string    `json:"id"`
	Time time.Time `json:"time"`
}

// Change is a policy or configuration that was put in force.
type Change struct {
	ID      string    `json:"id"`
	Kind    string    `json:"kind"`
	Time    time.Time `json:"time"`
	Backend string    `json:"backend,omitempty"`
	Digest  string    `json:"digest"`
	Old     string    `json:"old,omitempty"`
	Actor   string    `json:"actor,omitempty"`
}

// The longest lists of a page, and what is kept in memory for them: an agent can
// be refused a million tools of different names.
const (
	maxFindings = 300
	maxRefused  = 60
	maxKept     = 20_000
)

// others stands for targets that found no room.
const others = "(others)"

// Collector makes a report of entries, after [Collector.Begin].
type Collector struct {
	report   Report
	sessions map[string]*session
	asked    map[string]time.Time // when a held call was put to people, by request
	refused  map[Refused]*Refused // by target, reason and rule
	findings map[string]*Finding
	order    []string
	verdicts map[string]audit.Record
	firsts   map[string]bool
	rules    []Rule
}

// Begin says which range the report is about, and what was named for the first
// time in it. It comes before the first entry.
func (c *Collector) Begin(since, until time.Time, tools, hosts []First) {
	c.report = Report{Since: since, Until: until, FirstTools: tools, FirstHosts: hosts}
	c.rules = Rules()
	c.sessions, c.asked, c.refused = map[string]*session{}, map[string]time.Time{}, map[Refused]*Refused{}
	c.findings, c.verdicts, c.firsts = map[string]*Finding{}, map[string]audit.Record{}, map[string]bool{}
	for _, f := range tools {
		c.firsts[ofTool+f.ID] = true
	}
	for _, f := range hosts {
		c.firsts[ofHost+f.ID] = true
	}
}

// The two sorts of firsts.
const (
	ofTool = "tool "
	ofHost = "host "
)

// Add takes the next entry: a record, or a call again when its outcome came.
func (c *Collector) Add(e *query.Entry) {
	s := c.session(&e.Record)
	lost := false
	for _, r := range c.rules {
		if r.holds(c, s, e) {
			lost = !c.find(e, r) || lost
		}
	}
	if lost {
		c.report.More++
	}
	if e.Outcome == nil {
		c.count(&e.Record)
	}
	s.note(e)
}

// session returns what is remembered of a record's session.
func (c *Collector) session(r *audit.Record) *session {
	s := c.sessions[r.Session]
	if s == nil {
		s = &session{tools: map[string]bool{}}
		c.sessions[r.Session] = s
	}
	return s
}

// find adds a rule to the finding of an entry. It reports false where there is
// no room for another entry.
func (c *Collector) find(e *query.Entry, r Rule) bool {
	id := e.Record.ID()
	f := c.findings[id]
	if f == nil && len(c.findings) == maxKept {
		return false
	}
	if f == nil {
		f = &Finding{
			ID: id, Severity: r.Severity, Time: e.Record.Time, Subject: e.Record.Subject, Session: e.Record.Session, Target: target(&e.Record),
		}
		if e.Record.Kind == audit.KindAdmission {
			f.Decision = e.Record.Decision.String()
		}
		c.findings[id] = f
		c.order = append(c.order, id)
	}
	if r.Severity.weight() < f.Severity.weight() {
		f.Severity = r.Severity
	}
	f.Rules, f.Why = append(f.Rules, r.Name), append(f.Why, r.Why)
	return true
}

// count adds a record to the lists of the page.
func (c *Collector) count(r *audit.Record) {
	switch r.Kind { //nolint:exhaustive // the other kinds are on no list
	case audit.KindAdmission:
		c.decided(r)
	case audit.KindDenials:
		c.coalesced(r)
	case audit.KindApproval:
		c.approval(r)
	case audit.KindReview:
		if r.Judgement != nil {
			c.verdicts[r.Judgement.Of] = *r
		}
	case audit.KindPolicy:
		change := Change{ID: r.ID(), Kind: "policy", Time: r.Time, Backend: r.Backend, Digest: r.PolicyDigest, Old: r.OldPolicyDigest}
		if r.Change != nil {
			change.Actor, change.Old = r.Change.Actor, cmp.Or(r.OldPolicyDigest, r.Change.Old)
		}
		if change.Old == change.Digest {
			return // a process began with what was in force before
		}
		c.report.Changes = append(c.report.Changes, change)
	case audit.KindConfig:
		if r.Change != nil {
			c.report.Changes = append(c.report.Changes, Change{
				ID: r.ID(), Kind: "config", Time: r.Time, Digest: r.Change.Digest, Old: r.Change.Old, Actor: r.Change.Actor,
			})
		}
	}
}

func (c *Collector) decided(r *audit.Record) {
	switch r.Decision {
	case access.Allow:
		c.report.Allowed++
	case access.Approve:
		c.report.Held++
	default:
		c.deny(r, Refused{Target: target(r), Reason: string(r.Reason), Rule: r.Rule}, 1)
	}
}

// coalesced counts the denials that one record stands for.
func (c *Collector) coalesced(r *audit.Record) {
	if r.Coalesced == nil {
		return
	}
	for _, g := range r.Coalesced.Groups {
		at := g.Target
		if g.Method == "tools/call" {
			at = r.Backend + "." + g.Target
		}
		c.deny(r, Refused{Target: cmp.Or(at, g.Method), Reason: string(g.Reason), Rule: g.Rule}, g.Count)
	}
	if n := r.Coalesced.More; n > 0 {
		c.deny(r, Refused{Target: others}, n)
	}
}

// deny counts denied attempts of one kind.
func (c *Collector) deny(r *audit.Record, key Refused, n int) {
	c.report.Denied += n
	if c.refused[key] == nil && len(c.refused) >= maxKept {
		key.Target, key.Rule = others, ""
	}
	k := c.refused[key]
	if k == nil {
		k = &Refused{Target: key.Target, Reason: key.Reason, Rule: key.Rule}
		c.refused[key] = k
	}
	k.Count += n
	k.Last, k.Time = r.ID(), r.Time
}

func (c *Collector) approval(r *audit.Record) {
	a := r.Approval
	if a == nil {
		return
	}
	if a.By == "" {
		c.asked[a.ID] = r.Time
		return
	}
	out := Approval{
		ID: r.ID(), Time: r.Time, Target: target(r), Subject: r.Subject, By: a.By, State: a.State, Channel: a.Channel, Assurance: a.Assurance,
	}
	if at, ok := c.asked[a.ID]; ok {
		out.After = r.Time.Sub(at)
	}
	c.report.Approvals = append(c.report.Approvals, out)
}

// Report returns the page. Nothing may be added afterwards.
func (c *Collector) Report() Report {
	r := c.report
	delete(c.sessions, "")
	r.Sessions = len(c.sessions)
	r.Findings = []Finding{}
	for _, id := range c.order {
		f := *c.findings[id]
		if v, ok := c.verdicts[id]; ok {
			f.Verdict, f.By, f.Note = v.Judgement.Verdict, v.Subject, v.Judgement.Note
		}
		r.Findings = append(r.Findings, f)
	}
	slices.SortStableFunc(r.Findings, func(a, b Finding) int { return a.Severity.weight() - b.Severity.weight() })
	var more int
	r.Findings, more = clip(r.Findings, maxFindings)
	r.More += more
	r.Refused = []Refused{}
	for _, k := range c.refused {
		r.Refused = append(r.Refused, *k)
	}
	slices.SortFunc(r.Refused, func(a, b Refused) int {
		return cmp.Or(b.Count-a.Count, cmp.Compare(a.Target, b.Target), cmp.Compare(a.Reason, b.Reason), cmp.Compare(a.Rule, b.Rule))
	})
	r.Refused, r.MoreRefused = clip(r.Refused, maxRefused)
	for _, list := range []*[]First{&r.FirstTools, &r.FirstHosts} {
		if *list == nil {
			*list = []First{}
		}
	}
	r.Approvals, r.Changes = append([]Approval{}, r.Approvals...), append([]Change{}, r.Changes...)
	return r
}

// clip bounds a list and says how many it lost.
func clip[T any](list []T, n int) ([]T, int) {
	if len(list) <= n {
		return list, 0
	}
	return list[:n], len(list) - n
}

// target names what a record is about.
func target(r *audit.Record) string {
	switch {
	case r.Target() != "" || r.Method != "":
		return cmp.Or(r.Target(), r.Method)
	case r.Kind == audit.KindAdmission:
		return "a message that could not be read"
	case r.Detail != "":
		return string(r.Kind) + ": " + r.Detail
	default:
		return cmp.Or(r.Backend, string(r.Kind))
	}
}
