package sink

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	dto "github.com/prometheus/client_model/go"

	"github.com/custos-zt/custos/e2e/client"
	"github.com/custos-zt/custos/e2e/peers"
)

// canary is a secret that agents put everywhere they can.
const canary = "canary-7c1f0e5b"

// site is the finished program with a configuration, a policy and every sink.
type site struct {
	t             *testing.T
	dir           string
	hook          *hookServer
	otlp          *collector
	siem          *syslogServer
	scrapeAt      string
	custos, state string
}

func newSite(t *testing.T) *site {
	t.Helper()
	ca := newAuthority(t)
	s := &site{
		t: t, dir: t.TempDir(), hook: newHookServer(t, ca), otlp: newCollector(t, ca), siem: newSyslogServer(t, serverTLS(ca)),
		scrapeAt: freePort(t), custos: peers.Custos(t)[0],
	}
	s.state = filepath.Join(s.dir, "state")
	s.hook.anyInstance, s.hook.inbox.any = true, true
	s.siem.inbox.any, s.otlp.logs.any, s.otlp.traces.any = true, true, true
	s.put("custos.yaml", fmt.Sprintf(`
sinks:
  jsonl: {dir: out, format: ocsf}
  webhook: {url: "%s/in/token", secret: "env:HOOK", tls: {ca: %q}}
  syslog: {address: "%s", enterprise: 4242, tls: {ca: %q}}
  otlp: {endpoint: "%s/base", tls: {ca: %q}}
  prometheus: {address: "%s"}
`, s.hook.URL, ca.path("ca.pem"), s.siem.addr, ca.path("ca.pem"), s.otlp.URL, ca.path("ca.pem"), s.scrapeAt))
	s.put("policy.yaml", "policy: p\nbackend: files\nrules:\n  - {id: all, allow: [\"*\"]}\n  - {id: no, deny: [\"forbidden\"]}\n")
	return s
}

func (s *site) put(name, text string) {
	s.t.Helper()
	if err := os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

func (s *site) args(rest ...string) []string {
	return append([]string{s.custos, "--state", s.state, "--config", filepath.Join(s.dir, "custos.yaml")}, rest...)
}

func (s *site) env() []string {
	return []string{"HOOK=" + testSecret, "XDG_CONFIG_HOME=" + s.dir, "CUSTOS_CONFIG=", "GORACE=atexit_sleep_ms=0"}
}

// guard starts a guard and shakes hands.
func (s *site) guard() *client.Process {
	s.t.Helper()
	args := s.args("run", "--name", "files", "--policy", filepath.Join(s.dir, "policy.yaml"), "--")
	p := client.Start(s.t, append(args, peers.Bad(s.t, "-tools", "forbidden")...), client.Env(s.env()...))
	p.Initialize("")
	return p
}

// command runs a command to its end.
func (s *site) command(args ...string) string {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), time.Minute)
	defer cancel()
	full := s.args(args...)
	cmd := exec.CommandContext(ctx, full[0], full[1:]...)
	cmd.Env = append(os.Environ(), s.env()...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		s.t.Fatalf("%v: %v\n%s", args, err, out)
	}
	return string(out)
}

// recorded are the ids of all records by slot.
func (s *site) recorded() map[int][]string {
	s.t.Helper()
	out := map[int][]string{}
	for ev, err := range Events(filepath.Join(s.state, "log")) {
		if err != nil {
			s.t.Fatal(err)
		}
		out[ev.Record.Slot] = append(out[ev.Record.Slot], ev.UID)
	}
	return out
}

func (s *site) stop(p *client.Process) {
	s.t.Helper()
	p.CloseStdin()
	if status := p.Wait(); status != 0 {
		s.t.Errorf("status %d\n%s", status, p.Stderr())
	}
}

// Of several guards one ships, and what it leaves the next one does.
func TestOneGuardOfManyShips(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	guards := make([]*client.Process, 4)
	for i := range guards {
		guards[i] = s.guard()
	}
	for _, g := range guards {
		for i := range 10 {
			g.Call("echo", fmt.Sprintf(`{"message":"%d"}`, i))
		}
	}
	for _, g := range guards {
		s.stop(g)
	}
	s.command("audit", "ship", "--once")
	got, again := s.hook.inbox.once()
	want := s.recorded()
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-recorded +received)\n%s", d)
	}
	if n := total(want); again > n/2 {
		t.Errorf("%d of %d records came twice: more than one process ships", again, n)
	}
}

