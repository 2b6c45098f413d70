package main

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"
)

// firstID keeps every id of a run at seven digits, so that a frame is patched
// in place and an answer's length is known.
const firstID = 1_000_000

// run is one closed-loop load: at most concurrency calls are open at any time,
// and the next is sent when one is answered.
type run struct {
	s           *session
	concurrency int
	frame       []byte
	idAt        int
	answerSize  int
	sent        []atomic.Int64 // when each call was sent, in ns since began
	began       time.Time
	latencies   []time.Duration
}

func newRun(s *session, concurrency, payload, calls int) *run {
	message := bytes.Repeat([]byte("x"), payload)
	frame := append([]byte(callHead), strconv.Itoa(firstID)...)
	frame = append(append(append(frame, callMiddle...), message...), callTail...)
	return &run{
		s: s, concurrency: concurrency, frame: frame, idAt: len(callHead),
		answerSize: len(callHead) + 7 + len(answerMiddle) + payload + len(answerTail),
		sent:       make([]atomic.Int64, calls),
		latencies:  make([]time.Duration, 0, calls),
	}
}

// send writes call number n.
func (r *run) send(n int) error {
	strconv.AppendInt(r.frame[r.idAt:r.idAt], int64(firstID+n), 10)
	r.sent[n].Store(int64(time.Since(r.began)))
	_, err := r.s.in.Write(r.frame)
	return err
}

// receive reads one answer and takes its time. An answer that is not the echo
// of its call, such as a denial, ends the measurement.
func (r *run) receive() error {
	line, err := r.s.out.ReadSlice('\n')
	if err != nil {
		return err
	}
	now := time.Since(r.began)
	id, ok := 0, len(line) == r.answerSize && bytes.HasPrefix(line[r.idAt+7:], []byte(answerMiddle))
	if ok {
		id, err = strconv.Atoi(string(line[r.idAt : r.idAt+7]))
	}
	if !ok || err != nil || id < firstID || id >= firstID+len(r.sent) {
		return fmt.Errorf("not an echo: %.300s", line)
	}
	r.latencies = append(r.latencies, now-time.Duration(r.sent[id-firstID].Load()))
	return nil
}

// do makes the calls, stopping early after limit, and returns the latencies
// and the calls answered per second.
func (r *run) do(limit time.Duration) ([]time.Duration, float64, error) {
	r.began = time.Now()
	var err error
	if r.concurrency == 1 {
		err = r.alternate(limit)
	} else {
		err = r.pipeline(limit)
	}
	took := time.Since(r.began)
	return r.latencies, float64(len(r.latencies)) / took.Seconds(), err
}

// alternate sends and receives in one goroutine: no switching is measured.
func (r *run) alternate(limit time.Duration) error {
	for n := range len(r.sent) {
		if time.Since(r.began) > limit {
			return nil
		}
		if err := r.send(n); err != nil {
			return err
		}
		if err := r.receive(); err != nil {
			return err
		}
	}
	return nil
}

// pipeline sends in a goroutine of its own, since a pipe that is full both ways
// would stop for ever. The receiver decides what is sent: it hands out a token
// for each call, and reads until every token was answered.
func (r *run) pipeline(limit time.Duration) error {
	tokens := make(chan struct{}, r.concurrency)
	sender := make(chan error, 1)
	go func() {
		n := 0
		for range tokens {
			if err := r.send(n); err != nil {
				sender <- err // the receiver sees stdout end
				return
			}
			n++
		}
		sender <- nil
	}()
	issued := min(r.concurrency, len(r.sent))
	for range issued {
		tokens <- struct{}{}
	}
	var err error
	for received := 0; received < issued && err == nil; received++ {
		err = r.receive()
		if issued < len(r.sent) && time.Since(r.began) < limit {
			tokens <- struct{}{}
			issued++
		}
	}
	close(tokens)
	return errors.Join(err, <-sender)
}
