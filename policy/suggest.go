package policy

import (
	"fmt"

	"github.com/custos-zt/custos/internal/spell"
)

// suggest returns a hint naming the word that was probably meant, or "".
func suggest(word string, known []string) string {
	if near, ok := spell.Nearest(word, known); ok {
		return fmt.Sprintf("did you mean %q?", near)
	}
	return ""
}
