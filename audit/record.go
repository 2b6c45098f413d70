package audit

import (
	"time"

	"github.com/custos-zt/custos/access"
)

// RecordVersion is the version of the record format that this package writes.
// A reader meets newer versions too: fields that it does not know are ignored,
// and the chain is checked over the stored bytes, whatever they say.
const RecordVersion = 1

// Kind says what a record is about.
type Kind string

// The kinds of record. More are added here first.
const (
	// KindGenesis opens a chain and names the instance it belongs to.
	KindGenesis Kind = "genesis"
	// KindSegment opens every later segment of a chain.
	KindSegment Kind = "segment"
	// KindStart says that a process began to guard a backend.
	KindStart Kind = "start"
	// KindStop says that it ended in an orderly way.
	KindStop Kind = "stop"
	// KindAdmission is a decision, denials included. It is durable before
	// anything is forwarded.
	KindAdmission Kind = "admission"
	// KindOutcome is what became of an admitted call.
	KindOutcome Kind = "outcome"
	// KindOutcomeUnknown replaces the outcome of a call that was admitted by a
	// process which did not live to record it.
	KindOutcomeUnknown Kind = "outcome_unknown"
	// KindPolicy is the activation of a policy.
	KindPolicy Kind = "policy"
	// KindTornTail says that a commit group cut short by a crash was removed.
	KindTornTail Kind = "torn_tail"
	// KindExpired says that the oldest records of the chain are about to be
	// deleted; the hashes of the tree stay.
	KindExpired Kind = "expired"
	// KindSeal says that a chain which no process writes was closed by hand.
	KindSeal Kind = "seal"
	// KindDenials counts denials of one principal that were too many to be
	// recorded one by one.
	KindDenials Kind = "denials"
	// KindClock says that the wall clock was set, or what became of that.
	KindClock Kind = "clock"
	// KindGap says that an earlier process stopped because its log failed.
	KindGap Kind = "gap"
	// KindKey says that another key signs from here on. What it holds is signed
	// by the key that it replaces.
	KindKey Kind = "key"
	// KindAnomaly is something that should not have happened.
	KindAnomaly Kind = "anomaly"
)

// Status says how a forwarded call ended.
type Status string

// The states of an outcome.
const (
	StatusOK        Status = "ok"        // the backend answered with a result
	StatusError     Status = "error"     // the backend answered with an error, or isError
	StatusCancelled Status = "cancelled" // the client withdrew the call
	StatusUnknown   Status = "unknown"   // no answer was seen
)

