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

// journal is a file in which records are made durable one by one: written into
// blocks that are there already, then fdatasync. The file was written once
// before, so that no change of its metadata is measured. This is the least that
// a durable log can cost.
type journal struct {
	f    *os.File
	line []byte
	at   int64
	size int64
}

// newJournal makes a journal that begins again at its start after size bytes.
func newJournal(path string, size int64) (*journal, error) {
	f, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	j := &journal{f: f, line: bytes.Repeat([]byte("r"), recordSize), size: size}
	if _, err = f.Write(make([]byte, size+recordSize)); err == nil {
		err = f.Sync()
	}
	if err != nil {
		j.close()
		return nil, err
	}
	return j, nil
}

func (j *journal) record() error {
	if _, err := j.f.WriteAt(j.line, j.at); err != nil {
		return err
	}
	if err := syscall.Fdatasync(int(j.f.Fd())); err != nil {
		return fmt.Errorf("fdatasync: %w", err)
	}
	j.at = (j.at + recordSize) % j.size
	return nil
}

func (j *journal) close() {
	_ = j.f.Close()
	_ = os.Remove(j.f.Name())
}

// probe measures what durability alone costs on the disk that holds dir.
func probe(dir string, writes int) ([]time.Duration, error) {
	j, err := newJournal(filepath.Join(dir, "probe"), int64(writes+1)*recordSize)
	if err != nil {
		return nil, err
	}
	defer j.close()
	samples := make([]time.Duration, 0, writes)
	for range writes {
		began := time.Now()
		if err := j.record(); err != nil {
			return nil, err
		}
		samples = append(samples, time.Since(began))
	}
	return samples, nil
}
