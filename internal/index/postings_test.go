package index

import (
	"context"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// Lists of blocks, their unions and intersections are what sets of numbers are,
// from wherever they are read, however often they were added to.
func TestPostingsAreSets(t *testing.T) {
	w := newWorld(t, 17)
	w.write(10, 1)
	w.update()
	random := rand.New(rand.NewPCG(17, 1))
	const most = 3000 // blocks, many chunks
	sets := make([]map[int64]bool, 4)
	var posts []posting
	for i := range sets {
		sets[i] = map[int64]bool{}
		for range []int{most * 2, 300, 20, 0}[i] {
			block := random.Int64N(most)
			sets[i][block] = true
			posts = append(posts, posting{term(1000 + i), block})
		}
	}
	db, err := connect(w.database(), livePragmas)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	ctx, stop := context.WithTimeout(context.Background(), time.Minute)
	defer stop()
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback() }()
	for half := range slices.Chunk(posts, len(posts)/3) {
		b := builder{posts: slices.Clone(half)}
		if err := b.flushPostings(ctx, tx); err != nil {
			t.Fatal(err)
		}
	}
	p := planner{ctx: ctx, tx: tx}
	if p.read, err = p.prepareRead(); err != nil {
		t.Fatal(err)
	}
	one := func(i int) blocks {
		q := planner{ctx: ctx, tx: tx, read: p.read}
		q.list(term(1000 + i))
		return q.s.lists[0]
	}
	for name, c := range map[string]struct {
		list func() blocks
		in   func(int64) bool
	}{
		"dense":  {func() blocks { return one(0) }, func(b int64) bool { return sets[0][b] }},
		"sparse": {func() blocks { return one(2) }, func(b int64) bool { return sets[2][b] }},
		"empty":  {func() blocks { return one(3) }, func(int64) bool { return false }},
		"either": {func() blocks { return anyOf{one(1), one(2), one(3)} }, func(b int64) bool { return sets[1][b] || sets[2][b] }},
		"both":   {func() blocks { return allOf{one(0), one(1)} }, func(b int64) bool { return sets[0][b] && sets[1][b] }},
		"none":   {func() blocks { return allOf{one(0), one(3)} }, func(int64) bool { return false }},
	} {
		for _, from := range []int64{most, most / 2, 63, 0} {
			var want []int64
			for b := from; b >= 0; b-- {
				if c.in(b) {
					want = append(want, b)
				}
			}
			if d := cmp.Diff(want, drain(t, c.list(), from)); d != "" {
				t.Fatalf("%s from %d: (-want +got)\n%s", name, from, d)
			}
		}
	}
	leap(t, one(0), sets[0], random, most)
}

// drain reads a list to its end.
func drain(t *testing.T, l blocks, from int64) (got []int64) {
	t.Helper()
	for at := from; ; at-- {
		var err error
		if at, err = l.next(at); err != nil {
			t.Fatal(err)
		}
		if at < 0 {
			return got
		}
		got = append(got, at)
	}
}

// leap reads a list in leaps.
func leap(t *testing.T, l blocks, set map[int64]bool, random *rand.Rand, from int64) {
	t.Helper()
	for limit := from; limit > 0; limit -= 1 + random.Int64N(400) {
		want := limit
		for want >= 0 && !set[want] {
			want--
		}
		if got, err := l.next(limit); err != nil || got != want {
			t.Fatalf("up to %d: %d, %v; want %d", limit, got, err, want)
		}
	}
}
