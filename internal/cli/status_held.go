package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/audit"
	"github.com/custos-zt/custos/internal/approval/book"
	"github.com/custos-zt/custos/internal/state"
)

// heldToday counts what people were asked since midnight, and names what waits
// now.
type heldToday struct {
	Asked    int      `json:"asked"`
	Approved int      `json:"approved"` // calls that an answer let pass
	Waiting  []string `json:"waiting"`
}

// count takes a record of today into account. It reports whether the record is
// the end of a wait that a person may still answer, which is no denial.
func (h *heldToday) count(r *audit.Record) (held bool) {
	switch {
	case r.Kind == audit.KindApproval:
		if r.Decision == access.Approve && r.Approval != nil && r.Approval.By == "" {
			h.Asked++
		}
		return true
	case r.Reason == access.ApprovalGranted:
		h.Approved++
	}
	return r.Reason == access.ApprovalPending
}

// wait lists what waits for an answer in a state directory.
func (h *heldToday) wait(dir *state.Dir) error {
	if !dir.HasDatabase() {
		return nil
	}
	b, err := openBook(dir, 0)()
	if err != nil {
		return err
	}
	defer b.Close()
	items, err := b.Open(context.Background())
	for i := range items {
		h.Waiting = append(h.Waiting, book.FormatID(items[i].Number))
	}
	return err
}

// String is " · 3 held: 2 approved, 1 waiting (a_91)", or "" where nobody was
// asked.
func (h *heldToday) String() string {
	if h.Asked == 0 && len(h.Waiting) == 0 {
		return ""
	}
	text := fmt.Sprintf(" · %d held: %d approved, %d waiting", h.Asked, h.Approved, len(h.Waiting))
	if len(h.Waiting) > 0 {
		text += " (" + strings.Join(h.Waiting, ", ") + ")"
	}
	return text
}
