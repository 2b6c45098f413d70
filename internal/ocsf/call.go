package ocsf

import (
	"strings"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/audit"
)

// unnamed stands where the schema requires a name and the record has none.
const unnamed = "unknown"

// fillAdmission writes the decision on a call.
func fillAdmission(out *event, ev *Event) {
	r := ev.Record
	fillCall(out, r)
	fillControl(out, r)
	out.StatusCode, out.StatusDetail = string(r.Reason), r.Message
	if r.Decision == access.Allow {
		out.status(1, "Success")
		return
	}
	out.status(2, "Failure")
	out.SeverityID = gravity(r.Reason)
	out.IsAlert = out.SeverityID >= high
}

// fillOutcome writes how an admitted call ended. Who called what stands in its
// admission.
func fillOutcome(out *event, ev *Event) {
	r := ev.Record
	call := ev.Admission
	if call == nil {
		call = r
	}
	fillCall(out, call)
	if len(out.Resources) > 0 {
		out.Resources[0].Labels = r.Labels
	}
	switch r.Status {
	case audit.StatusOK:
		out.status(1, "Success")
	case audit.StatusError:
		out.status(2, "Failure")
	case audit.StatusCancelled:
		out.status(99, "Cancelled")
	default:
		out.status(0, "Unknown")
	}
}

func (out *event) status(id int, name string) { out.StatusID, out.Status = &id, name }

// fillCall writes who called what.
func fillCall(out *event, r *audit.Record) {
	out.Actor = actorOf(r)
	out.API = &api{Operation: or(r.Method, unnamed)}
	if r.Backend != "" {
		out.API.Service = &service{r.Backend}
	}
	if r.RPCID != "" {
		out.API.Request = &request{r.RPCID}
	}
	client := &endpoint{Name: or(r.Client, unnamed), SvcName: "mcp-client"}
	backend := &endpoint{Name: or(r.Backend, unnamed), SvcName: "mcp-server"}
	out.SrcEndpoint, out.DstEndpoint = client, backend
	if r.Direction == "backend" {
		out.SrcEndpoint, out.DstEndpoint = backend, client
	}
	switch {
	case r.Tool != "":
		out.Resources = []resource{{Name: r.Tool, Type: "tool"}}
	case r.URI != "":
		out.Resources = []resource{{UID: r.URI, Type: "resource"}}
	case r.Prompt != "":
		out.Resources = []resource{{Name: r.Prompt, Type: "prompt"}}
	}
	if r.Agent != "" || r.Client != "" {
		out.AIAgent = &aiAgent{UID: r.Agent, Name: r.Client}
		out.declare("ai_operation")
	}
}

func actorOf(r *audit.Record) *actor {
	a := &actor{AppName: r.Client, User: userOf(r.Subject)}
	if r.Session != "" {
		a.Session = &session{r.Session}
	}
	if a.AppName == "" && a.User == nil && a.Session == nil {
		a.AppName = unnamed
	}
	return a
}

// userOf reads issuer:id.
func userOf(subject string) *user {
	if subject == "" {
		return nil
	}
	issuer, _, ok := strings.Cut(subject, ":")
	if !ok {
		issuer = ""
	}
	return &user{UID: subject, Domain: issuer}
}

// fillControl writes what was decided, by which rule of which policy.
func fillControl(out *event, r *audit.Record) {
	out.declare("security_control")
	switch {
	case r.Reason == access.Observed:
		out.ActionID, out.Action, out.DispositionID, out.Disposition = 3, "Observed", 17, "Logged"
	case r.Decision == access.Allow && (r.Reason == access.ApprovalGranted || r.Reason == access.LeaseAllowed):
		out.ActionID, out.Action, out.DispositionID, out.Disposition = 1, "Allowed", 8, "Approved"
	case r.Decision == access.Allow:
		out.ActionID, out.Action, out.DispositionID, out.Disposition = 1, "Allowed", 1, "Allowed"
	case r.Decision == access.Approve:
		out.ActionID, out.Action, out.DispositionID, out.Disposition = 99, "Held", 23, "Challenge"
	default:
		out.ActionID, out.Action, out.DispositionID, out.Disposition = 2, "Denied", 2, "Blocked"
	}
	if r.PolicyDigest != "" {
		out.Policy = &policy{UID: r.PolicyDigest, Type: "custos"}
	}
	for i := range r.Matched {
		m := &r.Matched[i]
		applied := !m.Monitor && !m.Lifted && m.Rule == r.Rule
		out.Authorizations = append(out.Authorizations, authorization{
			Decision: m.Effect.String(),
			Policy:   &policy{Name: or(m.Rule, unnamed), UID: r.PolicyDigest, Type: "rule", IsApplied: &applied},
		})
	}
}

// gravity is how much a refusal asks for attention. Most are a model that tried
// what it may not; some are what an attack looks like.
func gravity(r access.Reason) int {
	switch r {
	case access.ToolChanged, access.Quarantined, access.Lockdown, access.ProtectedPath, access.EvidenceUnavailable, access.Internal:
		return high
	case access.RuleDenied, access.DefaultDenied, access.LayerDenied, access.ApprovalPending, access.StepUpRequired, access.LimitExceeded, access.ToolUnknown, access.BackendUnavailable:
		return low
	default:
		return medium
	}
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}
