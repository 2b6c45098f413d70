package index

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"slices"

	"github.com/custos-zt/custos/audit"
)

// hashed returns the hash of the record that a cursor stands on.
func (c *cursor) hashed() []byte {
	if c.line == "" {
		return c.hash
	}
	sum := sha256.Sum256([]byte(c.line))
	return sum[:]
}

// stands reports whether a stored record is the one that the cursor stands on.
func (c *cursor) stands(s audit.Stored) bool {
	sum := sha256.Sum256(s.Line)
	return s.Seq == c.seq && bytes.Equal(sum[:], c.hashed())
}

// flush writes the batch.
func (b *builder) flush(ctx context.Context, tx *sql.Tx) error {
	return errors.Join(b.flushEntries(ctx, tx), b.flushPostings(ctx, tx), b.flushOpen(ctx, tx), b.flushCursors(ctx, tx), b.sums.flush(ctx, tx))
}

func (b *builder) flushEntries(ctx context.Context, tx *sql.Tx) error {
	in, err := newInserter(ctx, tx, "INSERT INTO entry", 20, "")
	if err != nil {
		return err
	}
	for i := range b.rows {
		r := &b.rows[i]
		var outcome, ended any
		if r.outcome != 0 {
			outcome, ended = int64(r.outcome), r.ended
		}
		if err := in.add(r.n, r.e.time, r.e.slot, int64(r.e.seq), r.kind, r.title, r.decision, r.reason, r.rule,
			r.policy, r.subject, r.agent, r.session, r.approver, blob(r.paths), blob(r.hosts), blob(r.args), outcome, ended, blob(r.labels)); err != nil {
			return err
		}
	}
	if err := in.flush(); err != nil {
		return err
	}
	update, err := tx.PrepareContext(ctx, "UPDATE entry SET outcome = ?, ended = ?, labels = ? WHERE n = ?")
	if err != nil {
		return err
	}
	for _, r := range b.ends {
		if _, err := update.Exec(int64(r.outcome), r.ended, blob(r.labels), r.n); err != nil {
			return err
		}
	}
	b.rows, b.ends = b.rows[:0], b.ends[:0]
	return nil
}

// blob is nil where there is nothing to store.
func blob(b []byte) any {
	if len(b) == 0 {
		return nil
	}
	return b
}

func (b *builder) flushPostings(ctx context.Context, tx *sql.Tx) error {
	slices.SortFunc(b.posts, func(x, y posting) int {
		if x.term != y.term {
			return int(max(-1, min(1, x.term-y.term)))
		}
		return int(max(-1, min(1, x.block-y.block)))
	})
	posts, err := newInserter(ctx, tx, "INSERT INTO posting", 3, " ON CONFLICT DO UPDATE SET blocks = blocks | excluded.blocks")
	if err != nil {
		return err
	}
	for i := 0; i < len(b.posts); {
		p, bits := b.posts[i], int64(0)
		for ; i < len(b.posts) && b.posts[i].term == p.term && b.posts[i].block>>chunkShift == p.block>>chunkShift; i++ {
			bits |= 1 << (b.posts[i].block & chunkMask)
		}
		if err := posts.add(int64(p.term), p.block>>chunkShift, bits); err != nil {
			return err
		}
	}
	firsts, err := newInserter(ctx, tx, "INSERT OR IGNORE INTO first", 3, "")
	if err != nil {
		return err
	}
	for _, f := range b.firsts {
		if err := firsts.add(int64(f.term), f.n, f.time); err != nil {
			return err
		}
	}
	titles, err := newInserter(ctx, tx, "INSERT OR IGNORE INTO title", 2, "")
	if err != nil {
		return err
	}
	for _, t := range b.newTitle {
		if err := titles.add(t[0], t[1]); err != nil {
			return err
		}
	}
	b.posts, b.firsts, b.newTitle = b.posts[:0], b.firsts[:0], b.newTitle[:0]
	return errors.Join(posts.flush(), firsts.flush(), titles.flush())
}

func (b *builder) flushOpen(ctx context.Context, tx *sql.Tx) error {
	gone, err := tx.PrepareContext(ctx, "DELETE FROM open WHERE slot = ? AND seq = ?")
	if err != nil {
		return err
	}
	for _, r := range b.closed {
		if _, err := gone.Exec(r.slot, int64(r.seq)); err != nil {
			return err
		}
	}
	b.closed = b.closed[:0]
	in, err := newInserter(ctx, tx, "INSERT INTO open", 7, "")
	if err != nil {
		return err
	}
	for r, o := range b.open {
		if b.stored[r] {
			continue
		}
		b.stored[r] = true
		if err := in.add(r.slot, int64(r.seq), o.n, o.backend, o.tool, o.title, o.subject); err != nil {
			return err
		}
	}
	return in.flush()
}

func (b *builder) flushCursors(ctx context.Context, tx *sql.Tx) error {
	cursors, err := newInserter(ctx, tx, "INSERT OR REPLACE INTO cursor", 6, "")
	if err != nil {
		return err
	}
	for slot, c := range b.cursors {
		c.hash, c.line = c.hashed(), ""
		if err := cursors.add(slot, int64(c.seq), c.hash, int64(c.place.Segment), c.place.Offset, int64(c.oldest)); err != nil {
			return err
		}
	}
	blocks, err := newInserter(ctx, tx, "INSERT OR REPLACE INTO block", 2, "")
	if err != nil {
		return err
	}
	for block, reach := range b.blocks {
		if err := blocks.add(block, reach); err != nil {
			return err
		}
	}
	clear(b.blocks)
	places, err := newInserter(ctx, tx, "INSERT OR IGNORE INTO place", 4, "")
	if err != nil {
		return err
	}
	for _, p := range b.places {
		if err := places.add(p.slot, int64(p.seq), int64(p.place.Segment), p.place.Offset); err != nil {
			return err
		}
	}
	b.places = b.places[:0]
	_, err = tx.ExecContext(ctx, "UPDATE disorder SET us = ?", b.late)
	return errors.Join(cursors.flush(), blocks.flush(), places.flush(), err)
}
