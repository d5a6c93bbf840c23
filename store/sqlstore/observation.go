package sqlstore

import (
	"lockstep.dev/model"
	"lockstep.dev/plan"
)

// absence says whether an item is there.
type absence int64

const (
	present absence = 0
	gone    absence = 1 // deleted, as far as we know
	left    absence = 2 // out of scope, window or our rights
)

// observation is a row of its table, less connection and mailbox.
type observation struct {
	Kind        string  `db:"kind"`
	Item        string  `db:"item"`
	Collection  string  `db:"collection"`
	Version     string  `db:"version"`
	Order       int64   `db:"ord"`
	Content     []byte  `db:"content"`
	Raw         []byte  `db:"raw"`
	UID         string  `db:"uid"`
	Stamp       string  `db:"stamp"`
	Natural     []byte  `db:"natural_key"`
	Title       []byte  `db:"title"`
	Entity      string  `db:"entity"`
	Absent      absence `db:"absent"`
	AbsentSince int64   `db:"absent_since"`
	Trouble     string  `db:"trouble"`
	Listing     int64   `db:"listing"`
	Applied     int64   `db:"applied"`
	Modified    int64   `db:"modified"`
	Seen        int64   `db:"seen"`    // when it was first read
	Doubted     bool    `db:"doubted"` // a read that may be older than our write says otherwise
	Privacy     string  `db:"privacy"`
	Reduced     bool    `db:"reduced"`
	Observed    int64   `db:"observed"` // when this version was taken in
	Returned    int64   `db:"returned"` // it had been gone and came back with a backup
}

const observationColumns = `kind, item, collection, version, ord, content, raw, uid, stamp, natural_key, title, entity,
	absent, absent_since, trouble, listing, applied, modified, seen, doubted, privacy, reduced, observed, returned`

// place is where observations lie: a connection and, on the mail side, a mailbox.
type place struct {
	connection model.ConnectionID
	mailbox    model.MailboxID
}

func (p place) crm() bool { return p.mailbox == "" }

// observations reads the rows of some items of one kind.
func observations(tx *tx, p place, kind model.Kind, items []string) (map[string]observation, error) {
	rows, err := listIn[observation](tx, `SELECT `+observationColumns+` FROM observation
		WHERE connection = ? AND mailbox = ? AND kind = ? AND item IN (?*)`,
		[]any{string(p.connection), string(p.mailbox), string(kind)}, items)
	out := make(map[string]observation, len(rows))
	for _, r := range rows {
		out[r.Item] = r
	}
	return out, err
}

// saveObservations inserts or replaces rows.
func saveObservations(tx *tx, p place, rows []observation) error {
	values := make([][]any, len(rows))
	for i, o := range rows {
		values[i] = []any{
			string(p.connection), string(p.mailbox), o.Kind, o.Item, o.Collection, clean(o.Version), o.Order, null(o.Content), null(o.Raw),
			clean(o.UID), clean(o.Stamp), null(o.Natural), null(o.Title), o.Entity, int64(o.Absent), o.AbsentSince, clean(o.Trouble), o.Listing, o.Applied, o.Modified,
			o.Seen, flag(o.Doubted), o.Privacy, flag(o.Reduced), o.Observed, o.Returned,
		}
	}
	return tx.insert(`INSERT INTO observation (connection, mailbox, `+observationColumns+`)`, values,
		`ON CONFLICT (connection, mailbox, kind, item) DO UPDATE SET collection = excluded.collection, version = excluded.version,
		ord = excluded.ord, content = excluded.content, raw = excluded.raw, uid = excluded.uid, stamp = excluded.stamp,
		natural_key = excluded.natural_key, title = excluded.title, entity = excluded.entity, absent = excluded.absent,
		absent_since = excluded.absent_since, trouble = excluded.trouble, listing = excluded.listing, applied = excluded.applied,
		modified = excluded.modified, doubted = excluded.doubted,
		privacy = excluded.privacy, reduced = excluded.reduced, observed = excluded.observed, returned = excluded.returned`)
}

// identities reads the entities that items were known as.
func identities(tx *tx, p place, kind model.Kind, items []string) (map[string]string, error) {
	rows, err := listIn[struct {
		Item   string `db:"item"`
		Entity string `db:"entity"`
	}](tx, `SELECT item, entity FROM identity WHERE connection = ? AND mailbox = ? AND kind = ? AND item IN (?*)`,
		[]any{string(p.connection), string(p.mailbox), string(kind)}, items)
	out := make(map[string]string, len(rows))
	for _, r := range rows {
		out[r.Item] = r.Entity
	}
	return out, err
}

// ours returns those of the entities that an intent or a claim of this
// installation knows.
func ours(tx *tx, crm model.ConnectionID, entities []string) (map[string]bool, error) {
	out := map[string]bool{}
	for _, query := range []string{
		`SELECT DISTINCT entity FROM intent WHERE crm = ? AND entity IN (?*)`,
		`SELECT DISTINCT entity FROM claim WHERE connection = ? AND entity IN (?*)`,
	} {
		found, err := listIn[string](tx, query, []any{string(crm)}, entities)
		if err != nil {
			return nil, err
		}
		for _, e := range found {
			out[e] = true
		}
	}
	return out, nil
}

// facts fills in what of an observation derives from its content.
func (in installation) facts(o *observation, kind model.Kind, c model.Content) {
	o.Natural, o.Title = nil, nil
	if c == nil || o.Reduced {
		return
	}
	if n := plan.NaturalKey(kind, c); n != "" {
		o.Natural = in.natural.Sum([]byte(n))
	}
	if t := title(c); t != "" {
		o.Title = in.titleKey(t)
	}
}

func (in installation) titleKey(t string) []byte { return in.title.Sum([]byte(model.FoldText(t))) }

// title is what a person would call the item.
func title(c model.Content) string {
	if t := c.Text("title"); t != "" {
		return t
	}
	return c.Text("full_name")
}
