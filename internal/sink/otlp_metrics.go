package sink

import (
	"context"
	"math"
	"sync"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/custos-zt/custos/internal/config"
	"github.com/custos-zt/custos/internal/post"
)

// pushEvery is how often metrics are sent, and lastPush how long the last one
// may take.
const (
	pushEvery = time.Minute
	lastPush  = time.Second
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
		for post.Pause(ctx, pushEvery) {
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
	_, _, err := o.client.send(ctx, "metrics", o.encode(time.Now()))
	if err != nil && ctx.Err() != context.Canceled {
		o.board.update(o.name, func(s *Stats) {
			s.Failures++
			s.LastError = err.Error()
		})
	}
}

func (o *otlpMetrics) encode(now time.Time) []byte {
	return o.client.request(func(scope *message) {
		o.tally.snapshot(now, func(f *family, all []*series) {
			if len(all) > 0 {
				scope.nest(2, func(m *message) { metric(m, f, all, o.tally.began, now) })
			}
		})
	})
}

// cumulative is the AggregationTemporality of sums since a process began.
const cumulative = 2

// metric writes a Metric.
func metric(m *message, f *family, all []*series, began, now time.Time) {
	field := map[familyKind]protowire.Number{gauge: 5, counter: 7, histogram: 9}[f.kind]
	m.text(1, f.name)
	m.text(2, f.help)
	m.text(3, f.unit)
	m.nest(field, func(data *message) {
		for _, s := range all {
			data.nest(1, func(point *message) {
				point.fixed(2, uint64(began.UnixNano()))
				point.fixed(3, uint64(now.UnixNano()))
				writePoint(point, f, s)
			})
		}
		if f.kind != gauge {
			data.varint(2, cumulative)
		}
		if f.kind == counter {
			data.varint(3, 1) // it never falls
		}
	})
}

// writePoint writes what differs between a NumberDataPoint and a
// HistogramDataPoint.
func writePoint(m *message, f *family, s *series) {
	switch f.kind {
	case gauge:
		m.double(4, s.sum)
		m.attributes(7, labelled(f, s))
	case counter:
		m.fixed(6, s.count)
		m.attributes(7, labelled(f, s))
	case histogram:
		m.fixed(4, s.count)
		m.double(5, s.sum)
		var counts, edges []byte
		for _, n := range apart(s) {
			counts = protowire.AppendFixed64(counts, n)
		}
		for _, b := range bounds() {
			edges = protowire.AppendFixed64(edges, math.Float64bits(b))
		}
		m.bytes(6, counts)
		m.bytes(7, edges)
		m.attributes(9, labelled(f, s))
	}
}

// labelled are the labels of a series; an empty one says nothing.
func labelled(f *family, s *series) []attribute {
	var list []attribute
	for i, name := range f.labels {
		if s.values[i] != "" {
			list = append(list, attribute{name: name, text: s.values[i]})
		}
	}
	return list
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
