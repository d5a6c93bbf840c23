package sqlstore

import (
	"fmt"
	"time"

	"lockstep.dev/model"
)

// bodies collects what one transaction stores in content, each body once. They
// are prepared before the transaction begins, so that no lock waits for hashes.
type bodies struct {
	keys installation
	rows [][]any
	have map[string]bool
	now  int64
}

func (in installation) bodies(now time.Time) *bodies {
	return &bodies{keys: in, have: map[string]bool{}, now: micros(now)}
}

// add registers bytes to be stored and returns their key.
func (b *bodies) add(body []byte) []byte {
	key := b.keys.content.Sum(body)
	if !b.have[string(key)] {
		b.have[string(key)] = true
		b.rows = append(b.rows, []any{key, body, b.now})
	}
	return key
}

// content registers a content; nil is none.
func (b *bodies) content(content model.Content) []byte {
	if content == nil {
		return nil
	}
	return b.add(content.Encode())
}

// raw registers the provider's bytes; nil is none.
func (b *bodies) raw(raw []byte) []byte {
	if raw == nil {
		return nil
	}
	return b.add(raw)
}

// seenStep is how exactly a body remembers when it was last named; the sweep
// asks in days.
const seenStep = int64(time.Hour / time.Microsecond)

// save stores the bodies whose keys are still wanted; nil = all.
func (b *bodies) save(tx *tx, wanted map[string]bool) error {
	rows := b.rows
	if wanted != nil {
		rows = nil
		for _, r := range b.rows {
			if wanted[string(r[0].([]byte))] {
				rows = append(rows, r)
			}
		}
	}
	return tx.insert(`INSERT INTO content (key, body, seen)`, rows,
		fmt.Sprintf(`ON CONFLICT (key) DO UPDATE SET seen = excluded.seen WHERE content.seen < excluded.seen - %d`, seenStep))
}

func unique(keys [][]byte) [][]byte {
	seen := map[string]bool{}
	var out [][]byte
	for _, k := range keys {
		if k != nil && !seen[string(k)] {
			seen[string(k)] = true
			out = append(out, k)
		}
	}
	return out
}

// loadBodies reads bodies by key.
func loadBodies(tx *tx, keys [][]byte) (map[string][]byte, error) {
	rows, err := listIn[struct {
		Key  []byte `db:"key"`
		Body []byte `db:"body"`
	}](tx, `SELECT key, body FROM content WHERE key IN (?*)`, nil, unique(keys))
	out := make(map[string][]byte, len(rows))
	for _, r := range rows {
		out[string(r.Key)] = r.Body
	}
	return out, err
}

// loadContents reads contents by key; the map's keys are as hexKey writes them.
func loadContents(tx *tx, keys [][]byte) (map[string]model.Content, error) {
	raw, err := loadBodies(tx, keys)
	if err != nil {
		return nil, err
	}
	out := make(map[string]model.Content, len(raw))
	for k, b := range raw {
		if out[hexKey([]byte(k))], err = model.DecodeContent(b); err != nil {
			return nil, err
		}
	}
	return out, nil
}
