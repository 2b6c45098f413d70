package witness

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

const (
	// maxProof is how many lines a proof may have (C2SP tlog-witness).
	maxProof = 63
	// maxBody bounds a request, maxAnswer an answer.
	maxBody   = 64 << 10
	maxAnswer = 1 << 20
	// sizeType is the type of the answer that names a size.
	sizeType = "text/x.tlog.size"
)

// request is the body of add-checkpoint.
type request struct {
	old        uint64
	proof      []tlog.Hash
	checkpoint []byte
}

// marshal returns the request as it is sent.
func (r *request) marshal() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "old %d\n", r.old)
	for _, h := range r.proof {
		fmt.Fprintf(&b, "%s\n", h)
	}
	b.WriteByte('\n')
	b.Write(r.checkpoint)
	return b.Bytes()
}

// parseRequest reads the body of add-checkpoint. What follows the empty line is
// not looked at.
func parseRequest(body []byte) (request, error) {
	head, checkpoint, ok := bytes.Cut(body, []byte("\n\n"))
	if !ok {
		return request{}, errors.New("no empty line before the checkpoint")
	}
	lines := strings.Split(string(head), "\n")
	old, err := parseSize(strings.TrimPrefix(lines[0], "old "))
	if err != nil || !strings.HasPrefix(lines[0], "old ") {
		return request{}, errors.New("the first line names no old size")
	}
	if len(lines)-1 > maxProof {
		return request{}, errors.New("the proof is too long")
	}
	r := request{old: old, checkpoint: checkpoint}
	for _, line := range lines[1:] {
		h, err := tlog.ParseHash(line)
		if err != nil || h.String() != line {
			return request{}, errors.New("the proof holds what is no hash")
		}
		r.proof = append(r.proof, h)
	}
	return r, nil
}

// parseSize reads a decimal number without leading zeros.
func parseSize(text string) (uint64, error) {
	n, err := strconv.ParseUint(text, 10, 63)
	if err != nil || strconv.FormatUint(n, 10) != text {
		return 0, errors.New("not a size")
	}
	return n, nil
}
