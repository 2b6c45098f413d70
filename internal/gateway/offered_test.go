package gateway

import (
	"strconv"
	"testing"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/internal/inventory"
)

// A list that is longer than what is remembered keeps no names, until it is
// listed anew.
func TestOfferedIsBounded(t *testing.T) {
	var o offered
	items := make([]inventory.Item, maxOffered)
	for i := range items {
		items[i].Name = "p" + strconv.Itoa(i)
	}
	list := func(first bool, items []inventory.Item) *offer {
		o.page("prompts/list", promptListing, access.Prompt, first, items)
		return o.lists["prompts/list"]
	}
	if l := list(true, items); l.full || len(l.names) != maxOffered {
		t.Errorf("full %v, %d names", l.full, len(l.names))
	}
	if l := list(false, items[:1]); !l.full || l.names != nil {
		t.Errorf("one more: full %v, %d names", l.full, len(l.names))
	}
	if l := list(false, items[:1]); !l.full || l.names != nil {
		t.Errorf("a page after that: full %v, %d names", l.full, len(l.names))
	}
	if l := list(true, items[:2]); l.full || len(l.names) != 2 {
		t.Errorf("anew: full %v, %d names", l.full, len(l.names))
	}
}
