package sealed

import (
	"errors"
	"io/fs"
	"os"
	"time"
)

// Find returns what is kept of the call that p names, in the folder of its slot.
// The error is [ErrNotKept] where nothing is, or where it is older than keep and
// only not removed yet; [ErrTampered] where it does not belong to the record;
// [ErrKey] where it was sealed under another key.
func Find(dir string, key []byte, p Place, keep time.Duration, now time.Time) (Call, error) {
	list, err := files(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return Call{}, ErrNotKept
	}
	if err != nil {
		return Call{}, err
	}
	found := ErrNotKept
	for i := len(list) - 1; i >= 0; i-- {
		if expired(list[i].created, keep, now) || !near(list, i, p.Seq) {
			continue
		}
		call, err := find(list[i].path, key, p)
		if err == nil {
			return call, nil
		}
		if !errors.Is(err, ErrNotKept) {
			found = err
		}
	}
	return Call{}, found
}

// slack is how far calls that were admitted at once may be written out of order.
const slack = 4096

// near reports whether file i may hold seq: it begins before, or little behind
// it, and the next one does not begin well before it.
func near(list []file, i int, seq uint64) bool {
	if list[i].first > seq+slack {
		return false
	}
	next := i + 1
	return next == len(list) || list[next].first+slack > seq || list[next].first < list[i].first
}

// find looks for a call in one file. Of several entries with its number, which a
// crash can leave, the one that opens counts.
func find(path string, key []byte, p Place) (Call, error) {
	f, err := openRegular(path, os.O_RDONLY)
	if errors.Is(err, fs.ErrNotExist) {
		return Call{}, ErrNotKept
	}
	if err != nil {
		return Call{}, err
	}
	defer f.Close()
	h, err := readHeader(f)
	if err != nil {
		return Call{}, err
	}
	var call Call
	failed := ErrNotKept
	_, err = walk(f, func(at int64, seq uint64, size int) bool {
		if seq != p.Seq {
			return true
		}
		aead, err := h.open(key)
		if err == nil {
			b := make([]byte, size)
			if _, err = f.ReadAt(b, at+4); err == nil {
				call, err = openEntry(b, aead, p)
			}
		}
		failed = err
		return err != nil
	})
	if err != nil {
		return Call{}, err
	}
	return call, failed
}
