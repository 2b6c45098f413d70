package cli

import (
	"errors"
	"time"

	"github.com/custos-zt/custos/audit"
	"github.com/custos-zt/custos/audit/witness"
	"github.com/custos-zt/custos/internal/sink"
)

// lastWord is how long a session that ends waits for its witnesses. What they
// did not see is shown to them by the next one.
const lastWord = time.Second

// followWitnesses has the heads of the log cosigned in the background, where
// witnesses are named. The result ends it, after the log was closed.
func (g *guard) followWitnesses() (stop func(), err error) {
	if len(g.conf.Audit.Witnesses) == 0 {
		return func() {}, nil
	}
	clients, err := (&witnessFlags{}).clients(g.conf)
	if err != nil {
		err = &Error{Code: ExitConfig, Text: "audit.witness: " + err.Error(), Hint: "custos audit witness key prints the key of a witness"}
		return nil, errors.Join(err, g.engine.Close())
	}
	ev := g.engine.Evidence()
	f := witness.Follow(audit.Chain{Slot: ev.Slot.Number(), Dir: ev.Slot.LogDir()}, clients)
	ev.Log.OnSigned(f.Poke)
	g.witnesses = func() []sink.Witness {
		var list []sink.Witness
		for _, s := range f.Status() {
			list = append(list, sink.Witness{Name: s.Witness, Failures: s.Failed, Behind: s.Behind})
		}
		return list
	}
	return func() {
		f.Close(lastWord)
		for _, s := range f.Status() {
			if s.Err != nil {
				g.app.say("warning: %s", s.Err)
			}
		}
	}, nil
}
