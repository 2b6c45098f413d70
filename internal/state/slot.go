package state

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/custos-zt/custos/audit"
)

// maxSlots bounds how many processes share a state directory: slot names have
// two digits.
const maxSlots = 100

// Slot is the right to write one chain, held for the life of the process.
type Slot struct {
	dir    *Dir
	number int
	lock   *os.File
}

// Description says what the holder of a slot does. It is written for other
// processes to read and MUST NOT hold arguments, which may be secrets.
type Description struct {
	Slot      int       `json:"slot"`
	PID       int       `json:"pid"`
	Started   time.Time `json:"started"`
	Version   string    `json:"version,omitempty"`
	Backend   string    `json:"backend,omitempty"`
	Client    string    `json:"client,omitempty"`
	Policy    string    `json:"policy,omitempty"` // "sha256:…" of the active policy
	Isolation string    `json:"isolation,omitempty"`
	// Degraded says in words what is not as it should be, "" where nothing is
	// known: a policy that changed and cannot be used.
	Degraded string `json:"degraded,omitempty"`
	// Socket says that the process answers on its socket, run/NN.sock. It is not
	// stored: [Dir.Running] looks.
	Socket bool `json:"socket,omitempty"`
}

// AcquireSlot takes the lowest free slot. The slot is free again when it is
// closed or the process ends, however it ends.
func (d *Dir) AcquireSlot() (*Slot, error) {
	for n := range maxSlots {
		dir := d.slotDir(n)
		if err := makePrivate(dir); err != nil {
			return nil, err
		}
		lock, err := audit.Lock(dir)
		if errors.Is(err, audit.ErrLocked) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("state: slot %d: %w", n, err)
		}
		// What the last holder said of itself is not true of this one.
		if err := errors.Join(removeTemp(d.runPath(n)), removeTemp(d.socketPath(n))); err != nil {
			lock.Close()
			return nil, fmt.Errorf("state: slot %d: %w", n, err)
		}
		return &Slot{dir: d, number: n, lock: lock}, nil
	}
	return nil, fmt.Errorf("state: all %d slots of %s are taken by running processes", maxSlots, d.path)
}

func (d *Dir) slotDir(n int) string { return filepath.Join(d.LogDir(), audit.SlotName(n)) }

func (d *Dir) runPath(n int) string {
	return filepath.Join(d.path, runName, audit.SlotName(n)+".json")
}

// Number returns the slot's number, from 0.
func (s *Slot) Number() int { return s.number }

// LogDir returns the directory of the slot's chain, for [audit.Open].
func (s *Slot) LogDir() string { return s.dir.slotDir(s.number) }

// Describe tells other processes what this one does. The slot and the process
// id are filled in.
func (s *Slot) Describe(desc Description) error {
	desc.Slot, desc.PID, desc.Socket = s.number, os.Getpid(), false
	b, err := json.Marshal(desc)
	if err != nil {
		return fmt.Errorf("state: %w", err)
	}
	return writeFile(s.dir.runPath(s.number), append(b, '\n'))
}

// Degrade adds to the description that something is not as it should be. A
// process that has not described itself yet stays silent.
func (s *Slot) Degrade(why string) error {
	desc, err := s.dir.description(s.number)
	if err != nil || desc.PID != os.Getpid() {
		return err
	}
	desc.Degraded = why
	return s.Describe(desc)
}

// Close gives the slot back. The chain's log MUST be closed before.
func (s *Slot) Close() error {
	// They go first: behind the lock they could be another's.
	err := errors.Join(removeTemp(s.dir.runPath(s.number)), removeTemp(s.dir.socketPath(s.number)))
	return errors.Join(err, s.lock.Close())
}

// Running returns what the processes that hold slots say of themselves, by
// slot. A description whose process is gone is left out; a process that has
// not described itself yet appears with its slot alone.
func (d *Dir) Running() ([]Description, error) {
	entries, err := os.ReadDir(d.LogDir())
	if err != nil {
		return nil, fmt.Errorf("state: %w", err)
	}
	list := []Description{}
	for _, e := range entries {
		n, err := strconv.Atoi(e.Name())
		if err != nil || audit.SlotName(n) != e.Name() || !audit.Live(d.slotDir(n)) {
			continue
		}
		desc, err := d.description(n)
		if err != nil {
			return nil, err
		}
		desc.Socket = d.hasSocket(n)
		list = append(list, desc)
	}
	return list, nil
}

// description reads the description of a live slot.
func (d *Dir) description(n int) (Description, error) {
	desc := Description{Slot: n}
	b, err := readPrivate(d.runPath(n))
	if errors.Is(err, fs.ErrNotExist) {
		return desc, nil
	}
	if err != nil {
		return desc, err
	}
	if err := json.Unmarshal(b, &desc); err != nil {
		return desc, fmt.Errorf("state: %s: %w", strings.TrimPrefix(d.runPath(n), d.path+"/"), err)
	}
	desc.Slot = n
	return desc, nil
}
