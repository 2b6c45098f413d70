// Command puppet is an MCP server whose hands are elsewhere: what it reads on
// stdin it writes to the unix socket named by its only argument, and what
// comes back it writes to stdout. It looks at nothing and changes nothing, so
// that a test which listens on the socket is the server, byte for byte, or can
// put a real one behind it and watch both ends of the gateway.
//
// It ends when the socket does.
package main

import (
	"fmt"
	"io"
	"net"
	"os"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: puppet SOCKET")
		os.Exit(2)
	}
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "puppet:", err)
		os.Exit(1)
	}
}

func run(socket string) error {
	conn, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: socket, Net: "unix"})
	if err != nil {
		return err
	}
	go func() {
		// A failed copy ends like the end of stdin: the test sees the socket close.
		_, _ = io.Copy(conn, os.Stdin)
		_ = conn.CloseWrite()
	}()
	_, err = io.Copy(os.Stdout, conn)
	return err
}
