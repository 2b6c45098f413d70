package e2e

import (
	"os"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/custos-zt/custos/e2e/client"
	"github.com/custos-zt/custos/e2e/peers"
)

// Whoever is asked about a held call that carries secrets reads their names, by
// every channel, and the server gets the call as it was sent.
func TestApproversSeeNoSecrets(t *testing.T) {
	t.Parallel()
	l := newOffice(t, asks+"tools: {server.echo: {secrets: [pass]}}\n", "40s")
	var files []string
	for i, secret := range canaries() {
		files = append(files, "file:"+l.state+"-"+string(rune('0'+i)))
		if err := os.WriteFile(strings.TrimPrefix(files[i], "file:"), []byte(secret+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	l.configure("audit: {canaries: [" + strings.Join(files, ", ") + "]}\n")
	shown, asked := "", 0
	for odd, answer := range []string{"accept", "decline"} {
		sdk := client.Connect(t, l.guarding(peers.Bad(t)), client.Settings{Version: "2025-11-25", Elicit: &mcp.ElicitResult{Action: answer}})
		for i, secret := range canaries() {
			for n, form := range forms(secret) {
				if (i+n)%2 != odd {
					continue
				}
				asked++
				text, failed := sdk.Text(t, "echo", map[string]any{"message": "x " + form + " y", "pass": "hunter" + "2"})
				if failed != (answer == "decline") || !failed && text != "x "+form+" y" {
					t.Errorf("%s: %q, an error: %v", answer, text, failed)
				}
			}
		}
		for _, e := range sdk.Events() {
			if e.Method == "elicitation/create" {
				shown += e.Params
			}
		}
	}
	for _, args := range [][]string{{"list", "--all"}, {"list", "--all", "--json"}} {
		out, err := l.approvals(args...)
		if err != nil {
			t.Errorf("%v: %s", args, out)
		}
		shown += out
	}
	quiet(t, "what approvers see", shown)
	if strings.Contains(shown, "hunter"+"2") {
		t.Error("what the policy declares as a secret is shown")
	}
	// In the form, the list and its JSON; the differences name them too.
	if n := strings.Count(shown, "[secret file:"); n < 3*asked {
		t.Errorf("%d names of secrets for %d questions: %s", n, asked, shown)
	}
	if n := strings.Count(shown, "a secret stands in this call"); n != 2*asked {
		t.Errorf("said %d times for %d questions", n, asked)
	}
}
