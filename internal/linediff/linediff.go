// Package linediff compares two texts line by line and writes what differs as a
// unified diff.
package linediff

import (
	"fmt"
	"strings"
)

// maxCells bounds the work: texts that differ in more than 2,000 by 2,000 lines
// are shown as replaced.
const maxCells = 4 << 20

// around is how many equal lines are shown beside those that differ.
const around = 2

// op is one line of an edit script: ' ' in both, '-' in the old text alone, '+'
// in the new one alone.
type op struct {
	kind byte
	line string
}

// Unified returns the hunks of a unified diff from old to new, "" where they are
// equal. It has no file names. Lines are cut at '\n'; whether the last line ends
// with one makes no difference.
func Unified(old, new string) string {
	a, b := split(old), split(new)
	return hunks(script(a, b))
}

func split(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(strings.TrimSuffix(s, "\n"), "\n")
}

// script returns the shortest edit script, or one that replaces everything
// between the first and the last difference where that would take long.
func script(a, b []string) []op {
	var out []op
	for len(a) > 0 && len(b) > 0 && a[0] == b[0] {
		out = append(out, op{' ', a[0]})
		a, b = a[1:], b[1:]
	}
	var tail []string
	for len(a) > 0 && len(b) > 0 && a[len(a)-1] == b[len(b)-1] {
		tail = append(tail, a[len(a)-1])
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	if len(a)*len(b) <= maxCells {
		out = append(out, shortest(a, b)...)
	} else {
		out = replaced(out, a, b)
	}
	for i := len(tail) - 1; i >= 0; i-- {
		out = append(out, op{' ', tail[i]})
	}
	return out
}

func replaced(out []op, a, b []string) []op {
	for _, l := range a {
		out = append(out, op{'-', l})
	}
	for _, l := range b {
		out = append(out, op{'+', l})
	}
	return out
}

// shortest follows the longest common subsequence.
func shortest(a, b []string) []op {
	width := len(b) + 1
	common := make([]int32, (len(a)+1)*width) // of a[i:] and b[j:]
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				common[i*width+j] = common[(i+1)*width+j+1] + 1
			} else {
				common[i*width+j] = max(common[(i+1)*width+j], common[i*width+j+1])
			}
		}
	}
	var out []op
	i, j := 0, 0
	for i < len(a) && j < len(b) {
		switch {
		case a[i] == b[j]:
			out = append(out, op{' ', a[i]})
			i++
			j++
		case common[(i+1)*width+j] >= common[i*width+j+1]:
			out = append(out, op{'-', a[i]})
			i++
		default:
			out = append(out, op{'+', b[j]})
			j++
		}
	}
	return replaced(out, a[i:], b[j:])
}

// hunks prints the differences with what stands around them.
func hunks(ops []op) string {
	var b strings.Builder
	near := nearby(ops)
	oldLine, newLine := 1, 1
	for i := 0; i < len(ops); {
		if !near[i] {
			oldLine, newLine, i = oldLine+1, newLine+1, i+1 // equal lines alone are far
			continue
		}
		end, olds, news := i, 0, 0
		for ; end < len(ops) && near[end]; end++ {
			if ops[end].kind != '+' {
				olds++
			}
			if ops[end].kind != '-' {
				news++
			}
		}
		fmt.Fprintf(&b, "@@ -%s +%s @@\n", span(oldLine, olds), span(newLine, news))
		for ; i < end; i++ {
			b.WriteByte(ops[i].kind)
			b.WriteString(ops[i].line)
			b.WriteByte('\n')
		}
		oldLine, newLine = oldLine+olds, newLine+news
	}
	return b.String()
}

// nearby marks the lines that differ and those around them.
func nearby(ops []op) []bool {
	near := make([]bool, len(ops))
	for i, o := range ops {
		if o.kind == ' ' {
			continue
		}
		for j := max(0, i-around); j <= min(len(ops)-1, i+around); j++ {
			near[j] = true
		}
	}
	return near
}

// span is a range of lines as diffs write it: nothing comes after the line
// before.
func span(first, n int) string {
	if n == 0 {
		first--
	}
	return fmt.Sprintf("%d,%d", first, n)
}
