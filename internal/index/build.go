package index

import (
	"context"
	"database/sql"
	"encoding/binary"

	"github.com/custos-zt/custos/audit"
	"github.com/custos-zt/custos/internal/query"
)

// ref names a record.
type ref struct {
	slot int
	seq  uint64
}

// opened is a call whose outcome was not read yet.
type opened struct{ n, backend, tool, title, subject int64 }

// cursor says how far a slot was read, and what stood there.
type cursor struct {
	seq    uint64
	hash   []byte
	line   string // of this batch; the hash is taken when it ends
	place  audit.Place
	oldest uint64 // the oldest record that the index may still name
}

// row is one entry on its way to the table.
type row struct {
	e                  event
	n                  int64
	kind               int64
	backend            int64
	tool               int64
	title              int64
	decision           int64
	reason             int64
	rule               int64
	policy             int64
	subject            int64
	agent              int64
	session            int64
	approver           int64
	paths, hosts, args []byte

	outcome uint64
	ended   int64
	labels  []byte
}

type posting struct {
	term  term
	block int64
}

// builder turns events into rows, one transaction a batch. What it keeps between
// batches is what the tables hold, so that any builder can go on.
type builder struct {
	words words
	n     int64 // of the last entry
	reach int64 // the latest time so far
	late  int64 // the largest distance that an entry lies behind reach

	rows     []row // of this batch, numbered without a gap
	open     map[ref]opened
	closed   []ref // known to the table, closed in this batch
	stored   map[ref]bool
	ends     []row           // outcomes of entries of earlier batches
	seen     map[term]bool   // terms of the current block
	posts    []posting       // of this batch
	blocks   map[int64]int64 // reach by block
	marks    map[int]uint64  // the last record of each slot whose place is kept
	places   []placed
	sums     sums
	cursors  map[int]*cursor
	firsts   []first
	known    map[term]bool // firsts that were tried
	titles   map[[2]int64]int64
	newTitle []([2]int64)
}

type placed struct {
	ref
	place audit.Place
}

type first struct {
	term    term
	n, time int64
}

// markEvery is how many records lie between two whose places are kept.
const markEvery = 64

// begin reads where the index stands.
func (b *builder) begin(ctx context.Context, tx *sql.Tx) error {
	*b = builder{
		open: map[ref]opened{}, stored: map[ref]bool{}, seen: map[term]bool{}, blocks: map[int64]int64{}, marks: map[int]uint64{},
		sums: newSums(), cursors: map[int]*cursor{}, known: map[term]bool{}, titles: map[[2]int64]int64{},
	}
	if err := b.words.load(ctx, tx); err != nil {
		return err
	}
	err := tx.QueryRowContext(ctx, "SELECT ifnull(max(n), 0), (SELECT ifnull(max(reach), 0) FROM block), (SELECT us FROM disorder) FROM entry").
		Scan(&b.n, &b.reach, &b.late)
	if err != nil {
		return err
	}
	err = each(ctx, tx, "SELECT slot, seq, n, backend, tool, title, subject FROM open", func(scan func(...any) error) error {
		var r ref
		var o opened
		err := scan(&r.slot, &r.seq, &o.n, &o.backend, &o.tool, &o.title, &o.subject)
		b.open[r], b.stored[r] = o, true
		return err
	})
	if err != nil {
		return err
	}
	b.cursors, err = loadCursors(ctx, tx)
	return err
}

