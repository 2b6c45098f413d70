package sink

import (
	"context"
	"crypto/sha256"
	"time"

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
	return o.client.deliver(ctx, "traces", ends, o.encode)
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

func (o *otlpTraces) encode(batch []Event) []byte {
	return o.client.request(func(scope *message) {
		for i := range batch {
			scope.nest(2, func(m *message) { callSpan(m, &batch[i]) })
		}
	})
}

// The values of SpanKind and StatusCode that are given.
const (
	kindServer  = 2
	kindClient  = 3
	statusError = 2
)

// callSpan writes the Span of a call, seen from its last record.
func callSpan(m *message, ev *Event) {
	r, call := &ev.Record, ev.Admission
	if call == nil {
		call = r
	}
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
	kind := uint64(kindServer)
	if call.Direction == "backend" {
		kind = kindClient
	}
	trace, span, _ := spanOf(ev)
	m.bytes(1, trace)
	m.bytes(2, span)
	m.text(5, name)
	m.varint(6, kind)
	m.fixed(7, uint64(start.UnixNano()))
	m.fixed(8, uint64(r.Time.UnixNano()))
	m.attributes(9, append(attributesOf(r, call), attribute{name: attrUID, text: ev.UID}))
	if errorType(r) != "" {
		m.nest(15, func(status *message) {
			status.text(2, string(call.Reason))
			status.varint(3, statusError)
		})
	}
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
