package witness

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Kind says what an alarm is about.
type Kind string

// The kinds of alarm.
const (
	// KindFork is a signed head that does not continue the one before: another
	// history, or a second genesis under the same key.
	KindFork Kind = "fork"
	// KindRewind is a signed head that counts fewer records than one before.
	KindRewind Kind = "rewind"
	// KindReplacedKey is a head that a key signed after it was replaced.
	KindReplacedKey Kind = "replaced_key"
	// KindUnknownKey is a head in the name of an instance that none of its keys
	// signed: a key that was rotated and not enrolled, or somebody else.
	KindUnknownKey Kind = "unknown_key"
	// KindUnknownInstance is a head of an instance that nobody enrolled: a new
	// machine, or the second genesis of one whose state was thrown away.
	KindUnknownInstance Kind = "unknown_instance"
	// KindSilence is an instance that has said nothing for too long.
	KindSilence Kind = "silence"
)

// Alarm is something that should not have happened. Equal ones are counted.
type Alarm struct {
	Kind     Kind      `json:"kind"`
	Instance string    `json:"instance"`
	Slot     string    `json:"slot,omitempty"`
	What     string    `json:"what"`
	First    time.Time `json:"first"`
	Last     time.Time `json:"last"`
	Count    int       `json:"count"`
	// Note is the signed head that shows it, where there is one.
	Note string `json:"note,omitempty"`
}

// maxAlarms is how many alarms of an instance are kept: the first ones, which
// say how it began.
const maxAlarms = 32

// raise adds an alarm, or counts one that is there. fresh says that it is new.
func raise(list []Alarm, a Alarm) (out []Alarm, fresh bool) {
	for i := range list {
		have := &list[i]
		if have.Kind == a.Kind && have.Slot == a.Slot && have.Instance == a.Instance {
			have.Count++
			have.Last, have.What = a.Last, a.What
			return list, false
		}
	}
	if len(list) >= maxAlarms {
		return list, false
	}
	a.Count = 1
	return append(list, a), true
}

// silent returns the alarm of an instance that has said nothing for too long.
func (in *Instance) silent(now time.Time) (Alarm, bool) {
	last := in.Enrolled
	for _, h := range in.Heads {
		if h.Time.After(last) {
			last = h.Time
		}
	}
	if now.Sub(last) <= time.Duration(in.Silence) {
		return Alarm{}, false
	}
	what := fmt.Sprintf("nothing since %s", last.UTC().Format(time.RFC3339))
	return Alarm{Kind: KindSilence, Instance: in.ID, What: what, First: last, Last: now, Count: 1}, true
}

// Alarms returns every alarm there is: those kept, and the silence of now.
func (s *Store) Alarms(now time.Time) ([]Alarm, error) {
	list, err := s.strangers()
	if err != nil {
		return nil, err
	}
	known, err := s.Instances()
	if err != nil {
		return nil, err
	}
	for _, in := range known {
		list = append(list, in.Alarms...)
		if a, yes := in.silent(now); yes {
			list = append(list, a)
		}
	}
	return list, nil
}

// strangersName holds the alarms about instances that nobody enrolled.
const strangersName = "strangers.json"

func (s *Store) strangers() ([]Alarm, error) {
	data, err := os.ReadFile(filepath.Join(s.dir, strangersName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var list []Alarm
	if err == nil {
		err = json.Unmarshal(data, &list)
	}
	if err != nil {
		return nil, fmt.Errorf("witness: %w", err)
	}
	return list, nil
}

func (s *Store) keepStrangers(list []Alarm) error {
	data, err := json.MarshalIndent(list, "", "  ")
	if err == nil {
		err = s.write(strangersName, append(data, '\n'))
	}
	if err != nil {
		return fmt.Errorf("witness: %w", err)
	}
	return nil
}
