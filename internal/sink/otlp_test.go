package sink

import (
	"context"
	"encoding/hex"
	"net/http"
	"strings"
	"testing"
	"time"

	logsv1 "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	tracev1 "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	metricspb "go.opentelemetry.io/proto/otlp/metrics/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/audit"
	"github.com/custos-zt/custos/internal/config"
)

func TestCursorSuiteOfOTLP(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	down := func(c *collector) func(bool) {
		return func(down bool) {
			c.answers(0)
			if down {
				c.answers(http.StatusServiceUnavailable)
			}
		}
	}
	t.Run("logs", func(t *testing.T) {
		runCursorSuite(t, func(t *testing.T) *receiver {
			t.Helper()
			c := newCollector(t, ca)
			return &receiver{spec: otlpSpecs(c.config(ca), testEnv())["otlp-logs"], inbox: c.logs, down: down(c)}
		})
	})
	t.Run("traces", func(t *testing.T) {
		runCursorSuite(t, func(t *testing.T) *receiver {
			t.Helper()
			c := newCollector(t, ca)
			return &receiver{spec: otlpSpecs(c.config(ca), testEnv())["otlp-traces"], inbox: c.traces, down: down(c), keep: endsCall}
		})
	})
	t.Run("metrics", func(t *testing.T) {
		runCursorSuite(t, func(t *testing.T) *receiver {
			t.Helper()
			c, seen := newCollector(t, ca), 0
			env := testEnv()
			spec := otlpSpecs(c.config(ca), env)["otlp-metrics"]
			open := spec.Open
			spec.Open = func(ctx context.Context) (Sink, error) {
				s, err := open(ctx)
				return &summing{s, func() { seen += c.sum(metricRecords) }}, err
			}
			return &receiver{spec: spec, count: func() int { return seen }}
		})
	})
}

// summing adds up the sums of processes that follow each other.
type summing struct {
	Sink
	closed func()
}

func (s *summing) Close() error {
	err := s.Sink.Close()
	s.closed()
	return err
}

