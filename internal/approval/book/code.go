package book

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/pquerna/otp/totp"
)

// A person may enrol a device that shows codes (RFC 6238: six digits, SHA-1,
// thirty seconds, as such devices expect). A code is good for one answer: the
// step it belongs to is remembered, and no earlier one counts afterwards.

const (
	codeStep = 30 * time.Second
	// maxWrong codes in wrongFor lock the person's codes for as long.
	maxWrong = 5
	wrongFor = 10 * time.Minute
)

// Errors of a code.
var (
	ErrNoDevice = errors.New("no device for codes is enrolled")
	ErrCode     = errors.New("the code is wrong, too old, or was used")
	ErrLocked   = errors.New("too many wrong codes; they count again in ten minutes")
)

func codeSteps() string {
	return `
CREATE TABLE device (
	person TEXT PRIMARY KEY,
	secret BLOB,             -- NULL until confirmed
	next   BLOB,             -- waits to be confirmed
	step   INTEGER NOT NULL, -- the last one that counted
	wrong  INTEGER NOT NULL,
	since  INTEGER NOT NULL  -- of the first wrong code
) STRICT;
`
}

// device is one person's row.
type device struct {
	secret, next []byte
	step, since  int64
	wrong        int
}

// Enrolled reports whether a person has a device that shows codes.
func (b *Book) Enrolled(ctx context.Context, person string) (bool, error) {
	var n int
	err := b.db.QueryRowContext(ctx, `SELECT count(*) FROM device WHERE person = ? AND secret IS NOT NULL`, person).Scan(&n)
	if err != nil {
		return false, fmt.Errorf("state.db: %w", err)
	}
	return n > 0, nil
}

// Enrol makes a secret for a person's device and returns it with the URI that
// devices read. It counts once [Book.Confirm] saw a code of it; until then an
// earlier device does. Whoever calls it has seen to it that a person with an
// earlier device showed a code of that one.
func (b *Book) Enrol(ctx context.Context, person string) (secret, uri string, err error) {
	key, err := totp.Generate(totp.GenerateOpts{Issuer: "Custos", AccountName: person})
	if err != nil {
		return "", "", err
	}
	box, err := b.sealed(key.Secret(), deviceBinding(person))
	if err != nil {
		return "", "", err
	}
	_, err = b.db.ExecContext(ctx, `INSERT INTO device (person, next, step, wrong, since) VALUES (?, ?, 0, 0, 0)
		ON CONFLICT (person) DO UPDATE SET next = excluded.next`, person, box)
	if err != nil {
		return "", "", fmt.Errorf("state.db: %w", err)
	}
	return key.Secret(), key.URL(), nil
}

// Confirm makes the device that was enrolled last the person's device, if this
// is a code of it.
func (b *Book) Confirm(ctx context.Context, person, code string) error {
	return b.withDevice(ctx, person, func(tx *sql.Tx, d *device, now time.Time) error {
		if d.next == nil {
			return ErrNoDevice
		}
		step, err := b.matches(d.next, person, code, 0, now)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `UPDATE device SET secret = next, next = NULL, step = ?, wrong = 0 WHERE person = ?`, step, person)
		return err
	})
}

// TakeCode uses up a code of the person's device. Only nil means that it counts.
func (b *Book) TakeCode(ctx context.Context, person, code string) error {
	return b.withDevice(ctx, person, func(tx *sql.Tx, d *device, now time.Time) error {
		if d.secret == nil {
			return ErrNoDevice
		}
		step, err := b.matches(d.secret, person, code, d.step, now)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `UPDATE device SET step = ?, wrong = 0 WHERE person = ?`, step, person)
		return err
	})
}

// withDevice runs use in a transaction and counts wrong codes, which is durable
// like everything else: a process that is killed does not give new tries.
func (b *Book) withDevice(ctx context.Context, person string, use func(*sql.Tx, *device, time.Time) error) error {
	tx, now, err := b.begin(ctx)
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // after Commit it does nothing
	var d device
	err = tx.QueryRowContext(ctx, `SELECT secret, next, step, wrong, since FROM device WHERE person = ?`, person).
		Scan(&d.secret, &d.next, &d.step, &d.wrong, &d.since)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return ErrNoDevice
	case err != nil:
		return fmt.Errorf("state.db: %w", err)
	}
	since := time.UnixMicro(d.since)
	if recent := now.Wall.Sub(since) < wrongFor; !recent {
		d.wrong, since = 0, now.Wall
	} else if d.wrong >= maxWrong {
		return ErrLocked
	}
	outcome := use(tx, &d, now.Wall)
	if errors.Is(outcome, ErrCode) {
		_, err = tx.ExecContext(ctx, `UPDATE device SET wrong = ?, since = ? WHERE person = ?`, d.wrong+1, since.UnixMicro(), person)
	}
	if outcome != nil && !errors.Is(outcome, ErrCode) {
		return outcome
	}
	if err == nil {
		err = tx.Commit()
	}
	if err != nil {
		return fmt.Errorf("state.db: %w", err)
	}
	return outcome
}

// matches returns the step that a code belongs to: the present one or one beside
// it, since clocks differ, and none up to the last that counted.
func (b *Book) matches(box []byte, person, code string, last int64, now time.Time) (int64, error) {
	secret, err := b.unsealed(box, deviceBinding(person))
	if err != nil {
		return 0, err
	}
	present := now.Unix() / int64(codeStep/time.Second)
	for _, step := range []int64{present - 1, present, present + 1} {
		want, err := totp.GenerateCode(secret, time.Unix(step*int64(codeStep/time.Second), 0))
		if err != nil {
			return 0, err
		}
		if step > last && subtle.ConstantTimeCompare([]byte(want), []byte(code)) == 1 {
			return step, nil
		}
	}
	return 0, ErrCode
}

func deviceBinding(person string) [32]byte { return sha256.Sum256([]byte("device\x00" + person)) }
