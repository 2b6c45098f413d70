package e2e

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/pquerna/otp/totp"

	"github.com/custos-zt/custos/e2e/browser"
	"github.com/custos-zt/custos/e2e/client"
	"github.com/custos-zt/custos/e2e/peers"
)

const wantsCode = `policy: asks
rules:
  - {id: coded, approve: ["server.echo"], approval: {assurance: code}, unlisted_args: allow}
`

// enrol enrols a device and returns its secret.
func (l *office) enrol() string {
	l.t.Helper()
	out, err := l.approvals("enrol", "--json")
	var device struct{ Secret string }
	if err != nil || json.Unmarshal([]byte(out), &device) != nil {
		l.t.Fatalf("%s (%v)", out, err)
	}
	if out, err := l.approvals("enrol", "--confirm", shows(l.t, device.Secret, 0)); err != nil {
		l.t.Fatalf("%s (%v)", out, err)
	}
	return device.Secret
}

// shows is what a device shows, so many steps of thirty seconds from now.
func shows(t *testing.T, secret string, steps time.Duration) string {
	t.Helper()
	code, err := totp.GenerateCode(secret, time.Now().Add(steps*30*time.Second))
	if err != nil {
		t.Fatal(err)
	}
	return code
}

// Where a rule wants a code, the page asks for one: without it the answer does
// not count, with it the call goes on.
func TestApprovalPageAsksForACode(t *testing.T) {
	t.Parallel()
	program, libraries := peers.Browser(t)
	l := newOffice(t, wantsCode, "5m")
	secret := l.enrol()
	sdk := client.Connect(t, l.guarding(peers.Bad(t)), client.Settings{Version: "2025-11-25", Elicit: &mcp.ElicitResult{Action: "accept"}})
	served := l.serve()
	result := make(chan string, 1)
	go func() {
		r, err := sdk.CallTool(t.Context(), echo("Hopper"))
		if err != nil {
			result <- err.Error()
			return
		}
		result <- said(r)
	}()
	p := browser.Start(t, program, libraries).Open(served.at.Approver)
	p.Click("#a_1 .allow")
	p.Until(`document.querySelector("#a_1 [role=alert]").textContent.includes("not sure enough: rule coded wants code")`)
	p.Click("#a_1 .code")
	p.Type(shows(t, secret, 1)) // later than the one that confirmed the device
	p.Click("#a_1 .allow")
	if got := <-result; got != "Hopper" {
		t.Errorf("the call returns %q", got)
	}
	p.Until(`document.getElementById("a_1").dataset.state === "used"`)
	var answers []struct{ Channel, Assurance string }
	p.Eval(`fetch("/v1/approvals/a_1", {headers: {Authorization: "Bearer `+served.token(served.at.Viewer)+`"}}).then((r) => r.json()).then((v) => v.answers.map((a) => ({Channel: a.channel, Assurance: a.assurance})))`, &answers)
	if len(answers) != 1 || answers[0].Channel != "page" || answers[0].Assurance != "code" {
		t.Errorf("%+v", answers)
	}
	if seen := p.Seen(); len(seen) > 0 {
		t.Errorf("the page had %q", seen)
	}
}

// Where the rule lets it, an answer on the page stands for later calls, and the
// page says what was opened.
func TestApprovalPageLetsAnAnswerStand(t *testing.T) {
	t.Parallel()
	program, libraries := peers.Browser(t)
	l := newOffice(t, "policy: asks\nrules:\n  - {id: asked, approve: [\"server.echo\"], approval: {standing: {max: 1h, uses: 3}}, unlisted_args: allow}\n", "0s")
	sdk := client.Connect(t, l.guarding(peers.Bad(t)), client.Settings{Version: "2025-11-25"})
	if r, err := sdk.CallTool(t.Context(), echo("Ada")); err != nil || said(r) == "Ada" {
		t.Fatalf("it was not held: %+v, %v", r, err)
	}
	served := l.serve()
	p := browser.Start(t, program, libraries).Open(served.at.Approver)
	p.Until(`document.querySelector("#a_1 .standing")?.checkVisibility()`)
	var chosen string
	p.Eval(`(() => { const s = document.querySelector("#a_1 .standing"); s.value = [...s.options].at(-1).value; return s.value })()`, &chosen)
	p.Click("#a_1 .allow")
	p.Until(`document.querySelector("#a_1 [role=alert]").textContent.startsWith("l_1 answers later calls")`)
	for _, message := range []string{"Ada", "Grace", "Edsger"} { // the call itself, and two by the lease
		if r, err := sdk.CallTool(t.Context(), echo(message)); err != nil || said(r) != message {
			t.Errorf("%s, standing %s: %+v, %v", message, chosen, r, err)
		}
	}
	if seen := p.Seen(); len(seen) > 0 {
		t.Errorf("the page had %q", seen)
	}
}
