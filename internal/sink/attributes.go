package sink

import "github.com/custos-zt/custos/audit"

// The names under which OpenTelemetry knows what a record says. They stand here
// alone: the conventions for MCP and generative AI are still in development
// (open-telemetry/semantic-conventions-genai) and will change. Arguments and
// results have names there too; they are never sent.
const (
	attrMethod       = "mcp.method.name"
	attrResource     = "mcp.resource.uri"
	attrTool         = "gen_ai.tool.name"
	attrPrompt       = "gen_ai.prompt.name"
	attrOperation    = "gen_ai.operation.name"
	attrAgent        = "gen_ai.agent.id"
	attrRPCID        = "jsonrpc.request.id"
	attrErrorType    = "error.type"
	attrTransport    = "network.transport"
	attrSession      = "session.id" // minted by Custos, not the one of MCP
	attrUser         = "user.id"
	attrServiceName  = "service.name"
	attrServiceVer   = "service.version"
	attrInstance     = "service.instance.id"
	attrBackend      = "custos.backend"
	attrClient       = "custos.client"
	attrKind         = "custos.record.kind"
	attrUID          = "custos.record.uid"
	attrHash         = "custos.record.hash"
	attrAdmission    = "custos.record.admission"
	attrDecision     = "custos.decision"
	attrReason       = "custos.reason"
	attrRule         = "custos.rule"
	attrPosition     = "custos.rule.position"
	attrLayer        = "custos.layer"
	attrPolicy       = "custos.policy.digest"
	attrIsolation    = "custos.isolation"
	attrStatus       = "custos.status"
	attrBytes        = "custos.result.size"
	attrDetail       = "custos.detail"
	attrSink         = "custos.sink"
	attrWitness      = "custos.witness"
	metricDuration   = "mcp.server.operation.duration"
	metricEvaluation = "custos.evaluation.duration"
	metricDecisions  = "custos.decisions"
	metricRecords    = "custos.records"
	metricDelivered  = "custos.sink.delivered"
	metricDropped    = "custos.sink.dropped"
	metricLost       = "custos.sink.lost"
	metricFailures   = "custos.sink.failures"
	metricBreaks     = "custos.sink.breaks"
	metricLag        = "custos.sink.lag"
	metricAsked      = "custos.witness.failures"
	metricBehind     = "custos.witness.behind"
	eventPrefix      = "custos." // and the kind: the name of a log event
	scopeName        = "github.com/custos-zt/custos"
)

// attribute is one name and its value: a text, or a count that is not zero.
type attribute struct {
	name  string
	text  string
	count uint64
}

// attributesOf returns what a record says that has a name. call is the record
// that says who called what: the record itself, or the admission of an outcome.
func attributesOf(r, call *audit.Record) []attribute {
	out := make([]attribute, 0, 16)
	text := func(name, value string) {
		if value != "" {
			out = append(out, attribute{name: name, text: value})
		}
	}
	text(attrMethod, call.Method)
	text(attrTool, call.Tool)
	if call.Tool != "" {
		text(attrOperation, "execute_tool")
	}
	text(attrResource, call.URI)
	text(attrPrompt, call.Prompt)
	text(attrAgent, call.Agent)
	text(attrRPCID, call.RPCID)
	text(attrSession, call.Session)
	text(attrUser, call.Subject)
	text(attrBackend, call.Backend)
	text(attrClient, call.Client)
	text(attrIsolation, call.Isolation)
	text(attrDecision, decisionOf(call))
	text(attrReason, string(call.Reason))
	text(attrRule, call.Rule)
	text(attrPosition, call.Position)
	text(attrLayer, call.Layer)
	text(attrPolicy, call.PolicyDigest)
	text(attrStatus, string(r.Status))
	text(attrErrorType, errorType(r))
	text(attrDetail, r.Detail)
	if r.Bytes > 0 {
		out = append(out, attribute{name: attrBytes, count: uint64(r.Bytes)})
	}
	return out
}

// errorType names what went wrong in few words, "" where nothing did.
func errorType(r *audit.Record) string {
	switch {
	case r.Kind == audit.KindOutcomeUnknown:
		return "unknown"
	case r.Kind == audit.KindOutcome && r.Status == audit.StatusError:
		return "tool_error"
	case r.Kind == audit.KindOutcome && r.Status != audit.StatusOK:
		return string(r.Status)
	case r.Kind == audit.KindAdmission:
		return r.Reason.Wire()
	default:
		return ""
	}
}
