package importer

import (
	"bytes"
	"sort"
	"unicode/utf8"
)

// lines turns offsets into positions. Columns count characters. Asking in the
// order of the source costs no more than reading it once, even where it is one
// long line.
type lines struct {
	data   []byte
	starts []int
	last   int // the offset asked for last
	at     pos // and its position
}

func newLines(data []byte) *lines {
	l := &lines{data: data, starts: []int{0}, at: pos{1, 1}}
	for i := 0; ; i++ {
		next := bytes.IndexByte(data[i:], '\n')
		if next < 0 {
			return l
		}
		i += next
		l.starts = append(l.starts, i+1)
	}
}

func (l *lines) position(offset int) pos {
	offset = min(max(offset, 0), len(l.data))
	line := sort.SearchInts(l.starts, offset+1)
	if line != l.at.line || offset < l.last {
		l.last, l.at = l.starts[line-1], pos{line, 1}
	}
	l.at.column += utf8.RuneCount(l.data[l.last:offset])
	l.last = offset
	return l.at
}
