package cli

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strings"
)

// confirm asks the person at the terminal to type a word. It asks the terminal
// itself, not standard input: what a program pipes in is no person's answer.
// An agent with a shell of the same user can pretend one; see docs/THREATS.md.
func (a *app) confirm(question, word string) error {
	tty, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
	if err != nil {
		return &Error{
			Code: ExitDenied, Text: "this may allow what is denied now, and there is no terminal at which a person could confirm it",
			Hint: "look first: --dry-run; then run it in a terminal",
		}
	}
	defer tty.Close()
	fmt.Fprint(tty, question)
	const longest = 256
	answer, err := bufio.NewReader(io.LimitReader(tty, longest)).ReadString('\n')
	if err != nil || strings.TrimSpace(answer) != word {
		return &Error{Code: ExitDenied, Text: "not confirmed, nothing was changed"}
	}
	return nil
}
