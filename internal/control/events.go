package control

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/custos-zt/custos/audit"
)

// The stream of events is text/event-stream as HTML defines it. Each record is
// one event, named by its kind. Its id is where the log was read to with it:
// slot:seq of every slot, with commas between them, since one state directory
// has several chains. Whoever comes back with that id in Last-Event-ID gets
// what is behind it, nothing left out and nothing twice. The first event,
// "position", says where the stream begins.

const (
	// patience is how long a reader may take to take what is sent.
	patience = 10 * time.Second
	// maxFollowers is how many streams a process serves at once.
	maxFollowers = 8
	maxKinds     = 32
	maxPosition  = 4 << 10
)

func (e *exchange) events() error {
	s := e.server
	select {
	case s.followers <- struct{}{}:
		defer func() { <-s.followers }()
	default:
		return &problem{http.StatusServiceUnavailable, busyCode, "too many follow the log already"}
	}
	from, err := e.position()
	if err != nil {
		return err
	}
	keep, err := e.kinds()
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(e.r.Context())
	defer stop()
	records, err := e.op.Follow(ctx, from, keep)
	if err != nil {
		return err
	}
	e.w.Header().Set("Content-Type", "text/event-stream")
	out := &stream{w: e.w, control: http.NewResponseController(e.w), at: maps.Clone(from), beat: s.opt.Heartbeat}
	// The deadline of the request is not that of its answer.
	_ = out.control.SetReadDeadline(time.Time{}) // a test's recorder has none
	lines := make(chan audit.Record)
	failed := make(chan error, 1)
	go func() {
		defer close(lines)
		for r, err := range records {
			if err != nil {
				failed <- err
				return
			}
			select {
			case lines <- r:
			case <-ctx.Done():
				return
			}
		}
	}()
	out.run(ctx, lines, failed)
	stop()
	for range lines { // until the follower has let go of the files
	}
	return nil
}

// kinds returns what the caller wants to see of the log.
func (e *exchange) kinds() (func(*audit.Record) bool, error) {
	want := e.r.URL.Query()["kind"]
	if len(want) > maxKinds || slices.ContainsFunc(want, func(k string) bool { return k == "" || len(k) > maxWord }) {
		return nil, invalid("kind is the kind of a record, up to 32 times")
	}
	if len(want) == 0 {
		return nil, nil
	}
	return func(r *audit.Record) bool { return slices.Contains(want, string(r.Kind)) }, nil
}

// position is where the caller left off, or the end of the log.
func (e *exchange) position() (audit.Position, error) {
	last := e.r.Header.Values("Last-Event-ID")
	if len(last) == 0 || len(last) == 1 && last[0] == "" {
		return e.op.End()
	}
	p, err := parsePosition(last[0])
	if err != nil || len(last) > 1 {
		return nil, invalid("Last-Event-ID is the id of an event of this stream")
	}
	return p, nil
}

var errPosition = errors.New("not a position")

// parsePosition reads "0:12,1:7". There is one way to write a position.
func parsePosition(text string) (audit.Position, error) {
	if len(text) > maxPosition {
		return nil, errPosition
	}
	p := audit.Position{}
	for part := range strings.SplitSeq(text, ",") {
		slot, seq, _ := strings.Cut(part, ":")
		n, err := strconv.ParseUint(slot, 10, 16)
		at, err2 := strconv.ParseUint(seq, 10, 64)
		if errors.Join(err, err2) != nil || n >= audit.MaxSlots {
			return nil, errPosition
		}
		p[int(n)] = at
	}
	if formatPosition(p) != text {
		return nil, errPosition
	}
	return p, nil
}

func formatPosition(p audit.Position) string {
	var b []byte
	for _, slot := range slices.Sorted(maps.Keys(p)) {
		b = fmt.Appendf(b, "%d:%d,", slot, p[slot])
	}
	return string(bytes.TrimSuffix(b, []byte{','}))
}

// stream writes events to one reader.
type stream struct {
	w       http.ResponseWriter
	control *http.ResponseController
	at      audit.Position
	beat    time.Duration
}

// run writes until the reader is gone or too slow, or the log cannot be read.
func (s *stream) run(ctx context.Context, records <-chan audit.Record, failed <-chan error) {
	beat := time.NewTicker(s.beat)
	defer beat.Stop()
	ok := s.event("position", []byte("{}"))
	for ok {
		select {
		case <-ctx.Done():
			return
		case <-beat.C:
			ok = s.write([]byte(": \n\n"))
		case r, open := <-records:
			if !open {
				s.ended(failed)
				return
			}
			s.at[r.Slot] = r.Seq
			ok = s.event(string(r.Kind), r.ExportJSON())
		}
	}
}

// ended says why nothing follows.
func (s *stream) ended(failed <-chan error) {
	select {
	case err := <-failed:
		text, _ := json.Marshal(err.Error()) // a text
		s.event("failed", text)
	default:
	}
}

// event writes one event and reports whether the reader still reads.
func (s *stream) event(name string, data []byte) bool {
	b := make([]byte, 0, len(data)+128)
	if len(s.at) > 0 {
		b = append(append(append(b, "id: "...), formatPosition(s.at)...), '\n')
	}
	b = append(append(append(b, "event: "...), name...), "\ndata: "...)
	return s.write(append(append(b, data...), "\n\n"...))
}

func (s *stream) write(b []byte) bool {
	_ = s.control.SetWriteDeadline(time.Now().Add(patience)) // a test's recorder has none
	_, err := s.w.Write(b)
	return err == nil && s.control.Flush() == nil
}
