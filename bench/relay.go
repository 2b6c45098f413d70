package main

import (
	"bufio"
	"errors"
	"flag"
	"io"
	"os"
	"os/exec"
)

// relay is the least that a relay over stdio can be: it starts the command and
// copies lines both ways, one write a line, without looking at them. What it
// adds to a direct connection is the price of a second process, which no
// guard of this kind avoids.
//
// With a journal it makes a record of the usual size durable before it copies
// a line to the command: the least that a relay with durable evidence can be,
// one call at a time. It commits no groups, so it says nothing about more.
func relay(args []string) error {
	set := flag.NewFlagSet("relay", flag.ContinueOnError)
	path := set.String("journal", "", "make a record durable in this `file` before each line")
	if err := set.Parse(args); err != nil {
		return err
	}
	if set.NArg() == 0 {
		return errors.New("relay: no command")
	}
	keep := func() error { return nil }
	if *path != "" {
		j, err := newJournal(*path, 1<<20)
		if err != nil {
			return err
		}
		defer j.close()
		keep = j.record
	}
	return relayTo(set.Args(), keep)
}

func relayTo(command []string, keep func() error) error {
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
		err := copyLines(stdin, os.Stdin, keep)
		forward <- errors.Join(err, stdin.Close())
	}()
	err = copyLines(os.Stdout, stdout, func() error { return nil })
	return errors.Join(err, <-forward, cmd.Wait())
}

// copyLines copies whole lines, calling keep before each.
func copyLines(to io.Writer, from io.Reader, keep func() error) error {
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
			if err := keep(); err != nil {
				return err
			}
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
