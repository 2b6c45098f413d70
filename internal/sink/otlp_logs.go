package sink

import (
	"context"

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
	return o.client.deliver(ctx, "logs", batch, o.encode)
}

func (o *otlpLogs) encode(batch []Event) []byte {
	return o.client.request(func(scope *message) {
		for i := range batch {
			scope.nest(2, func(m *message) { logRecord(m, &batch[i]) })
		}
	})
}

// logRecord writes a LogRecord.
func logRecord(m *message, ev *Event) {
	r := &ev.Record
	list := append(attributesOf(r, r),
		attribute{name: attrKind, text: string(r.Kind)},
		attribute{name: attrUID, text: ev.UID},
		attribute{name: attrHash, text: ev.Hash})
	if r.Admission != 0 {
		list = append(list, attribute{name: attrAdmission, text: audit.FormatID(r.Slot, r.Admission)})
	}
	number, name := logSeverity(r)
	m.fixed(1, uint64(r.Time.UnixNano()))
	m.varint(2, number)
	m.text(3, name)
	if r.Message != "" {
		m.nest(5, func(body *message) { body.anyText(r.Message) })
	}
	m.attributes(6, list)
	if trace, span, ok := spanOf(ev); ok {
		m.bytes(9, trace)
		m.bytes(10, span)
	}
	m.fixed(11, uint64(r.Time.UnixNano()))
	m.text(12, eventPrefix+string(r.Kind))
}

// logSeverity returns a SeverityNumber and its name.
func logSeverity(r *audit.Record) (uint64, string) {
	switch {
	case r.Kind == audit.KindGap:
		return 21, "FATAL"
	case r.Kind == audit.KindAnomaly:
		return 17, "ERROR"
	case r.Kind == audit.KindTornTail, r.Decision == access.Deny:
		return 13, "WARN"
	default:
		return 9, "INFO"
	}
}

// Close forgets the connections.
func (o *otlpLogs) Close() error {
	o.client.close()
	return nil
}
