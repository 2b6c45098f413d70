package index

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/custos-zt/custos/audit"
	"github.com/custos-zt/custos/internal/query"
)

// maxBeginning bounds how many digests one beginning may mean.
const maxBeginning = 256

// planner turns a filter into a search.
type planner struct {
	ctx    context.Context
	tx     *sql.Tx
	read   *sql.Stmt
	lo, hi int64
	s      search
	// late are conditions on packed values, and their arguments: SQLite asks them in
	// the order given, and they cost more than all others together.
	late     []string
	lateArgs []any
}

// plan returns the search for a filter, nil where nothing can match: a text that
// the dictionary lacks stands in no record.
func plan(ctx context.Context, tx *sql.Tx, f *query.Filter) (*search, error) {
	p := planner{ctx: ctx, tx: tx}
	var err error
	if p.read, err = p.prepareRead(); err != nil {
		return nil, err
	}
	if err := p.between(f.Since, f.Until); err != nil {
		return nil, err
	}
	possible, err := p.conditions(f)
	if err != nil || !possible {
		return nil, err
	}
	if len(p.s.lists) == 0 {
		p.s.lists = allOf{every{p.lo}}
	}
	p.s.hi = p.hi
	p.where(strings.Join(append(p.late, "true"), " AND "), p.lateArgs...)
	return &p.s, nil
}

// prepareRead prepares what lists read with.
func (p *planner) prepareRead() (*sql.Stmt, error) {
	return p.tx.PrepareContext(p.ctx, "SELECT chunk, blocks FROM posting WHERE term = ? AND chunk <= ? AND chunk >= ? ORDER BY chunk DESC LIMIT ?")
}

// between finds the blocks of a time range. An entry lies at most the known
// disorder behind the latest time before it.
func (p *planner) between(since, until time.Time) error {
	var late int64
	err := p.tx.QueryRowContext(p.ctx, "SELECT (SELECT us FROM disorder), (SELECT ifnull(max(block), -1) FROM block)").Scan(&late, &p.hi)
	if err != nil {
		return err
	}
	if !since.IsZero() {
		us := ceilMicro(since)
		p.where("time >= ?", us)
		if p.lo, err = p.reaching(us); err != nil {
			return err
		}
	}
	if !until.IsZero() {
		us := ceilMicro(until)
		p.where("time < ?", us)
		hi, err := p.reaching(us + late)
		if err != nil {
			return err
		}
		p.hi = min(p.hi, hi)
	}
	return nil
}

// ceilMicro returns the first whole microsecond that is not before t. The log
// stores whole microseconds.
func ceilMicro(t time.Time) int64 {
	us := t.UnixMicro()
	if time.UnixMicro(us).Before(t) {
		us++
	}
	return us
}

// reaching returns the first block that reaches a time, or the one behind the
// last. The reach of blocks only grows, so halving finds it.
func (p *planner) reaching(us int64) (int64, error) {
	lo, hi := int64(0), p.hi+1
	for lo < hi {
		mid := (lo + hi) / 2
		var reach int64
		err := p.tx.QueryRowContext(p.ctx, "SELECT reach FROM block WHERE block = ?", mid).Scan(&reach)
		if err != nil {
			return 0, err
		}
		if reach >= us {
			hi = mid
		} else {
			lo = mid + 1
		}
	}
	return lo, nil
}

func (p *planner) where(cond string, args ...any) {
	p.s.where = append(p.s.where, cond)
	p.s.args = append(p.s.args, args...)
}

// list returns the union of the postings of terms.
func (p *planner) list(terms ...term) {
	var u anyOf
	for _, t := range terms {
		u = append(u, &list{ctx: p.ctx, read: p.read, term: t, lo: p.lo, below: 1 << 62})
	}
	p.s.lists = append(p.s.lists, u)
}

