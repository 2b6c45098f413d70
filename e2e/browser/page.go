package browser

import (
	"encoding/json"
	"slices"
	"testing"
	"time"
)

// Page is one tab.
type Page struct {
	t       testing.TB
	browser *Browser
	session string
}

// seen runs in every document before the page's own script and keeps what its
// content policy forbade, and errors that nobody caught.
const seen = `window.__seen = [];
addEventListener("securitypolicyviolation", (e) => __seen.push("policy: " + e.violatedDirective + " " + e.blockedURI + " " + e.sample));
addEventListener("error", (e) => __seen.push("error: " + e.message), true);
addEventListener("unhandledrejection", (e) => __seen.push("rejected: " + e.reason));`

// Open opens a page in a tab of its own and waits until it is loaded.
func (b *Browser) Open(url string) *Page {
	b.t.Helper()
	var target struct {
		ID string `json:"targetId"`
	}
	b.must("", "Target.createTarget", map[string]any{"url": "about:blank"}, &target)
	var attached struct {
		Session string `json:"sessionId"`
	}
	b.must("", "Target.attachToTarget", map[string]any{"targetId": target.ID, "flatten": true}, &attached)
	p := &Page{t: b.t, browser: b, session: attached.Session}
	b.must(p.session, "Page.enable", nil, nil)
	b.must(p.session, "Network.enable", nil, nil)
	b.must(p.session, "Page.addScriptToEvaluateOnNewDocument", map[string]any{"source": seen}, nil)
	var loaded struct {
		Error string `json:"errorText"`
	}
	b.must(p.session, "Page.navigate", map[string]any{"url": url}, &loaded)
	if loaded.Error != "" {
		b.t.Fatalf("the browser cannot open the page: %s", loaded.Error)
	}
	p.Until(`document.readyState === "complete" && location.href !== "about:blank"`)
	return p
}

func (b *Browser) must(session, method string, params map[string]any, result any) {
	b.t.Helper()
	if params == nil {
		params = map[string]any{}
	}
	if err := b.call(session, method, params, result); err != nil {
		b.t.Fatal(err)
	}
}

// Eval evaluates an expression in the page and puts its value into value.
func (p *Page) Eval(expression string, value any) {
	p.t.Helper()
	if problem := p.eval(expression, value); problem != "" {
		p.t.Fatalf("%s: %s", expression, problem)
	}
}

func (p *Page) eval(expression string, value any) (problem string) {
	p.t.Helper()
	var got struct {
		Result struct {
			Value json.RawMessage `json:"value"`
		} `json:"result"`
		Exception *struct {
			Text      string `json:"text"`
			Exception struct {
				Description string `json:"description"`
			} `json:"exception"`
		} `json:"exceptionDetails"`
	}
	// A document that is just being made has nowhere to evaluate it yet.
	if err := p.browser.call(p.session, "Runtime.evaluate", map[string]any{"expression": expression, "returnByValue": true, "awaitPromise": true}, &got); err != nil {
		return err.Error()
	}
	if got.Exception != nil {
		return got.Exception.Text + " " + got.Exception.Exception.Description
	}
	if err := json.Unmarshal(got.Result.Value, value); err != nil {
		return err.Error()
	}
	return ""
}

// Text returns the text of the element that a selector finds.
func (p *Page) Text(selector string) string {
	p.t.Helper()
	var text string
	p.Eval(element(selector)+".textContent", &text)
	return text
}

// Until waits until an expression is true.
func (p *Page) Until(expression string) {
	p.t.Helper()
	var problem string
	for deadline := time.Now().Add(Patience); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		var done bool
		if problem = p.eval("!!("+expression+")", &done); problem == "" && done {
			return
		}
	}
	var text string
	_ = p.eval("document.body.innerText", &text)
	p.t.Fatalf("the page does not come to %s (%s); it reads\n%s\nand had\n%v", expression, problem, text, p.Seen())
}

// Click moves the mouse to an element that a person can see, and clicks there.
// A page that is being filled moves: it waits until the element stands still.
func (p *Page) Click(selector string) {
	p.t.Helper()
	p.Until(`(() => { const e = ` + element(selector) + `; return e && !e.disabled && e.checkVisibility() })()`)
	var at struct{ X, Y float64 }
	where := `(async () => { const middle = () => { const e = ` + element(selector) + `; e.scrollIntoView({block: "center"}); const r = e.getBoundingClientRect();
		return {X: r.x + r.width / 2, Y: r.y + r.height / 2, e} };
		const a = middle(); await new Promise((f) => setTimeout(f, 100)); const b = middle();
		return a.X === b.X && a.Y === b.Y && b.e.contains(document.elementFromPoint(b.X, b.Y)) ? {X: b.X, Y: b.Y} : {} })()`
	for deadline := time.Now().Add(Patience); at.X == 0; {
		if p.Eval(where, &at); time.Now().After(deadline) {
			p.t.Fatalf("%s does not stand still", selector)
		}
	}
	for _, kind := range []string{"mouseMoved", "mousePressed", "mouseReleased"} {
		p.browser.must(p.session, "Input.dispatchMouseEvent", map[string]any{"type": kind, "x": at.X, "y": at.Y, "button": "left", "clickCount": 1}, nil)
	}
}

// Type types a text where the focus is.
func (p *Page) Type(text string) {
	p.t.Helper()
	p.browser.must(p.session, "Input.insertText", map[string]any{"text": text}, nil)
}

// Seen returns what the page's content policy forbade, and its errors.
func (p *Page) Seen() []string {
	p.t.Helper()
	var all []string
	p.Eval("__seen", &all)
	return all
}

// Requests returns the address of every request that the page made.
func (p *Page) Requests() []string {
	p.browser.mu.Lock()
	defer p.browser.mu.Unlock()
	return slices.Clone(p.browser.requests[p.session])
}

// element is the expression of what a selector finds.
func element(selector string) string {
	quoted, _ := json.Marshal(selector) // a text
	return "document.querySelector(" + string(quoted) + ")"
}
