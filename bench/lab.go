package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// The modes: how the load generator reaches the echo server.
const (
	direct = "direct"
	relayd = "relay"
	synced = "synced" // the raw relay, made durable
	custos = "custos"
)

func allModes() []string { return []string{direct, relayd, synced, custos} }

// lab is where a measurement happens: the programs, the policy and a directory
// on the disk that the log is measured on.
type lab struct {
	root   string   // of the checkout
	dir    string   // removed at the end
	self   string   // this program
	binary string   // custos
	server []string // the command behind everything
	policy string
	states int
}

// openLab builds what is measured. The directory is in the checkout unless
// told otherwise: temporary directories are often in memory, where making a
// log durable costs nothing and a measurement of it says nothing.
func openLab(o settings) (*lab, error) {
	parent := o.dir
	root, err := checkout()
	if err != nil {
		return nil, err
	}
	if parent == "" {
		parent = filepath.Join(root, ".bench")
	}
	if err := os.MkdirAll(parent, 0o700); err != nil {
		return nil, err
	}
	l := &lab{root: root}
	if l.dir, err = os.MkdirTemp(parent, "run-"); err != nil {
		return nil, err
	}
	if l.dir, err = filepath.Abs(l.dir); err != nil {
		return nil, err
	}
	if l.self, err = os.Executable(); err != nil {
		return nil, err
	}
	l.policy = filepath.Join(l.dir, "policy.yaml")
	if err := os.WriteFile(l.policy, []byte(benchPolicy()), 0o600); err != nil {
		return nil, err
	}
	l.server = []string{l.self, "echo"}
	if o.server == "sdk" {
		l.server = []string{filepath.Join(l.dir, "sdkecho")}
		err = l.build(l.server[0], "./bench/sdkecho")
	}
	if slices.Contains(o.modes, custos) && err == nil {
		if l.binary = o.binary; l.binary == "" {
			l.binary = filepath.Join(l.dir, "custos")
			err = l.build(l.binary, "./cmd/custos")
		}
	}
	if err != nil {
		l.close()
		return nil, err
	}
	return l, nil
}

// build makes a program from a package of the checkout.
func (l *lab) build(program, pkg string) error {
	cmd := exec.Command("go", "build", "-trimpath", "-o", program, pkg)
	cmd.Dir = l.root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0") // as `make build` does
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build %s: %w\n%s", pkg, err, out)
	}
	return nil
}

// checkout finds the directory with go.mod from the working directory up.
func checkout() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", errors.New("no go.mod here or above: run this in the checkout")
		}
		dir = up
	}
}

// newState returns a state directory that nothing was written to yet.
func (l *lab) newState() string {
	l.states++
	return filepath.Join(l.dir, fmt.Sprintf("state-%d", l.states))
}

// command returns what starts the server in this mode. state is where
// Custos writes; the other modes ignore it.
func (l *lab) command(mode, state string) []string {
	switch mode {
	case relayd:
		return append([]string{l.self, "relay"}, l.server...)
	case synced:
		return append([]string{l.self, "relay", "-journal", filepath.Join(l.dir, "journal")}, l.server...)
	case custos:
		return append([]string{l.binary, "--state", state, "run", "--policy", l.policy, "--name", "bench", "--"}, l.server...)
	default:
		return l.server
	}
}

// verify checks the log that a run left behind and removes it. A figure with a
// durable log means nothing where the log does not hold.
func (l *lab) verify(state string) error {
	out, err := exec.Command(l.binary, "--state", state, "audit", "verify").CombinedOutput()
	if err != nil {
		return fmt.Errorf("the log of the run does not verify: %w\n%s", err, strings.TrimSpace(string(out)))
	}
	return os.RemoveAll(state)
}

func (l *lab) close() { _ = os.RemoveAll(l.dir) } // best effort: it is below .bench
