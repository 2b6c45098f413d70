package main

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"

	"filippo.io/age"
	"github.com/rogpeppe/go-internal/testscript"
)

var update = flag.Bool("update", false, "write what commands print into the files that scripts compare it with")

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"custos": main})
}

// Each file of testdata/script is a session in a shell of its own, with a home
// and a state directory that hold nothing yet. Beside the commands of
// testscript a script has
//
//	exits STATUS COMMAND [ARG…]  run a command, which must end with this status
//	keys NAME                    make NAME.key and NAME.pub, an Ed25519 pair
//	identity NAME                make NAME.key and NAME.pub, an age identity and
//	                             its recipient
//	totp NAME SECRET STEPS       set a variable to what a device shows then
//	let NAME REGEXP              set a variable to what the group matches in
//	                             the last standard output
//
// and a small MCP server, $SERVER: see testdata/server.sh.
func TestScripts(t *testing.T) {
	server, err := os.ReadFile("testdata/server.sh")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":    exits,
			"let":      let,
			"keys":     keys,
			"totp":     showCode,
			"identity": identity,
		},
		Setup: func(env *testscript.Env) error {
			for name, value := range map[string]string{
				"HOME":            filepath.Join(env.WorkDir, "home"),
				"XDG_CONFIG_HOME": filepath.Join(env.WorkDir, "home/.config"),
				"XDG_STATE_HOME":  filepath.Join(env.WorkDir, "home/.local/state"),
				"CUSTOS_CONFIG":   "",
				"SERVER":          filepath.Join(env.WorkDir, "server.sh"),
				"GORACE":          "atexit_sleep_ms=0", // or each command takes a second
				"TZ":              "UTC",
			} {
				env.Setenv(name, value)
			}
			if err := os.MkdirAll(filepath.Join(env.WorkDir, "home"), 0o700); err != nil {
				return err
			}
			return os.WriteFile(filepath.Join(env.WorkDir, "server.sh"), server, 0o700)
		},
	})
}

// exits runs a command that must end with a certain status.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits STATUS COMMAND [ARG…]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		var ended *exec.ExitError
		if !errors.As(err, &ended) {
			ts.Fatalf("%v", err)
		}
		got = ended.ExitCode()
	}
	if got != want {
		ts.Fatalf("ended with status %d, want %d", got, want)
	}
}

// keys makes a pair of keys, new for each script.
func keys(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: keys NAME")
	}
	public, private, err := ed25519.GenerateKey(nil)
	ts.Check(err)
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	ts.Check(err)
	open, err := x509.MarshalPKIXPublicKey(public)
	ts.Check(err)
	for name, block := range map[string]*pem.Block{
		".key": {Type: "PRIVATE KEY", Bytes: secret},
		".pub": {Type: "PUBLIC KEY", Bytes: open},
	} {
		ts.Check(os.WriteFile(ts.MkAbs(args[0]+name), pem.EncodeToMemory(block), 0o600))
	}
}

// identity makes an age identity, new for each script.
func identity(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: identity NAME")
	}
	id, err := age.GenerateX25519Identity()
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]+".key"), []byte("# an identity\n"+id.String()+"\n"), 0o600))
	ts.Check(os.WriteFile(ts.MkAbs(args[0]+".pub"), []byte(id.Recipient().String()+"\n"), 0o600))
}

// let sets a variable to a part of the last standard output.
func let(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: let NAME REGEXP")
	}
	pattern, err := regexp.Compile(args[1])
	ts.Check(err)
	match := pattern.FindStringSubmatch(ts.ReadFile("stdout"))
	if len(match) != 2 {
		ts.Fatalf("%s has no group, or does not match", args[1])
	}
	ts.Setenv(args[0], match[1])
}
