package index

import (
	"time"

	"github.com/custos-zt/custos/audit"
)

// event is what the index keeps of one stored record. Its texts lie in line.
type event struct {
	slot  int
	seq   uint64
	line  string
	place audit.Place

	time int64 // microseconds since 1970
	kind string

	admission uint64
	oneWay    bool
	backend   string
	tool      string
	decision  string
	reason    string
	rule      string
	policy    string
	subject   string
	agent     string
	session   string
	approver  string
	paths     []string
	hosts     []string
	args      []string
	status    string
	bytes     int64
	duration  int64
	labels    []string
	counted   *audit.Coalesced // of a denials record
}

// read takes what the index keeps from a stored record. Decoding a record whole
// takes longer than everything else that an index does with it, so read walks
// over its members once; what it does not understand it leaves to
// [audit.Decode].
func (e *event) read(s audit.Stored) error {
	line := string(s.Line)
	*e = event{slot: s.Slot, seq: s.Seq, line: line, place: s.Place}
	w := walker{s: line}
	if w.object(e.member) && w.i == len(line) && e.time != 0 && e.kind != string(audit.KindDenials) {
		return nil
	}
	r, err := audit.Decode(s.Line)
	if err != nil {
		return err
	}
	*e = event{slot: s.Slot, seq: s.Seq, line: line, place: s.Place}
	e.take(&r)
	return nil
}

// member reads one member of a record. ok is false where it is not as the
// encoder of this version writes it.
func (e *event) member(w *walker, name string) (ok bool) {
	switch name {
	case "kind":
		e.kind, ok = w.text()
	case "time":
		var at string
		if at, ok = w.text(); ok {
			e.time, ok = micros(at)
		}
	case "admission":
		var n int64
		n, ok = w.number()
		e.admission = uint64(n)
	case "one_way":
		e.oneWay, ok = true, w.literal("true")
	case "decision":
		e.decision, ok = w.text()
	case "reason":
		e.reason, ok = w.text()
	case "rule":
		if w.literal("null") {
			return true
		}
		e.rule, ok = w.text()
	case "bytes":
		e.bytes, ok = w.number()
	case "duration_us":
		e.duration, ok = w.number()
	case "status":
		e.status, ok = w.text()
	case "labels":
		e.labels, ok = w.texts()
	case "approval":
		ok = w.object(func(w *walker, name string) (ok bool) {
			if name != "by" {
				return w.skip()
			}
			e.approver, ok = w.text()
			return ok
		})
	case "judged":
		ok = w.object(func(w *walker, name string) (ok bool) {
			switch name {
			case "paths":
				e.paths, ok = w.texts()
			case "hosts":
				e.hosts, ok = w.texts()
			case "args":
				e.args, ok = w.texts()
			default:
				ok = w.skip()
			}
			return ok
		})
	default:
		return e.name(w, name)
	}
	return ok
}

// name reads the members that say who and what.
func (e *event) name(w *walker, name string) (ok bool) {
	var to *string
	switch name {
	case "backend":
		to = &e.backend
	case "tool":
		to = &e.tool
	case "policy_digest":
		to = &e.policy
	case "subject":
		to = &e.subject
	case "agent":
		to = &e.agent
	case "session":
		to = &e.session
	default:
		return w.skip()
	}
	*to, ok = w.text()
	return ok
}

// take copies from a decoded record.
func (e *event) take(r *audit.Record) {
	e.time, e.kind, e.admission, e.oneWay = r.Time.UnixMicro(), string(r.Kind), r.Admission, r.OneWay
	e.backend, e.tool, e.reason, e.rule, e.policy = r.Backend, r.Tool, string(r.Reason), r.Rule, r.PolicyDigest
	e.subject, e.agent, e.session = r.Subject, r.Agent, r.Session
	e.status, e.bytes, e.duration, e.labels = string(r.Status), r.Bytes, r.DurationUS, r.Labels
	if r.Kind == audit.KindAdmission || r.Decision != 0 {
		e.decision = r.Decision.String()
	}
	e.counted = r.Coalesced
	if r.Approval != nil {
		e.approver = r.Approval.By
	}
	if r.Judged != nil {
		e.paths, e.hosts, e.args = r.Judged.Paths, r.Judged.Hosts, r.Judged.Args
	}
}

// micros reads a time as the log writes it, 2006-01-02T15:04:05.000000Z.
func micros(s string) (int64, bool) {
	if len(s) != 27 || s[26] != 'Z' {
		return 0, false
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	return t.UnixMicro(), err == nil
}