// conditions adds every condition of a filter, what is likely to be rare first.
func (p *planner) conditions(f *query.Filter) (possible bool, err error) {
	for _, v := range []struct {
		c       class
		values  int
		digests []string
		to      *[][digestSize]byte
	}{
		{ofPath, len(f.Path), f.Digests.Path, &p.s.paths},
		{ofHost, len(f.Host), f.Digests.Host, &p.s.hosts},
		{ofArg, len(f.Arg), f.Digests.Arg, &p.s.argued},
	} {
		if v.values > 0 && !p.judged(v.c, v.digests, v.to) {
			return false, nil
		}
	}
	for _, c := range []struct {
		class  class
		column string
		texts  []string
	}{
		{ofSession, "session", f.Session},
		{ofApprover, "approver", f.Approver},
		{ofLabel, "", f.Label},
		{ofRule, "rule", f.Rule},
		{ofReason, "reason", f.Reason},
		{ofAgent, "agent", f.Agent},
	} {
		if len(c.texts) == 0 {
			continue
		}
		ids, err := p.words(c.texts)
		if err != nil || len(ids) == 0 {
			return false, err
		}
		p.all(c.class, c.column, ids)
	}
	if f.SelfApproved {
		p.list(ofSelf.word(0))
		p.where("approver = subject AND approver <> 0")
	}
	for _, add := range []func(*query.Filter) (bool, error){p.policy, p.kind, p.triple} {
		if possible, err := add(f); err != nil || !possible {
			return false, err
		}
	}
	return true, nil
}

// all asks for one of several words in one column.
func (p *planner) all(c class, column string, ids []int64) {
	terms := make([]term, len(ids))
	for i, id := range ids {
		terms[i] = c.word(id)
	}
	p.list(terms...)
	if c == ofLabel {
		p.s.labels = ids
		packed := make([][]byte, len(ids))
		for i, id := range ids {
			packed[i] = binary.BigEndian.AppendUint32(nil, uint32(id))
		}
		p.packed("labels", packed)
		return
	}
	p.in(column, ids)
}

func (p *planner) in(column string, ids []int64) {
	args := make([]any, len(ids))
	for i, id := range ids {
		args[i] = id
	}
	p.where(column+" IN ("+strings.Repeat("?,", len(ids)-1)+"?)", args...)
}

// packed asks for one of several values in a column of packed ones. What lies
// across two of them matches too, and is told apart afterwards.
func (p *planner) packed(column string, values [][]byte) {
	var conds []string
	for _, v := range values {
		conds = append(conds, "instr("+column+", ?) > 0")
		p.lateArgs = append(p.lateArgs, v)
	}
	p.late = append(p.late, "("+strings.Join(conds, " OR ")+")")
}

