package sink

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/audit"
	"github.com/custos-zt/custos/internal/config"
)

// scrape reads metrics as Prometheus does, with its own parser.
func scrape(t testing.TB, url string) map[string]*dto.MetricFamily {
	t.Helper()
	res, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK || expfmt.ResponseFormat(res.Header).FormatType() != expfmt.TypeTextPlain {
		t.Fatalf("%s, %s", res.Status, res.Header.Get("Content-Type"))
	}
	return parse(t, res.Body)
}

func parse(t testing.TB, text io.Reader) map[string]*dto.MetricFamily {
	t.Helper()
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(text)
	if err != nil {
		t.Fatal(err)
	}
	return families
}

// freePort is an address that nobody listens at. Where the system has more than
// one on its loopback interface it is not the one that connections begin at, or
// one of them could take the port before it is listened at.
func freePort(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.%d:0", 2+rand.IntN(250)))
	if err != nil {
		l, err = net.Listen("tcp", "127.0.0.1:0")
	}
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// listening reports whether somebody listens at an address.
func listening(address string) bool {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return false
	}
	_ = conn.Close() // nothing was said
	return true
}

func sumOf(f *dto.MetricFamily) int {
	n := 0.0
	for _, m := range f.GetMetric() {
		n += m.GetCounter().GetValue()
	}
	return int(n)
}

func TestCursorSuiteOfPrometheus(t *testing.T) {
	t.Parallel()
	runCursorSuite(t, func(t *testing.T) *receiver {
		t.Helper()
		env := testEnv()
		c, seen := &config.Prometheus{Address: freePort(t)}, 0
		spec := Configured(config.Sinks{Prometheus: c}, env)[0]
		open := spec.Open
		spec.Open = func(ctx context.Context) (Sink, error) {
			s, err := open(ctx)
			if err != nil {
				return nil, err
			}
			return &summing{scraped{s, func() { seen += sumOf(scrape(t, "http://"+c.Address+"/metrics")["custos_records_total"]) }}, func() {}}, nil
		}
		return &receiver{spec: spec, count: func() int { return seen }}
	})
}

// scraped is scraped once more before it ends.
type scraped struct {
	Sink
	before func()
}

func (s scraped) Close() error {
	s.before()
	return s.Sink.Close()
}

