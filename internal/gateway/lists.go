package gateway

import (
	"errors"
	"time"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/audit"
	"github.com/custos-zt/custos/internal/canon"
	"github.com/custos-zt/custos/internal/inventory"
)

// listRequest is what has to be remembered of a request for a list until its
// reply.
type listRequest struct {
	generation uint64 // of the list of tools
	cursor     string
}

func (s *Stdio) listRequest(m *canon.Message) listRequest {
	switch m.Method {
	case "tools/list", "prompts/list", "resources/list", "resources/templates/list":
		return listRequest{s.opt.Tools.Generation(), m.Params.Get("cursor").Text()}
	}
	return listRequest{}
}

// filtered cuts what the caller could never use out of a list, and returns
// every other byte as the server sent it. Results that are no lists pass.
func (s *Stdio) filtered(r *request, m *canon.Message) ([]byte, *audit.Counts, error) {
	var key string
	var keep func(i int) bool
	switch r.method {
	case "tools/list":
		key, keep = "tools", s.keepTools(r, m.Result)
	case "resources/list":
		key, keep = "resources", s.keepItems(r, m.Result, "resources", "uri", resourceListing, access.Resource)
	case "resources/templates/list":
		key, keep = "resourceTemplates", s.keepItems(r, m.Result, "resourceTemplates", "uriTemplate", resourceListing, access.Resource)
	case "prompts/list":
		key, keep = "prompts", s.keepItems(r, m.Result, "prompts", "name", promptListing, access.Prompt)
	default:
		return m.Raw, nil, nil
	}
	list := m.Result.Get(key)
	if !list.IsAbsent() && list.Kind() != access.Array {
		return nil, nil, errors.New(key + " is no array")
	}
	counts := &audit.Counts{Total: list.Len()}
	shown := make([]bool, counts.Total)
	for i := range shown {
		if shown[i] = keep(i); shown[i] {
			counts.Shown++
		}
	}
	counts.Hidden = counts.Total - counts.Shown
	if counts.Hidden == 0 {
		return m.Raw, counts, nil
	}
	text, err := inventory.FilterList(m.Root.Raw(), m.Result, key, func(i int) bool { return shown[i] })
	return []byte(text), counts, err
}

// keepTools takes a page of the tool list into the inventory and returns
// which elements may be shown.
func (s *Stdio) keepTools(r *request, result access.Value) func(int) bool {
	defs, problems := inventory.ParseTools(result)
	for _, p := range problems {
		s.anomaly("server", "in its tool list: "+p.Detail)
	}
	s.opt.Tools.Replace(inventory.Page{
		Generation: r.list.generation, Cursor: r.list.cursor,
		Next: result.Get("nextCursor").Text(), Tools: defs, At: time.Now(),
	})
	shown := map[int]bool{}
	for i := range defs {
		known, state := s.opt.Tools.Lookup(defs[i].Name)
		shown[defs[i].Index] = state != inventory.Quarantined && known != nil &&
			s.opt.Point.Visible(access.Tool, defs[i].Name, &defs[i])
	}
	return func(i int) bool { return shown[i] }
}

// keepItems returns which elements of another list may be shown. What has no
// usable name could not be asked for, and is not shown.
func (s *Stdio) keepItems(r *request, result access.Value, key, name string, of listing, kind access.Kind) func(int) bool {
	items, problems := inventory.ParseItems(result, key, name)
	for _, p := range problems {
		s.anomaly("server", "in its list of "+key+": "+p.Detail)
	}
	s.offered.page(r.method, of, kind, r.list.cursor == "", items)
	shown := map[int]bool{}
	for _, it := range items {
		shown[it.Index] = s.opt.Point.Visible(kind, it.Name, nil)
	}
	return func(i int) bool { return shown[i] }
}

// lister remembers when asking the server for its tools led nowhere. It
// belongs to the client's reader.
type lister struct {
	silent time.Time // the server did not answer
	absent time.Time // it listed, and the tool was not there
}

