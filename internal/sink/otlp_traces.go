package sink

import (
	"context"
	"crypto/sha256"
	"time"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/custos-zt/custos/audit"
	"github.com/custos-zt/custos/internal/config"
	"github.com/custos-zt/custos/internal/ocsf"
)

// otlpTraces sends one span a call: from its admission to its outcome, or, for
// what was refused and what is never answered, as long as the decision took.
type otlpTraces struct{ client *otlpClient }

func openOTLPTraces(c *config.OTLP, env *Env) (Sink, error) {
	client, err := newOTLPClient(c, env)
	if err != nil {
		return nil, err
	}
	return &otlpTraces{client}, nil
}

// Deliver sends the spans that end in a batch.
func (o *otlpTraces) Deliver(ctx context.Context, batch []Event) error {
	ends := make([]Event, 0, len(batch))
	for i := range batch {
		if endsCall(&batch[i].Record) {
			ends = append(ends, batch[i])
		}
	}
	if len(ends) == 0 {
		return nil
	}
	return o.client.deliver(ctx, "traces", ends, o.message)
}

// endsCall reports whether nothing more follows of a call.
func endsCall(r *audit.Record) bool {
	switch r.Kind {
	case audit.KindOutcome, audit.KindOutcomeUnknown:
		return true
	case audit.KindAdmission:
		return !r.AwaitsOutcome()
	default:
		return false
	}
}

func (o *otlpTraces) message(batch []Event) proto.Message {
	spans := make([]*tracepb.Span, len(batch))
	for i := range batch {
		spans[i] = callSpan(&batch[i])
	}
	return &tracepb.TracesData{ResourceSpans: []*tracepb.ResourceSpans{{
		Resource:   o.client.resource,
		ScopeSpans: []*tracepb.ScopeSpans{{Scope: scope(o.client.version), Spans: spans}},
	}}}
}

// callSpan is the span of a call, seen from its last record.
func callSpan(ev *Event) *tracepb.Span {
	r, call := &ev.Record, ev.Admission
	if call == nil {
		call = r
	}
	trace, id, _ := spanOf(ev)
	start := call.Time.Add(-time.Duration(call.EvalUS) * time.Microsecond)
	if call == r && r.DurationUS > 0 { // its admission is gone
		start = r.Time.Add(-time.Duration(r.DurationUS) * time.Microsecond)
	}
	name := call.Method
	if call.Tool != "" {
		name += " " + call.Tool
	}
	if name == "" {
		name = "unreadable message"
	}
	kind := tracepb.Span_SPAN_KIND_SERVER
	if call.Direction == "backend" {
		kind = tracepb.Span_SPAN_KIND_CLIENT
	}
	s := &tracepb.Span{
		TraceId: trace, SpanId: id, Name: valid(name), Kind: kind,
		StartTimeUnixNano: uint64(start.UnixNano()), EndTimeUnixNano: uint64(r.Time.UnixNano()),
		Attributes: keyValues(append(attributesOf(r, call), attribute{name: attrUID, text: ev.UID})),
	}
	if what := errorType(r); what != "" {
		s.Status = &tracepb.Status{Code: tracepb.Status_STATUS_CODE_ERROR, Message: valid(string(call.Reason))}
	}
	return s
}

// spanOf returns the ids of the call that a record belongs to. They are made
// from the id of its admission, so that a span that is sent twice is the same
// span.
func spanOf(ev *Event) (trace, span []byte, ok bool) {
	r := &ev.Record
	seq := r.Admission
	if r.Kind == audit.KindAdmission {
		seq = r.Seq
	}
	if seq == 0 {
		return nil, nil, false
	}
	sum := sha256.Sum256([]byte("custos call " + ocsf.UID(ev.Instance(), r.Slot, seq)))
	return sum[:16], sum[16:24], true
}

// Close forgets the connections.
func (o *otlpTraces) Close() error {
	o.client.close()
	return nil
}
