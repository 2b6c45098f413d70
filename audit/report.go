package audit

import "errors"

// ScopeLocal is what a check without a head from outside the machine proves:
// the chains are whole and consistent with themselves. Whoever can write the
// files could have cut their ends or computed them anew.
const ScopeLocal = "locally consistent"

// ErrCannotVerify is returned by [Verify] where the log could not be read, or
// was written in a format that this version does not know. It says nothing
// about the log.
var ErrCannotVerify = errors.New("audit: cannot verify")

// Report is what [Verify] found.
type Report struct {
	// Scope says what the check proves: [ScopeLocal], against which earlier heads
	// the log was checked, or up to where and when witnesses saw it.
	Scope string `json:"scope"`
	// Witnessed lists what witnesses said of heads that the log was checked
	// against.
	Witnessed []Cosignature `json:"witnessed,omitempty"`
	// Instance is what the first genesis record names.
	Instance string       `json:"instance"`
	Slots    []SlotReport `json:"slots"`
}

// SlotReport is what was found in one chain.
type SlotReport struct {
	Slot int `json:"slot"`
	// Records counts what is intact, from the beginning to the end or to the
	// first bad record; Head is the hash of the last of them.
	Records  uint64 `json:"records"`
	Head     string `json:"head"`
	Segments int    `json:"segments"`
	// Sealed says that the chain was closed by [Seal] and not continued since.
	Sealed bool `json:"sealed,omitempty"`
	// Expired counts the oldest records that were deleted in their time. Their
	// hashes are checked, and they are counted in Records.
	Expired uint64 `json:"expired,omitempty"`
	// Bad is the first bad record; nil: there is none.
	Bad *Bad `json:"bad,omitempty"`
	// Live says that a process writes the chain now; Writing that the last
	// frame was not whole yet when it was read.
	Live    bool `json:"live"`
	Writing bool `json:"writing,omitempty"`
	// TornTail is the size of a last frame that a crash cut short: it is cut
	// and recorded when the chain is opened next.
	TornTail int64 `json:"torn_tail,omitempty"`
	// NotCheckpointed counts the records behind the newest signed checkpoint,
	// which is one second behind a log that grows.
	NotCheckpointed uint64 `json:"not_checkpointed"`
	// TailUnproven counts the records behind the last head that is known from
	// outside the machine; without one, all of them.
	TailUnproven uint64 `json:"tail_unproven"`
	// OutcomeUnknown lists the admissions whose calls were forwarded and whose
	// end nobody saw: those recorded so, and, where no process writes the
	// chain, those that are about to be.
	OutcomeUnknown []uint64 `json:"outcome_unknown"`
	// Failed is what the last process to write the chain left when its log
	// failed.
	Failed *Breadcrumb `json:"failed,omitempty"`
}

// Bad names the first bad record of a chain.
type Bad struct {
	Slot int    `json:"slot"`
	Seq  uint64 `json:"seq"`
	ID   string `json:"id"`
	// File is the path of the segment, Offset where in it the record begins, or
	// the frame where the record cannot be told.
	File   string `json:"file"`
	Offset int64  `json:"offset"`
	// What says what is wrong, in words.
	What string `json:"what"`
}

// Tampered reports whether somebody changed the log.
func (r *Report) Tampered() bool { return r.FirstBad() != nil }

// FirstBad returns the first bad record, by slot, or nil.
func (r *Report) FirstBad() *Bad {
	for i := range r.Slots {
		if r.Slots[i].Bad != nil {
			return r.Slots[i].Bad
		}
	}
	return nil
}

// Records returns the number of intact records in all slots.
func (r *Report) Records() uint64 {
	var n uint64
	for i := range r.Slots {
		n += r.Slots[i].Records
	}
	return n
}

// NotCheckpointed returns the number of records that no checkpoint counts, in
// all slots.
func (r *Report) NotCheckpointed() uint64 {
	var n uint64
	for i := range r.Slots {
		n += r.Slots[i].NotCheckpointed
	}
	return n
}

// TailUnproven returns the number of records that no head from outside the
// machine covers, in all slots.
func (r *Report) TailUnproven() uint64 {
	var n uint64
	for i := range r.Slots {
		n += r.Slots[i].TailUnproven
	}
	return n
}