// A shipper that is killed at any moment loses nothing.
func TestAShipperThatIsKilledLosesNothing(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	rounds := 12
	if os.Getenv("CUSTOS_RELIABILITY") != "" {
		rounds = 300
	}
	s.put("custos.yaml", strings.ReplaceAll(s.read("custos.yaml"), "\n  jsonl", "\n  #jsonl"))
	quiet := filepath.Join(s.dir, "quiet.yaml") // the guard itself does not ship
	s.put("quiet.yaml", "version: 1\n")
	args := []string{s.custos, "--state", s.state, "--config", quiet, "run", "--name", "files", "--policy", filepath.Join(s.dir, "policy.yaml"), "--"}
	g := client.Start(t, append(args, peers.Bad(t)...), client.Env(s.env()...))
	g.Initialize("")
	for range rounds {
		p := client.Start(t, s.args("audit", "ship"), client.Env(s.env()...))
		for range 20 {
			g.Call("echo", `{"message":"m"}`)
		}
		time.Sleep(time.Duration(rand.IntN(800)) * time.Millisecond)
		if err := syscall.Kill(p.PID(), syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		p.Wait()
	}
	s.stop(g)
	s.command("audit", "ship", "--once")
	want := s.recorded()
	for name, in := range map[string]*inbox{"webhook": s.hook.inbox, "syslog": s.siem.inbox, "otlp": s.otlp.logs} {
		got, again := in.settled(want, false)
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s: (-recorded +received)\n%s", name, d)
		}
		t.Logf("%s: %d records, %d came again", name, total(want), again)
	}
}

// A receiver that accepts and never answers does not keep a guard from ending.
func TestAGuardEndsWhateverItsReceiversDo(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close() // nobody accepts: the kernel does, and nothing ever comes
	s.put("custos.yaml", fmt.Sprintf(`
sinks:
  webhook: {url: "http://%[1]s/", secret: "env:HOOK"}
  syslog: {address: "%[1]s"}
  otlp: {endpoint: "%[1]s"}
`, l.Addr()))
	g := s.guard()
	g.Call("echo", `{"message":"m"}`)
	began := time.Now()
	s.stop(g)
	if took := time.Since(began); took > client.Patience-5*time.Second { // 3 s, on a machine that does something else too
		t.Errorf("it took %v to end", took)
	}
}

func (s *site) read(name string) string {
	s.t.Helper()
	data, err := os.ReadFile(filepath.Join(s.dir, name))
	if err != nil {
		s.t.Fatal(err)
	}
	return string(data)
}

// counted scrapes the guard until its metrics show what was decided.
func (s *site) counted() map[string]*dto.MetricFamily {
	s.t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
		metrics := scrape(s.t, "http://"+s.scrapeAt+"/metrics")
		if sumOf(metrics["custos_decisions_total"]) > 0 {
			return metrics
		}
		if time.Now().After(deadline) {
			s.t.Fatal("nothing was counted")
		}
	}
}

// What agents and servers say as arguments and results reaches no sink.
func TestSecretsReachNoSink(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	g := s.guard()
	secret, err := json.Marshal(map[string]any{
		"message": canary, canary: canary, "path": "/srv/" + canary + "/x", "nested": map[string]any{canary: []any{canary, map[string]any{"k": canary}}},
		"url": "https://u:" + canary + "@host.example/?t=" + canary, "text": strings.Repeat(canary, 500), "esc": "\u202e" + canary + "\x1b[2J",
	})
	if err != nil {
		t.Fatal(err)
	}
	for range 5 {
		g.Call("echo", string(secret))      // comes back in the result
		g.Call("forbidden", string(secret)) // comes back in the refusal, if anywhere
		g.Request("tools/call", `{"name":"echo","arguments":`+string(secret)+`,"_meta":{"progressToken":"`+canary+`"}}`)
	}
	metrics := s.counted()
	s.stop(g)
	shipped := s.command("audit", "ship", "--once")
	s.siem.waitFor(total(s.recorded()))
	files, _ := readFiles(t, filepath.Join(s.dir, "out"))
	outputs := map[string]string{
		"webhook": s.hook.inbox.text(), "syslog": s.siem.inbox.text(), "otlp": s.otlp.logs.text(), "jsonl": strings.Join(files, "\n"),
		"prometheus": fmt.Sprint(metrics), "stderr of the guard": g.Stderr(), "audit ship": shipped, "export": s.command("audit", "export", "--format", "ocsf"),
	}
	for name, text := range outputs {
		if strings.Contains(text, canary) {
			i := strings.Index(text, canary)
			t.Errorf("%s holds the canary: …%q…", name, text[max(0, i-200):min(len(text), i+40)])
		}
		if !strings.Contains(name, "ship") && !strings.Contains(name, "stderr") && len(text) < 500 {
			t.Errorf("%s holds only %q: the test would see nothing", name, text)
		}
		if strings.Contains(text, testSecret) {
			t.Errorf("%s holds the secret of the webhook", name)
		}
	}
}
