package sink

import (
	"context"
	"sync"
	"time"

	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	metricspb "go.opentelemetry.io/proto/otlp/metrics/v1"
	"google.golang.org/protobuf/proto"

	"github.com/custos-zt/custos/internal/config"
)

// pushEvery is how often metrics are sent, and lastPush how long the last one
// may take.
const (
	pushEvery = time.Minute
	lastPush  = 2 * time.Second
)

// otlpMetrics counts like the Prometheus sink and sends the sums since it began
// once a minute. A push that fails costs nothing: the next one holds it too.
type otlpMetrics struct {
	client *otlpClient
	tally  *tally
	board  *Board
	name   string

	stop context.CancelFunc
	done sync.WaitGroup
}

func openOTLPMetrics(c *config.OTLP, env *Env, name string) (Sink, error) {
	client, err := newOTLPClient(c, env)
	if err != nil {
		return nil, err
	}
	o := &otlpMetrics{client: client, tally: newTally(env.Board, time.Now()), board: env.Board, name: name}
	ctx, stop := context.WithCancel(context.Background())
	o.stop = stop
	o.done.Go(func() {
		for pause(ctx, pushEvery) {
			o.push(ctx)
		}
	})
	return o, nil
}

// Deliver counts a batch.
func (o *otlpMetrics) Deliver(_ context.Context, batch []Event) error {
	o.tally.add(batch)
	return nil
}

// push sends everything that was counted.
func (o *otlpMetrics) push(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	_, _, err := o.client.send(ctx, "metrics", o.message(time.Now()))
	if err != nil && ctx.Err() != context.Canceled {
		o.board.update(o.name, func(s *Stats) {
			s.Failures++
			s.LastError = err.Error()
		})
	}
}

func (o *otlpMetrics) message(now time.Time) proto.Message {
	var list []*metricspb.Metric
	o.tally.snapshot(now, func(f *family, all []*series) {
		if len(all) > 0 {
			list = append(list, metric(f, all, o.tally.began, now))
		}
	})
	return &metricspb.MetricsData{ResourceMetrics: []*metricspb.ResourceMetrics{{
		Resource:     o.client.resource,
		ScopeMetrics: []*metricspb.ScopeMetrics{{Scope: scope(o.client.version), Metrics: list}},
	}}}
}

func metric(f *family, all []*series, began, now time.Time) *metricspb.Metric {
	m := &metricspb.Metric{Name: f.name, Description: f.help, Unit: f.unit}
	from, to := uint64(began.UnixNano()), uint64(now.UnixNano())
	if f.kind == histogram {
		h := &metricspb.Histogram{AggregationTemporality: metricspb.AggregationTemporality_AGGREGATION_TEMPORALITY_CUMULATIVE}
		for _, s := range all {
			sum := s.sum
			h.DataPoints = append(h.DataPoints, &metricspb.HistogramDataPoint{
				Attributes: labelled(f, s), StartTimeUnixNano: from, TimeUnixNano: to,
				Count: s.count, Sum: &sum, ExplicitBounds: bounds(), BucketCounts: apart(s),
			})
		}
		m.Data = &metricspb.Metric_Histogram{Histogram: h}
		return m
	}
	points := make([]*metricspb.NumberDataPoint, len(all))
	for i, s := range all {
		points[i] = &metricspb.NumberDataPoint{Attributes: labelled(f, s), StartTimeUnixNano: from, TimeUnixNano: to}
		points[i].Value = &metricspb.NumberDataPoint_AsInt{AsInt: int64(s.count)}
		if f.kind == gauge {
			points[i].Value = &metricspb.NumberDataPoint_AsDouble{AsDouble: s.sum}
		}
	}
	if f.kind == gauge {
		m.Data = &metricspb.Metric_Gauge{Gauge: &metricspb.Gauge{DataPoints: points}}
		return m
	}
	m.Data = &metricspb.Metric_Sum{Sum: &metricspb.Sum{
		DataPoints: points, IsMonotonic: true,
		AggregationTemporality: metricspb.AggregationTemporality_AGGREGATION_TEMPORALITY_CUMULATIVE,
	}}
	return m
}

// labelled are the labels of a series; an empty one says nothing.
func labelled(f *family, s *series) []*commonpb.KeyValue {
	var list []attribute
	for i, name := range f.labels {
		if s.values[i] != "" {
			list = append(list, attribute{name: name, text: s.values[i]})
		}
	}
	return keyValues(list)
}

// apart turns buckets that include those below them into ones that do not.
func apart(s *series) []uint64 {
	out := make([]uint64, len(s.buckets)+1)
	below := uint64(0)
	for i, n := range s.buckets {
		out[i], below = n-below, n
	}
	out[len(s.buckets)] = s.count - below
	return out
}

// Close sends what was counted for the last time.
func (o *otlpMetrics) Close() error {
	o.stop()
	o.done.Wait()
	ctx, cancel := context.WithTimeout(context.Background(), lastPush)
	defer cancel()
	o.push(ctx)
	o.client.close()
	return nil
}
