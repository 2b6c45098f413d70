package e2e

import (
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/custos-zt/custos/e2e/client"
	"github.com/custos-zt/custos/e2e/peers"
)

const stands = `policy: stands
rules:
  - {id: asked, approve: ["server.echo"], unlisted_args: allow, approval: {standing: {max: 1h, uses: 40}}}
`

// custos runs a command of the office.
func (l *office) custos(args ...string) (string, error) {
	line := peers.Custos(l.t, append([]string{"--state", l.state, "--config", l.config}, args...)...)
	out, err := exec.Command(line[0], line[1:]...).CombinedOutput()
	return string(out), err
}

// Three guards on one state directory and an answer that stands for thirty calls:
// of forty-five at once thirty pass and no more, the others are asked about. A
// lease that is revoked by another process answers nothing from then on.
func TestThreeGuardsOneLease(t *testing.T) {
	t.Parallel()
	const guards, each, uses = 3, 15, 30
	l := newOffice(t, stands, "1s")
	server := peers.Bad(t)
	var sdks []*client.SDK
	for range guards {
		sdks = append(sdks, client.Connect(t, l.guarding(server), client.Settings{Version: "2025-11-25", NoForms: true}))
	}
	call := func(sdk *client.SDK, message string) string {
		r, err := sdk.CallTool(t.Context(), echo(message))
		if err != nil {
			t.Error(err)
			return ""
		}
		return said(r)
	}
	if text := call(sdks[0], "first"); !strings.HasPrefix(text, "Custos is holding server.echo") {
		t.Fatalf("%q", text)
	}
	if out, err := l.approvals("allow", l.open(1)[0], "--standing=30", "--as", "any"); err != nil || !strings.Contains(out, "l_1 answers later calls like it") {
		t.Fatalf("%s: %v", out, err)
	}
	if text := call(sdks[1], "first"); text != "first" { // the call itself, wherever it is repeated
		t.Fatalf("%q", text)
	}
	var passed, held atomic.Int32
	var all sync.WaitGroup
	for _, sdk := range sdks {
		for i := range each {
			all.Go(func() {
				switch text := call(sdk, letter(i)); {
				case text == letter(i):
					passed.Add(1)
				case strings.HasPrefix(text, "Custos "): // is holding, or denied: too many wait already
					held.Add(1)
				}
			})
		}
	}
	all.Wait()
	if passed.Load() > uses || passed.Load()+held.Load() != guards*each {
		t.Errorf("%d calls passed by %d uses, %d were held", passed.Load(), uses, held.Load())
	}
	// On a disk that is so slow that calls did not get their turn, some are left.
	for i := 0; call(sdks[i%guards], "left "+letter(i)) == "left "+letter(i) && i < uses; i++ {
		passed.Add(1)
	}
	if passed.Load() != uses {
		t.Errorf("%d calls passed in all by %d uses", passed.Load(), uses)
	}
	out, err := l.custos("leases", "grant", "server.echo", "--rule", "asked", "--any", "message")
	if err != nil {
		t.Fatalf("%s: %v", out, err)
	}
	if text := call(sdks[2], "granted"); text != "granted" {
		t.Errorf("%q", text)
	}
	if out, err := l.custos("leases", "revoke", "l_2"); err != nil {
		t.Fatalf("%s: %v", out, err)
	}
	for _, sdk := range sdks {
		if text := call(sdk, "revoked"); !strings.HasPrefix(text, "Custos ") {
			t.Errorf("after it was revoked: %q", text)
		}
	}
	if out, err := l.custos("audit", "verify"); err != nil {
		t.Errorf("%s: %v", out, err)
	}
}
