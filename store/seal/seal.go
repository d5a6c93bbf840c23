// Package seal keeps secrets unreadable at rest and derives the installation's
// HMAC keys. Whoever has the database without the key has no password and
// cannot tell what an item says from its content key.
package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
)

// MinKey is the least length of a key in bytes; 32 random bytes are right.
const MinKey = 16

// ErrKey says that something was sealed with a key that we were not given, or
// that it was changed since.
var ErrKey = errors.New("sealed with another key")

const (
	format   = 1 // first byte of everything sealed
	idLength = 8
	overhead = 1 + idLength
)

// Ring seals with its first key and opens with any of its keys, so that a key
// can be replaced while old secrets are still sealed with the one before.
type Ring struct {
	keys []key
}

type key struct {
	id   [idLength]byte
	aead cipher.AEAD
}

// NewRing makes a ring of the current key and older ones, which open only.
func NewRing(current []byte, older ...[]byte) (*Ring, error) {
	r := &Ring{}
	for _, secret := range append([][]byte{current}, older...) {
		if len(secret) < MinKey {
			return nil, fmt.Errorf("make key: it has %d bytes, at least %d are needed (32 random bytes are right)", len(secret), MinKey)
		}
		k, err := newKey(secret)
		if err != nil {
			return nil, fmt.Errorf("make key: %w", err)
		}
		r.keys = append(r.keys, k)
	}
	return r, nil
}

func newKey(secret []byte) (key, error) {
	var k key
	// RFC 5869: the given bytes may be of any length; AES-256 needs 32 even ones.
	derived, err := hkdf.Key(sha256.New, secret, nil, "lockstep seal", 32)
	if err != nil {
		return k, err
	}
	id, err := hkdf.Key(sha256.New, secret, nil, "lockstep key id", idLength)
	if err != nil {
		return k, err
	}
	copy(k.id[:], id)
	block, err := aes.NewCipher(derived)
	if err != nil {
		return k, err
	}
	k.aead, err = cipher.NewGCM(block) // NIST SP 800-38D
	return k, err
}

// Seal seals a secret for one purpose, such as "mailbox mbx_7"; only the same
// purpose opens it, so a sealed secret cannot be moved to another row. An
// empty secret is nil.
func (r *Ring) Seal(secret []byte, purpose string) ([]byte, error) {
	if len(secret) == 0 {
		return nil, nil
	}
	k := r.keys[0]
	nonce := make([]byte, k.aead.NonceSize())
	if _, err := rand.Read(nonce); err != nil {
		return nil, fmt.Errorf("seal secret: %w", err)
	}
	out := append([]byte{format}, k.id[:]...)
	out = append(out, nonce...)
	return k.aead.Seal(out, nonce, secret, []byte(purpose)), nil
}

// Open opens what Seal sealed; nil is an empty secret.
func (r *Ring) Open(sealed []byte, purpose string) ([]byte, error) {
	if len(sealed) == 0 {
		return nil, nil
	}
	k, ok := r.find(sealed)
	if !ok || len(sealed) < overhead+k.aead.NonceSize() {
		return nil, fmt.Errorf("open secret: %w", ErrKey)
	}
	rest := sealed[overhead:]
	n := k.aead.NonceSize()
	out, err := k.aead.Open(nil, rest[:n], rest[n:], []byte(purpose))
	if err != nil {
		return nil, fmt.Errorf("open secret: %w", ErrKey)
	}
	return out, nil
}

// Current reports whether a sealed secret was sealed with the current key.
func (r *Ring) Current(sealed []byte) bool {
	k, ok := r.find(sealed)
	return len(sealed) == 0 || ok && k.id == r.keys[0].id
}

func (r *Ring) find(sealed []byte) (key, bool) {
	if len(sealed) < overhead || sealed[0] != format {
		return key{}, false
	}
	for _, k := range r.keys {
		if string(k.id[:]) == string(sealed[1:overhead]) {
			return k, true
		}
	}
	return key{}, false
}

// NewSeed returns the random bytes from which an installation's HMAC keys
// derive. It is kept sealed, so it outlives a change of key.
func NewSeed() ([]byte, error) {
	seed := make([]byte, 32)
	if _, err := rand.Read(seed); err != nil {
		return nil, fmt.Errorf("make seed: %w", err)
	}
	return seed, nil
}

// MAC computes keyed fingerprints for one purpose (HMAC-SHA-256, RFC 2104).
type MAC struct {
	key []byte
}

// NewMAC derives the fingerprint key of a purpose from a seed (RFC 5869).
func NewMAC(seed []byte, purpose string) (MAC, error) {
	k, err := hkdf.Key(sha256.New, seed, nil, "lockstep "+purpose, sha256.Size)
	if err != nil {
		return MAC{}, fmt.Errorf("derive key: %w", err)
	}
	return MAC{key: k}, nil
}

// Sum returns the 32 byte fingerprint of b.
func (m MAC) Sum(b []byte) []byte {
	h := hmac.New(sha256.New, m.key)
	h.Write(b)
	return h.Sum(nil)
}
