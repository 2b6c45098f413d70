package sink

import (
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/audit"
	"github.com/custos-zt/custos/internal/ocsf"
)

// maxSeries bounds the series of one metric, and maxBackends the backends that
// have series of their own. What goes beyond is counted as [other]: whoever
// sends names must not be able to make a monitor grow.
const (
	maxSeries   = 1000
	maxBackends = 64
	other       = "other"
)

// family is one metric.
type family struct {
	name   string // as OpenTelemetry writes it
	help   string
	unit   string // "s", or "{record}" for what is counted
	kind   familyKind
	labels []string
	series map[string]*series
}

type familyKind uint8

const (
	counter familyKind = iota
	gauge
	histogram
)

// series is one metric under one combination of labels.
type series struct {
	values  []string
	count   uint64
	sum     float64
	buckets []uint64 // of a histogram: how many lie at or below each bound
}

// bounds are the upper bounds of the buckets, in seconds: those that the
// conventions give for the duration of MCP operations, and two below for what
// is decided in microseconds.
func bounds() []float64 {
	return []float64{0.0001, 0.001, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300}
}

// tally counts what records say. No label names a person, an agent, a session
// or a tool: those are for the log. Its methods may be called from any number of
// goroutines.
type tally struct {
	mu        sync.Mutex
	began     time.Time
	board     *Board
	backends  map[string]bool
	kinds     []audit.Kind
	families  []*family
	decisions *family
	records   *family
	duration  *family
	eval      *family
}

func newTally(board *Board, began time.Time) *tally {
	t := &tally{began: began, board: board, backends: map[string]bool{}, kinds: ocsf.Kinds()}
	add := func(f family) *family {
		f.series = map[string]*series{}
		t.families = append(t.families, &f)
		return &f
	}
	t.decisions = add(family{name: metricDecisions, help: "Decisions on messages.", unit: "{decision}", labels: []string{attrBackend, attrMethod, attrDecision, attrReason}})
	t.records = add(family{name: metricRecords, help: "Records of the log.", unit: "{record}", labels: []string{attrKind}})
	t.duration = add(family{name: metricDuration, help: "Time from admission to the end of a call.", unit: "s", kind: histogram, labels: []string{attrBackend, attrMethod, attrErrorType}})
	t.eval = add(family{name: metricEvaluation, help: "Time that a decision took.", unit: "s", kind: histogram})
	return t
}

// add counts a batch.
func (t *tally) add(batch []Event) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i := range batch {
		t.one(&batch[i])
	}
}

func (t *tally) one(ev *Event) {
	r := &ev.Record
	t.records.at(t.kind(r.Kind)).count++
	switch r.Kind {
	case audit.KindAdmission:
		t.decisions.at(t.backend(r.Backend), known(r.Method, methods()), decisionOf(r), reason(r.Reason)).count++
		t.eval.at().observe(float64(r.EvalUS) / 1e6)
	case audit.KindOutcome:
		backend := ""
		if ev.Admission != nil {
			backend = ev.Admission.Backend
		}
		t.duration.at(t.backend(backend), known(r.Method, methods()), errorType(r)).observe(float64(r.DurationUS) / 1e6)
	default:
	}
}

// kind returns a kind that may be a label.
func (t *tally) kind(k audit.Kind) string {
	if slices.Contains(t.kinds, k) {
		return string(k)
	}
	return other
}

// backend returns a name that may be a label.
func (t *tally) backend(name string) string {
	if t.backends[name] {
		return name
	}
	if len(t.backends) >= maxBackends {
		return other
	}
	t.backends[name] = true
	return name
}

// at returns the series with these values.
func (f *family) at(values ...string) *series {
	key := strings.Join(values, "\x00")
	if s, ok := f.series[key]; ok {
		return s
	}
	if len(f.series) >= maxSeries {
		for i := range values {
			values[i] = other
		}
		key = strings.Join(values, "\x00")
		if s, ok := f.series[key]; ok {
			return s
		}
	}
	s := &series{values: values}
	if f.kind == histogram {
		s.buckets = make([]uint64, len(bounds()))
	}
	f.series[key] = s
	return s
}

