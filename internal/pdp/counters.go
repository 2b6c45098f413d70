package pdp

import (
	"strconv"
	"time"

	"github.com/custos-zt/custos/access"
)

// Counter is what has to be counted to decide a request: the calls that share
// the key within the window. Its number goes into [access.Request.Counters]
// under the id.
type Counter struct {
	ID     string
	Window time.Duration
	// Key is what is counted apart; calls of different limits never share one.
	Key string
	// Known is false where the request does not say what the key consists of:
	// the count is unknown then, and restricts.
	Known bool
	// Rule says that this is the rate of a rule: it counts the calls which that
	// rule allows. A limit counts all that pass.
	Rule bool
}

// Counts reports whether the policy has anything to count.
func (s *Snapshot) Counts() bool { return s.rated || len(s.limits) > 0 }

// Counters appends what has to be counted to decide r: every limit and rate
// whose patterns cover it.
func (s *Snapshot) Counters(r *access.Request, out []Counter) []Counter {
	if !s.Counts() {
		return out
	}
	e := evaluation{s: s, r: r}
	e.begin()
	if s.rated {
		for _, i := range e.candidates() {
			if rule := &s.rules[i]; rule.is(isRated) {
				out = append(out, counter(rule.id, s.infos[i].Rate, r, true))
			}
		}
	} else {
		e.readURIs()
	}
	for i := range s.limits {
		l := &s.limits[i]
		if at, _ := e.standing(l.layer); at != outside && e.limits(l) {
			out = append(out, counter(l.ID, &l.Rate, r, false))
		}
	}
	return out
}

func counter(id string, rate *Rate, r *access.Request, rule bool) Counter {
	c := Counter{ID: id, Window: rate.Window, Known: true, Rule: rule}
	per := rate.Per
	if len(per) == 0 {
		per = []string{"issuer", "subject", "agent"}
	}
	key := strconv.AppendQuote(nil, id)
	for _, name := range per {
		part, known := keyPart(name, r)
		key = strconv.AppendQuote(key, part)
		c.Known = c.Known && known
	}
	c.Key = string(key)
	return c
}

// keyPart is one part of a key. Who calls must be known: else everybody could
// have an account of their own by not saying who they are. An agent need not
// be: all that is unproven counts as one.
func keyPart(name string, r *access.Request) (part string, known bool) {
	s := &r.Subject
	switch name {
	case "issuer":
		return s.Issuer, s.Known
	case "subject":
		return s.String(), s.Known
	case "tenant":
		return s.Tenant, s.Known && s.Tenant != ""
	case "session":
		return r.Session.ID, r.Session.ID != ""
	case "backend":
		return r.Backend, true
	case "tool":
		return r.Kind.String() + " " + r.Backend + "." + r.Name, true
	default:
		return r.Agent, true
	}
}
