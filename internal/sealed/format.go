package sealed

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"
)

const (
	magic      = "CUSTOSRP"
	version    = 1
	idSize     = 8
	saltSize   = 32
	headerSize = len(magic) + 4 + 8 + idSize + saltSize
	nonceSize  = 12
	tagSize    = 16
	// entryHead is what precedes the ciphertext; the length counts from seq on.
	entryHead = 4 + 8 + nonceSize
	minEntry  = 8 + nonceSize + tagSize + 3
	// maxEntry bounds one entry; larger calls are left out.
	maxEntry = 1 << 20
	// KeySize is the length of a seal key.
	KeySize = 32
)

const flagMasked = 1

var (
	// ErrNotKept is returned where nothing is kept of a call, or no longer.
	ErrNotKept = errors.New("sealed: the arguments of this call are not kept")
	// ErrTampered is returned where an entry does not open for its record:
	// somebody changed it, moved it, or replaced the record.
	ErrTampered = errors.New("sealed: what was kept of this call does not belong to its record")
	// ErrKey is returned where entries were sealed under another key.
	ErrKey = errors.New("sealed: sealed under another key")
	// errFormat marks a file that is none of ours.
	errFormat = errors.New("sealed: not a file of sealed calls")
)

// Place names the record that an entry belongs to. HMAC is the record's
// args.hmac.
type Place struct {
	Slot int
	Seq  uint64
	HMAC string
}

// Call is what is kept of one call.
type Call struct {
	Method string
	// Params are the params as sent, but for known secrets: where Masked is set
	// those were cut out, and the call cannot be replayed.
	Params string
	Masked bool
}

// header begins a file.
type header struct {
	created time.Time
	key     [idSize]byte
	salt    [saltSize]byte
}

func newHeader(key []byte, now time.Time) (h header, err error) {
	h.created, h.key = now, keyID(key)
	_, err = rand.Read(h.salt[:])
	return h, err
}

// keyID tells keys apart without saying anything about them.
func keyID(key []byte) [idSize]byte {
	sum := sha256.Sum256(append([]byte("custos seal key id\x00"), key...))
	return [idSize]byte(sum[:idSize])
}

func (h *header) bytes() []byte {
	b := binary.BigEndian.AppendUint32([]byte(magic), version)
	b = binary.BigEndian.AppendUint64(b, uint64(h.created.Unix())) //nolint:gosec // after 1970
	return append(append(b, h.key[:]...), h.salt[:]...)
}

func readHeader(r io.ReaderAt) (h header, err error) {
	var b [headerSize]byte
	if n, err := r.ReadAt(b[:], 0); n < headerSize {
		if err == nil || errors.Is(err, io.EOF) {
			err = errFormat
		}
		return h, err
	}
	if string(b[:len(magic)]) != magic || binary.BigEndian.Uint32(b[len(magic):]) != version {
		return h, errFormat
	}
	rest := b[len(magic)+4:]
	h.created = time.Unix(int64(binary.BigEndian.Uint64(rest)), 0) //nolint:gosec // compared only
	copy(h.key[:], rest[8:])
	copy(h.salt[:], rest[8+idSize:])
	return h, nil
}

// open returns the cipher of the file under a seal key.
func (h *header) open(key []byte) (cipher.AEAD, error) {
	if h.key != keyID(key) {
		return nil, ErrKey
	}
	sub, err := hkdf.Key(sha256.New, key, h.salt[:], "custos replay v1", KeySize)
	if err != nil {
		return nil, fmt.Errorf("sealed: %w", err)
	}
	block, err := aes.NewCipher(sub)
	if err != nil {
		return nil, fmt.Errorf("sealed: %w", err)
	}
	return cipher.NewGCM(block)
}

// bound is what an entry is authenticated with.
func bound(p Place) []byte {
	b := binary.BigEndian.AppendUint32([]byte("custos replay v1\x00"), uint32(p.Slot)) //nolint:gosec // below 1024
	b = binary.BigEndian.AppendUint64(b, p.Seq)
	return append(b, p.HMAC...)
}

// appendEntry appends one sealed call. It reports false for one that is too
// large or cannot be sealed.
func appendEntry(b []byte, aead cipher.AEAD, p Place, c *Call) ([]byte, bool) {
	if len(c.Params) > maxEntry-minEntry-len(c.Method) || len(c.Method) > 1<<10 {
		return b, false
	}
	plain := make([]byte, 0, 3+len(c.Method)+len(c.Params))
	flags := byte(0)
	if c.Masked {
		flags = flagMasked
	}
	plain = binary.BigEndian.AppendUint16(append(plain, flags), uint16(len(c.Method))) //nolint:gosec // checked above
	plain = append(append(plain, c.Method...), c.Params...)
	b = binary.BigEndian.AppendUint32(b, uint32(8+nonceSize+len(plain)+tagSize)) //nolint:gosec // checked above
	b = binary.BigEndian.AppendUint64(b, p.Seq)
	at := len(b)
	b = append(b, make([]byte, nonceSize)...)
	nonce := b[at:]
	if _, err := rand.Read(nonce); err != nil {
		return b[:at-12], false
	}
	return aead.Seal(b, nonce, plain, bound(p)), true
}

// openEntry opens what follows the length of an entry.
func openEntry(b []byte, aead cipher.AEAD, p Place) (Call, error) {
	plain, err := aead.Open(nil, b[8:8+nonceSize], b[8+nonceSize:], bound(p))
	if err != nil {
		return Call{}, ErrTampered
	}
	n := int(binary.BigEndian.Uint16(plain[1:]))
	if 3+n > len(plain) {
		return Call{}, ErrTampered
	}
	return Call{Method: string(plain[3 : 3+n]), Params: string(plain[3+n:]), Masked: plain[0]&flagMasked != 0}, nil
}

// walk calls visit for each whole entry of a file: where it begins, its seq and
// the length of what follows the length. It returns where the whole entries end.
func walk(r io.ReaderAt, visit func(at int64, seq uint64, size int) bool) (int64, error) {
	at := int64(headerSize)
	var b [12]byte
	for {
		if n, err := r.ReadAt(b[:], at); n < len(b) {
			if errors.Is(err, io.EOF) {
				err = nil
			}
			return at, err
		}
		size, seq := binary.BigEndian.Uint32(b[:]), binary.BigEndian.Uint64(b[4:])
		if size < minEntry || size > maxEntry {
			return at, nil
		}
		end := at + 4 + int64(size)
		if n, _ := r.ReadAt(b[:1], end-1); n < 1 {
			return at, nil // cut short by a crash
		}
		if !visit(at, seq, int(size)) {
			return end, nil
		}
		at = end
	}
}
