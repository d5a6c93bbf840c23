package plan

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"

	"lockstep.dev/model"
)

// Brake holds deletions that are too many to be believed (algorithm 1.8,
// requirement B3): all deletions of a side and kind wait for approval, the rest
// of the work goes on. It marks the writes in place and says why.
func Brake(deletes []Write, c Census, policy model.Policy) []string {
	planned := map[model.Side]map[model.Kind]int{model.CRM: {}, model.Mail: {}}
	for _, w := range deletes {
		planned[w.Side][w.Kind]++
	}
	var why []string
	for _, side := range []model.Side{model.CRM, model.Mail} {
		for _, kind := range model.Kinds() {
			if n := planned[side][kind]; n > 0 {
				if reason := tooMany(side, kind, n, c, policy.Kinds[kind]); reason != "" {
					why = append(why, reason)
					hold(deletes, side, kind, reason)
				}
			}
		}
	}
	return why
}

// tooMany names the brake that n deletions hit, or "".
func tooMany(side model.Side, kind model.Kind, n int, c Census, rule model.KindPolicy) string {
	total, linked := n+c.Deleted[side][kind], c.Linked[kind]
	source := side.Other()
	switch {
	case linked > 1 && c.Present[source][kind] == 0:
		return fmt.Sprintf("the %s side shows no %s at all any more, while %d are linked", source, kind, linked)
	case total <= 5:
		return ""
	case total >= rule.BrakeCount:
		return fmt.Sprintf("%d deletions of %ss on the %s side reach the limit of %d", total, kind, side, rule.BrakeCount)
	case linked > 0 && total*100 >= rule.BrakeShare*(linked+c.Deleted[side][kind]):
		return fmt.Sprintf("%d deletions of %ss on the %s side reach %d %% of the %d linked ones", total, kind, side, rule.BrakeShare, linked)
	default:
		return ""
	}
}

func hold(writes []Write, side model.Side, kind model.Kind, reason string) {
	for i := range writes {
		if writes[i].Side == side && writes[i].Kind == kind {
			writes[i].Held = reason
		}
	}
}

// Hash sums up writes so that an approval fits exactly one plan: what is
// written where, against which version, with which content.
type Hash struct{ sum hash.Hash }

// NewHash returns the hash of nothing.
func NewHash() *Hash { return &Hash{sum: sha256.New()} }

// Add adds writes in their order.
func (h *Hash) Add(writes []Write) {
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
