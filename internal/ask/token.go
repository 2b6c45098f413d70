package ask

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/custos-zt/custos/internal/approval/book"
)

// In the stateless era a question travels in a result and comes back with its
// answer in another request, which may reach another process. What ties the two
// together is a token that only the processes of this state directory can make
// and read, and that is good for one answer.

// tokenPrefix marks tokens of Custos, and their version.
const tokenPrefix = "custos1."

// token is what is sealed.
type token struct {
	ID    string    `json:"id"`
	Nonce []byte    `json:"nonce"`
	At    time.Time `json:"at"`
}

// Asked is a question that came back.
type Asked struct {
	ID string
	At time.Time // when it was asked
	// Params is the raw JSON of what was held, and Digest identifies it.
	Params string
	Digest [32]byte
}

// ErrToken says that a text is no token of this instance. It does not say why:
// whoever sent it knows, or tries.
var ErrToken = errors.New("this request carries a state that Custos did not give out")

// IsToken reports whether a text claims to be a token of Custos.
func IsToken(text string) bool { return strings.HasPrefix(text, tokenPrefix) }

// Seal makes the token of a question about a request. It voids the tokens of
// earlier questions about it.
func (d *Desk) Seal(ctx context.Context, id string) (string, error) {
	n, err := book.ParseID(id)
	if err != nil {
		return "", err
	}
	b, err := d.Book()
	if err != nil {
		return "", err
	}
	t := token{ID: id, Nonce: make([]byte, 16), At: time.Now()}
	if _, err := rand.Read(t.Nonce); err != nil {
		return "", err
	}
	aead, err := d.sealer()
	if err != nil {
		return "", err
	}
	plain, err := json.Marshal(t)
	if err != nil {
		return "", err
	}
	box := make([]byte, aead.NonceSize())
	if _, err := rand.Read(box); err != nil {
		return "", err
	}
	box = aead.Seal(box, box, plain, []byte(tokenPrefix))
	return tokenPrefix + base64.RawURLEncoding.EncodeToString(box), b.SetNonce(ctx, n, t.Nonce)
}

// Redeem takes a token back, once.
func (d *Desk) Redeem(ctx context.Context, text string) (Asked, error) {
	t, err := d.unseal(text)
	if err != nil {
		return Asked{}, err
	}
	n, err := book.ParseID(t.ID)
	if err != nil {
		return Asked{}, ErrToken
	}
	b, err := d.Book()
	if err != nil {
		return Asked{}, err
	}
	it, err := b.TakeNonce(ctx, n, t.Nonce)
	if err != nil {
		return Asked{}, err
	}
	return Asked{ID: t.ID, At: t.At, Params: it.Request.Params, Digest: it.Request.Digest}, it.Faulty
}

func (d *Desk) unseal(text string) (token, error) {
	var t token
	box, err := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(text, tokenPrefix))
	if err != nil || !IsToken(text) {
		return t, ErrToken
	}
	aead, err := d.sealer()
	if err != nil {
		return t, err
	}
	size := aead.NonceSize()
	if len(box) < size {
		return t, ErrToken
	}
	plain, err := aead.Open(nil, box[:size], box[size:], []byte(tokenPrefix))
	if err != nil || json.Unmarshal(plain, &t) != nil {
		return t, ErrToken
	}
	return t, nil
}

func (d *Desk) sealer() (cipher.AEAD, error) {
	key := d.opt.Key()
	block, err := aes.NewCipher(key[:])
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}
