package sink

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/custos-zt/custos/internal/config"
)

// prometheus serves what was counted, for a scrape. The text is written here
// and not by Prometheus's own library, which costs every start of Custos more
// than the policy does; the tests read it with that library.
type prometheus struct {
	tally   *tally
	version string
	server  *http.Server
	ended   chan struct{}
}

func openPrometheus(c *config.Prometheus, env *Env) (Sink, error) {
	l, err := net.Listen("tcp", c.Address)
	if err != nil {
		return nil, err
	}
	p := &prometheus{tally: newTally(env.Board, time.Now()), version: env.Version, ended: make(chan struct{})}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /metrics", p.serve)
	p.server = &http.Server{
		Handler: local(mux), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 5 * time.Second,
		WriteTimeout: 15 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 16 << 10,
	}
	go func() {
		defer close(p.ended)
		_ = p.server.Serve(l) // it ends by Close
	}()
	return p, nil
}

// local refuses requests that name another host: a page in a browser may have
// its own name point here.
func local(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, err := net.SplitHostPort(r.Host)
		if err != nil {
			host = r.Host
		}
		ip := net.ParseIP(strings.Trim(host, "[]"))
		if host != "localhost" && (ip == nil || !ip.IsLoopback()) {
			http.Error(w, "this is served to the loopback interface alone", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (p *prometheus) serve(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write(p.text(time.Now())) // a scraper that is gone asks again
}

// text is the exposition format, version 0.0.4.
func (p *prometheus) text(now time.Time) []byte {
	b := []byte("# HELP custos_build_info The version of Custos.\n# TYPE custos_build_info gauge\ncustos_build_info")
	b = promLabels(b, []string{"version"}, []string{p.version}, "")
	b = append(b, " 1\n"...)
	p.tally.snapshot(now, func(f *family, list []*series) {
		if len(list) == 0 {
			return
		}
		name := promName(f)
		b = append(b, "# HELP "+name+" "+f.help+"\n# TYPE "+name+" "+[...]string{"counter", "gauge", "histogram"}[f.kind]+"\n"...)
		for _, s := range list {
			b = promSeries(b, name, f, s)
		}
	})
	return b
}

func promSeries(b []byte, name string, f *family, s *series) []byte {
	sample := func(suffix, le, value string) {
		b = append(b, name+suffix...)
		b = promLabels(b, f.labels, s.values, le)
		b = append(b, " "+value+"\n"...)
	}
	count := strconv.FormatUint(s.count, 10)
	sum := strconv.FormatFloat(s.sum, 'g', -1, 64)
	switch f.kind {
	case counter:
		sample("", "", count)
	case gauge:
		sample("", "", sum)
	case histogram:
		for i, bound := range bounds() {
			sample("_bucket", strconv.FormatFloat(bound, 'g', -1, 64), strconv.FormatUint(s.buckets[i], 10))
		}
		sample("_bucket", "+Inf", count)
		sample("_sum", "", sum)
		sample("_count", "", count)
	}
	return b
}

// promName is the name of a metric as Prometheus translates those of
// OpenTelemetry.
func promName(f *family) string {
	name := strings.ReplaceAll(f.name, ".", "_")
	if f.unit == "s" {
		name += "_seconds"
	}
	if f.kind == counter {
		name += "_total"
	}
	return name
}

func promLabels(b []byte, names, values []string, le string) []byte {
	open := byte('{')
	add := func(name, value string) {
		b = append(b, open)
		open = ','
		b = append(b, strings.ReplaceAll(name, ".", "_")+`="`...)
		b = append(b, promEscaper().Replace(strings.ToValidUTF8(value, "\uFFFD"))...)
		b = append(b, '"')
	}
	for i, name := range names {
		add(name, values[i])
	}
	if le != "" {
		add("le", le)
	}
	if open == '{' {
		return b
	}
	return append(b, '}')
}

func promEscaper() *strings.Replacer {
	return strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)
}

// Deliver counts a batch.
func (p *prometheus) Deliver(_ context.Context, batch []Event) error {
	p.tally.add(batch)
	return nil
}

// Close ends the server.
func (p *prometheus) Close() error {
	err := p.server.Close()
	<-p.ended
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}