func TestOTLPOneSpanACall(t *testing.T) {
	ca := newAuthority(t)
	c := newCollector(t, ca)
	w := newWorld(t)
	l := w.log(0)
	began := time.Now()
	allowed := l.Append(audit.Record{
		Kind: audit.KindAdmission, RPCID: "7", Method: "tools/call", Direction: "client", Backend: "files", Tool: "write\xff\u202e", EvalUS: 100,
		Decision: access.Allow, Reason: access.RuleAllowed, Subject: "os:dev", Session: "s_1", Agent: "spiffe://a",
	})
	denied := l.Append(audit.Record{Kind: audit.KindAdmission, Method: "tools/call", Tool: "rm", Decision: access.Deny, Reason: access.RuleDenied, EvalUS: 50})
	if err := denied.Wait(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(20 * time.Millisecond)
	if err := l.Append(audit.Record{Kind: audit.KindOutcome, Admission: allowed.Seq(), Method: "tools/call", Status: audit.StatusError, DurationUS: 20000, Bytes: 5}).Wait(); err != nil {
		t.Fatal(err)
	}
	for _, spec := range otlpSpecs(c.config(ca), testEnv()) {
		if spec.Name != "otlp-metrics" {
			if err := w.ship(spec, nil); err != nil {
				t.Fatal(err)
			}
		}
	}
	if len(c.spans) != 2 {
		t.Fatalf("%d spans", len(c.spans))
	}
	no, yes := c.spans[0], c.spans[1]
	for name, want := range map[string]string{
		attrMethod: "tools/call", attrTool: "write\uFFFD\u202e", attrOperation: "execute_tool", attrRPCID: "7", attrSession: "s_1",
		attrUser: "os:dev", attrAgent: "spiffe://a", attrDecision: "allow", attrErrorType: "tool_error", attrBackend: "files", attrStatus: "error",
	} {
		if got := attr(yes.GetAttributes(), name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if yes.GetName() != "tools/call write\uFFFD\u202e" || yes.GetKind() != tracepb.Span_SPAN_KIND_SERVER || yes.GetStatus().GetCode() != tracepb.Status_STATUS_CODE_ERROR {
		t.Errorf("span %v", yes)
	}
	took := time.Duration(yes.GetEndTimeUnixNano() - yes.GetStartTimeUnixNano())
	if took < 20*time.Millisecond || took > time.Since(began) {
		t.Errorf("the call took %v", took)
	}
	if attr(no.GetAttributes(), attrErrorType) != "denied" || no.GetEndTimeUnixNano()-no.GetStartTimeUnixNano() != 50_000 {
		t.Errorf("refused: %v", no)
	}
	if len(yes.GetTraceId()) != 16 || len(yes.GetSpanId()) != 8 || hex.EncodeToString(yes.GetTraceId()) == hex.EncodeToString(no.GetTraceId()) {
		t.Errorf("ids %x %x", yes.GetTraceId(), no.GetTraceId())
	}
	// Both records of the call stand under its span.
	n := 0
	for _, r := range c.records {
		if string(r.GetSpanId()) == string(yes.GetSpanId()) && string(r.GetTraceId()) == string(yes.GetTraceId()) {
			n++
		}
	}
	if n != 2 || attr(c.resource, attrInstance) != testInstance || attr(c.resource, attrServiceName) != "custos" {
		t.Errorf("%d log records of the call, resource %v", n, c.resource)
	}
}

func TestOTLPAnswers(t *testing.T) {
	ca := newAuthority(t)
	for _, c := range []struct {
		code    int
		reject  int64
		dropped uint64
		fails   bool
	}{
		{code: 0},
		{code: 0, reject: 2, dropped: 2},
		{code: http.StatusBadRequest, dropped: 5}, // the specification: never again
		{code: http.StatusUnauthorized, fails: true},
		{code: http.StatusForbidden, fails: true},
		{code: http.StatusNotFound, fails: true},
		{code: http.StatusTooManyRequests, fails: true},
		{code: http.StatusBadGateway, fails: true},
		{code: http.StatusFound, fails: true},
		{code: http.StatusRequestEntityTooLarge, dropped: 5},
	} {
		col := newCollector(t, ca)
		col.code, col.reject = c.code, c.reject
		w, board := newWorld(t), NewBoard()
		w.calls(0, 2)
		err := w.ship(otlpSpecs(col.config(ca), testEnv())["otlp-logs"], board)
		if (err != nil) != c.fails {
			t.Errorf("%d: %v", c.code, err)
		}
		if s := board.Stats()[0]; s.Dropped != c.dropped || !c.fails && s.Delivered+s.Dropped != 5 {
			t.Errorf("%d: %+v", c.code, s)
		}
	}
}

func TestOTLPHeadersAreSecrets(t *testing.T) {
	ca := newAuthority(t)
	col := newCollector(t, ca)
	col.auth = "Bearer hunter2"
	conf := col.config(ca)
	conf.Headers = []config.Header{{Name: "Authorization", Value: config.Reference{Scheme: "env", Name: "TOKEN"}}}
	env := testEnv()
	env.Getenv = func(string) string { return "Bearer hunter2" }
	w := newWorld(t)
	w.calls(0, 1)
	if err := w.ship(otlpSpecs(conf, env)["otlp-logs"], nil); err != nil {
		t.Fatal(err)
	}
	env.Getenv = func(string) string { return "hunter2\r\nX-Other: 1" }
	w.calls(0, 1)
	if err := w.ship(otlpSpecs(conf, env)["otlp-logs"], nil); err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("a header with a line break: %v", err)
	}
}

func FuzzPartialSuccess(f *testing.F) {
	good, err := proto.Marshal(&logsv1.ExportLogsServiceResponse{PartialSuccess: &logsv1.ExportLogsPartialSuccess{RejectedLogRecords: 3, ErrorMessage: "m"}})
	if err != nil {
		f.Fatal(err)
	}
	if n, why := partialSuccess(good); n != 3 || why != "m" {
		f.Fatalf("%d %q", n, why)
	}
	f.Add(good)
	f.Fuzz(func(t *testing.T, answer []byte) {
		var want logsv1.ExportLogsServiceResponse
		n, why := partialSuccess(answer)
		// What the generated code reads, this reads alike; broken answers only
		// must not break anything.
		if proto.Unmarshal(answer, &want) == nil && len(answer) < 64 {
			p := want.GetPartialSuccess()
			if p != nil && uint64(p.GetRejectedLogRecords()) == n && p.GetErrorMessage() != why {
				t.Fatalf("%d %q, want %v", n, why, p)
			}
		}
	})
}

func FuzzOTLPMessagesEncode(f *testing.F) {
	f.Add("tools/call", "t\xff\x00\u202e", "os:dev", "detail")
	f.Fuzz(func(t *testing.T, method, tool, subject, detail string) {
		r := audit.Record{Version: 1, Seq: 5, Time: time.Unix(1, 0), Kind: audit.Kind(detail), Method: method, Tool: tool, Subject: subject, Detail: detail, Message: tool, Admission: 3, Status: audit.Status(method)}
		ev := Event{UID: "i:0:5", Hash: "00", Record: r, Admission: &r}
		client := &otlpClient{version: tool}
		var logs logsv1.ExportLogsServiceRequest
		if err := proto.Unmarshal((&otlpLogs{client}).encode([]Event{ev}), &logs); err != nil || len(logs.ProtoReflect().GetUnknown()) > 0 {
			t.Fatal(err)
		}
		var traces tracev1.ExportTraceServiceRequest
		if err := proto.Unmarshal((&otlpTraces{client}).encode([]Event{ev}), &traces); err != nil {
			t.Fatal(err)
		}
		span := traces.GetResourceSpans()[0].GetScopeSpans()[0].GetSpans()[0]
		if want := strings.ToValidUTF8(tool, "\uFFFD"); attr(span.GetAttributes(), attrTool) != want {
			t.Fatalf("tool %q, want %q", attr(span.GetAttributes(), attrTool), want)
		}
	})
}

// Metrics arrive as OpenTelemetry defines them.
func TestOTLPMetrics(t *testing.T) {
	ca := newAuthority(t)
	c := newCollector(t, ca)
	env := testEnv()
	env.Board.update("syslog", func(s *Stats) { s.Sink, s.Delivered, s.Oldest = "syslog", 7, time.Now().Add(-time.Minute) })
	conf := c.config(ca)
	s, err := openOTLPMetrics(conf, &env, "otlp-metrics")
	if err != nil {
		t.Fatal(err)
	}
	call := &audit.Record{Kind: audit.KindAdmission, Method: "tools/call", Backend: "files", Decision: access.Allow, Reason: access.RuleAllowed, EvalUS: 50}
	if err := s.Deliver(t.Context(), []Event{
		{Record: *call}, {Record: audit.Record{Kind: audit.KindOutcome, Method: "tools/call", Status: audit.StatusOK, DurationUS: 30_000}, Admission: call},
	}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	got := map[string]*metricspb.Metric{}
	for _, m := range c.metrics {
		got[m.GetName()] = m
		if len(m.ProtoReflect().GetUnknown()) > 0 || m.GetDescription() == "" || m.GetUnit() == "" {
			t.Errorf("metric %v", m)
		}
	}
	sum := got[metricDecisions].GetSum()
	if p := sum.GetDataPoints()[0]; !sum.GetIsMonotonic() || sum.GetAggregationTemporality() != metricspb.AggregationTemporality_AGGREGATION_TEMPORALITY_CUMULATIVE ||
		p.GetAsInt() != 1 || attr(p.GetAttributes(), attrBackend) != "files" || p.GetStartTimeUnixNano() == 0 || p.GetTimeUnixNano() < p.GetStartTimeUnixNano() {
		t.Errorf("sum %v", sum)
	}
	h := got[metricDuration].GetHistogram()
	p := h.GetDataPoints()[0]
	n := uint64(0)
	for i, c := range p.GetBucketCounts() {
		n += c
		if c == 1 && (p.GetExplicitBounds()[i] < 0.03 || p.GetExplicitBounds()[i-1] >= 0.03) {
			t.Errorf("in bucket %d", i)
		}
	}
	if n != 1 || p.GetCount() != 1 || p.GetSum() != 0.03 || len(p.GetBucketCounts()) != len(p.GetExplicitBounds())+1 || h.GetAggregationTemporality() == 0 {
		t.Errorf("histogram %v", h)
	}
	if lag := got[metricLag].GetGauge().GetDataPoints()[0].GetAsDouble(); lag < 60 || lag > 600 {
		t.Errorf("lag %v", lag)
	}
	if v := got[metricDelivered].GetSum().GetDataPoints()[0].GetAsInt(); v != 7 {
		t.Errorf("delivered %d", v)
	}
}
