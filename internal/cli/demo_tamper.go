package cli

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
)

// errFound ends a search that succeeded.
var errFound = errors.New("found")

// rewrite replaces the first occurrence of a text by one of the same length in
// the segments below a directory and repairs the checksum of its frame: it
// plays somebody who can write the files and knows their format.
func rewrite(dir, from, to string) error {
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".seg" {
			return err
		}
		data, err := os.ReadFile(path) //nolint:gosec // below our own temporary directory
		if err != nil || !forge(data, from, to) {
			return err
		}
		if err := os.WriteFile(path, data, 0o600); err != nil { //nolint:gosec // as above
			return err
		}
		return errFound
	})
	if errors.Is(err, errFound) {
		return nil
	}
	return errors.Join(err, errors.New("there was nothing to change"))
}

// forge changes the first frame of a segment that holds the text (the format
// stands in audit/frame.go).
func forge(segment []byte, from, to string) bool {
	for at := 16; at+8 <= len(segment); {
		size := int(binary.LittleEndian.Uint32(segment[at:]))
		if size == 0 || at+8+size > len(segment) {
			return false
		}
		payload := segment[at+8 : at+8+size]
		if i := bytes.Index(payload, []byte(from)); i >= 0 {
			copy(payload[i:], to)
			table := crc32.MakeTable(crc32.Castagnoli)
			sum := crc32.Update(crc32.Checksum(segment[at:at+4], table), table, payload)
			binary.LittleEndian.PutUint32(segment[at+4:], sum)
			return true
		}
		at = (at + 8 + size + 7) &^ 7
	}
	return false
}
