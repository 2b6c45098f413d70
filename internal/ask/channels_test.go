package ask

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/custos-zt/custos/internal/config"
)

// slackBody is what Slack reads of a message.
type slackBody struct {
	Text        string
	Mrkdwn      bool
	UnfurlLinks bool `json:"unfurl_links"`
	UnfurlMedia bool `json:"unfurl_media"`
	LinkNames   bool `json:"link_names"`
	Parse       string
	Blocks      []struct {
		Text struct {
			Type, Text string
			Emoji      *bool
			Verbatim   bool
		}
	}
}

// What agents and servers wrote stands in blocks of plain text alone, and cannot
// mention, link or format.
func TestSlack(t *testing.T) {
	for _, details := range []bool{false, true} {
		d := hushed(t)
		h := newHook(t)
		o := newOffice(t, d, h, "slack", details)
		id := consult(t, d, hostile()).ID
		o.inform(t, id)
		if len(h.bodies) != 1 || len(o.failed) > 0 {
			t.Fatalf("%d messages, %v", len(h.bodies), o.failed)
		}
		var m slackBody
		if err := json.Unmarshal([]byte(h.bodies[0]), &m); err != nil {
			t.Fatal(err)
		}
		if m.Text != "Custos is holding write&lt;@U1&gt; of files for a person" || m.UnfurlLinks || m.UnfurlMedia || m.LinkNames || m.Mrkdwn || m.Parse != "none" {
			t.Errorf("%+v", m)
		}
		own := m.Blocks[len(m.Blocks)-1].Text
		if own.Type != "mrkdwn" || !own.Verbatim || own.Text != "Answer: `custos approvals allow "+id+"`, or on that machine <http://127.0.0.1:7444/approvals/"+id+"|"+id+">" {
			t.Errorf("%+v", own)
		}
		all := ""
		for _, b := range m.Blocks[:len(m.Blocks)-1] {
			if b.Text.Type != "plain_text" || b.Text.Emoji == nil || *b.Text.Emoji || strings.ContainsAny(b.Text.Text, "<>") {
				t.Errorf("%+v", b)
			}
			all += b.Text.Text + "\n"
		}
		if strings.Contains(all, "evil.example") != details || strings.Contains(all, "4096123487") || strings.Contains(all, "\u202e") {
			t.Errorf("details %v: %s", details, all)
		}
		if details && !strings.Contains(all, `to: "&lt;https://evil.example|Custos&gt; &amp; *allow*"`) {
			t.Errorf("%s", all)
		}
	}
}

// The program of the desktop gets texts as arguments, whatever they say, and no
// variable that it does not need.
func TestTheDesktop(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir) // where a shell that runs the text would leave a trace
	out := filepath.Join(dir, "out")
	script := "#!/bin/sh\n{ for a; do printf '%s\\0' \"$a\"; done; env; } >'" + out + "'\n"
	program := filepath.Join(dir, "notify-send")
	if err := os.WriteFile(program, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TOKEN", "hunter2")
	t.Setenv("DISPLAY", ":7")
	d, _ := desk(t)
	r := hostile()
	r.Name = "$(touch touched)`id`;--icon=x\n<b>"
	id := consult(t, d, r).ID
	for system, want := range map[string]string{
		"linux":  "--app-name=Custos\x00--urgency=normal\x00--\x00TITLE\x00PAGE\nCOMMAND\x00",
		"darwin": "-e\x00on run argv\x00-e\x00display notification (item 2 of argv) with title (item 1 of argv)\x00-e\x00end run\x00TITLE\x00PAGE\nCOMMAND\x00",
	} {
		env := &Env{Getenv: os.Getenv, Page: func(id string) string { return "http://127.0.0.1:7444/approvals/" + id }}
		c, err := findDesktop(system, func(string) (string, error) { return program, nil }, env)
		if err != nil {
			t.Fatal(err)
		}
		w, err := d.word(t.Context(), id, c.details(), env)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.carry(t.Context(), w); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		title := "Custos is holding $(touch touched)`id`;--icon=x\\n<b> of files"
		want = strings.NewReplacer("TITLE", title, "PAGE", "http://127.0.0.1:7444/approvals/"+id, "COMMAND", "custos approvals allow "+id).Replace(want)
		args, environ := string(got)[:min(len(got), len(want))], string(got)[min(len(got), len(want)):]
		if args != want {
			t.Errorf("%s: %q\nwant %q", system, args, want)
		}
		if strings.Contains(environ, "hunter2") || !strings.Contains(environ, "DISPLAY=:7") {
			t.Errorf("%s: %s", system, environ)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "touched")); err == nil {
		t.Error("a text was run")
	}
}

func TestChannelsThatCannotWork(t *testing.T) {
	if _, err := findDesktop("linux", func(string) (string, error) { return "", exec.ErrNotFound }, &Env{}); !errors.Is(err, errNoDesktop) {
		t.Errorf("%v", err)
	}
	d, _ := desk(t)
	here := config.Reference{Scheme: "env", Name: "HERE"}
	getenv := func(name string) string {
		return map[string]string{"HERE": hookSecret, "SHORT": "hunter2", "URL": "http://h.example/hunter2"}[name]
	}
	for want, c := range map[string]config.Approvals{
		"webhook: env:NOT: the environment variable is not set": {Webhook: &config.Message{URL: "https://h.example/", Secret: config.Reference{Scheme: "env", Name: "NOT"}}},
		"webhook: env:SHORT: the secret is shorter":             {Webhook: &config.Message{URL: "https://h.example/", Secret: config.Reference{Scheme: "env", Name: "SHORT"}}},
		"slack: env:URL: what is sent would travel in the open": {Slack: &config.Message{Where: config.Reference{Scheme: "env", Name: "URL"}}},
		"slack: env:HERE: expected a URL":                       {Slack: &config.Message{Where: here}},
	} {
		name, other, _ := strings.Cut(want, ":")
		c.Channels = []string{"cli", name}
		if other = "slack"; name == "slack" {
			other, c.Webhook = "webhook", &config.Message{URL: "https://h.example/", Secret: here}
		} else {
			c.Slack = &config.Message{Where: config.Reference{Scheme: "env", Name: "OK"}}
		}
		c.Channels = append(c.Channels, other)
		all, err := Informers(d, &c, Env{Getenv: func(name string) string {
			if name == "OK" {
				return "https://h.example/x"
			}
			return getenv(name)
		}})
		if err == nil || !strings.HasPrefix(err.Error(), want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%v, want %s", err, want)
		}
		// One that is broken takes nothing from the others.
		if !slices.ContainsFunc(all, func(i *Informer) bool { return i.Name() == other }) || len(all) != 1 {
			t.Errorf("%s: %d channels", want, len(all))
		}
	}
}
