// Package spell finds the word that somebody meant.
package spell

import "strings"

// maxWord bounds the words that are compared: names are short.
const maxWord = 64

// Nearest returns the candidate that was probably meant by word, and false
// where none is close enough to be a slip: it begins with word, or at most two
// edits and no more than half of it lie between them, whatever the case. An
// edit is an inserted, dropped or changed letter, or two swapped neighbours.
func Nearest(word string, candidates []string) (string, bool) {
	best, distance := "", 3
	for _, c := range candidates {
		if c == word {
			continue
		}
		if len(word) >= 4 && strings.HasPrefix(c, word) {
			return c, true
		}
		if d := edits(strings.ToLower(word), strings.ToLower(c)); d < distance && d*2 <= max(len(c), 2) {
			best, distance = c, d
		}
	}
	return best, best != ""
}

// edits is the optimal string alignment distance.
func edits(a, b string) int {
	if len(a) > maxWord || len(b) > maxWord {
		return max(len(a), len(b))
	}
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
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
		before, last, row = last, row, before
	}
	return last[len(b)]
}
