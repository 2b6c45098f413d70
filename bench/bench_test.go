package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
)

func TestQuantile(t *testing.T) {
	var hundred []time.Duration
	for i := range 100 {
		hundred = append(hundred, time.Duration(i+1))
	}
	for _, tc := range []struct {
		samples []time.Duration
		q       float64
		want    time.Duration
	}{
		{nil, 0.5, 0},
		{[]time.Duration{7}, 0.99, 7},
		{[]time.Duration{1, 2}, 0.5, 1},
		{[]time.Duration{1, 2, 3}, 0.5, 2},
		{hundred, 0.5, 50},
		{hundred, 0.95, 95},
		{hundred, 0.99, 99},
		{hundred, 1, 100},
	} {
		if got := quantile(tc.samples, tc.q); got != tc.want {
			t.Errorf("quantile(%d samples, %v) = %d, want %d", len(tc.samples), tc.q, got, tc.want)
		}
	}
}

func TestSpreadKeepsTheBestRound(t *testing.T) {
	var s Spread
	us := time.Microsecond
	s.add([]time.Duration{30 * us, 10 * us, 20 * us})
	s.add([]time.Duration{5 * us, 90 * us, 15 * us})
	want := Spread{P50: 15, P95: 30, P99: 30, Medians: []float64{20, 15}}
	if diff := cmp.Diff(want, s); diff != "" {
		t.Errorf("spread (-want +got):\n%s", diff)
	}
}

func report(custosP50, custosRate float64, peak int64, startMS float64) *Report {
	cell := func(mode string, concurrency int, p50, rate float64, peak int64) *Cell {
		return &Cell{Mode: mode, Concurrency: concurrency, Payload: 64, Spread: Spread{P50: p50}, Cost: Cost{Rate: rate, Peak: peak}}
	}
	return &Report{
		Fdatasync: Spread{P50: 100},
		Start:     map[string]*Spread{direct: {P50: 2000}, custos: {P50: 2000 + 1000*startMS}},
		Cells: []*Cell{
			cell(direct, 1, 10, 0, 0), cell(relayd, 1, 60, 0, 0), cell(synced, 1, 160, 0, 0), cell(custos, 1, custosP50, 0, 1),
			cell(relayd, 8, 0, 1000, 0), cell(custos, 8, 0, custosRate, peak),
			cell(custos, 64, 0, 0, 1e9), // no bar looks at it
		},
	}
}

func TestBars(t *testing.T) {
	// The raw relay adds 50 and the disk takes 100, and both together add 150:
	// 1.3 × 150 = 195 may be added.
	for _, tc := range []struct {
		name   string
		report *Report
		missed []string
	}{
		{"all met, exactly", report(205, 500, 30e6, 30), nil},
		{"too slow", report(205.1, 500, 30e6, 30), []string{"added p50, 64 B, concurrency 1, by the sum", "added p50, 64 B, concurrency 1, by the synced relay"}},
		{"too few", report(205, 499, 30e6, 30), []string{"calls/s of the raw relay's, 64 B, concurrency 8"}},
		{"too large", report(205, 500, 30e6+1, 30), []string{"peak memory, 64 B, concurrency up to 8"}},
		{"too late", report(205, 500, 30e6, 30.1), []string{"added start to first answer"}},
	} {
		tc.report.judge()
		if len(tc.report.Bars) != 5 {
			t.Errorf("%s: %d bars, want 5", tc.name, len(tc.report.Bars))
		}
		if diff := cmp.Diff(tc.missed, tc.report.missed()); diff != "" {
			t.Errorf("%s: missed (-want +got):\n%s", tc.name, diff)
		}
	}
	partial := &Report{Fdatasync: Spread{P50: 1}}
	if partial.judge(); len(partial.Bars) != 0 {
		t.Errorf("bars without figures: %v", partial.Bars)
	}
}

func TestReportIsKept(t *testing.T) {
	r := report(205, 500, 30e6, 30)
	r.judge()
	path := filepath.Join(t.TempDir(), "results", "r.json")
	if err := r.save(path); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var back Report
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(r, &back); diff != "" {
		t.Errorf("report (-kept +read):\n%s", diff)
	}
	var table bytes.Buffer
	r.print(&table)
	for _, want := range []string{"+195.0", "ok      added p50", "fdatasync"} {
		if !strings.Contains(table.String(), want) {
			t.Errorf("the table lacks %q:\n%s", want, table.String())
		}
	}
}

