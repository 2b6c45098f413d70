package main

import (
	"bufio"
	"errors"
	"io"
	"os"
	"os/exec"
)

// relay is the least that a relay over stdio can be: it starts the command and
// copies lines both ways, one write a line, without looking at them. What it
// adds to a direct connection is the price of a second process, which no
// guard of this kind avoids.
func relay(command []string) error {
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	forward := make(chan error, 1)
	go func() {
		err := copyLines(stdin, os.Stdin)
		forward <- errors.Join(err, stdin.Close())
	}()
	err = copyLines(os.Stdout, stdout)
	return errors.Join(err, <-forward, cmd.Wait())
}

func copyLines(to io.Writer, from io.Reader) error {
	r := bufio.NewReaderSize(from, 1<<16)
	var long []byte
	for {
		line, err := r.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			long = append(long[:0], line...)
			for errors.Is(err, bufio.ErrBufferFull) {
				line, err = r.ReadSlice('\n')
				long = append(long, line...)
			}
			line = long
		}
		if len(line) > 0 {
			if _, err := to.Write(line); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}
