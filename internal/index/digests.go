package index

// digests adds the postings of judged values and packs their digests.
func (b *builder) digests(c class, r *row, list []string, post func(term)) []byte {
	var out []byte
	for _, text := range list {
		t, d, ok := c.digest(text)
		if !ok {
			continue
		}
		out = append(out, d[:]...)
		post(t)
		b.firstSeen(t, r, c == ofHost)
	}
	return out
}

// firstSeen remembers the first entry about a tool or a host. A tool that does
// not exist was not used.
func (b *builder) firstSeen(t term, r *row, counts bool) {
	if !counts || b.known[t] || r.e.reason == "tool_unknown" {
		return
	}
	if len(b.known) >= maxKnown {
		clear(b.known)
	}
	b.known[t] = true
	b.firsts = append(b.firsts, first{t, r.n, r.e.time})
}
