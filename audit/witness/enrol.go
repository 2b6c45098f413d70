package witness

import (
	"errors"
	"fmt"
	"time"

	"github.com/custos-zt/custos/audit"
)

// DefaultSilence is how long an instance may say nothing before that is an
// alarm.
const DefaultSilence = 24 * time.Hour

// ErrFingerprint refuses keys whose fingerprint is not the one that somebody
// compared.
var ErrFingerprint = errors.New("the fingerprint is not that of the key")

// Enrol has the witness cosign for an instance. fingerprint is that of its
// current key, as its owner told it on another way; silence is how long it may
// say nothing, 0 the default. An instance that is known already must bring the
// keys that are known and may bring more: a rotation.
func (s *Store) Enrol(keys audit.Keys, fingerprint string, silence time.Duration, now time.Time) (*Instance, error) {
	if keys.IsZero() || audit.Fingerprint(keys.Current()) != fingerprint {
		return nil, ErrFingerprint
	}
	text, err := audit.FormatKeys(keys)
	if err != nil {
		return nil, err
	}
	if silence <= 0 {
		silence = DefaultSilence
	}
	unlock, err := s.lock()
	if err != nil {
		return nil, err
	}
	defer unlock()
	in, err := s.read(keys.Instance())
	switch {
	case errors.Is(err, errUnknown):
		in = &Instance{ID: keys.Instance(), Enrolled: now.UTC(), Heads: map[string]Head{}}
	case err != nil:
		return nil, err
	default:
		known, err := audit.ParseKeys(in.Keys)
		if err != nil {
			return nil, err
		}
		if !keys.Extends(known) {
			return nil, fmt.Errorf("witness: %s is enrolled with other keys than these", in.ID)
		}
	}
	in.Keys, in.Silence = text, Duration(silence)
	return in, s.keep(in)
}

// Dismiss forgets the alarms of an instance, or of the witness where id is "".
func (s *Store) Dismiss(id string) error {
	unlock, err := s.lock()
	if err != nil {
		return err
	}
	defer unlock()
	if id == "" {
		return s.keepStrangers(nil)
	}
	in, err := s.read(id)
	if err != nil {
		return fmt.Errorf("%s: %w", id, err)
	}
	in.Alarms = nil
	return s.keep(in)
}