func TestFlat(t *testing.T) {
	level := []int64{90, 100, 100, 100, 100, 100, 100, 100, 104, 104}
	if err := flat("x", level); err != nil {
		t.Error(err)
	}
	level[9] = 106
	if err := flat("x", level); err == nil {
		t.Error("a growth of 6 % passed")
	}
}

// The load generator and the echo server understand one another, at every
// size and concurrency, and through the slow way too.
func TestLoadAgainstEcho(t *testing.T) {
	for _, concurrency := range []int{1, 8} {
		for _, payload := range []int{64, 200 << 10} {
			s, server := inProcess()
			if err := s.ready(); err != nil {
				t.Fatal(err)
			}
			samples, rate, err := newRun(s, concurrency, payload, 40).do(time.Minute)
			if err != nil || len(samples) != 40 || rate <= 0 {
				t.Errorf("concurrency %d, %d bytes: %d samples, %f calls/s, %v", concurrency, payload, len(samples), rate, err)
			}
			s.in.Close()
			if err := <-server; err != nil {
				t.Error(err)
			}
		}
	}
}

func TestLoadNoticesADenial(t *testing.T) {
	in, out := io.Pipe()
	s := sessionOn(out, strings.NewReader(`{"jsonrpc":"2.0","id":1000000,"result":{"content":[],"isError":true}}`+"\n"))
	go io.Copy(io.Discard, in) //nolint:errcheck // it ends with the test
	if _, _, err := newRun(s, 1, 64, 1).do(time.Minute); err == nil || !strings.Contains(err.Error(), "not an echo") {
		t.Errorf("error %v", err)
	}
}

func TestSlowAnswerKeepsTheID(t *testing.T) {
	got, err := slowAnswer([]byte(`{"id":"custos-1","method":"tools/call","params":{"arguments":{"message":"a\"b"}}}`))
	want := `{"jsonrpc":"2.0","id":"custos-1","result":{"content":[{"type":"text","text":"a\"b"}]}}` + "\n"
	if err != nil || string(got) != want {
		t.Errorf("%s, %v", got, err)
	}
	if got, err := slowAnswer([]byte(`{"method":"notifications/initialized"}`)); err != nil || got != nil {
		t.Errorf("a notification was answered: %s, %v", got, err)
	}
}

func TestPolicyHasItsRules(t *testing.T) {
	var p struct {
		Rules []struct {
			ID string `yaml:"id"`
		} `yaml:"rules"`
	}
	if err := yaml.Unmarshal([]byte(benchPolicy()), &p); err != nil {
		t.Fatal(err)
	}
	ids := map[string]bool{}
	for _, r := range p.Rules {
		ids[r.ID] = true
	}
	if len(p.Rules) != policyRules || len(ids) != policyRules {
		t.Errorf("%d rules with %d ids, want %d", len(p.Rules), len(ids), policyRules)
	}
}

// The relay changes no byte, whatever the length of a line, and calls keep
// before each line, not after it.
func TestCopyLines(t *testing.T) {
	in := "a\n" + strings.Repeat("b", 200<<10) + "\n\n{half"
	var out bytes.Buffer
	var before []int
	keep := func() error { before = append(before, out.Len()); return nil }
	if err := copyLines(&out, strings.NewReader(in), keep); err != nil || out.String() != in {
		t.Errorf("%d bytes of %d came through, %v", out.Len(), len(in), err)
	}
	if diff := cmp.Diff([]int{0, 2, 3 + 200<<10, 4 + 200<<10}, before); diff != "" {
		t.Errorf("kept (-want +got):\n%s", diff)
	}
	out.Reset()
	refuse := errors.New("full")
	if err := copyLines(&out, strings.NewReader("a\n"), func() error { return refuse }); !errors.Is(err, refuse) || out.Len() != 0 {
		t.Errorf("a line without evidence went out: %q, %v", &out, err)
	}
}

func TestProbeLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	samples, err := probe(dir, 3)
	if err != nil || len(samples) != 3 {
		t.Fatalf("%d samples, %v", len(samples), err)
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 0 {
		t.Errorf("left %v, %v", left, err)
	}
}

// inProcess returns a session with an echo server in this process and what
// that server returns in the end.
func inProcess() (*session, <-chan error) {
	serverIn, clientOut := io.Pipe()
	clientIn, serverOut := io.Pipe()
	done := make(chan error, 1)
	go func() {
		err := echo(serverIn, serverOut)
		done <- errors.Join(err, serverOut.Close())
	}()
	return sessionOn(clientOut, clientIn), done
}
