package plan

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"hash"

	"lockstep.dev/model"
)

// Verdict is a person's word on a write that waited.
type Verdict string

// The verdicts.
const (
	Undecided Verdict = ""
	// Approved: let go together with everything else that waited. If anything
	// else waits by the time it is carried out, nothing of it goes (B1).
	Approved Verdict = "approved"
	// Picked: let go by itself, whatever becomes of the others.
	Picked Verdict = "picked"
	// Rejected: it is not written, and the pair is settled without it.
	Rejected Verdict = "rejected"
	// Confirmed: let go together with the same deletion in every mailbox of a
	// connection.
	Confirmed Verdict = "confirmed"
)

// Hash sums up writes so that an approval fits exactly one plan: what is
// written where, against which version, with which content.
type Hash struct{ sum hash.Hash }

// NewHash returns the hash of nothing.
func NewHash() *Hash { return &Hash{sum: sha256.New()} }

// Add adds writes in their order.
func (h *Hash) Add(writes ...Write) {
	for _, w := range writes {
		h.sum.Write(line(w))
	}
}

// Fingerprint tells one write from any other by the same marks as a Hash.
func Fingerprint(w Write) string {
	sum := sha256.Sum256(line(w))
	return string(sum[:16])
}

func line(w Write) []byte {
	content := sha256.Sum256(w.Op.Content.Encode())
	// Strings and slices of strings cannot fail to encode.
	out, _ := json.Marshal([]any{
		w.Entity, w.Side, w.Kind, w.Op.Action, w.Op.Ref.Collection, w.Op.Ref.ID, w.Op.Expect,
		hex.EncodeToString(content[:]), w.Op.Changed, w.Op.Notify,
	})
	return out
}

// String returns the hash as people see and type it: 16 hexadecimal digits.
func (h *Hash) String() string { return hex.EncodeToString(h.sum.Sum(nil)[:8]) }

// Place is what a write does to what, whatever it says: two plans are compared
// by it.
type Place struct {
	Entity model.EntityID
	Side   model.Side
	Action model.Action
}

// PlaceOf returns the place of a write.
func PlaceOf(w Write) Place { return Place{Entity: w.Entity, Side: w.Side, Action: w.Op.Action} }
