package sink

import (
	"context"
	"os"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"

	"github.com/custos-zt/custos/internal/config"
)

// valueOf is what a scrape says of one sink.
func valueOf(f *dto.MetricFamily, sink string) float64 {
	for _, m := range f.GetMetric() {
		if m.GetLabel()[0].GetValue() == sink {
			return m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	return -1
}

// A scrape shows every sink: one that cannot be opened, from which retention
// took records meanwhile, one that refuses, one that drops, and itself.
func TestAScrapeShowsEverySink(t *testing.T) {
	w, in := newWorld(t), &inbox{}
	w.calls(0, 10)
	w.shipped(in) // the cursor of "memory"
	had := len(w.uids()[0])
	w.calls(0, 200)
	w.closeLogs()
	all := len(w.uids()[0])
	for _, f := range w.segmentFiles()[:2] {
		if err := os.Remove(f); err != nil {
			t.Fatal(err)
		}
	}
	left := len(w.uids()[0])
	env := testEnv()
	c := &config.Prometheus{Address: freePort(t)}
	deliver := func(name string, fail func([]Event) error) Spec {
		return Spec{Name: name, Open: func(context.Context) (Sink, error) { return &memory{&inbox{}, fail}, nil }}
	}
	sinks := append(Configured(config.Sinks{Prometheus: c}, env),
		Spec{Name: "memory", Open: func(context.Context) (Sink, error) { return nil, errDown }},
		deliver("refusing", func([]Event) error { return errDown }),
		deliver("dropping", func([]Event) error { return &DropError{Events: 1, Err: errDown} }))
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- Ship(ctx, Options{LogDir: w.logDir, Instance: testInstance, Cursors: w, Sinks: sinks, Board: env.Board})
	}()
	seen := func(of map[string]*dto.MetricFamily) bool {
		return valueOf(of["custos_sink_failures_total"], "memory") >= 2 && valueOf(of["custos_sink_failures_total"], "refusing") >= 2 &&
			valueOf(of["custos_sink_dropped_total"], "dropping") >= 1 && valueOf(of["custos_sink_failures_total"], "prometheus") == 0
	}
	var got map[string]*dto.MetricFamily
	for deadline := time.Now().Add(time.Minute); got == nil || !seen(got); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("after a minute: %v", got)
		}
		if listening(c.Address) {
			got = scrape(t, "http://"+c.Address+"/metrics")
		}
	}
	if lost := valueOf(got["custos_sink_lost_total"], "memory"); int(lost) != all-left-had {
		t.Errorf("%v lost after several attempts, want %d", lost, all-left-had)
	}
	for _, name := range []string{"memory", "refusing"} {
		if lag := valueOf(got["custos_sink_lag_seconds"], name); lag <= 0 {
			t.Errorf("the lag of %s is %v", name, lag)
		}
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
