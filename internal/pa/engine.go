package pa

import (
	"context"
	"time"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/internal/pdp"
)

// Engine decides requests in place of a snapshot: a policy.Engine that was
// combined with it. It answers with a deny wherever it returns an error.
type Engine interface {
	Decide(ctx context.Context, r *access.Request) (access.Decision, error)
}

// decideWithin is how long an engine may take. Engines do no I/O.
const decideWithin = 2 * time.Second

// inForce is a policy with what decides by it.
type inForce struct {
	*pdp.Snapshot
	engine Engine // nil: the snapshot itself
	// glass are the entries of `break_glass`, where leases may open them.
	glass []string
}

// judge decides a completed request.
func (p *inForce) judge(r *access.Request, d *access.Decision) {
	if p.engine == nil {
		p.Decide(r, d)
		p.Account(r, d)
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), decideWithin)
	defer cancel()
	got, err := p.engine.Decide(ctx, r)
	if *d = got; err != nil {
		// What an engine says of its fault may repeat what a caller sent.
		d.Refuse(access.Internal, "The policy engine did not decide the call.")
	}
}

// shows reports whether an item could be granted, whatever the arguments. What an
// entry of `break_glass` would open for the caller is something to ask for.
func (p *inForce) shows(r *access.Request) bool {
	v := *r
	v.ArgsUnknown = true
	if len(v.Lifts) == 0 {
		v.Lifts = p.glass
	}
	if p.engine == nil {
		return p.Visible(&v)
	}
	ctx, cancel := context.WithTimeout(context.Background(), decideWithin)
	defer cancel()
	d, err := p.engine.Decide(ctx, &v)
	return err == nil && d.Effect != access.Deny && d.Effect != access.None
}
