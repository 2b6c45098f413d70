package witness

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/custos-zt/custos/audit"
)

// headsPath is where the heads of an instance are read.
const headsPath = "/custos/v1/heads/"

// Server answers for a witness over HTTP. It is safe for concurrent use.
type Server struct {
	Store *Store
	// Now is the clock; nil: time.Now.
	Now func() time.Time
	// Alarm is told of each new alarm; nil: nobody is. It is called while an
	// answer waits and MUST return soon.
	Alarm func(Alarm)
}

func (s *Server) now() time.Time {
	if s.Now == nil {
		return time.Now().UTC()
	}
	return s.Now().UTC()
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.URL.Path == "/add-checkpoint" && r.Method == http.MethodPost:
		s.addCheckpoint(w, r)
	case strings.HasPrefix(r.URL.Path, headsPath) && r.Method == http.MethodGet:
		s.heads(w, strings.TrimPrefix(r.URL.Path, headsPath))
	case r.URL.Path == "/add-checkpoint", strings.HasPrefix(r.URL.Path, headsPath):
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
	default:
		http.NotFound(w, r)
	}
}

// answer is what add-checkpoint says.
type answer struct {
	status int
	size   uint64 // of a conflict
	text   string
	lines  []byte // cosignatures
}

func (s *Server) addCheckpoint(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		http.Error(w, "the request is too long", http.StatusBadRequest)
		return
	}
	a, err := s.consider(body)
	switch {
	case err != nil:
		http.Error(w, "the witness cannot remember", http.StatusInternalServerError)
	case a.status == http.StatusOK:
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = w.Write(a.lines)
	case a.status == http.StatusConflict && a.text == "":
		w.Header().Set("Content-Type", sizeType)
		w.WriteHeader(a.status)
		_, _ = fmt.Fprintf(w, "%d\n", a.size)
	default:
		http.Error(w, a.text, a.status)
	}
}

// consider decides one request. What it answers is durable by then; an error
// means that it could not be made so.
func (s *Server) consider(body []byte) (answer, error) {
	req, err := parseRequest(body)
	if err != nil {
		return answer{status: http.StatusBadRequest, text: err.Error()}, nil
	}
	claimed, err := audit.ParseCheckpoint(req.checkpoint)
	if err != nil {
		return answer{status: http.StatusNotFound, text: unknownInstance}, nil
	}
	unlock, err := s.Store.lock()
	if err != nil {
		return answer{}, err
	}
	defer unlock()
	in, err := s.Store.read(claimed.Instance)
	if errors.Is(err, errUnknown) {
		return s.stranger(claimed)
	}
	if err != nil {
		return answer{}, err
	}
	keys, err := audit.ParseKeys(in.Keys)
	if err != nil {
		return answer{}, err
	}
	head, current, err := keys.Open(req.checkpoint)
	switch {
	case err != nil:
		return s.refuse(in, claimed, nil, KindUnknownKey, "no key of this instance signed it", answer{status: http.StatusForbidden})
	case !current:
		return s.refuse(in, claimed, req.checkpoint, KindReplacedKey, "a key that was replaced signed it", answer{status: http.StatusForbidden})
	}
	return s.extend(in, head, &req)
}

