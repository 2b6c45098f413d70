package audit

// The kinds of record that say who decided what about the guard itself.
const (
	// KindApproval is a step of a held call: that a person is asked, and what a
	// person answered. An answer is durable before it counts.
	KindApproval Kind = "approval"
	// KindLease says that a lease was made, revoked, ended by itself or looked at.
	// Its uses stand in the admissions of the calls that it let pass.
	KindLease Kind = "lease"
	// KindConfig says that a process works with another configuration than the
	// one that was recorded last.
	KindConfig Kind = "config"
	// KindReview is what a person says of an earlier record.
	KindReview Kind = "review"
)

// Approval is a person's answer to a held call, in an approval record and in
// the admission of the call that it let pass.
type Approval struct {
	// ID names the request that people answer ("a_91") and State how the request
	// stood then: an [access.ApprovalState].
	ID    string `json:"id,omitempty"`
	State string `json:"state,omitempty"`
	// By is the issuer:id of the person, "" while nobody answered, Channel the way the question went, and
	// Assurance what that way proves.
	By        string `json:"by"`
	Channel   string `json:"channel,omitempty"`
	Assurance string `json:"assurance,omitempty"`
}

// Self reports whether subject answered a question about a call of their own.
func (a *Approval) Self(subject string) bool { return a != nil && a.By != "" && a.By == subject }

// Change says what became different when a policy or a configuration was put
// in force, and by whom.
type Change struct {
	// Digest is "sha256:…" of a configuration and Old of the one before, "" for
	// none. A policy record names its policies in fields of its own; where a
	// process begins, Old is the policy that was last in force in front of the
	// same server, as far as that is known.
	Digest string `json:"digest,omitempty"`
	Old    string `json:"old,omitempty"`
	// Actor is who runs the process that put it in force: issuer:id.
	Actor string `json:"actor,omitempty"`
	// Signer names the key that a signed policy was checked with, "" where no
	// signature was checked.
	Signer string `json:"signer,omitempty"`
	// Diff is a unified diff from old to new. A long one is cut, as every text
	// of a record is; both texts are kept whole by digest.
	Diff string `json:"diff,omitempty"`
}

// The verdicts of a [Judgement].
const (
	VerdictOK  = "ok"
	VerdictBad = "bad"
)

// Judgement is a verdict on an earlier record.
type Judgement struct {
	// Of is the id of the record, Verdict [VerdictOK] or [VerdictBad].
	Of      string `json:"of"`
	Verdict string `json:"verdict"`
	Note    string `json:"note,omitempty"`
}

// appendPeople appends what people decided: approval, change, judgement.
func appendPeople(b []byte, r *Record) []byte {
	if a := r.Approval; a != nil {
		b = append(b, `,"approval":{"by":`...)
		b = appendText(b, a.By)
		b = appendString(b, "id", a.ID)
		b = appendString(b, "state", a.State)
		b = appendString(b, "channel", a.Channel)
		b = appendString(b, "assurance", a.Assurance)
		b = append(b, '}')
	}
	if c := r.Change; c != nil {
		b = append(b, `,"change":{`...)
		first := len(b)
		b = appendString(b, "digest", c.Digest)
		b = appendString(b, "old", c.Old)
		b = appendString(b, "actor", c.Actor)
		b = appendString(b, "signer", c.Signer)
		b = appendString(b, "diff", c.Diff)
		if len(b) > first { // without the comma of the first member
			b = append(b[:first], b[first+1:]...)
		}
		b = append(b, '}')
	}
	if j := r.Judgement; j != nil {
		b = append(b, `,"judgement":{"of":`...)
		b = appendText(b, j.Of)
		b = appendString(b, "verdict", j.Verdict)
		b = appendString(b, "note", j.Note)
		b = append(b, '}')
	}
	return b
}
