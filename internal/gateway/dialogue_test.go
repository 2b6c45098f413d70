package gateway_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

var update = flag.Bool("update", false, "write what happens into the dialogues")

// Every file of testdata/dialogue is one session of a client with a server,
// with Custos between them. To add one, write what client and server send and
// run `go test ./internal/gateway -run Dialogues -update`, which fills in the
// rest; then read whether that is what should happen.
//
// A file has three parts, after words that say what it is about:
//
//	policy.yaml  the policy; the backend's name is files
//	dialogue     what is sent, and what arrives
//	log          what the log holds in the end (written by -update)
//
// and may have a fourth, `options`, with the lines "denials: error" and
// "approvals: 45s", which is how long a held call waits for a person, and
// "channels: elicitation cli".
//
// In a dialogue, a line is one of
//
//	client> FRAME    the client sends a frame
//	server> FRAME    the server sends a frame
//	wait 30s         time passes
//	policy FILE      another part of the file becomes the policy
//	person VERB ID   somebody allows or denies a held call
//	client< FRAME    a frame arrives at the client     (written by -update)
//	server< FRAME    a frame arrives at the server     (written by -update)
//	notice TEXT      the person is told, on stderr     (written by -update)
//
// or begins with # and is kept. What arrives follows the line that caused it:
// a line is done when nothing moves any more. FRAME is = where it is, byte for
// byte, what was just sent. Else frames that arrive are compared byte for byte
// too, but for what differs from run to run: the n-th decision of the
// log is d_n, and the n-th request that Custos makes itself has the id
// custos-n, in what is sent too, and the n-th state of a question is
// custos1.STATE-n. In the log, a line is one of
//
//	d_n DIRECTION METHOD TARGET DECISION REASON RULE
//	  STATUS SHOWN/TOTAL   how d_n ended, and the counts of a list
//	a_n STATE DECISION REASON RULE BY   people are asked, or somebody answered
//	anomaly DETAIL
func TestDialogues(t *testing.T) {
	names, err := filepath.Glob("testdata/dialogue/*.txtar")
	if err != nil || len(names) == 0 {
		t.Fatalf("no dialogues: %v", err)
	}
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { hold(t, name) })
		})
	}
}

// leaving stands in front of what arrives once the client has left.
const leaving = "# the client leaves"

// hold holds one dialogue and compares, or writes, what happened.
func hold(t *testing.T, name string) {
	t.Helper()
	archive, err := txtar.ParseFile(name)
	if err != nil {
		t.Fatal(err)
	}
	parts := map[string]string{}
	for _, f := range archive.Files {
		parts[f.Name] = string(f.Data)
	}
	if parts["policy.yaml"] == "" || parts["dialogue"] == "" {
		t.Fatal("a dialogue has policy.yaml and dialogue")
	}
	s := begin(t, parts["policy.yaml"], readSettings(t, parts["options"]))
	var happened []string
	for line := range strings.Lines(parts["dialogue"]) {
		line = strings.TrimSuffix(line, "\n")
		if line == leaving {
			break
		}
		verb, rest, _ := strings.Cut(line, " ")
		switch verb {
		case "client>":
			s.client.say(s.unmask(rest))
		case "server>":
			s.server.say(s.unmask(rest))
		case "wait":
			d, err := time.ParseDuration(rest)
			if err != nil {
				t.Fatal(err)
			}
			time.Sleep(d) // the bubble's clock: this takes no time
		case "person":
			s.person(t, rest)
		case "policy":
			s.swap(t, parts[rest])
		case "client<", "server<", "notice":
			continue
		default:
			if line != "" && line[0] != '#' {
				t.Fatalf("what is %q?", line)
			}
			happened = append(happened, line)
			continue
		}
		synctest.Wait()
		happened = append(happened, line)
		for _, arrived := range s.arrived() {
			if at, frame, _ := strings.Cut(arrived, " "); frame == s.unmask(rest) {
				arrived = at + " ="
			}
			happened = append(happened, arrived)
		}
	}
	s.end()
	if late := s.arrived(); len(late) > 0 {
		happened = append(append(happened, leaving), late...)
	}
	log, number := s.logged(t)
	compare(t, name, archive, map[string]string{
		"dialogue": mask(strings.Join(happened, "\n")+"\n", number), "log": strings.Join(log, "\n") + "\n",
	})
}

// mask replaces what differs from run to run.
func mask(text string, number map[string]int) string {
	text = ownID.ReplaceAllString(text, "custos-$2")
	return regexp.MustCompile(`\bd_[0-9A-Z]+`).ReplaceAllStringFunc(text, func(id string) string {
		return fmt.Sprintf("d_%d", number[id])
	})
}

// ownID matches the ids that Custos makes for its own requests.
var ownID = regexp.MustCompile(`\b(custos-[A-Z2-7]{26}-)(\d+)`)

func compare(t *testing.T, name string, archive *txtar.Archive, happened map[string]string) {
	t.Helper()
	changed := false
	for part, text := range happened {
		at := -1
		for i, f := range archive.Files {
			if f.Name == part {
				at = i
			}
		}
		if at < 0 {
			at = len(archive.Files)
			archive.Files = append(archive.Files, txtar.File{Name: part})
		}
		if !*update {
			if diff := cmp.Diff(strings.Split(string(archive.Files[at].Data), "\n"), strings.Split(text, "\n")); diff != "" {
				t.Errorf("%s (-want +got):\n%s", part, diff)
			}
			continue
		}
		if !bytes.Equal(archive.Files[at].Data, []byte(text)) {
			archive.Files[at].Data, changed = []byte(text), true
		}
	}
	if changed {
		if err := os.WriteFile(name, txtar.Format(archive), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
