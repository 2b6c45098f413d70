package cli

import (
	"sync"
	"time"

	"github.com/custos-zt/custos/internal/ask"
	"github.com/custos-zt/custos/internal/control"
	"github.com/custos-zt/custos/internal/gateway"
	"github.com/custos-zt/custos/internal/term"
	"github.com/custos-zt/custos/internal/upstream"
)

// lastMessage is how long a session that ends waits for messages about calls
// that were held.
const lastMessage = 2 * time.Second

// informs are the channels that tell people and bring no answer back. What is not
// configured is not made. stop ends them, before the desk is closed.
func (g *guard) informs(host *upstream.Host) (channels []gateway.Informer, stop func()) {
	informers, err := ask.Informers(g.desk, &g.conf.Approvals, ask.Env{
		Instance: g.evidence.Instance(), Version: version().Version, Getenv: g.app.getenv, Run: host.Run,
		Page: func(id string) string { return control.PageURL("http://"+g.conf.Listen.Admin, id) },
		Failed: func(channel string, err error) {
			g.app.say("warning: nobody was told by %s that a call waits: %s", channel, term.Escape(err.Error()))
		},
	})
	if err != nil {
		g.app.say("warning: not every channel of approvals works here: %s", term.Escape(err.Error()))
	}
	for _, i := range informers {
		channels = append(channels, i)
	}
	return channels, func() {
		var all sync.WaitGroup
		for _, i := range informers {
			all.Go(func() { i.Close(lastMessage) })
		}
		all.Wait()
	}
}
