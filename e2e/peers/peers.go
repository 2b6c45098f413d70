// Package peers finds the real programs that tests drive and builds those that
// are written here. Each function returns the command to start; the first that
// needs a program to be built or installed does so, or fails the test and says
// what is missing. No test is skipped because a peer is not there.
//
// What is built lands in .peers/bin of the checkout and is kept up to date by
// the go command, so that many test processes share one build.
package peers

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
)

// Filesystem is @modelcontextprotocol/server-filesystem over these directories.
func Filesystem(t testing.TB, dirs ...string) []string {
	t.Helper()
	return append(node(t, "server-filesystem"), dirs...)
}

// Everything is @modelcontextprotocol/server-everything, which speaks the
// stateful revisions up to 2025-11-25.
func Everything(t testing.TB) []string {
	t.Helper()
	return append(node(t, "server-everything"), "stdio")
}

// Memory is @modelcontextprotocol/server-memory. Its data file is named by the
// environment variable MEMORY_FILE_PATH.
func Memory(t testing.TB) []string {
	t.Helper()
	return node(t, "server-memory")
}

// Modern is the conformance server of the official Go SDK. Over stdio it
// speaks the stateless revision 2026-07-28, with input_required, and the
// stateful ones.
func Modern(t testing.TB) []string {
	t.Helper()
	return []string{build(t, "everything-server", "github.com/modelcontextprotocol/go-sdk/conformance/everything-server", false)}
}

// Bad is e2e/badserver, a backend that misbehaves as these flags say.
func Bad(t testing.TB, flags ...string) []string {
	t.Helper()
	return append([]string{build(t, "badserver", "github.com/custos-zt/custos/e2e/badserver", false)}, flags...)
}

// Puppet is e2e/puppet, a server that does what is written to this socket.
func Puppet(t testing.TB, socket string) []string {
	t.Helper()
	return []string{build(t, "puppet", "github.com/custos-zt/custos/e2e/puppet", false), socket}
}

// Breaker is e2e/breaker, which runs a command and breaks one system call of it.
func Breaker(t testing.TB, arguments ...string) []string {
	t.Helper()
	return append([]string{build(t, "breaker", "github.com/custos-zt/custos/e2e/breaker", false)}, arguments...)
}

// Custos is the program under test with these arguments. It is built with the
// race detector when the test is.
func Custos(t testing.TB, arguments ...string) []string {
	t.Helper()
	name := "custos"
	if race {
		name = "custos-race"
	}
	return append([]string{build(t, name, "github.com/custos-zt/custos/cmd/custos", race)}, arguments...)
}

// CustosPlain is Custos without the race detector, which costs memory: for
// tests that measure.
func CustosPlain(t testing.TB, arguments ...string) []string {
	t.Helper()
	return append([]string{build(t, "custos", "github.com/custos-zt/custos/cmd/custos", false)}, arguments...)
}

// Root is the directory of the checkout.
func Root(t testing.TB) string {
	t.Helper()
	_, file, _, ok := runtime.Caller(0)
	if !ok {
		t.Fatal("the test binary does not say where its source is")
	}
	return filepath.Dir(filepath.Dir(filepath.Dir(file)))
}

// node returns the command of an MCP server from npm.
func node(t testing.TB, server string) []string {
	t.Helper()
	script := filepath.Join(Root(t), ".peers/node_modules/@modelcontextprotocol", server, "dist/index.js")
	if _, err := os.Stat(script); err != nil {
		install := exec.Command(filepath.Join(Root(t), "scripts/peers.sh"))
		if out, err := install.CombinedOutput(); err != nil {
			t.Fatalf("scripts/peers.sh: %v\n%s", err, out)
		}
	}
	path, err := exec.LookPath("node")
	if err != nil {
		t.Fatalf("node is missing: %s needs Node 20 or newer", server)
	}
	return []string{path, script}
}

// build makes .peers/bin/name from a package and returns its path. A lock
// keeps test processes from building over one another; when nothing changed
// the go command leaves the program as it is.
func build(t testing.TB, name, pkg string, withRace bool) string {
	t.Helper()
	bin := filepath.Join(Root(t), ".peers/bin")
	if err := os.MkdirAll(bin, 0o755); err != nil {
		t.Fatal(err)
	}
	lock, err := os.OpenFile(filepath.Join(bin, name+".lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(bin, name)
	args := []string{"build", "-o", program}
	if withRace {
		args = append(args, "-race")
	}
	cmd := exec.Command("go", append(args, pkg)...)
	cmd.Dir = Root(t)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go %v: %v\n%s", cmd.Args[1:], err, out)
	}
	return program
}