// extend cosigns a head that continues the one before.
func (s *Server) extend(in *Instance, head audit.Checkpoint, req *request) (answer, error) {
	slot := audit.SlotName(head.Slot)
	have := in.Heads[slot]
	root, err := tlog.ParseHash(have.Root)
	if err != nil && have.Size > 0 {
		return answer{}, err
	}
	conflict := answer{status: http.StatusConflict, size: have.Size}
	switch {
	case req.old > head.Size:
		return answer{status: http.StatusBadRequest, text: "the old size is larger than that of the checkpoint"}, nil
	case have.Size > head.Size:
		return s.refuse(in, head, req.checkpoint, KindRewind, fmt.Sprintf("record %d of %d that were there", head.Size, have.Size), conflict)
	case have.Size == head.Size && have.Size > 0 && root != head.Root:
		if req.old == have.Size {
			conflict.text = "the roots differ" // and not the sizes
		}
		return s.refuse(in, head, req.checkpoint, KindFork, fmt.Sprintf("other records up to %d than those that were there", head.Size), conflict)
	case req.old != have.Size:
		return conflict, nil
	}
	if !continues(req, head, root) {
		return s.refuse(in, head, req.checkpoint, KindFork, fmt.Sprintf("%d records that do not continue the %d that were there", head.Size, have.Size),
			answer{status: http.StatusUnprocessableEntity, text: "the proof does not hold"})
	}
	now := s.now()
	lines, err := s.Store.key.Cosign(req.checkpoint, now)
	if err != nil {
		return answer{}, err
	}
	in.Heads[slot] = Head{Size: head.Size, Root: head.Root.String(), Time: now, Note: string(req.checkpoint)}
	return answer{status: http.StatusOK, lines: lines}, s.Store.keep(in)
}

// continues checks the proof of a request whose old size is the known one.
func continues(req *request, head audit.Checkpoint, root tlog.Hash) bool {
	switch {
	case head.Size == 0:
		empty, err := tlog.TreeHash(0, nil)
		return err == nil && len(req.proof) == 0 && head.Root == empty
	case req.old == 0:
		return len(req.proof) == 0
	case req.old == head.Size:
		return len(req.proof) == 0 && root == head.Root
	default:
		return tlog.CheckTree(req.proof, int64(head.Size), head.Root, int64(req.old), root) == nil
	}
}

// refuse raises an alarm about an instance and answers with a no.
func (s *Server) refuse(in *Instance, head audit.Checkpoint, evidence []byte, kind Kind, what string, a answer) (answer, error) {
	alarm := s.alarm(kind, head, what, evidence)
	var fresh bool
	in.Alarms, fresh = raise(in.Alarms, alarm)
	if err := s.Store.keep(in); err != nil {
		return answer{}, err
	}
	s.tell(alarm, fresh)
	if a.text == "" && a.status != http.StatusConflict {
		a.text = what
	}
	return a, nil
}

// stranger remembers that somebody came whom nobody enrolled.
func (s *Server) stranger(head audit.Checkpoint) (answer, error) {
	if plausible(head.Instance) {
		list, err := s.Store.strangers()
		if err != nil {
			return answer{}, err
		}
		alarm := s.alarm(KindUnknownInstance, head, "a head of an instance that is not enrolled", nil)
		list, fresh := raise(list, alarm)
		if err := s.Store.keepStrangers(list); err != nil {
			return answer{}, err
		}
		s.tell(alarm, fresh)
	}
	return answer{status: http.StatusNotFound, text: unknownInstance}, nil
}

func (s *Server) alarm(kind Kind, head audit.Checkpoint, what string, evidence []byte) Alarm {
	now := s.now()
	return Alarm{Kind: kind, Instance: head.Instance, Slot: audit.SlotName(head.Slot), What: what, First: now, Last: now, Note: string(evidence)}
}

func (s *Server) tell(a Alarm, fresh bool) {
	if fresh && s.Alarm != nil {
		s.Alarm(a)
	}
}

// heads answers with the heads of an instance, cosigned now: the answer says
// that there is nothing newer, and when.
func (s *Server) heads(w http.ResponseWriter, id string) {
	unlock, err := s.Store.lock()
	if err != nil {
		http.Error(w, "the witness cannot remember", http.StatusInternalServerError)
		return
	}
	defer unlock()
	in, err := s.Store.read(id)
	if errors.Is(err, errUnknown) {
		http.Error(w, unknownInstance, http.StatusNotFound)
		return
	}
	var list [][]byte
	for n := 0; err == nil && n < audit.MaxSlots; n++ {
		h, some := in.Heads[audit.SlotName(n)]
		if !some {
			continue
		}
		var line []byte
		if line, err = s.Store.key.Cosign([]byte(h.Note), s.now()); err == nil {
			list = append(list, append([]byte(h.Note), line...))
		}
	}
	if err != nil {
		http.Error(w, "the witness cannot remember", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write(audit.JoinHeads(list))
}