// Record is one entry of the log. A Record is a plain value; which fields are
// meaningful depends on Kind, and fields without a value are not stored.
//
// The fields of the first group are assigned by [Log.Append] and whatever the
// caller wrote into them is ignored.
type Record struct {
	// Version is the record format, [RecordVersion] when written here.
	Version int `json:"v"`
	// Slot and Seq name the record within one state directory. Seq counts
	// from 1 in each slot without a gap.
	Slot int    `json:"slot"`
	Seq  uint64 `json:"seq"`
	// Prev is the lower-case hexadecimal SHA-256 of the stored bytes of the
	// slot's previous record; 64 zeros in the genesis record.
	Prev string `json:"prev"`
	// Time is when the record was appended: the wall clock, UTC, microseconds.
	Time time.Time `json:"time"`

	Kind Kind `json:"kind"`

	// Admission is the seq of the admission that an outcome belongs to. It lies
	// in the same slot.
	Admission uint64 `json:"admission,omitempty"`

	// RPCID is the JSON-RPC id as sent, a string without its quotes.
	RPCID  string `json:"rpc_id,omitempty"`
	Method string `json:"method,omitempty"`
	// Direction says who sent the message: "client", "backend", or "reply" for
	// the client's answer to a backend. OneWay marks what is never answered: a
	// notification or a reply; no outcome follows it.
	Direction string `json:"direction,omitempty"`
	OneWay    bool   `json:"one_way,omitempty"`
	Backend   string `json:"backend,omitempty"`
	// Tool, URI and Prompt name what was asked for; one of them at most is set.
	Tool   string `json:"tool,omitempty"`
	URI    string `json:"uri,omitempty"`
	Prompt string `json:"prompt,omitempty"`

	// Decision, Reason and Rule are the answer. An admission always carries
	// all three; Rule "" is stored as null: no rule determined the outcome.
	Decision access.Effect `json:"decision,omitempty"`
	Reason   access.Reason `json:"reason,omitempty"`
	Rule     string        `json:"rule,omitempty"`
	// Position is the rule's file:line, Layer the layer that determined.
	Position string `json:"position,omitempty"`
	Layer    string `json:"layer,omitempty"`
	// Matched names every rule that matched.
	Matched []access.Match `json:"matched,omitempty"`
	// MatchedMore counts the rules that matched and found no room in Matched.
	MatchedMore int `json:"matched_more,omitempty"`
	// AddLabels are the labels that the call leaves on its session, Notify the
	// channels that its rules name.
	AddLabels []string `json:"add_labels,omitempty"`
	Notify    []string `json:"notify,omitempty"`
	// Nearest is the rule that came nearest to a grant, where none granted.
	Nearest *access.Nearest `json:"nearest,omitempty"`
	// StepUp is what the caller would have to prove for the call to pass.
	StepUp *access.StepUp `json:"step_up,omitempty"`
	// Facts are what was known beside the call itself. Trust is the score the
	// decision saw, Lease the lease that answered an approve rule or lifted one, or
	// that a lease record is about, KeyAgeS how old the issuer's keys were, in seconds.
	Facts   []Fact `json:"facts,omitempty"`
	Trust   *Trust `json:"trust,omitempty"`
	Lease   string `json:"lease,omitempty"`
	KeyAgeS int64  `json:"key_age_s,omitempty"`
	// PolicyDigest is "sha256:…" of the policy that decided, or, in a policy
	// record, of the policy that was activated.
	PolicyDigest string `json:"policy_digest,omitempty"`
	// OldPolicyDigest is the digest that a policy record replaces.
	OldPolicyDigest string `json:"old_policy_digest,omitempty"`

	// Subject is issuer:id of the person, Client what the client program calls
	// itself, Session the session's id.
	Subject string `json:"subject,omitempty"`
	Client  string `json:"client,omitempty"`
	Session string `json:"session,omitempty"`
	// Agent is the proven identity of the software that acted.
	Agent string `json:"agent,omitempty"`
	// Isolation is "same-user" or "separate".
	Isolation string `json:"isolation,omitempty"`

	// Args describes the arguments of a call without repeating them.
	Args *Args `json:"args,omitempty"`
	// Judged holds keyed digests of the values that were judged.
	Judged *Judged `json:"judged,omitempty"`
	// Message is the text that the caller was answered with, without the values
	// of the call that it repeated.
	Message string `json:"message,omitempty"`
	// Provenance says where the values that were judged came from.
	Provenance []Origin `json:"provenance,omitempty"`
	// EvalUS is how long the decision took, and HoldUS how long the call waited
	// for a person, in microseconds.
	EvalUS int64 `json:"eval_us,omitempty"`
	HoldUS int64 `json:"hold_us,omitempty"`

	// Status, Bytes, DurationUS and Labels describe the answer of the backend:
	// its size as sent and the time from forwarding to release. An outcome
	// always carries all four.
	Status     Status   `json:"status,omitempty"`
	Bytes      int64    `json:"bytes,omitempty"`
	DurationUS int64    `json:"duration_us,omitempty"`
	Labels     []string `json:"labels,omitempty"`
	// Counts is set for lists, which are filtered item by item.
	Counts *Counts `json:"counts,omitempty"`

	// Approval, Change and Judgement are what people decided.
	Approval  *Approval  `json:"approval,omitempty"`
	Change    *Change    `json:"change,omitempty"`
	Judgement *Judgement `json:"judgement,omitempty"`

	// CommandDigest is "sha256:…" of the backend's command line, in a start
	// record. The command line itself may hold secrets and is not kept.
	CommandDigest string `json:"command_digest,omitempty"`

	// Instance names the state directory, in genesis and segment records:
	// "i_…", derived from the public log key.
	Instance string `json:"instance,omitempty"`
	// Key is the public log key in force: Ed25519, base64. In a genesis record
	// it is the first one, from which Instance is derived, so that neither can
	// be replaced alone.
	Key string `json:"key,omitempty"`
	// Rotation is the signed note by which a key record replaces the key; see
	// [Keys].
	Rotation string `json:"rotation,omitempty"`
	// Format is the version of the segment format, in the same records.
	Format int `json:"format,omitempty"`
	// Previous is the file name of the segment before this one.
	Previous string `json:"previous,omitempty"`
	// Open lists the admissions that had no outcome yet when a segment began,
	// so that recovery needs to read the last segment alone.
	Open []uint64 `json:"open,omitempty"`

	// Segment, Offset and Cut say what a torn_tail record removed: the file,
	// where the broken group began, and how many bytes were removed.
	Segment string `json:"segment,omitempty"`
	Offset  int64  `json:"offset,omitempty"`
	Cut     int64  `json:"cut,omitempty"`

	// Coalesced counts what a denials record stands for; Admission is the seq of
	// the denial that was recorded in full before them.
	Coalesced *Coalesced `json:"coalesced,omitempty"`
	// Clock says what happened to the wall clock, in a clock record.
	Clock *ClockStep `json:"clock,omitempty"`
	// Expired says what an expired record deletes.
	Expired *Expired `json:"expired,omitempty"`
	// LastGood is the record that the chain goes on from, in a gap record, and
	// Signature that of the log key over it: Ed25519, base64.
	LastGood  *LastGood `json:"last_good,omitempty"`
	Signature string    `json:"signature,omitempty"`

	// Detail explains an anomaly, a gap or a stop in words.
	Detail string `json:"detail,omitempty"`
}

