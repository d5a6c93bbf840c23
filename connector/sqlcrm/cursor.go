package sqlcrm

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"lockstep.dev/model"
)

// The modes of a cursor.
const (
	listing   = "list"   // in the middle of a full listing with content
	relisting = "relist" // the same of ids and versions, where there is no delta
	delta     = "delta"  // everything up to a position has been told
	names     = "names"  // a position of List, which has nothing to do with the delta
)

// maxTrail bounds a cursor's length.
const maxTrail = 32

// cursor is the resume position of one collection, as it stands in
// model.Cursor.
type cursor struct {
	Epoch  string `json:"e"`           // which database, in which life
	Layout string `json:"l"`           // which mapping
	Mode   string `json:"m"`           //
	After  string `json:"i,omitempty"` // listing: the last id that was named

	// Everything at or before (Xid, Low) has been told; Xid only where the
	// schema has a transaction column.
	Xid string `json:"x,omitempty"`
	Low string `json:"v,omitempty"`
	// Trail remembers what had been seen when, where commits may come late: an
	// entry's height becomes Low when it is older than the longest transaction.
	Trail []step `json:"t,omitempty"`
	// At, AtID: in the middle of a delta, the last row that was told.
	At   string `json:"p,omitempty"`
	AtID string `json:"q,omitempty"`
}

// step is one entry of a trail.
type step struct {
	Time int64  `json:"t"` // Unix seconds
	High string `json:"v"`
}

func (c cursor) encode() model.Cursor {
	text, _ := json.Marshal(c) // a struct of strings cannot fail
	return model.Cursor(text)
}

// decodeCursor reads a cursor of ours and wants it to be of this database and
// mapping.
func decodeCursor(c model.Cursor, epoch, layout string) (cursor, error) {
	var out cursor
	if err := json.Unmarshal([]byte(c), &out); err != nil {
		return out, deadCursor("The resume position is not one of this connector.")
	}
	switch {
	case out.Epoch != epoch:
		return out, deadCursor("The CRM's database was restored, replaced or emptied.")
	case out.Layout != layout:
		return out, deadCursor("The mapping of the CRM's tables was changed.")
	}
	return out, nil
}

// layout identifies a kind's mapping: another one shows other content.
func (t *table) layout() string {
	text := fmt.Sprintf("%+v %+v %+v", t.withoutPointers(), t.Version, t.Deleted)
	for _, name := range t.names {
		f := t.Fields[name]
		text += fmt.Sprintf(" %s %+v %+v", name, f.Rows, field{Column: f.Column, As: f.As, Zone: f.Zone, Values: f.Values, Columns: f.Columns})
	}
	return shortHash(text)
}

// withoutPointers is the part of a table whose text is the same in every
// process.
func (t *table) withoutPointers() []string {
	return []string{t.Table, t.ID, t.Key, t.UID, t.Owner, t.AllDay, fmt.Sprint(t.Fixed)}
}

func shortHash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:6])
}

// advance takes note that a delta was read to its end, up to high. Without an
// overlap that is final; with one, Low follows when no transaction that was
// under way can still commit below it.
func (c cursor) advance(high string, now time.Time, overlap time.Duration) cursor {
	c.Mode, c.After, c.At, c.AtID = delta, "", "", ""
	if overlap <= 0 {
		if high != "" {
			c.Low = high
		}
		return c
	}
	trail := append([]step(nil), c.Trail...)
	if high != "" && (len(trail) == 0 && high != c.Low || len(trail) > 0 && trail[len(trail)-1].High != high) {
		trail = append(trail, step{now.Unix(), high})
	}
	for len(trail) > 0 && now.Unix()-trail[0].Time > int64(overlap/time.Second) {
		c.Low, trail = trail[0].High, trail[1:]
	}
	if len(trail) > maxTrail {
		// Leaving a step out only lets Low follow later.
		trail = append(trail[:1], trail[2:]...)
	}
	c.Trail = trail
	return c
}
