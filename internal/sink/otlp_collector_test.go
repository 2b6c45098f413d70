package sink

import (
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	logsv1 "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	metricsv1 "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	tracev1 "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	logspb "go.opentelemetry.io/proto/otlp/logs/v1"
	metricspb "go.opentelemetry.io/proto/otlp/metrics/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/custos-zt/custos/internal/config"
)

// collector is an OTLP receiver over HTTP: it decodes with the service messages
// of OpenTelemetry and answers with them.
type collector struct {
	*httptest.Server
	logs, traces *inbox

	mu       sync.Mutex
	code     int // answered instead, 0: none
	reject   int64
	auth     string // expected
	records  []*logspb.LogRecord
	spans    []*tracepb.Span
	metrics  []*metricspb.Metric
	resource []*commonpb.KeyValue
}

func newCollector(t testing.TB, ca *authority) *collector {
	t.Helper()
	c := &collector{logs: &inbox{}, traces: &inbox{}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /base/v1/logs", c.handle(t, func(body []byte) (proto.Message, error) {
		var req logsv1.ExportLogsServiceRequest
		err := proto.Unmarshal(body, &req)
		for _, rl := range req.GetResourceLogs() {
			c.resource = rl.GetResource().GetAttributes()
			for _, sl := range rl.GetScopeLogs() {
				c.records = append(c.records, sl.GetLogRecords()...)
				for _, r := range sl.GetLogRecords() {
					c.logs.take(attr(r.GetAttributes(), attrUID))
				}
			}
		}
		return &logsv1.ExportLogsServiceResponse{PartialSuccess: &logsv1.ExportLogsPartialSuccess{RejectedLogRecords: c.reject, ErrorMessage: "no room"}}, err
	}))
	mux.HandleFunc("POST /base/v1/traces", c.handle(t, func(body []byte) (proto.Message, error) {
		var req tracev1.ExportTraceServiceRequest
		err := proto.Unmarshal(body, &req)
		for _, rs := range req.GetResourceSpans() {
			for _, ss := range rs.GetScopeSpans() {
				c.spans = append(c.spans, ss.GetSpans()...)
				for _, s := range ss.GetSpans() {
					c.traces.take(attr(s.GetAttributes(), attrUID))
				}
			}
		}
		return &tracev1.ExportTraceServiceResponse{}, err
	}))
	mux.HandleFunc("POST /base/v1/metrics", c.handle(t, func(body []byte) (proto.Message, error) {
		var req metricsv1.ExportMetricsServiceRequest
		err := proto.Unmarshal(body, &req)
		for _, rm := range req.GetResourceMetrics() {
			for _, sm := range rm.GetScopeMetrics() {
				c.metrics = sm.GetMetrics()
			}
		}
		return &metricsv1.ExportMetricsServiceResponse{}, err
	}))
	c.Server = httptest.NewUnstartedServer(mux)
	c.TLS = serverTLS(ca)
	c.StartTLS()
	t.Cleanup(c.Close)
	return c
}

func (c *collector) handle(t testing.TB, take func(body []byte) (proto.Message, error)) http.HandlerFunc {
	t.Helper()
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		c.mu.Lock()
		defer c.mu.Unlock()
		if err != nil || c.code != 0 {
			w.WriteHeader(c.code)
			return
		}
		if r.Header.Get("Content-Type") != "application/x-protobuf" || r.Header.Get("Authorization") != c.auth {
			t.Errorf("headers %v", r.Header)
		}
		c.logs.keep(body)
		res, err := take(body)
		if err != nil {
			t.Errorf("%s: %v", r.URL.Path, err)
		}
		answer, err := proto.Marshal(res)
		if err != nil {
			t.Error(err)
		}
		w.Header().Set("Content-Type", "application/x-protobuf")
		_, _ = w.Write(answer)
	}
}

func (c *collector) answers(code int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.code = code
}

func (c *collector) config(ca *authority) *config.OTLP {
	return &config.OTLP{Endpoint: c.URL + "/base", TLS: ca.client(), Logs: true, Metrics: true, Traces: true}
}

// specs are the three sinks of a configuration, by name.
func otlpSpecs(c *config.OTLP, env Env) map[string]Spec {
	out := map[string]Spec{}
	for _, s := range Configured(config.Sinks{OTLP: c}, env) {
		out[s.Name] = s
	}
	return out
}

func attr(list []*commonpb.KeyValue, name string) string {
	for _, kv := range list {
		if kv.GetKey() == name {
			return kv.GetValue().GetStringValue()
		}
	}
	return ""
}

// sum is the whole of one metric.
func (c *collector) sum(name string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := 0
	for _, m := range c.metrics {
		if m.GetName() == name {
			for _, p := range m.GetSum().GetDataPoints() {
				n += int(p.GetAsInt())
			}
		}
	}
	return n
}
