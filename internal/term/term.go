// Package term knows the terminal: whether there is one, whether it wants
// colour, how wide it is, and how to print text that somebody hostile wrote.
//
// Colour is never the only carrier of a meaning. It is off unless the output
// is a terminal, and always off under NO_COLOR, TERM=dumb or --no-color;
// CLICOLOR_FORCE turns it on for a pipe.
package term

import (
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// Style is one colour or weight.
type Style string

// The styles. There are few on purpose.
const (
	Bold   Style = "1"
	Dim    Style = "2"
	Red    Style = "31"
	Green  Style = "32"
	Yellow Style = "33"
	Cyan   Style = "36"
)

// Printer writes to one output. The zero Printer paints nothing.
type Printer struct {
	colour bool
	width  int
}

// For returns the printer for an output. getenv is os.Getenv, or a test's.
func For(w io.Writer, getenv func(string) string, noColour bool) Printer {
	f, isFile := w.(*os.File)
	tty := isFile && IsTerminal(f)
	p := Printer{width: 80}
	switch {
	case noColour, getenv("NO_COLOR") != "":
	case getenv("CLICOLOR_FORCE") != "" && getenv("CLICOLOR_FORCE") != "0":
		p.colour = true
	default:
		p.colour = tty && getenv("TERM") != "dumb"
	}
	if tty {
		if ws, err := unix.IoctlGetWinsize(int(f.Fd()), unix.TIOCGWINSZ); err == nil && ws.Col > 0 {
			p.width = int(ws.Col)
		}
	}
	return p
}

// Paint wraps text in a style where the output wants colour. The text MUST be
// escaped already.
func (p Printer) Paint(s Style, text string) string {
	if !p.colour {
		return text
	}
	return "\x1b[" + string(s) + "m" + text + "\x1b[0m"
}

// Width is the width of the terminal in columns; 80 where there is none.
func (p Printer) Width() int { return p.width }
