package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// recordSize is about what one decision takes in the log.
const recordSize = 900

// probe measures what durability costs on the disk that holds dir when nothing
// else is done: a record is written into a file whose blocks are there
// already, and made durable with fdatasync. The file was written once before,
// so that no change of its metadata is measured: this is the least that a
// durable log can cost.
func probe(dir string, writes int) ([]time.Duration, error) {
	path := filepath.Join(dir, "probe")
	f, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.Remove(path) }() // the lab removes the directory as well
	defer f.Close()
	if _, err := f.Write(make([]byte, (writes+1)*recordSize)); err != nil {
		return nil, err
	}
	if err := f.Sync(); err != nil {
		return nil, err
	}
	record := bytes.Repeat([]byte("r"), recordSize)
	samples := make([]time.Duration, 0, writes)
	for n := range writes {
		began := time.Now()
		if _, err := f.WriteAt(record, int64(n*recordSize)); err != nil {
			return nil, err
		}
		if err := syscall.Fdatasync(int(f.Fd())); err != nil {
			return nil, fmt.Errorf("fdatasync: %w", err)
		}
		samples = append(samples, time.Since(began))
	}
	return samples, nil
}
