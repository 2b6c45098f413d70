package policy

import (
	"fmt"
	"strings"
)

// suggest returns a hint naming the word that was probably meant, or "".
func suggest(word string, known []string) string {
	best, distance := "", 3
	for _, k := range known {
		if len(word) >= 4 && strings.HasPrefix(k, word) {
			return fmt.Sprintf("did you mean %q?", k)
		}
		d := edits(strings.ToLower(word), strings.ToLower(k))
		if d < distance && d*2 <= max(len(k), 2) {
			best, distance = k, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("did you mean %q?", best)
}

// edits counts the insertions, deletions, changes and swaps of neighbours that
// turn a into b (optimal string alignment), up to a length that names have.
func edits(a, b string) int {
	if len(a) > 64 || len(b) > 64 {
		return max(len(a), len(b))
	}
	var before []int
	last := make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row := make([]int, len(b)+1)
		row[0] = i
		for j := 1; j <= len(b); j++ {
			change := 1
			if a[i-1] == b[j-1] {
				change = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+change)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last = last, row
	}
	return last[len(b)]
}
