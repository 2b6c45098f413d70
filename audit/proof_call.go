package audit

import "fmt"

// storedLine is a record as stored.
type storedLine struct {
	seq  uint64
	line []byte
}

// approvalReach is how many records before an admission its approval is looked
// for.
const approvalReach = 4096

// findCall returns the records of the call that record seq belongs to, as far
// as they are signed, up to record limit: the admission, the approval that it
// rests on, where that was given in the same slot, and the outcome.
func findCall(d slotDir, seq, limit uint64) ([]storedLine, error) {
	if seq > limit {
		return nil, fmt.Errorf("%w: record %s is not signed yet: the newest checkpoint counts %d records", ErrCannotVerify, FormatID(d.slot, seq), limit)
	}
	line, h, err := readStored(d, seq)
	if err != nil {
		return nil, err
	}
	call := []storedLine{{seq, line}}
	if adm := h.answers(); adm != 0 && adm < seq {
		if line, h, err = readStored(d, adm); err != nil {
			return nil, err
		}
		call = []storedLine{{adm, line}, call[0]}
	}
	approval, err := findApproval(d, call[0])
	if err != nil {
		return nil, err
	}
	if approval != nil {
		call = append(call[:1:1], append([]storedLine{*approval}, call[1:]...)...)
	}
	if len(call) > 1 && call[len(call)-1].seq == seq || !h.forwarded() {
		return call, nil
	}
	outcome, err := findOutcome(d, call[0].seq, limit)
	if outcome != nil {
		call = append(call, *outcome)
	}
	return call, err
}

// readStored returns one record as stored.
func readStored(d slotDir, seq uint64) ([]byte, head, error) {
	r := slotReader{slotDir: d, after: seq - 1}
	defer r.close()
	return r.stored(seq)
}

// findOutcome returns the outcome of an admission, nil where there is none up to
// record limit.
func findOutcome(d slotDir, seq, limit uint64) (*storedLine, error) {
	r := slotReader{slotDir: d, after: seq}
	defer r.close()
	for next := seq + 1; next <= limit; next++ {
		line, h, err := r.stored(next)
		if err != nil {
			return nil, err
		}
		if h.answers() == seq {
			return &storedLine{next, line}, nil
		}
	}
	return nil, nil
}

// findApproval returns the record of the answer that an admission rests on, nil
// where it rests on none, or on one that was given in another slot.
func findApproval(d slotDir, of storedLine) (*storedLine, error) {
	admission, err := Decode(of.line)
	if err != nil || admission.Kind != KindAdmission || admission.Approval == nil || admission.Approval.ID == "" {
		return nil, err
	}
	segs, err := listSegments(d.path)
	if err != nil {
		return nil, err
	}
	from := max(1, of.seq-min(of.seq-1, approvalReach))
	if len(segs) > 0 {
		from = max(from, segs[0].first) // what is older expired
	}
	r := slotReader{slotDir: d, after: from - 1}
	defer r.close()
	var found *storedLine
	for seq := from; seq < of.seq; seq++ {
		line, h, err := r.stored(seq)
		if err != nil {
			return nil, err
		}
		if string(h.kind) != string(KindApproval) {
			continue
		}
		if a, err := Decode(line); err == nil && a.answersFor(&admission) {
			found = &storedLine{seq, line}
		}
	}
	return found, nil
}

// answersFor reports whether r is a person's answer to the question that an
// admission rests on.
func (r *Record) answersFor(admission *Record) bool {
	return r.Kind == KindApproval && r.Approval != nil && r.Approval.By != "" &&
		admission.Approval != nil && r.Approval.ID == admission.Approval.ID
}
