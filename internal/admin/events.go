package admin

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/custos-zt/custos/audit"
)

// followEvery is how often the log is looked at for a follower.
const followEvery = 250 * time.Millisecond

// End returns where the log ends now.
func (o *Operator) End() (audit.Position, error) {
	if err := o.may(Viewer); err != nil {
		return nil, err
	}
	return audit.End(o.opt.LogDir)
}

// Follow yields the records behind a position, and then those that are added,
// until ctx is done. A position that is not one of this log is refused: to go on
// from there would leave something out unseen.
func (o *Operator) Follow(ctx context.Context, from audit.Position, keep func(*audit.Record) bool) (iter.Seq2[audit.Record, error], error) {
	end, err := o.End()
	if err != nil {
		return nil, err
	}
	for slot, seq := range from {
		if seq > end[slot] {
			return nil, refuse(Invalid, fmt.Sprintf("the log has no record %d:%d", slot, seq))
		}
	}
	return audit.Follow(ctx, o.opt.LogDir, audit.ReadOptions{From: from, Keep: keep, Poll: followEvery}), nil
}
