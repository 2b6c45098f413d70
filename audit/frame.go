package audit

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"os"
)

// A segment file is a file header and then frames, each at a multiple of 8:
//
//	header  "CUSTOSLG" | u32 version | u32 CRC-32C of both   16 bytes
//	frame   u32 length | u32 CRC-32C | payload | zero padding
//
// Numbers are little-endian. The checksum covers the four length bytes and
// the payload. The payload is one or more records, each followed by '\n'. A
// length of zero ends the file: what follows is space written in advance.
const (
	magic = "CUSTOSLG"
	// FormatVersion is the version of the segment format.
	FormatVersion = 1
	fileHeader    = 16
	frameHeader   = 8
	frameAlign    = 8
	// maxRecord bounds one record, softGroup is where a group stops accepting
	// more, and maxPayload is what a reader believes.
	maxRecord  = 1 << 20
	softGroup  = 1 << 20
	maxPayload = 4 << 20
)

// castagnoli returns the CRC-32C table, which the standard library keeps.
func castagnoli() *crc32.Table { return crc32.MakeTable(crc32.Castagnoli) }

// sealFileHeader returns the beginning of a segment of this version.
func sealFileHeader(version uint32) []byte {
	b := append(make([]byte, 0, fileHeader), magic...)
	b = binary.LittleEndian.AppendUint32(b, version)
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, castagnoli()))
}

// checkFileHeader tells a header that is broken from one of another version.
func checkFileHeader(h []byte) error {
	sum := crc32.Checksum(h[:fileHeader-4], castagnoli())
	switch {
	case string(h[:len(magic)]) != magic || binary.LittleEndian.Uint32(h[fileHeader-4:]) != sum:
		return errBroken
	case binary.LittleEndian.Uint32(h[len(magic):]) != FormatVersion:
		return errFormat
	default:
		return nil
	}
}

// sealFrame fills the header of a frame whose payload follows 8 reserved
// bytes, and pads it. The result is what is written.
func sealFrame(b []byte) []byte {
	binary.LittleEndian.PutUint32(b, uint32(len(b)-frameHeader))
	sum := crc32.Update(0, castagnoli(), b[:4])
	binary.LittleEndian.PutUint32(b[4:], crc32.Update(sum, castagnoli(), b[frameHeader:]))
	for len(b)%frameAlign != 0 {
		b = append(b, 0)
	}
	return b
}

// align rounds a file offset up to where a frame may begin.
func align(off int64) int64 { return (off + frameAlign - 1) &^ (frameAlign - 1) }

// plausible reports whether a header may belong to a frame at all.
func plausible(header []byte) (length int, ok bool) {
	n := binary.LittleEndian.Uint32(header)
	return int(n), n > 0 && n <= maxPayload
}

// checkFrame reports whether b, a header and its payload, is a whole frame.
func checkFrame(b []byte) bool {
	sum := crc32.Update(0, castagnoli(), b[:4])
	sum = crc32.Update(sum, castagnoli(), b[frameHeader:])
	return sum == binary.LittleEndian.Uint32(b[4:]) && b[len(b)-1] == '\n'
}

// errBroken marks bytes that are no whole frame; errEnd marks the place where
// no frame was written yet.
var (
	errBroken = errors.New("broken frame")
	errEnd    = errors.New("end of frames")
	errFormat = errors.New("not a segment of a format this version knows")
)

// walker reads the frames of one segment in order, through a window of
// bounded size. It reads with pread and never maps the file: the writer may
// cut it at any time.
type walker struct {
	f    *os.File
	off  int64 // where the next frame begins
	base int64 // file offset of buf[0]
	buf  []byte
	// ahead is how much is read at once; 0 is window. Who wants one record
	// reads little.
	ahead int
}

const window = 256 << 10

// openWalker checks the file header and stands before the first frame.
func openWalker(path string) (*walker, error) {
	f, err := openRead(path)
	if err != nil {
		return nil, err
	}
	w := &walker{f: f, off: fileHeader}
	var h [fileHeader]byte
	n, err := f.ReadAt(h[:], 0)
	if n == fileHeader {
		err = checkFileHeader(h[:])
	} else if errors.Is(err, io.EOF) {
		err = errBroken
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return w, nil
}

func (w *walker) close() { w.f.Close() }

// next returns the payload of the next frame and the offset at which it
// begins. The payload is valid until the following call. It returns errEnd or
// errBroken where there is no whole frame; the walker then stays where it is,
// and a later call looks at the file afresh.
func (w *walker) next() (payload []byte, at int64, err error) {
	at = w.off
	b, err := w.peekAt(frameHeader)
	if err != nil || len(b) < frameHeader {
		return nil, at, w.stale(err, len(b) == 0 || allZero(b))
	}
	n, ok := plausible(b)
	if !ok {
		return nil, at, w.stale(nil, allZero(b))
	}
	end := frameHeader + n
	b, err = w.peekAt(int(align(int64(end))))
	if err != nil || len(b) < end || !checkFrame(b[:end]) || !allZero(b[end:]) {
		return nil, at, w.stale(err, false)
	}
	w.off = align(at + int64(end))
	return b[frameHeader:end], at, nil
}

// stale forgets the window, so that the next look is a fresh one.
func (w *walker) stale(err error, end bool) error {
	w.buf = w.buf[:0]
	switch {
	case err != nil:
		return err
	case end:
		return errEnd
	default:
		return errBroken
	}
}

// peekAt returns up to n bytes from the current offset, fewer at the end of
// the file.
func (w *walker) peekAt(n int) ([]byte, error) {
	skip := w.off - w.base
	if skip >= 0 && skip+int64(n) <= int64(len(w.buf)) {
		return w.buf[skip : skip+int64(n)], nil
	}
	size := max(n, window)
	if w.ahead > 0 {
		size = max(n, w.ahead)
	}
	if cap(w.buf) < size {
		w.buf = make([]byte, size)
	}
	w.buf = w.buf[:size]
	w.base = w.off
	got, err := w.f.ReadAt(w.buf, w.base)
	w.buf = w.buf[:got]
	if err == io.EOF {
		err = nil
	}
	return w.buf[:min(n, got)], err
}

// lines calls yield for each record of a payload, with its offset in it.
func lines(payload []byte, yield func(line []byte, off int) bool) bool {
	for off := 0; off < len(payload); {
		n := bytes.IndexByte(payload[off:], '\n')
		if n < 0 {
			n = len(payload) - off
		}
		if !yield(payload[off:off+n], off) {
			return false
		}
		off += n + 1
	}
	return true
}

func allZero(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}
