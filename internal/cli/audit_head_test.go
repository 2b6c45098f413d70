package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/audit"
	"github.com/custos-zt/custos/internal/engine"
)

// evidence writes a log of some calls into a state directory and returns the
// id of an admission.
func evidence(t *testing.T, dir string) (id string) {
	t.Helper()
	ev, err := engine.OpenEvidence(engine.EvidenceOptions{StateDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	for range 5 {
		admission := ev.Log.Append(audit.Record{Kind: audit.KindAdmission, Method: "tools/call", Backend: "files", Tool: "read", Decision: access.Allow, Reason: access.RuleAllowed})
		id = admission.ID()
		ev.Log.Append(audit.Record{Kind: audit.KindOutcome, Admission: admission.Seq(), Status: audit.StatusOK})
	}
	if err := ev.Close(); err != nil {
		t.Fatal(err)
	}
	return id
}

// custos runs one invocation.
func custos(args ...string) (status int, out string) {
	var stdout, stderr bytes.Buffer
	status = Main(args, Streams{In: strings.NewReader(""), Out: &stdout, Err: &stderr}, func(string) string { return "" })
	return status, stdout.String() + stderr.String()
}

// TestHeadsAndProofs goes the auditor's way: keep the key, a head and a proof,
// then hold them against the log after somebody cut and signed it anew.
func TestHeadsAndProofs(t *testing.T) {
	t.Chdir(t.TempDir())
	dir := filepath.Join(t.TempDir(), "state")
	id := evidence(t, dir)
	steps := []struct {
		args   string
		status int
		want   string
	}{
		{"audit key show --state " + dir, 0, "fingerprint  sha256:"},
		{"audit key publish -o pub --state " + dir, 0, ""},
		{"audit checkpoint -o head --state " + dir, 0, "slot 00  record 11"},
		{"audit verify --state " + dir, 0, "locally consistent, 11 records"},
		{"audit verify --since head --state " + dir, 0, "checked against a head of record 11 of slot 00, 11 records\ntail_unproven: 0 "},
		{"audit verify --since head --key pub --state " + dir, 0, "tail_unproven: 0 "},
		{"audit verify --since pub --state " + dir, 17, "not a file of checkpoints"},
		{"audit verify --key head --state " + dir, 17, "not a public log key"},
		{"audit prove " + id + " -o proof --state " + dir, 0, ""},
		{"audit prove d_0W00 -o p --state " + dir, 17, "is not signed yet"},
		{"audit check proof", 0, "the key came with the proof"},
		{"audit check proof --key pub", 0, "the proof holds: among 11 records"},
		{"audit check head", 17, "not a proof"},
		{"audit check absent", 17, "absent"},
		{"audit checkpoint", 2, "needs a file"},
	}
	for _, s := range steps {
		if status, out := custos(strings.Fields(s.args)...); status != s.status || !strings.Contains(out, s.want) {
			t.Errorf("%s: status %d, want %d and %q\n%s", s.args, status, s.status, s.want, out)
		}
	}
	proof, err := os.ReadFile("proof")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("forged", bytes.Replace(proof, []byte(`\"allow\"`), []byte(`\"deny\"`), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	if status, out := custos("audit", "check", "forged", "--key", "pub", "--json"); status != 10 || !strings.Contains(out, `"verdict":"false"`) {
		t.Errorf("forged proof: status %d\n%s", status, out)
	}
	// A younger log under the same key: everything was cut and signed again.
	logDir := filepath.Join(dir, "log")
	if err := os.RemoveAll(logDir); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(logDir, 0o700); err != nil {
		t.Fatal(err)
	}
	evidence(t, dir)
	if status, out := custos("audit", "verify", "--state", dir); status != 0 {
		t.Errorf("without a head: status %d\n%s", status, out)
	}
	if status, out := custos("audit", "verify", "--since", "head", "--state", dir); status != 10 || !strings.Contains(out, "those that were signed (head of record 11)") {
		t.Errorf("with the head kept elsewhere: status %d\n%s", status, out)
	}
}
