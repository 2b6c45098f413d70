package audit

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"golang.org/x/mod/sumdb/tlog"
)

// proofFormat is the version of the proof format.
const proofFormat = 1

// maxProof is what [CheckProof] believes.
const maxProof = 8 << 20

// proof is the file that shows one call without its log: the records as
// stored, the signed head, and for each record the hashes that lead from it to
// the root. Records of one call share most of theirs, which stand there once.
type proof struct {
	Format     int          `json:"custos_proof"`
	Key        string       `json:"key"` // as FormatKeys writes it, to the one that signed
	Checkpoint string       `json:"checkpoint"`
	Records    []provenLine `json:"records"`
	Hashes     []tlog.Hash  `json:"hashes"`
}

// provenLine is one record and its path: indexes into the list of hashes, from
// the leaf upwards (RFC 6962, 2.1.1).
type provenLine struct {
	Line string `json:"line"`
	Path []int  `json:"path"`
}

// Prove returns a proof of the call that a record belongs to: its admission
// and, where there are any, the answer of the person who approved it and its
// outcome. A record that no signed checkpoint
// counts yet cannot be proven; the error then wraps [ErrCannotVerify]. Where
// the log does not hold what was signed, it wraps [ErrTampered].
func Prove(logDir, id string, keys Keys) ([]byte, error) {
	slot, seq, err := ParseID(id)
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(logDir, SlotName(slot))
	signed, err := readCheckpoint(dir)
	if err == nil && signed == nil {
		err = errors.New("nothing was signed yet")
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCannotVerify, err)
	}
	head, generation, err := keys.open(signed)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrTampered, filepath.Join(dir, checkpointName), err)
	}
	call, err := findCall(slotDir{slot: slot, path: dir}, seq, head.Size)
	if err != nil {
		return nil, err
	}
	text, err := FormatKeys(keys.first(generation + 1))
	if err != nil {
		return nil, err
	}
	p := proof{Format: proofFormat, Key: text, Checkpoint: string(signed)}
	if err := p.add(dir, &head, call); err != nil {
		return nil, err
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	err = enc.Encode(&p)
	return out.Bytes(), err
}

// stored returns one record as stored; the caller asks in rising order.
func (s *slotReader) stored(seq uint64) ([]byte, head, error) {
	for {
		line, ok, err := s.line()
		if err != nil {
			return nil, head{}, err
		}
		h, isRecord := peek(line)
		if !ok || !isRecord || h.seq > seq {
			return nil, head{}, fmt.Errorf("%w: %s", ErrNotFound, FormatID(s.slot, seq))
		}
		if h.seq == seq {
			s.after = seq
			line = bytes.Clone(line)
			h, _ = peek(line)
			return line, h, nil
		}
	}
}

// add proves records against a head, from the stored tree, or where that is
// not what was signed, from the records themselves.
func (p *proof) add(dir string, head *Checkpoint, call []storedLine) error {
	stored, f, err := readTree(dir)
	if err == nil {
		err = p.prove(stored, head, call)
		f.Close()
		if err == nil {
			return nil
		}
	}
	rebuilt, err := rebuildTree(dir, head)
	if err != nil {
		return err
	}
	return p.prove(rebuilt, head, call)
}

// prove adds records with their paths, and checks each path.
func (p *proof) prove(r tlog.HashReader, head *Checkpoint, call []storedLine) error {
	p.Records, p.Hashes = nil, nil
	for _, rec := range call {
		path, err := proveLine(r, head, rec)
		if err != nil {
			return err
		}
		line := provenLine{Line: string(rec.line), Path: make([]int, 0, len(path))}
		for _, h := range path {
			i := slices.Index(p.Hashes, h)
			if i < 0 {
				i = len(p.Hashes)
				p.Hashes = append(p.Hashes, h)
			}
			line.Path = append(line.Path, i)
		}
		p.Records = append(p.Records, line)
	}
	return nil
}

// proveLine returns the path from one record to the root of a head.
func proveLine(r tlog.HashReader, head *Checkpoint, rec storedLine) (tlog.RecordProof, error) {
	path, err := tlog.ProveRecord(int64(head.Size), int64(rec.seq-1), r)
	if err == nil {
		err = tlog.CheckRecord(path, int64(head.Size), head.Root, int64(rec.seq-1), leafHash(sha256.Sum256(rec.line)))
	}
	return path, err
}

// memoryHashes is a tree in memory.
type memoryHashes []tlog.Hash

// ReadHashes implements [tlog.HashReader].
func (m memoryHashes) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, at := range indexes {
		if at >= int64(len(m)) {
			return nil, fmt.Errorf("tree: no hash %d", at)
		}
		out[i] = m[at]
	}
	return out, nil
}

// rebuildTree computes the tree of a head from the records.
func rebuildTree(dir string, head *Checkpoint) (memoryHashes, error) {
	r := slotReader{slotDir: slotDir{slot: head.Slot, path: dir}}
	defer r.close()
	base, err := firstKept(dir)
	if err != nil {
		return nil, err
	}
	t, hashes, err := expiredHashes(dir, base)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrTampered, err)
	}
	for t.size < head.Size {
		line, _, err := r.stored(t.size + 1)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrTampered, err)
		}
		hashes = t.add(leafHash(sha256.Sum256(line)), hashes)
	}
	if t.root() != head.Root {
		return nil, fmt.Errorf("%w: the first %d records are not those that were signed", ErrTampered, head.Size)
	}
	return hashes, nil
}
