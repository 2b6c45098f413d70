package gateway

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"slices"
)

// errFrameTooLong says that a line exceeds the cap. Unless the reader is fatal
// the rest of the line was skipped, and the next call reads the next line.
var errFrameTooLong = errors.New("line exceeds the frame limit")

// errHalfLine says that the input ended within a line.
var errHalfLine = errors.New("input ended within a line")

// frameReader splits a stream into lines of at most max bytes.
type frameReader struct {
	r   *bufio.Reader
	max int
	// fatal gives up at a line that is too long instead of looking for its
	// end, which may never come.
	fatal bool
}

func newFrameReader(r io.Reader, maxBytes int) *frameReader {
	return &frameReader{r: bufio.NewReaderSize(r, 64<<10), max: maxBytes}
}

// more reports whether another whole line has arrived already.
func (f *frameReader) more() bool {
	arrived, _ := f.r.Peek(f.r.Buffered())
	return bytes.IndexByte(arrived, '\n') >= 0
}

// next returns the next line without its end. The bytes belong to the caller.
// Empty lines are skipped: they carry no message. It returns io.EOF at the
// end, errHalfLine when bytes without a line end precede it.
func (f *frameReader) next() ([]byte, error) {
	for {
		line, err := f.line()
		if err != nil {
			return nil, err
		}
		if line = trimEnd(line); len(line) > 0 {
			return line, nil
		}
	}
}

// line reads up to and including the line end.
func (f *frameReader) line() ([]byte, error) {
	var line []byte
	for {
		chunk, err := f.r.ReadSlice('\n')
		if len(line)+len(chunk) > f.max+2 {
			return nil, f.skip(err)
		}
		line = append(grown(line, len(chunk)), chunk...)
		switch {
		case err == nil:
			return line, nil
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case errors.Is(err, io.EOF) && len(trimEnd(line)) > 0:
			return nil, errHalfLine
		default:
			return nil, err
		}
	}
}

// grown makes room for n more bytes. A long line doubles: append alone grows
// large slices by a quarter, and copies a megabyte many times over.
func grown(line []byte, n int) []byte {
	if len(line) == 0 || cap(line)-len(line) >= n {
		return line
	}
	return slices.Grow(line, max(n, 2*cap(line)-len(line)))
}

// skip discards the rest of a line that is too long.
func (f *frameReader) skip(err error) error {
	for !f.fatal && errors.Is(err, bufio.ErrBufferFull) {
		_, err = f.r.ReadSlice('\n')
	}
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, bufio.ErrBufferFull) {
		return err
	}
	return errFrameTooLong
}

// trimEnd cuts the line end, and a carriage return before it.
func trimEnd(line []byte) []byte {
	if n := len(line); n > 0 && line[n-1] == '\n' {
		line = line[:n-1]
	}
	if n := len(line); n > 0 && line[n-1] == '\r' {
		line = line[:n-1]
	}
	return line
}
