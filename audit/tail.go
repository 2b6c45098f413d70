package audit

import (
	"bytes"
	"io"
	"os"
)

// tail is what lies behind the last whole frame of a segment.
type tail struct {
	state tailState
	bytes int64 // from the end of the last whole frame to the last byte that is not zero
}

type tailState uint8

const (
	// tailClean: nothing, or zeros written in advance.
	tailClean tailState = iota
	// tailTorn: one frame that a crash cut short.
	tailTorn
	// tailBroken: a frame that was whole once. A group is written only after
	// the one before it is durable, so a broken frame with anything behind it
	// was not left by a crash.
	tailBroken
)

// workCap bounds what is spent on looking for frames in bytes that somebody
// may have prepared to make the search slow.
const workCap = 256 << 20

// examineTail classifies the bytes of f from at, where no whole frame begins.
func examineTail(f *os.File, at int64) (tail, error) {
	last, err := lastByte(f, at)
	if err != nil || last < at {
		return tail{}, err
	}
	t := tail{state: tailTorn, bytes: last + 1 - at}
	var h [frameHeader]byte
	if _, err := f.ReadAt(h[:], at); err != nil && err != io.EOF {
		return tail{}, err
	}
	end := at + frameHeader + maxPayload
	if n, ok := plausible(h[:]); ok {
		end = at + frameHeader + int64(n)
	}
	if last >= end {
		t.state = tailBroken
		return t, nil
	}
	found, err := findFrame(f, at+1, last+1)
	if found {
		t.state = tailBroken
	}
	return t, err
}

// lastByte returns the offset of the last byte at or behind from that is not
// zero, and from-1 where there is none.
func lastByte(f *os.File, from int64) (int64, error) {
	last := from - 1
	buf := make([]byte, window)
	for off := from; ; {
		n, err := f.ReadAt(buf, off)
		for i := n - 1; i >= 0; i-- {
			if buf[i] != 0 {
				last = off + int64(i)
				break
			}
		}
		off += int64(n)
		if err == io.EOF {
			return last, nil
		}
		if err != nil {
			return last, err
		}
	}
}

// findFrame looks for a whole frame that begins in [from, to). Exhausting
// workCap counts as having found one: nothing that a crash leaves behind looks
// like so many frames.
func findFrame(f *os.File, from, to int64) (bool, error) {
	b := make([]byte, to-from)
	n, err := f.ReadAt(b, from)
	if err != nil && err != io.EOF {
		return false, err
	}
	b = b[:n]
	work := 0
	for i := 0; work < workCap; {
		j := bytes.Index(b[i:], []byte(`{"v":`))
		if j < 0 {
			return false, nil
		}
		i += j + 1
		start := i - 1 - frameHeader
		if start < 0 || (from+int64(start))%frameAlign != 0 {
			continue
		}
		size, ok := plausible(b[start:])
		if !ok || start+frameHeader+size > len(b) {
			continue
		}
		work += size
		if checkFrame(b[start : start+frameHeader+size]) {
			return true, nil
		}
	}
	return true, nil
}
