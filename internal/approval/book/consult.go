package book

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/internal/approval"
)

// Consult says how a held call stands:
//
//   - used: there was a live grant for exactly this call, and now there is none.
//     The call may pass, once, if everything else still lets it;
//   - denied: somebody refused this call within [approval.RefusalStands];
//   - pending: a person has to answer. New says that nobody was asked before.
//
// An error is a malfunction, or an [approval.TooManyError]; the call MUST NOT pass.
func (b *Book) Consult(ctx context.Context, r *approval.Request) (access.Approval, error) {
	tx, now, err := b.begin(ctx)
	if err != nil {
		return access.Approval{}, err
	}
	defer tx.Rollback() //nolint:errcheck // after Commit it does nothing
	c := consultation{book: b, tx: tx, now: now, request: r}
	a, err := c.answer(ctx)
	if err != nil {
		return access.Approval{}, err
	}
	if err := commit(tx); err != nil {
		return access.Approval{}, err
	}
	return a, nil
}

// consultation is one call's question within one transaction.
type consultation struct {
	book    *Book
	tx      *sql.Tx
	now     approval.Moment
	request *approval.Request
}

func (c *consultation) answer(ctx context.Context) (access.Approval, error) {
	if a, found, err := c.refused(ctx); found || err != nil {
		return a, err
	}
	call, binding := c.request.Call(), c.request.Binding()
	items, err := c.book.items(ctx, c.tx, `call = ? AND state IN ('pending', 'granted') ORDER BY id`, call[:])
	if err != nil {
		return access.Approval{}, err
	}
	var open *Item
	var void []*Item
	for i := range items {
		it := &items[i]
		switch {
		case !it.Term.Live(c.now):
			err = setState(ctx, c.tx, it, access.ApprovalLapsed)
		case it.Faulty != nil || it.Request.Binding() != binding || !approval.Covers(it.Request.Rules, c.request.Rules),
			it.State == access.ApprovalAllowed && !approval.Granted(&it.Request, it.Votes):
			void = append(void, it)
		case it.State == access.ApprovalAllowed:
			if err := setState(ctx, c.tx, it, access.ApprovalUsed); err != nil {
				return access.Approval{}, err
			}
			return it.Approval(), nil
		default:
			open = it
		}
		if err != nil {
			return access.Approval{}, err
		}
	}
	if open != nil {
		return open.Approval(), nil
	}
	return c.open(ctx, void)
}

// refused finds a refusal that still stands.
func (c *consultation) refused(ctx context.Context) (access.Approval, bool, error) {
	asked := c.request.Asked()
	items, err := c.book.items(ctx, c.tx, `asked = ? AND state = 'denied' ORDER BY id DESC LIMIT 1`, asked[:])
	if err != nil || len(items) == 0 || !items[0].Term.Live(c.now) {
		return access.Approval{}, false, err
	}
	return items[0].Approval(), true, nil
}

// open opens a request, in place of those that are void.
func (c *consultation) open(ctx context.Context, void []*Item) (access.Approval, error) {
	if err := c.room(ctx, len(void)); err != nil {
		return access.Approval{}, err
	}
	it := Item{Request: *c.request, State: access.ApprovalOpen, Opened: c.now.Wall}
	it.Term = approval.NewTerm(c.now, max(approval.OpenFor, c.request.Wait(0)))
	if err := c.insert(ctx, &it); err != nil {
		return access.Approval{}, err
	}
	for _, old := range void {
		if err := setState(ctx, c.tx, old, access.ApprovalSuperseded); err != nil {
			return access.Approval{}, err
		}
		if _, err := c.tx.ExecContext(ctx, `UPDATE request SET successor = ? WHERE id = ?`, it.Number, old.Number); err != nil {
			return access.Approval{}, fmt.Errorf("state.db: %w", err)
		}
	}
	a := it.Approval()
	a.New = true
	return a, nil
}

// room makes sure that the principal may open one more, and forgets what is
// long over.
func (c *consultation) room(ctx context.Context, void int) error {
	items, err := c.book.items(ctx, c.tx, `principal = ? AND state = 'pending'`, c.request.Principal())
	if err != nil {
		return err
	}
	open := 0
	for i := range items {
		if items[i].Term.Live(c.now) {
			open++
			continue
		}
		if err := setState(ctx, c.tx, &items[i], access.ApprovalLapsed); err != nil {
			return err
		}
	}
	_, err = c.tx.ExecContext(ctx, `DELETE FROM request WHERE state NOT IN ('pending', 'granted') AND term_wall < ?`,
		c.now.Wall.Add(-kept).UnixMicro())
	if err != nil {
		return fmt.Errorf("state.db: %w", err)
	}
	if open-void >= c.book.maxOpen {
		return &approval.TooManyError{Open: c.book.maxOpen}
	}
	return nil
}

func (c *consultation) insert(ctx context.Context, it *Item) error {
	r := &it.Request
	binding, call, asked := r.Binding(), r.Call(), r.Asked()
	rules, err := json.Marshal(r.Rules)
	if err != nil {
		return err
	}
	text, err := packed(r)
	if err != nil {
		return err
	}
	params, err := c.book.sealed(text, binding)
	if err != nil {
		return err
	}
	done, err := c.tx.ExecContext(ctx, `INSERT INTO request (state, binding, call, asked, principal, subject, agent, client, root,
		backend, instance, kind, method, name, definition, digest, params, policy, rules, opened,
		term_from, term_wall, term_since, term_boot, holder, act) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)`,
		it.State, binding[:], call[:], asked[:], r.Principal(), r.Subject, r.Agent, r.Client, r.Root,
		r.Backend, r.Instance, r.Kind, r.Method, r.Name, r.Definition[:], r.Digest[:], params, r.Policy, string(rules),
		it.Opened.UnixMicro(), it.Term.From.Wall.UnixMicro(), it.Term.Until.Wall.UnixMicro(),
		int64(it.Term.Until.Since), it.Term.Until.Boot, holder(), r.Act)
	if err != nil {
		return fmt.Errorf("state.db: %w", err)
	}
	it.Number, err = done.LastInsertId()
	return errors.Join(err)
}
