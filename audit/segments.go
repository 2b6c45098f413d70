package audit

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

const (
	segmentSuffix = ".seg"
	seqDigits     = 16
)

// segmentName returns the file name of the segment whose first record is seq.
func segmentName(seq uint64) string { return fmt.Sprintf("%0*d%s", seqDigits, seq, segmentSuffix) }

// SlotName returns the directory name of a slot under log/.
func SlotName(slot int) string { return fmt.Sprintf("%02d", slot) }

// segmentFile is one segment of a chain by its name.
type segmentFile struct {
	name  string
	first uint64
}

// listSegments returns the segments in dir in order. A file that ends like a
// segment and is not named like one is an error: nobody but an intruder puts
// it there.
func listSegments(dir string) ([]segmentFile, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var list []segmentFile
	for _, e := range entries {
		digits, ok := strings.CutSuffix(e.Name(), segmentSuffix)
		if !ok {
			continue
		}
		seq, err := strconv.ParseUint(digits, 10, 64)
		if err != nil || seq == 0 || segmentName(seq) != e.Name() {
			return nil, fmt.Errorf("%w: %s is not a segment of this log", ErrTampered, filepath.Join(dir, e.Name()))
		}
		if !e.Type().IsRegular() {
			return nil, fmt.Errorf("%w: %s is not a regular file", ErrTampered, filepath.Join(dir, e.Name()))
		}
		list = append(list, segmentFile{name: e.Name(), first: seq})
	}
	slices.SortFunc(list, func(a, b segmentFile) int { return int(int64(a.first) - int64(b.first)) })
	return list, nil
}

// slotDir is one chain's directory.
type slotDir struct {
	slot int
	path string
}

// listSlots returns the slots under a log directory in order.
func listSlots(logDir string) ([]slotDir, error) {
	entries, err := os.ReadDir(logDir)
	if err != nil {
		return nil, err
	}
	var list []slotDir
	for _, e := range entries {
		n, err := strconv.Atoi(e.Name())
		if err != nil || n < 0 || n >= MaxSlots || SlotName(n) != e.Name() {
			continue
		}
		list = append(list, slotDir{slot: n, path: filepath.Join(logDir, e.Name())})
	}
	slices.SortFunc(list, func(a, b slotDir) int { return a.slot - b.slot })
	return list, nil
}
