package bundle

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"fmt"
)

// PrivateKey reads a signing key: PKCS #8 in PEM. The error never repeats what
// the file holds.
func PrivateKey(data []byte) (ed25519.PrivateKey, error) {
	block, _ := pem.Decode(data)
	if block == nil {
		return nil, errNoKey
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, errNoKey
	}
	private, ok := key.(ed25519.PrivateKey)
	if !ok {
		return nil, errNoKey
	}
	return private, nil
}

// Key is a trusted key. Layer is the one layer that it may sign for; "" is any.
type Key struct {
	Public ed25519.PublicKey
	Layer  string
}

// layerHeader is the PEM header that caps a key.
const layerHeader = "Custos-Layer"

// PublicKeys reads a trust root: one public key or more, PKIX in PEM. The
// header Custos-Layer caps a key to one layer:
//
//	-----BEGIN PUBLIC KEY-----
//	Custos-Layer: team/support
//
//	MCowBQYDK2VwAyEA…
//	-----END PUBLIC KEY-----
//
// A block that is no such key is an error, and so is another header: what is
// not read is what somebody believes to hold.
func PublicKeys(data []byte) ([]Key, error) {
	var out []Key
	for {
		var block *pem.Block
		if block, data = pem.Decode(data); block == nil {
			break
		}
		key, err := x509.ParsePKIXPublicKey(block.Bytes)
		if err != nil {
			return nil, errNoKey
		}
		public, ok := key.(ed25519.PublicKey)
		if !ok {
			return nil, errNoKey
		}
		for name := range block.Headers {
			if name != layerHeader {
				return nil, fmt.Errorf("holds a key with the header %q, and only %s is known", name, layerHeader)
			}
		}
		out = append(out, Key{public, block.Headers[layerHeader]})
	}
	if len(out) == 0 {
		return nil, errNoKey
	}
	return out, nil
}