const (
	// listPatience is how long the server may take to list one page.
	listPatience = 10 * time.Second
	// listPause keeps a server that does not answer, and a caller of names that
	// do not exist, from making us ask for ever.
	listPause = time.Second
	// maxCrossed is how often a list is asked for that crosses the notice of
	// yet another change: a server may announce each of its tools as it starts.
	maxCrossed = 5
	// maxPages bounds a server whose cursors never end.
	maxPages = 1000
)

// response is what an own request got.
type response struct {
	result access.Value
	error  access.Value // the server's own, absent where there is a result
	err    string       // why there is neither
}

// knowTools makes sure that the tool called is known, if the server has it:
// a call can only be judged against a definition. It blocks the client's
// reader, because the order of calls is the order of the log. It returns the
// error with which the server refused to list its tools, mostly absent.
func (s *Stdio) knowTools(m *canon.Message) (refusal access.Value) {
	name := m.Params.Get("name").Text()
	_, state := s.opt.Tools.Lookup(name)
	switch {
	case state == inventory.Listed, state == inventory.Quarantined:
		return refusal
	case time.Since(s.lister.silent) < listPause:
		return refusal
	case state == inventory.Absent && time.Since(s.lister.absent) < listPause:
		return refusal
	}
	for range maxCrossed {
		generation := s.opt.Tools.Generation()
		var answered bool
		if refusal, answered = s.listTools(m.Params.Get("_meta")); !answered {
			s.lister.silent = time.Now()
			break
		}
		if s.opt.Tools.Generation() == generation {
			break
		}
	}
	if _, state = s.opt.Tools.Lookup(name); state == inventory.Absent {
		s.lister.absent = time.Now()
	}
	return refusal
}

// listTools reads the whole tool list for ourselves. It returns the error that
// the server gave instead, and whether it answered at all.
func (s *Stdio) listTools(meta access.Value) (refusal access.Value, answered bool) {
	generation, cursor := s.opt.Tools.Generation(), ""
	for range maxPages {
		got, ok := s.ask("tools/list", listParams(meta, cursor))
		if !ok || got.err != "" || !got.error.IsAbsent() {
			return got.error, ok && got.err == ""
		}
		defs, _ := inventory.ParseTools(got.result)
		next := got.result.Get("nextCursor").Text()
		s.opt.Tools.Replace(inventory.Page{Generation: generation, Cursor: cursor, Next: next, Tools: defs, At: time.Now()})
		if cursor = next; cursor == "" {
			return access.Value{}, true
		}
	}
	return access.Value{}, false
}

// listParams repeats what the caller's _meta says of protocol and
// capabilities, which the stateless era requires of every request. The
// progress token belongs to the caller's own request.
func listParams(meta access.Value, cursor string) string {
	out := `{"_meta":{`
	sep := ""
	for _, m := range meta.Members() {
		if m.Key == "progressToken" {
			continue
		}
		out += sep + canon.Quote(m.Key) + ":" + m.Value.Raw()
		sep = ","
	}
	out += "}"
	if cursor != "" {
		out += `,"cursor":` + canon.Quote(cursor)
	}
	return out + "}"
}

// ownRequest makes a request of our own: the key of its id, what remembers it
// until its response, and its frame.
func (s *Stdio) ownRequest(method, params string) (key string, r *request, frame []byte, err error) {
	id := canon.Quote(s.prefix + itoa(s.made.Add(1)))
	value, err := canon.Parse(id, s.opt.Limits)
	if err != nil {
		return "", nil, nil, err
	}
	key, _ = canon.IDKey(value)
	r = &request{id: id, method: method, reply: make(chan response, 1)}
	frame = []byte(`{"jsonrpc":"2.0","id":` + id + `,"method":` + canon.Quote(method) + `,"params":` + params + `}`)
	return key, r, frame, nil
}

// ask sends a request of our own and waits for its response.
func (s *Stdio) ask(method, params string) (response, bool) {
	key, r, frame, err := s.ownRequest(method, params)
	if err != nil {
		return response{}, false
	}
	s.asked.add(key, r)
	s.toServer.Send(item{frame: frame})
	patience := time.NewTimer(listPatience)
	defer patience.Stop()
	select {
	case got := <-r.reply:
		return got, true
	case <-s.serverGone:
	case <-patience.C:
		s.notice("the server does not answer " + method)
	}
	s.asked.take(key)
	return response{}, false
}
