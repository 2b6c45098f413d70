package ask

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/custos-zt/custos/internal/term"
)

// Terminal asks at the terminal that a guard was started from: /dev/tty, never
// the standard streams, which are the protocol. One question stands there at a
// time. What was typed before the question is thrown away: it answers nothing.
//
// A guard that a client starts behind its own full-screen surface must not
// write there: whoever makes a Terminal decides whether there is one.
type Terminal struct {
	desk *Desk
	open func() (Line, error)
	turn chan struct{}
}

// Line is an open terminal. A read ends when its deadline is set to the past.
type Line interface {
	io.ReadWriteCloser
	SetReadDeadline(time.Time) error
}

// NewTerminal returns the channel of the controlling terminal. open is OpenTTY,
// or a test's.
func NewTerminal(d *Desk, open func() (Line, error)) *Terminal {
	return &Terminal{desk: d, open: open, turn: make(chan struct{}, 1)}
}

// Name is what the configuration calls the channel.
func (t *Terminal) Name() string { return "tty" }

// ErrBackground says that the terminal belongs to another job now.
var ErrBackground = errors.New("the terminal belongs to another job")

// OpenTTY opens the controlling terminal, where this process is in the
// foreground of it, and throws away what was typed so far.
func OpenTTY() (Line, error) {
	fd, err := unix.Open("/dev/tty", unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC|unix.O_NOCTTY, 0)
	if err != nil {
		return nil, err
	}
	f := os.NewFile(uintptr(fd), "/dev/tty")
	if front, err := unix.IoctlGetInt(fd, unix.TIOCGPGRP); err != nil || front != unix.Getpgrp() {
		return nil, errors.Join(ErrBackground, f.Close())
	}
	if err := flushInput(fd); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// Ask puts one request to the person at the terminal. It returns true once they
// answered, and false where nobody can be asked or ctx is done.
func (t *Terminal) Ask(ctx context.Context, id string) bool {
	select {
	case t.turn <- struct{}{}:
		defer func() { <-t.turn }()
	case <-ctx.Done():
		return false
	}
	v, err := t.desk.Show(ctx, id)
	if err != nil {
		return false
	}
	line, err := t.open()
	if err != nil {
		return false
	}
	defer line.Close()
	// Whoever puts this job into the background must not stop the guard with it.
	signal.Ignore(syscall.SIGTTIN, syscall.SIGTTOU)
	defer signal.Reset(syscall.SIGTTIN, syscall.SIGTTOU)
	done := make(chan struct{})
	defer close(done)
	go func() {
		select {
		case <-ctx.Done():
			_ = line.SetReadDeadline(time.Unix(1, 0)) // a closed one is read no more either
		case <-done:
		}
	}()
	return t.dialogue(ctx, line, v)
}

// dialogue asks until there is an answer.
func (t *Terminal) dialogue(ctx context.Context, line Line, v *View) bool {
	fmt.Fprintf(line, "\r\ncustos: %s  %s  %s\r\n", v.ID, v.Title, v.By())
	for _, l := range v.Lines() {
		fmt.Fprintf(line, "  %-8s %s\r\n", l[0], l[1])
	}
	ways := "  [a]llow once  [d]eny: "
	if len(v.Standing) > 0 {
		ways = "  [a]llow once  [s]tanding…  [d]eny: "
	}
	for {
		fmt.Fprint(line, ways)
		text, err := readLine(line)
		if err != nil {
			fmt.Fprint(line, "\r\n")
			return false
		}
		var allow bool
		switch strings.ToLower(strings.TrimSpace(text)) {
		case "a", "allow":
			allow = true
		case "d", "deny":
		case "s", "standing":
			if len(v.Standing) > 0 && t.stand(ctx, line, v) {
				return true
			}
			continue
		default:
			continue
		}
		if err := t.desk.Say(ctx, v.ID, t.Name(), allow); err != nil {
			fmt.Fprintf(line, "  %s\r\n", term.Escape(err.Error()))
			return false
		}
		return true
	}
}

// stand asks how far an answer shall stand, and reports whether it does.
func (t *Terminal) stand(ctx context.Context, line Line, v *View) bool {
	for _, l := range CandidateLines(v.Standing) {
		fmt.Fprintf(line, "  %s\r\n", l)
	}
	fmt.Fprint(line, "  how far, or [enter] for not at all: ")
	text, err := readLine(line)
	if err != nil {
		return false
	}
	name, ok := Chosen(v.Standing, text)
	if !ok {
		return false
	}
	it, err := t.desk.Stand(ctx, v.ID, t.Name(), name)
	if err != nil {
		fmt.Fprintf(line, "  %s\r\n", term.Escape(err.Error()))
		return false
	}
	if it.Lease != nil {
		fmt.Fprintf(line, "  %s answers %d more calls like this within %s\r\n", it.Lease.ID(), it.Lease.Lease.Uses, it.Lease.Lease.For)
	}
	return true
}

// maxTyped bounds one answer.
const maxTyped = 256

// readLine reads up to a line end, byte by byte: what follows belongs to whoever
// reads the terminal next.
func readLine(r io.Reader) (string, error) {
	var b strings.Builder
	one := make([]byte, 1)
	for b.Len() < maxTyped {
		n, err := r.Read(one)
		if err != nil {
			return "", err
		}
		if n == 0 {
			return "", io.EOF
		}
		if one[0] == '\n' || one[0] == '\r' {
			return b.String(), nil
		}
		b.WriteByte(one[0])
	}
	return "", errors.New("too long for an answer")
}