func TestPrometheusScrape(t *testing.T) {
	env := testEnv()
	env.Board.update("syslog", func(s *Stats) {
		*s = Stats{Sink: "syslog", Delivered: 7, Dropped: 1, Lost: 2, Failures: 3, Breaks: 4, Oldest: time.Now().Add(-time.Minute)}
	})
	env.Board.Watch(func() []Witness { return []Witness{{Name: "witness.example/w", Failures: 5, Behind: 6}} })
	c := &config.Prometheus{Address: freePort(t)}
	s, err := openPrometheus(c, &env)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	call := &audit.Record{Kind: audit.KindAdmission, Method: "tools/call", Backend: "a\"b\\c\nd\xff\u202e", Decision: access.Deny, Reason: access.RuleDenied, EvalUS: 900}
	batch := []Event{
		{Record: *call},
		{Record: *call},
		{Record: audit.Record{Kind: audit.KindOutcome, Method: "tools/call", Status: audit.StatusOK, DurationUS: 30_000}, Admission: call},
		{Record: audit.Record{Kind: "made_up_by_a_newer_version", Method: "x"}},
	}
	if err := s.Deliver(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	got := scrape(t, "http://"+c.Address+"/metrics")
	if n := sumOf(got["custos_decisions_total"]); n != 2 {
		t.Errorf("%d decisions", n)
	}
	label := got["custos_decisions_total"].GetMetric()[0].GetLabel()
	if label[0].GetName() != "custos_backend" || label[0].GetValue() != "a\"b\\c\nd\uFFFD\u202e" {
		t.Errorf("labels %v", label)
	}
	h := got["mcp_server_operation_duration_seconds"].GetMetric()[0].GetHistogram()
	if h.GetSampleCount() != 1 || h.GetSampleSum() != 0.03 || len(h.GetBucket()) != len(bounds())+1 {
		t.Errorf("histogram %v", h)
	}
	for name, want := range map[string]float64{
		"custos_sink_delivered_total": 7, "custos_sink_dropped_total": 1, "custos_sink_lost_total": 2, "custos_sink_failures_total": 3, "custos_sink_breaks_total": 4,
		"custos_witness_failures_total": 5,
	} {
		if v := got[name].GetMetric()[0].GetCounter().GetValue(); v != want {
			t.Errorf("%s is %v, want %v", name, v, want)
		}
	}
	if lag := got["custos_sink_lag_seconds"].GetMetric()[0].GetGauge().GetValue(); lag < 60 || lag > 600 {
		t.Errorf("lag %v", lag)
	}
	if behind := got["custos_witness_behind"].GetMetric()[0]; behind.GetGauge().GetValue() != 6 || behind.GetLabel()[0].GetValue() != "witness.example/w" {
		t.Errorf("behind %v", behind)
	}
	if got["custos_build_info"] == nil {
		t.Error("no build info")
	}
}

// Whoever sends names makes no series, and no label names a person.
func TestCardinalityIsBounded(t *testing.T) {
	tl := newTally(NewBoard(), time.Now())
	for i := range 5000 {
		name := fmt.Sprintf("name-%d", i)
		tl.add([]Event{{Record: audit.Record{
			Kind: audit.KindAdmission, Method: name, Backend: name, Tool: name, Subject: name, Session: name, Client: name, Agent: name,
			Decision: access.Deny, Reason: access.Reason(name),
		}}, {Record: audit.Record{Kind: audit.Kind(name)}}})
	}
	p := &prometheus{tally: tl, version: "1"}
	text := p.text(time.Now())
	families := parse(t, bytes.NewReader(text))
	if n := len(families["custos_decisions_total"].GetMetric()); n > maxBackends+1 {
		t.Errorf("%d series of decisions", n)
	}
	if n := len(families["custos_records_total"].GetMetric()); n > 2 {
		t.Errorf("%d series of records", n)
	}
	if sumOf(families["custos_decisions_total"]) != 5000 {
		t.Error("not everything was counted")
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				for _, bad := range []string{"user", "session", "subject", "agent", "client", "tool"} {
					if strings.Contains(l.GetName(), bad) {
						t.Errorf("%s has a label %s", f.GetName(), l.GetName())
					}
				}
			}
		}
	}
	f := &family{kind: counter, labels: []string{"a", "b"}, series: map[string]*series{}}
	for i := range 3 * maxSeries {
		f.at(fmt.Sprint(i), fmt.Sprint(i%7)).count++
	}
	if len(f.series) != maxSeries+1 {
		t.Errorf("%d series of one metric", len(f.series))
	}
}

// The endpoint is for this machine: not for other names of it, which a page in
// a browser may have.
func TestPrometheusAnswersLocalRequestsAlone(t *testing.T) {
	env := testEnv()
	c := &config.Prometheus{Address: freePort(t)}
	s, err := openPrometheus(c, &env)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for name, want := range map[string]struct {
		method, host, path string
		code               int
	}{
		"by address":   {"GET", c.Address, "/metrics", 200},
		"by name":      {"GET", "localhost:9464", "/metrics", 200},
		"IPv6":         {"GET", "[::1]:9464", "/metrics", 200},
		"another name": {"GET", "evil.example", "/metrics", 403},
		"like ours":    {"GET", "localhost.evil.example:80", "/metrics", 403},
		"a post":       {"POST", c.Address, "/metrics", 405},
		"another page": {"GET", c.Address, "/debug/pprof/", 404},
	} {
		req, err := http.NewRequest(want.method, "http://"+c.Address+want.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Host = want.host
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode != want.code {
			t.Errorf("%s: %d, want %d", name, res.StatusCode, want.code)
		}
	}
	if _, err := openPrometheus(c, &env); err == nil {
		t.Error("two at one address")
	}
}

func FuzzPrometheusText(f *testing.F) {
	f.Add("files", "1.2\n3")
	f.Add("a\"b\\c\nd\xff\u202e\x00", "\"}")
	f.Fuzz(func(t *testing.T, backend, version string) {
		tl := newTally(NewBoard(), time.Now())
		tl.add([]Event{{Record: audit.Record{Kind: audit.KindAdmission, Backend: backend, Method: backend, Reason: access.Reason(version)}}})
		p := &prometheus{tally: tl, version: version}
		families := parse(t, bytes.NewReader(p.text(time.Now())))
		got := families["custos_decisions_total"].GetMetric()[0].GetLabel()[0].GetValue()
		if want := strings.ToValidUTF8(backend, "\uFFFD"); got != want {
			t.Fatalf("backend %q, want %q", got, want)
		}
	})
}
