package ask

import (
	"errors"
	"fmt"
	"os/exec"
	"slices"

	"github.com/custos-zt/custos/internal/config"
)

// Env is what channels that tell people need to know of their process.
type Env struct {
	Instance string
	Version  string // of Custos
	Getenv   func(string) string
	// Page returns the address of a request's page, "" where there is none; nil
	// has none for any.
	Page func(id string) string
	// Run runs a program of the desktop to its end; nil is [exec.Cmd.Run].
	Run func(*exec.Cmd) error
	// Failed is told what could not be delivered. The error holds no secret.
	Failed func(channel string, err error)
}

// Informers returns the channels of a configuration that tell people and bring
// no answer back: one line each. A channel that cannot work here is left out and
// the error says why; the others are there all the same.
func Informers(d *Desk, c *config.Approvals, env Env) ([]*Informer, error) {
	var out []*Informer
	var problems []error
	add := func(name string, open func() (carrier, error)) {
		if !slices.Contains(c.Channels, name) {
			return
		}
		to, err := open()
		if err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", name, err))
			return
		}
		out = append(out, newInformer(d, to, &env))
	}
	add(config.ChannelDesktop, func() (carrier, error) { return openDesktop(&env) })
	add(config.ChannelWebhook, func() (carrier, error) { return openWebhook(c.Webhook, &env) })
	add(config.ChannelSlack, func() (carrier, error) { return openSlack(c.Slack, &env) })
	return out, errors.Join(problems...)
}