// Counts says how many items a list had, and how many the caller was shown.
type Counts struct {
	Total  int `json:"total"`
	Shown  int `json:"shown"`
	Hidden int `json:"hidden"`
}

// ClockStep is one thing that happened to the wall clock. Time is unknown to
// policy from "stepped" until "returned" or "confirmed".
type ClockStep struct {
	State string `json:"state"`
	// Expected is what a clock that nobody set would say, Read what this one said.
	Expected time.Time `json:"expected"`
	Read     time.Time `json:"read"`
}

// Origin says where one judged value came from: Of names the value ("client",
// "tool", "schema"), From its source ("claimed", "registry server-filesystem").
type Origin struct {
	Of   string `json:"of"`
	From string `json:"from"`
}

// Args describes the arguments of a call (redaction tier 1). It holds no
// value; see [Describe].
type Args struct {
	// Names are the argument names in the order sent, at most [MaxNames] of
	// [MaxNameLen] characters. A name that the tool does not declare could
	// itself be a secret and appears as "hmac:" and a keyed digest.
	Names []string `json:"names"`
	// Types are the JSON types and Lengths the sizes in bytes of the values as
	// sent, in the order of Names.
	Types   []string `json:"types,omitempty"`
	Lengths []int    `json:"lengths,omitempty"`
	// Count is the number of arguments, also of those without a name here.
	Count int `json:"count"`
	// Bytes is the size of the whole as sent.
	Bytes int `json:"bytes"`
	// HMAC is "hmac-sha256:…", the keyed digest of the whole as sent.
	HMAC string `json:"hmac,omitempty"`
	// Tier is the redaction tier where it is not 1. At tier 2 Values are the
	// values that may be read as JSON texts, in the order of Names; "" is one
	// that may not. They are texts within the record, so that nothing which an
	// agent sends looks like a member of it. At tier 3 Age is the whole as sent,
	// encrypted to the auditor's key: an age file in base64. Masked says that a
	// known secret was cut out of either first.
	Tier   int      `json:"tier,omitempty"`
	Values []string `json:"values,omitempty"`
	Age    string   `json:"age,omitempty"`
	Masked bool     `json:"masked,omitempty"`
}

// ID returns the record's id; see [FormatID].
func (r *Record) ID() string { return FormatID(r.Slot, r.Seq) }

// Target is what a call is about: backend.tool, a URI, or a prompt; "" where the
// record names none of them.
func (r *Record) Target() string {
	switch {
	case r.Tool != "":
		return r.Backend + "." + r.Tool
	case r.URI != "":
		return r.URI
	case r.Prompt != "":
		return "prompt " + r.Prompt
	default:
		return ""
	}
}

// AwaitsOutcome reports whether an outcome must follow: the call was
// forwarded, and is one that is answered.
func (r *Record) AwaitsOutcome() bool {
	return r.Kind == KindAdmission && r.Decision == access.Allow && !r.OneWay
}
