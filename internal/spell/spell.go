// Package spell finds the word that somebody meant.
package spell

// Nearest returns the candidate closest to word, and false where none is
// close enough to be a slip: at most one edit in three letters. An edit is an
// inserted, dropped or changed letter, or two swapped neighbours.
func Nearest(word string, candidates []string) (string, bool) {
	best, distance := "", len(word)/3+1
	for _, c := range candidates {
		if c == word {
			continue
		}
		if d := edits(word, c); d <= distance && (best == "" || d < distance) {
			best, distance = c, d
		}
	}
	return best, best != ""
}

// edits is the optimal string alignment distance.
func edits(a, b string) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