// querier is a transaction or a connection.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// each calls yield for every row of a query.
func each(ctx context.Context, q querier, query string, yield func(scan func(...any) error) error, args ...any) error {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := yield(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}

func loadCursors(ctx context.Context, q querier) (map[int]*cursor, error) {
	out := map[int]*cursor{}
	err := each(ctx, q, "SELECT slot, seq, hash, segment, offset, oldest FROM cursor", func(scan func(...any) error) error {
		var slot int
		c := &cursor{}
		err := scan(&slot, &c.seq, &c.hash, &c.place.Segment, &c.place.Offset, &c.oldest)
		out[slot] = c
		return err
	})
	return out, err
}

// add takes the next record.
func (b *builder) add(e *event) error {
	kind, err := b.words.id(e.kind)
	if err != nil {
		return err
	}
	b.sums.records[recordKey{e.time / hourUS, kind}]++
	c := b.cursors[e.slot]
	if c == nil {
		c = &cursor{oldest: e.seq}
		b.cursors[e.slot] = c
	}
	c.seq, c.line, c.place = e.seq, e.line, e.place
	if last, ok := b.marks[e.slot]; !ok || e.seq >= last+markEvery {
		b.marks[e.slot] = e.seq
		b.places = append(b.places, placed{ref{e.slot, e.seq}, e.place})
	}
	if query.IsOutcome(audit.Kind(e.kind)) {
		return b.outcome(e, kind)
	}
	return b.entry(e, kind)
}

// entry adds a row.
func (b *builder) entry(e *event, kind int64) error {
	b.n++
	r := row{e: *e, n: b.n, kind: kind}
	for _, w := range []struct {
		id   *int64
		text string
	}{
		{&r.backend, e.backend},
		{&r.tool, e.tool},
		{&r.decision, e.decision},
		{&r.reason, e.reason},
		{&r.rule, e.rule},
		{&r.policy, e.policy},
		{&r.subject, e.subject},
		{&r.agent, e.agent},
		{&r.session, e.session},
		{&r.approver, e.approver},
	} {
		if w.text == "" {
			continue
		}
		var err error
		if *w.id, err = b.words.id(w.text); err != nil {
			return err
		}
	}
	if err := b.title(&r); err != nil {
		return err
	}
	b.index(&r)
	if e.kind == string(audit.KindAdmission) {
		b.sums.decisions[decisionKey{e.time / hourUS, r.backend, r.tool, r.decision, r.reason}]++
		if e.decision == "allow" && !e.oneWay {
			b.open[ref{e.slot, e.seq}] = opened{r.n, r.backend, r.tool, r.title, r.subject}
		}
	}
	b.rows = append(b.rows, r)
	b.reached(r.n, e.time)
	return b.counted(e, &r)
}

// counted adds the denials that one record stands for.
func (b *builder) counted(e *event, r *row) error {
	if e.counted == nil {
		return nil
	}
	groups := append([]audit.DenialGroup{{Count: e.counted.More}}, e.counted.Groups...)
	for _, g := range groups {
		if g.Count <= 0 {
			continue
		}
		tool := ""
		if g.Method == "tools/call" {
			tool = g.Target
		}
		toolID, err := b.words.id(tool)
		if err != nil {
			return err
		}
		why, err := b.words.id(string(g.Reason))
		if err != nil {
			return err
		}
		b.sums.decisions[decisionKey{e.time / hourUS, r.backend, toolID, r.decision, why}] += int64(g.Count)
	}
	return nil
}

// title finds the number of backend.tool, as which a tool is known.
func (b *builder) title(r *row) (err error) {
	if r.tool == 0 {
		return nil
	}
	key := [2]int64{r.backend, r.tool}
	if id, ok := b.titles[key]; ok {
		r.title = id
		return nil
	}
	if r.title, err = b.words.id(r.e.backend + "." + r.e.tool); err != nil {
		return err
	}
	if len(b.titles) >= maxKnown {
		clear(b.titles)
	}
	b.titles[key] = r.title
	b.newTitle = append(b.newTitle, [2]int64{r.tool, r.title})
	return nil
}

// reached notes how times and numbers go together.
func (b *builder) reached(n, time int64) {
	if b.reach > time {
		b.late = max(b.late, b.reach-time)
	}
	b.reach = max(b.reach, time)
	b.blocks[blockOf(n)] = b.reach
}

// outcome puts an outcome beside its call.
func (b *builder) outcome(e *event, kind int64) error {
	labels := make([]byte, 0, 4*len(e.labels))
	ids := make([]int64, 0, len(e.labels))
	for _, l := range e.labels {
		id, err := b.words.id(l)
		if err != nil {
			return err
		}
		ids = append(ids, id)
		labels = binary.BigEndian.AppendUint32(labels, uint32(id))
	}
	status, err := b.words.id(e.status)
	if err != nil {
		return err
	}
	call := ref{e.slot, e.admission}
	o, ok := b.open[call]
	b.sums.outcome(outcomeKey{e.time / hourUS, o.backend, o.tool, status, bucketOf(e.duration)}, e.bytes, e.duration)
	if !ok {
		return nil // of a call that retention removed
	}
	delete(b.open, call)
	if b.stored[call] {
		delete(b.stored, call)
		b.closed = append(b.closed, call)
	}
	block := blockOf(o.n)
	b.posts = append(b.posts, posting{ofEnd.word(kind), block})
	for _, id := range ids {
		b.posts = append(b.posts, posting{ofLabel.word(id), block},
			posting{ofTitleLabel.pair(o.title, id), block}, posting{ofSubjectLabel.pair(o.subject, id), block})
	}
	if begin := b.n - int64(len(b.rows)); o.n > begin {
		r := &b.rows[o.n-begin-1]
		r.outcome, r.ended, r.labels = e.seq, kind, labels
		return nil
	}
	b.ends = append(b.ends, row{n: o.n, outcome: e.seq, ended: kind, labels: labels})
	return nil
}

// index adds the postings of an entry.
func (b *builder) index(r *row) {
	if r.n&(blockSize-1) == 0 {
		clear(b.seen)
	}
	block := blockOf(r.n)
	post := func(t term) {
		if !b.seen[t] {
			b.seen[t] = true
			b.posts = append(b.posts, posting{t, block})
		}
	}
	b.firstSeen(ofTitle.word(r.title), r, r.title != 0)
	for _, w := range [...]struct {
		c  class
		id int64
	}{
		{ofKind, r.kind},
		{ofTitle, r.title},
		{ofDecision, r.decision},
		{ofReason, r.reason},
		{ofRule, r.rule},
		{ofPolicy, r.policy},
		{ofSubject, r.subject},
		{ofAgent, r.agent},
		{ofSession, r.session},
		{ofApprover, r.approver},
	} {
		if w.id != 0 {
			post(w.c.word(w.id))
		}
	}
	if r.approver != 0 && r.approver == r.subject {
		post(ofSelf.word(0))
	}
	for _, p := range [...]struct {
		c    class
		a, b int64
	}{
		{ofSubjectTitle, r.subject, r.title},
		{ofTitleDecision, r.title, r.decision},
		{ofSubjectDecision, r.subject, r.decision},
		{ofSubjectRule, r.subject, r.rule},
	} {
		if p.a != 0 && p.b != 0 {
			post(p.c.pair(p.a, p.b))
		}
	}
	r.paths = b.digests(ofPath, r, r.e.paths, post)
	r.hosts = b.digests(ofHost, r, r.e.hosts, post)
	r.args = b.digests(ofArg, r, r.e.args, post)
}
