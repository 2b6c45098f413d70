package sink

import (
	"context"

	logspb "go.opentelemetry.io/proto/otlp/logs/v1"
	"google.golang.org/protobuf/proto"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/audit"
	"github.com/custos-zt/custos/internal/config"
)

// otlpLogs sends every record as one log event.
type otlpLogs struct{ client *otlpClient }

func openOTLPLogs(c *config.OTLP, env *Env) (Sink, error) {
	client, err := newOTLPClient(c, env)
	if err != nil {
		return nil, err
	}
	return &otlpLogs{client}, nil
}

// Deliver sends a batch.
func (o *otlpLogs) Deliver(ctx context.Context, batch []Event) error {
	return o.client.deliver(ctx, "logs", batch, o.message)
}

func (o *otlpLogs) message(batch []Event) proto.Message {
	records := make([]*logspb.LogRecord, len(batch))
	for i := range batch {
		records[i] = logRecord(&batch[i])
	}
	return &logspb.LogsData{ResourceLogs: []*logspb.ResourceLogs{{
		Resource:  o.client.resource,
		ScopeLogs: []*logspb.ScopeLogs{{Scope: scope(o.client.version), LogRecords: records}},
	}}}
}

func logRecord(ev *Event) *logspb.LogRecord {
	r := &ev.Record
	list := append(attributesOf(r, r),
		attribute{name: attrKind, text: string(r.Kind)},
		attribute{name: attrUID, text: ev.UID},
		attribute{name: attrHash, text: ev.Hash})
	if r.Admission != 0 {
		list = append(list, attribute{name: attrAdmission, text: audit.FormatID(r.Slot, r.Admission)})
	}
	out := &logspb.LogRecord{
		TimeUnixNano:         uint64(r.Time.UnixNano()),
		ObservedTimeUnixNano: uint64(r.Time.UnixNano()),
		EventName:            valid(eventPrefix + string(r.Kind)),
		Attributes:           keyValues(list),
	}
	out.SeverityNumber, out.SeverityText = logSeverity(r)
	if r.Message != "" {
		out.Body = text(r.Message)
	}
	if trace, span, ok := spanOf(ev); ok {
		out.TraceId, out.SpanId = trace, span
	}
	return out
}

func logSeverity(r *audit.Record) (logspb.SeverityNumber, string) {
	switch {
	case r.Kind == audit.KindGap:
		return logspb.SeverityNumber_SEVERITY_NUMBER_FATAL, "FATAL"
	case r.Kind == audit.KindAnomaly:
		return logspb.SeverityNumber_SEVERITY_NUMBER_ERROR, "ERROR"
	case r.Kind == audit.KindTornTail, r.Decision == access.Deny:
		return logspb.SeverityNumber_SEVERITY_NUMBER_WARN, "WARN"
	default:
		return logspb.SeverityNumber_SEVERITY_NUMBER_INFO, "INFO"
	}
}

// Close forgets the connections.
func (o *otlpLogs) Close() error {
	o.client.close()
	return nil
}
