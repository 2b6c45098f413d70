package sink

import (
	"context"

	"github.com/custos-zt/custos/internal/config"
)

// Env is what sinks need to know of the process that they run in.
type Env struct {
	Instance string
	Version  string // of Custos
	Hostname string
	Getenv   func(string) string
	Board    *Board
}

// Configured returns the sinks that a configuration asks for: one line each.
// Nothing is opened and no secret is read yet.
func Configured(c config.Sinks, env Env) []Spec {
	var out []Spec
	add := func(s Spec, open func() (Sink, error)) {
		s.Open = func(context.Context) (Sink, error) { return open() }
		out = append(out, s)
	}
	if j := c.JSONL; j != nil {
		add(Spec{Name: "jsonl", Pair: j.Format == config.FormatOCSF}, func() (Sink, error) { return openJSONL(j, &env) })
	}
	if s := c.Syslog; s != nil {
		add(Spec{Name: "syslog", Pair: s.Format == config.FormatOCSF}, func() (Sink, error) { return openSyslog(s, &env) })
	}
	if w := c.Webhook; w != nil {
		add(Spec{Name: "webhook", Pair: w.Format == config.FormatOCSF}, func() (Sink, error) { return openWebhook(w, &env) })
	}
	if o := c.OTLP; o != nil && o.Logs {
		add(Spec{Name: "otlp-logs"}, func() (Sink, error) { return openOTLPLogs(o, &env) })
	}
	if o := c.OTLP; o != nil && o.Traces {
		add(Spec{Name: "otlp-traces", Pair: true}, func() (Sink, error) { return openOTLPTraces(o, &env) })
	}
	if o := c.OTLP; o != nil && o.Metrics {
		add(Spec{Name: "otlp-metrics", Pair: true, FromEnd: true}, func() (Sink, error) { return openOTLPMetrics(o, &env, "otlp-metrics") })
	}
	if p := c.Prometheus; p != nil {
		add(Spec{Name: "prometheus", Pair: true, FromEnd: true}, func() (Sink, error) { return openPrometheus(p, &env) })
	}
	return out
}