// words returns the numbers of the texts that the dictionary has.
func (p *planner) words(texts []string) (ids []int64, err error) {
	for _, s := range texts {
		var id int64
		err := p.tx.QueryRowContext(p.ctx, "SELECT id FROM word WHERE text = ?", s).Scan(&id)
		if errors.Is(err, sql.ErrNoRows) {
			continue
		}
		if err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, nil
}

// judged asks for one of several judged values.
func (p *planner) judged(c class, digests []string, to *[][digestSize]byte) bool {
	var terms []term
	var packed [][]byte
	for _, text := range digests {
		if t, b, ok := c.digest(text); ok {
			terms, packed = append(terms, t), append(packed, b[:])
			*to = append(*to, b)
		}
	}
	if len(terms) == 0 {
		return false
	}
	p.list(terms...)
	p.packed(map[class]string{ofPath: "paths", ofHost: "hosts", ofArg: "args"}[c], packed)
	return true
}

// policy asks for digests by their beginning.
func (p *planner) policy(f *query.Filter) (bool, error) {
	if len(f.Policy) == 0 {
		return true, nil
	}
	var ids []int64
	for _, prefix := range f.Policy {
		err := each(p.ctx, p.tx, "SELECT id FROM word WHERE text >= ? AND text < ? LIMIT ?", func(scan func(...any) error) error {
			var id int64
			err := scan(&id)
			ids = append(ids, id)
			return err
		}, prefix, prefix+"g", maxBeginning+1) // no digit is behind f
		if err != nil {
			return false, err
		}
		if len(ids) > maxBeginning {
			return false, fmt.Errorf("policy: %s is the beginning of more than %d digests", prefix, maxBeginning)
		}
	}
	if len(ids) == 0 {
		return false, nil
	}
	p.all(ofPolicy, "policy", ids)
	return true, nil
}

// kind asks for the kind of the record or of its outcome.
func (p *planner) kind(f *query.Filter) (bool, error) {
	if len(f.Kind) == 0 {
		ids, err := p.words([]string{string(audit.KindGenesis), string(audit.KindSegment)})
		for _, id := range ids {
			p.where("kind <> ?", id)
		}
		return true, err
	}
	ids, err := p.words(f.Kind)
	if err != nil || len(ids) == 0 {
		return false, err
	}
	var terms []term
	var args []any
	for _, id := range ids {
		terms = append(terms, ofKind.word(id), ofEnd.word(id))
		args = append(args, id)
	}
	p.list(terms...)
	marks := strings.Repeat("?,", len(ids)-1) + "?"
	p.where("(kind IN ("+marks+") OR ended IN ("+marks+"))", append(args, args...)...)
	return true, nil
}

// triple asks for subject, tool and decision: each alone occurs in almost every
// block, so that where two are given the pair is asked for.
func (p *planner) triple(f *query.Filter) (bool, error) {
	decisions := make([]string, len(f.Decision))
	for i, d := range f.Decision {
		decisions[i] = d.String()
	}
	var subjects, titles, effects, rules, labels []int64
	for _, x := range []struct {
		to     *[]int64
		texts  []string
		number func([]string) ([]int64, error)
	}{{&subjects, f.Subject, p.words}, {&titles, f.Tool, p.titles}, {&effects, decisions, p.words}, {&rules, f.Rule, p.words}, {&labels, f.Label, p.words}} {
		var err error
		if *x.to, err = x.number(x.texts); err != nil || len(x.texts) > 0 && len(*x.to) == 0 {
			return false, err
		}
	}
	two := p.pairs(ofSubjectTitle, subjects, titles) + p.pairs(ofTitleDecision, titles, effects) + p.pairs(ofSubjectDecision, subjects, effects)
	p.pairs(ofSubjectRule, subjects, rules)
	p.pairs(ofTitleLabel, titles, labels)
	p.pairs(ofSubjectLabel, subjects, labels)
	for _, x := range []struct {
		c      class
		column string
		ids    []int64
	}{{ofSubject, "subject", subjects}, {ofDecision, "decision", effects}, {ofTitle, "title", titles}} {
		switch {
		case len(x.ids) == 0:
		case two > 0:
			p.in(x.column, x.ids)
		default:
			p.all(x.c, x.column, x.ids)
		}
	}
	return true, nil
}

// pairs asks for one of the pairs of two conditions, where both are given. It
// returns how many conditions it added.
func (p *planner) pairs(c class, a, b []int64) int {
	var terms []term
	for _, x := range a {
		for _, y := range b {
			terms = append(terms, c.pair(x, y))
		}
	}
	if len(terms) == 0 || len(terms) > maxBeginning {
		return 0
	}
	p.list(terms...)
	return 1
}

// titles returns every backend.tool that a tool of a query may be.
func (p *planner) titles(tools []string) (ids []int64, err error) {
	words, err := p.words(tools)
	if err != nil {
		return nil, err
	}
	for _, id := range words {
		err := each(p.ctx, p.tx, "SELECT DISTINCT title FROM title WHERE tool = ? OR title = ? LIMIT ?", func(scan func(...any) error) error {
			var title int64
			err := scan(&title)
			ids = append(ids, title)
			return err
		}, id, id, maxBeginning)
		if err != nil {
			return nil, err
		}
	}
	return ids, nil
}
