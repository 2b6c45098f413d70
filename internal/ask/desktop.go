package ask

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"runtime"
	"strings"

	"github.com/custos-zt/custos/internal/config"
)

// desktop shows a notification by the program that the system has for it:
// notify-send (freedesktop.org) or osascript (macOS). It says that a call waits
// and where it is answered, and holds nothing that an agent wrote. Texts are
// arguments of the program: no shell and no script reads them as code.
type desktop struct {
	program string
	env     *Env
	args    func(title, body string) []string
}

// errNoDesktop says that there is nothing to show a notification with.
var errNoDesktop = errors.New("this machine has no program for notifications (notify-send, osascript)")

func openDesktop(env *Env) (carrier, error) { return findDesktop(runtime.GOOS, exec.LookPath, env) }

// findDesktop looks for the program. look is exec.LookPath, which takes nothing
// from the working directory.
func findDesktop(system string, look func(string) (string, error), env *Env) (carrier, error) {
	name, args := "notify-send", notifySend
	if system == "darwin" {
		name, args = "osascript", osascript
	}
	path, err := look(name)
	if err != nil {
		return nil, errNoDesktop
	}
	return &desktop{program: path, env: env, args: args}, nil
}

func (d *desktop) name() string  { return config.ChannelDesktop }
func (d *desktop) details() bool { return false }

func (d *desktop) carry(ctx context.Context, w *Word) error {
	body := w.Command
	if w.Page != "" {
		body = w.Page + "\n" + body
	}
	cmd := exec.CommandContext(ctx, d.program, d.args("Custos is holding "+w.what(), body)...) //nolint:gosec // texts are arguments of a fixed program
	cmd.Env = d.environ()
	run := d.env.Run
	if run == nil {
		run = (*exec.Cmd).Run
	}
	if err := run(cmd); err != nil {
		return fmt.Errorf("%s: %w", d.program, err)
	}
	return nil
}

// environ is what the program needs to find the desktop, and nothing else: the
// guard's own may hold secrets.
func (d *desktop) environ() []string {
	out := []string{}
	for _, name := range [...]string{"PATH", "HOME", "LANG", "DISPLAY", "WAYLAND_DISPLAY", "XAUTHORITY", "XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS"} {
		if v := d.env.Getenv(name); v != "" {
			out = append(out, name+"="+v)
		}
	}
	return out
}

// notifySend: a body may be read as markup, a summary never is.
func notifySend(title, body string) []string {
	escaped := strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(body)
	return []string{"--app-name=Custos", "--urgency=normal", "--", title, escaped}
}

// osascript: the script is constant and takes the texts as its arguments.
func osascript(title, body string) []string {
	return []string{
		"-e", "on run argv", "-e", "display notification (item 2 of argv) with title (item 1 of argv)", "-e", "end run", title, body,
	}
}