func (s *series) observe(v float64) {
	s.count++
	s.sum += v
	for i, b := range bounds() {
		if v <= b {
			s.buckets[i]++
		}
	}
}

// snapshot calls yield for every metric, those of the sinks included, with its
// series in a fixed order.
func (t *tally) snapshot(now time.Time, yield func(f *family, list []*series)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, f := range t.families {
		list := make([]*series, 0, len(f.series))
		for _, s := range f.series {
			list = append(list, s)
		}
		slices.SortFunc(list, func(a, b *series) int { return slices.Compare(a.values, b.values) })
		yield(f, list)
	}
	stats := t.board.Stats()
	for _, m := range sinkMetrics() {
		f := &family{name: m.name, help: m.help, unit: m.unit, kind: m.kind, labels: []string{attrSink}}
		list := make([]*series, len(stats))
		for i := range stats {
			list[i] = &series{values: []string{stats[i].Sink}}
			m.read(&stats[i], list[i], now)
		}
		yield(f, list)
	}
	t.witnesses(yield)
}

// witnesses are the metrics of those who cosign the log.
func (t *tally) witnesses(yield func(f *family, list []*series)) {
	failures := &family{name: metricAsked, help: "Questions that a witness did not answer with a cosignature.", unit: "{question}", kind: counter, labels: []string{attrWitness}}
	behind := &family{name: metricBehind, help: "Records of the own chain that a witness has not seen.", unit: "{record}", kind: gauge, labels: []string{attrWitness}}
	var asked, unseen []*series
	for _, w := range t.board.Witnesses() {
		asked = append(asked, &series{values: []string{w.Name}, count: w.Failures})
		unseen = append(unseen, &series{values: []string{w.Name}, sum: float64(w.Behind)})
	}
	yield(failures, asked)
	yield(behind, unseen)
}

// sinkMetric is one metric of the sinks themselves.
type sinkMetric struct {
	name, help, unit string
	kind             familyKind
	read             func(*Stats, *series, time.Time)
}

func sinkMetrics() []sinkMetric {
	return []sinkMetric{
		{metricDelivered, "Records that a sink delivered.", "{record}", counter, func(s *Stats, to *series, _ time.Time) { to.count = s.Delivered }},
		{metricDropped, "Records that a receiver will never take.", "{record}", counter, func(s *Stats, to *series, _ time.Time) { to.count = s.Dropped }},
		{metricLost, "Records that retention removed before they were delivered.", "{record}", counter, func(s *Stats, to *series, _ time.Time) { to.count = s.Lost }},
		{metricFailures, "Attempts to deliver that failed.", "{attempt}", counter, func(s *Stats, to *series, _ time.Time) { to.count = s.Failures }},
		{metricBreaks, "Times that a slot of the log could not be read on.", "{break}", counter, func(s *Stats, to *series, _ time.Time) { to.count = s.Breaks }},
		{metricLag, "Age of the oldest record that waits for a sink.", "s", gauge, func(s *Stats, to *series, now time.Time) { to.sum = s.Lag(now).Seconds() }},
	}
}

// known returns a name that stands in a list, and other for the rest.
func known(name string, list []string) string {
	if name == "" || slices.Contains(list, name) {
		return name
	}
	return other
}

func reason(r access.Reason) string {
	if r == "" || access.Meaning(r) != "" {
		return string(r)
	}
	return other
}

// methods are the methods of MCP that have series of their own.
func methods() []string {
	return []string{
		"tools/call", "tools/list", "resources/read", "resources/list", "resources/templates/list", "resources/subscribe",
		"resources/unsubscribe", "prompts/get", "prompts/list", "completion/complete", "initialize", "server/discover", "ping",
		"logging/setLevel", "sampling/createMessage", "elicitation/create", "roots/list", "subscriptions/listen",
		"notifications/initialized", "notifications/cancelled", "notifications/progress", "notifications/message",
		"notifications/tools/list_changed", "notifications/resources/list_changed", "notifications/resources/updated",
		"notifications/prompts/list_changed", "notifications/roots/list_changed",
	}
}
