// Command custos guards the tool calls of AI agents.
//
//	custos run -- npx -y @modelcontextprotocol/server-filesystem ~/src/app
//
// Start with `custos demo`; `custos help` lists everything.
package main

import (
	"os"

	"github.com/custos-zt/custos/internal/cli"
)

func main() {
	os.Exit(cli.Main(os.Args[1:], cli.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}, os.Getenv))
}
