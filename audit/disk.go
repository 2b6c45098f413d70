package audit

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

// Space is written ahead of need, in growing steps: a write into space that
// holds zeros changes neither the file's size nor its extents, so that
// fdatasync has no journal to commit. Measured on ext4 over 6,000 records of
// 900 bytes, p50 and p90 in microseconds: growing file 187 and 1,373,
// fallocate 128 and 329, zeros 118 and 221.
const (
	firstStep = 64 << 10
	largeStep = 1 << 20
	zeroPiece = 64 << 10
)

// disk is the way to the file system. Tests replace single functions to make
// them fail; everything else uses [osDisk].
type disk struct {
	open   func(path string, flag int) (*os.File, error)
	write  func(f *os.File, b []byte, off int64) (int, error)
	sync   func(f *os.File) error
	resize func(f *os.File, size int64) error
	remove func(path string) error
}

func osDisk() disk {
	return disk{
		open: func(path string, flag int) (*os.File, error) {
			return os.OpenFile(path, flag|noFollow, 0o600)
		},
		write:  func(f *os.File, b []byte, off int64) (int, error) { return f.WriteAt(b, off) },
		sync:   fdatasync,
		resize: func(f *os.File, size int64) error { return f.Truncate(size) },
		remove: os.Remove,
	}
}

// openRead opens a file of the log for reading; a symbolic link is refused.
func openRead(path string) (*os.File, error) { return os.OpenFile(path, os.O_RDONLY|noFollow, 0) }

// writeFull writes all of b or fails.
func (d *disk) writeFull(f *os.File, b []byte, off int64) error {
	n, err := d.write(f, b, off)
	if err == nil && n < len(b) {
		err = io.ErrShortWrite
	}
	return err
}

// syncDir makes the names in a directory durable.
func (d *disk) syncDir(dir string) error {
	f, err := d.open(dir, os.O_RDONLY)
	if err != nil {
		return err
	}
	defer f.Close()
	return d.sync(f)
}

// segment is the file that records are written to. Only the writing goroutine
// uses it; while an extension runs, that goroutine stays below space.
type segment struct {
	disk    disk
	f       *os.File
	path    string
	off     int64 // where the next frame begins
	space   int64 // up to here the file holds zeros
	step    int64
	limit   int64 // no space is prepared beyond
	grown   chan extension
	busy    bool
	left    fileID    // after the last write; zero: nobody asked, or other writes followed
	settled time.Time // when left was last asked for
	touches *touches  // of others: the writer forgets its own
}

// extension is the result of preparing space.
type extension struct {
	space int64
	err   error
}

// createSegment makes the file; nothing may exist under its name.
func createSegment(d disk, path string, limit int64) (*segment, error) {
	f, err := d.open(path, os.O_RDWR|os.O_CREATE|os.O_EXCL)
	if err != nil {
		return nil, err
	}
	return newSegment(d, f, path, limit), nil
}

func newSegment(d disk, f *os.File, path string, limit int64) *segment {
	return &segment{
		disk: d, f: f, path: path, limit: limit, step: firstStep, grown: make(chan extension, 1),
		touches: watchTouches(path),
	}
}

// resumeSegment continues a file whose frames end at end. Whatever follows
// MUST be zeros. What an earlier process wrote, and the file's name, may never
// have become durable; it is made so first.
func resumeSegment(d disk, path string, end, limit int64) (*segment, error) {
	f, err := d.open(path, os.O_RDWR)
	if err != nil {
		return nil, err
	}
	st, err := f.Stat()
	if err == nil {
		err = d.sync(f)
	}
	if err == nil {
		err = d.syncDir(filepath.Dir(path))
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	s := newSegment(d, f, path, limit)
	s.off, s.space = align(end), max(align(end), st.Size())
	return s, nil
}

// begin writes the file header and the first frame of a new file and makes
// both, and the file's name, durable.
func (s *segment) begin(frame []byte) error {
	b := append(sealFileHeader(FormatVersion), frame...)
	if err := s.put(b, 0); err != nil {
		return fmt.Errorf("begin segment: %w", err)
	}
	if err := s.disk.sync(s.f); err != nil {
		return fmt.Errorf("begin segment: %w", err)
	}
	if err := s.disk.syncDir(filepath.Dir(s.path)); err != nil {
		return fmt.Errorf("begin segment: %w", err)
	}
	s.off = int64(len(b))
	s.space = s.off
	return nil
}

// write makes one frame durable. It is the only way by which records reach
// the disk after the first frame of a segment.
func (s *segment) write(frame []byte) error {
	end := s.off + int64(len(frame))
	if err := s.collect(end > s.space); err != nil {
		return err
	}
	if err := s.put(frame, s.off); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	if err := s.disk.sync(s.f); err != nil {
		return fmt.Errorf("sync: %w", err)
	}
	s.off = end
	s.space = max(s.space, end)
	return nil
}

// put writes b, of which nobody else is to be suspected.
func (s *segment) put(b []byte, off int64) error {
	err := s.disk.writeFull(s.f, b, off)
	s.touches.any()
	return err
}

// prepare starts writing zeros ahead when less than half a step is left.
func (s *segment) prepare() {
	if s.busy || s.space-s.off > s.step/2 || s.space >= s.limit {
		return
	}
	from, to := s.space, align(s.space+s.step)
	s.step = min(2*s.step, largeStep)
	s.busy = true
	go func() { s.grown <- s.extend(from, to) }()
}

// extend writes zeros in small pieces, each made durable before the next, so
// that no record waits behind a large flush.
func (s *segment) extend(from, to int64) extension {
	zeros := make([]byte, zeroPiece)
	for at := from; at < to; at += zeroPiece {
		piece := zeros[:min(zeroPiece, to-at)]
		if err := s.disk.writeFull(s.f, piece, at); err != nil {
			return extension{err: fmt.Errorf("extend: %w", err)}
		}
		if err := s.disk.sync(s.f); err != nil {
			return extension{err: fmt.Errorf("extend: %w", err)}
		}
	}
	return extension{space: to}
}

// collect takes the result of an extension, waiting for it where asked. The
// writer MUST NOT pass space while zeros are being written behind it.
func (s *segment) collect(wait bool) error {
	if !s.busy {
		return nil
	}
	var e extension
	if wait {
		e = <-s.grown
	} else {
		select {
		case e = <-s.grown:
		default:
			return nil
		}
	}
	s.busy = false
	s.space = max(s.space, e.space)
	return e.err
}

// finish cuts the prepared space off and closes the file.
func (s *segment) finish() error {
	s.touches.close()
	err := s.collect(true)
	if err == nil {
		err = s.disk.resize(s.f, s.off)
	}
	if err == nil {
		err = s.disk.sync(s.f)
	}
	if err != nil {
		err = fmt.Errorf("close segment: %w", err)
	}
	return joinClose(err, s.f)
}

// joinClose closes f and returns the first error of the two.
func joinClose(err error, f *os.File) error {
	if cerr := f.Close(); err == nil {
		return cerr
	}
	return err
}
