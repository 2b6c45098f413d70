package gateway

import (
	"slices"
	"strings"
	"sync"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/internal/inventory"
)

// listing is one of the lists that a client is shown a part of. Templates of
// resources belong to the list of resources, as the protocol announces them.
type listing uint8

const (
	toolListing listing = iota
	promptListing
	resourceListing
	listings // how many there are
)

// word names a list as the protocol does: in methods and capabilities.
func (l listing) word() string { return [listings]string{"tools", "prompts", "resources"}[l] }

// changed is the method of the notification that the list changed.
func (l listing) changed() string { return "notifications/" + l.word() + "/list_changed" }

// maxOffered bounds what is remembered of one list. A longer one counts as
// changed whenever the policy does.
const maxOffered = 4096

// offered remembers what the server listed, as far as the client asked. Tools
// are in the inventory. It is safe for concurrent use.
type offered struct {
	mu    sync.Mutex
	lists map[string]*offer // by the method that lists
}

// offer is what a server listed under one method.
type offer struct {
	of    listing
	kind  access.Kind
	names []string
	full  bool // there were more than are remembered
}

// page remembers one page of a list; the first one begins it anew.
func (o *offered) page(method string, of listing, kind access.Kind, first bool, items []inventory.Item) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.lists == nil {
		o.lists = map[string]*offer{}
	}
	l := o.lists[method]
	if l == nil || first {
		l = &offer{of: of, kind: kind}
		o.lists[method] = l
	}
	if l.full = l.full || len(l.names)+len(items) > maxOffered; l.full {
		l.names = nil
		return
	}
	for i := range items {
		l.names = append(l.names, strings.Clone(items[i].Name)) // it is part of a whole page
	}
}

// shown are the names of what the caller is shown of each list: the known tools,
// and what else the client was ever given a list of. full says which lists are
// longer than what is remembered.
func (s *Stdio) shown() (names [listings][]string, full [listings]bool) {
	names[toolListing] = slices.DeleteFunc(s.opt.Tools.Names(), func(name string) bool {
		def, state := s.opt.Tools.Lookup(name)
		return def == nil || state == inventory.Quarantined || !s.opt.Point.Visible(access.Tool, name, def)
	})
	s.offered.mu.Lock()
	defer s.offered.mu.Unlock()
	for method, l := range s.offered.lists {
		full[l.of] = full[l.of] || l.full
		for _, name := range l.names {
			if s.opt.Point.Visible(l.kind, name, nil) {
				names[l.of] = append(names[l.of], method+" "+name)
			}
		}
		slices.Sort(names[l.of])
	}
	return names, full
}
