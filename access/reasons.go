package access

// Reason is a stable code that says why a request was decided as it was. The
// precise code stands in the log and in `custos why`; the wire carries only
// its coarse form, [Reason.Wire].
type Reason string

// The reasons. docs/REASONS.md is generated from [Reasons]; more are added
// here first.
const (
	RuleDenied           Reason = "rule_denied"
	RuleAllowed          Reason = "rule_allowed"
	LeaseAllowed         Reason = "lease_allowed"
	ApprovalGranted      Reason = "approval_granted"
	DefaultDenied        Reason = "default_denied"
	LayerDenied          Reason = "layer_denied"
	NotDelegated         Reason = "not_delegated"
	DelegationUnanswered Reason = "delegation_unanswered"
	Indeterminate        Reason = "indeterminate"
	LimitExceeded        Reason = "limit_exceeded"
	ApprovalPending      Reason = "approval_pending"
	ApprovalUnavailable  Reason = "approval_unavailable"
	ApprovalDenied       Reason = "approval_denied"
	ApprovalExpired      Reason = "approval_expired"
	ApprovalNotGrantable Reason = "approval_not_grantable"
	StepUpRequired       Reason = "step_up_required"
	RequestMalformed     Reason = "request_malformed"
	RequestTooLarge      Reason = "request_too_large"
	MethodUnknown        Reason = "method_unknown"
	ToolUnknown          Reason = "tool_unknown"
	ToolUnpinned         Reason = "tool_unpinned"
	ToolChanged          Reason = "tool_changed"
	ArgumentNotPinned    Reason = "argument_not_pinned"
	Quarantined          Reason = "quarantined"
	Lockdown             Reason = "lockdown"
	ProtectedPath        Reason = "protected_path"
	SessionRevoked       Reason = "session_revoked"
	BindingChanged       Reason = "binding_changed"
	IdentityMissing      Reason = "identity_missing"
	IdentityInvalid      Reason = "identity_invalid"
	KeysStale            Reason = "keys_stale"
	EvidenceUnavailable  Reason = "evidence_unavailable"
	PolicyUnavailable    Reason = "policy_unavailable"
	FactTimeout          Reason = "fact_timeout"
	BackendUnavailable   Reason = "backend_unavailable"
	DiscoveryPassed      Reason = "discovery_passed"
	Observed             Reason = "observed"
	Internal             Reason = "internal"
)

// ReasonDoc describes one reason for people.
type ReasonDoc struct {
	Code    Reason
	Wire    string
	Meaning string
}

// Reasons returns every reason with its wire form and meaning, in the order
// in which they are documented.
func Reasons() []ReasonDoc {
	return []ReasonDoc{
		{RuleAllowed, "", "A rule allowed the call."},
		{DiscoveryPassed, "", "Discovery, subscriptions and known notifications pass unless a deny or a gate matches."},
		{Observed, "", "No rule granted the call, and the policy only observes."},
		{LeaseAllowed, "", "A live lease or standing approval answered an approve rule."},
		{ApprovalGranted, "", "A person allowed this exact call."},
		{RuleDenied, "denied", "A deny rule matched."},
		{DefaultDenied, "denied", "No rule granted the call."},
		{LayerDenied, "denied", "A layer above refused what a layer below granted."},
		{NotDelegated, "denied", "A layer below granted what no layer above delegated."},
		{DelegationUnanswered, "denied", "The layer the call was delegated to did not answer."},
		{Indeterminate, "denied", "A restricting rule could not be evaluated, and what restricts may be suspicion."},
		{LimitExceeded, "denied", "A rate or cap was reached."},
		{ApprovalPending, "held", "The call waits for a person."},
		{ApprovalUnavailable, "denied", "A rule holds the call for a person and no approval channel exists."},
		{ApprovalDenied, "denied", "A person refused the call."},
		{ApprovalExpired, "denied", "Nobody answered in time."},
		{ApprovalNotGrantable, "denied", "The rule holds calls but never grants them (grants: false)."},
		{StepUpRequired, "held", "Stronger or fresher authentication is required."},
		{RequestMalformed, "invalid", "The message is not one unambiguous request."},
		{RequestTooLarge, "invalid", "The message exceeds a size or depth cap."},
		{MethodUnknown, "invalid", "No rule grants this method."},
		{ToolUnknown, "not_available", "The backend has no such tool, or it is hidden from this caller."},
		{ToolUnpinned, "denied", "The tool has no pinned definition."},
		{ToolChanged, "denied", "The tool's definition differs from the pinned one."},
		{ArgumentNotPinned, "denied", "The call uses an argument that the pinned definition does not declare."},
		{Quarantined, "denied", "The tool or backend is quarantined."},
		{Lockdown, "denied", "Everything is stopped until an operator lifts the lockdown."},
		{ProtectedPath, "denied", "The call names Custos's own configuration, state, keys or log."},
		{SessionRevoked, "auth", "The session or lease was revoked."},
		{BindingChanged, "auth", "Who acts in this session changed."},
		{IdentityMissing, "auth", "The caller did not prove an identity."},
		{IdentityInvalid, "auth", "The proof of identity is not valid."},
		{KeysStale, "unavailable", "The issuer's keys are older than allowed."},
		{EvidenceUnavailable, "unavailable", "The decision could not be recorded durably."},
		{PolicyUnavailable, "unavailable", "No valid policy is loaded."},
		{FactTimeout, "unavailable", "A fact that the decision needs did not arrive in time."},
		{BackendUnavailable, "unavailable", "The guarded server is gone or does not answer."},
		{Internal, "unavailable", "Custos failed; the call was refused."},
	}
}

// Wire returns the coarse form that callers see: denied, held, invalid, auth,
// unavailable or not_available. An unlisted reason is "denied".
func (r Reason) Wire() string {
	for _, d := range Reasons() {
		if d.Code == r {
			return d.Wire
		}
	}
	return "denied"
}

// Meaning says in one sentence what a reason means, or "" for an unlisted one.
func Meaning(r Reason) string {
	for _, d := range Reasons() {
		if d.Code == r {
			return d.Meaning
		}
	}
	return ""
}
