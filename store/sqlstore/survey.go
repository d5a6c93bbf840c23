package sqlstore

import (
	"context"
	"time"

	"lockstep.dev/model"
	"lockstep.dev/store"
)

// Conditions on mailbox m. What they look for is rare, so they begin there.
const (
	isHeld = `m.plan IN (SELECT p.id FROM plan p WHERE p.state = 'held' UNION SELECT o.plan FROM operation o WHERE o.state = 'held')`
	asks   = `m.id IN (SELECT r.mailbox FROM review r WHERE r.apart = 0
		UNION SELECT c.mailbox FROM conflict c WHERE c.resolution = '' AND c.winner = '' AND c.chosen = '')`
	hasConflict = `m.id IN (SELECT c.mailbox FROM conflict c WHERE c.resolution = '')`
	hasAlert    = `m.id IN (SELECT a.mailbox FROM alert a WHERE a.state = 'open')`
)

// counting fills in a part of a survey.
type counting func(*tx, *store.Survey, time.Time) error

// Survey counts what there is.
func (d *DB) Survey(ctx context.Context, now time.Time) (store.Survey, error) {
	var out store.Survey
	err := d.view(ctx, "survey", func(tx *tx) error {
		out = store.Survey{States: map[model.MailboxState]int{}, PerSystem: map[model.ConnectionID]map[model.MailboxState]int{}, PerPolicy: map[string]int{}}
		for _, part := range []counting{surveyMailboxes, surveyLag, surveyTrouble, surveyHours, surveyRest} {
			if err := part(tx, &out, now); err != nil {
				return err
			}
		}
		return nil
	})
	return out, err
}

func surveyMailboxes(tx *tx, out *store.Survey, _ time.Time) error {
	var rows []struct {
		State  string `db:"state"`
		CRM    string `db:"crm"`
		Mail   string `db:"mail"`
		Policy string `db:"policy"`
		Count  int    `db:"n"`
		First  int    `db:"first"`
	}
	if err := tx.list(&rows, `SELECT state, crm, mail, policy, COUNT(*) AS n, SUM(CASE initialized WHEN 0 THEN 1 ELSE 0 END) AS first
		FROM mailbox GROUP BY state, crm, mail, policy`); err != nil {
		return err
	}
	for _, r := range rows {
		state := model.MailboxState(r.State)
		out.States[state] += r.Count
		if state == model.Retired {
			continue
		}
		out.FirstSync += r.First
		out.PerPolicy[r.Policy] += r.Count
		for _, c := range []string{r.CRM, r.Mail} {
			id := model.ConnectionID(c)
			if out.PerSystem[id] == nil {
				out.PerSystem[id] = map[model.MailboxState]int{}
			}
			out.PerSystem[id][state] += r.Count
		}
	}
	return nil
}

func surveyLag(tx *tx, out *store.Survey, now time.Time) error {
	steps := store.LagSteps()
	out.Lag = make([]int, len(steps)+2)
	text, args := `CASE WHEN last_success = 0 THEN `+itoa(len(steps)+1), []any(nil)
	for i, s := range steps {
		text, args = text+` WHEN last_success > ? THEN `+itoa(i), append(args, micros(now.Add(-s)))
	}
	var rows []struct {
		Step  int `db:"step"`
		Count int `db:"n"`
	}
	if err := tx.list(&rows, `SELECT step, COUNT(*) AS n FROM (SELECT `+text+` ELSE `+itoa(len(steps))+` END AS step
		FROM mailbox WHERE state = 'active') s GROUP BY step`, args...); err != nil {
		return err
	}
	for _, r := range rows {
		out.Lag[r.Step] = r.Count
	}
	return nil
}

func surveyTrouble(tx *tx, out *store.Survey, _ time.Time) error {
	for text, to := range map[string]*[]store.CodeCount{
		`SELECT code, COUNT(*) AS count FROM issue WHERE is_open = 1 GROUP BY code ORDER BY 2 DESC, 1`:    &out.Issues,
		`SELECT code, COUNT(*) AS count FROM alert WHERE state = 'open' GROUP BY code ORDER BY 2 DESC, 1`: &out.Alerts,
	} {
		var rows []store.CodeCount
		if err := tx.list(&rows, text); err != nil {
			return err
		}
		*to = rows
	}
	return tx.get(&out.Retrying, `SELECT COUNT(*) FROM alert WHERE state = 'retrying'`)
}

// surveyHours counts rounds hour by hour; an hour in which nothing was done
// has its place, too.
func surveyHours(tx *tx, out *store.Survey, now time.Time) error {
	const hour = int64(time.Hour / time.Microsecond)
	last := micros(now) / hour
	first := last - store.HoursSurveyed + 1
	for h := first; h <= last; h++ {
		out.Hours = append(out.Hours, store.Hour{Begins: instant(h * hour)})
	}
	var rows []struct {
		Hour    int64 `db:"hour"`
		Rounds  int   `db:"rounds"`
		Done    int   `db:"done"`
		Refused int   `db:"refused"`
	}
	if err := tx.list(&rows, `SELECT ended / CAST(? AS BIGINT) AS hour, COUNT(*) AS rounds, CAST(SUM(done) AS BIGINT) AS done, CAST(SUM(refused) AS BIGINT) AS refused
		FROM round WHERE ended >= ? GROUP BY 1`, hour, first*hour); err != nil {
		return err
	}
	for _, r := range rows {
		if i := r.Hour - first; i >= 0 && i < int64(len(out.Hours)) {
			h := &out.Hours[i]
			h.Rounds, h.Done, h.Refused = r.Rounds, r.Done, r.Refused
		}
	}
	return nil
}

func surveyRest(tx *tx, out *store.Survey, _ time.Time) error {
	var r struct {
		Held      int   `db:"held"`
		Asking    int   `db:"asking"`
		Conflicts int   `db:"conflicts"`
		Calls     int   `db:"calls"`
		Oldest    int64 `db:"oldest"`
	}
	if err := tx.get(&r, `SELECT
		(SELECT COUNT(*) FROM mailbox m WHERE m.state <> 'retired' AND `+isHeld+`) AS held,
		(SELECT COUNT(*) FROM mailbox m WHERE m.state <> 'retired' AND `+asks+`) AS asking,
		(SELECT COUNT(*) FROM conflict WHERE resolution = '') AS conflicts,
		(SELECT COUNT(*) FROM request WHERE outcome = '') AS calls,
		(SELECT COALESCE(MIN(created), 0) FROM request WHERE outcome = '') AS oldest`); err != nil {
		return err
	}
	out.Held, out.Asking, out.Conflicts, out.OpenCalls, out.OldestCall = r.Held, r.Asking, r.Conflicts, r.Calls, instant(r.Oldest)
	return nil
}

// CountIssues counts what FindIssues lists on all pages.
func (d *DB) CountIssues(ctx context.Context, f store.IssueFilter) (int, error) {
	text, args := where(f)
	var n int
	err := d.view(ctx, "count issues", func(tx *tx) error { return tx.get(&n, `SELECT COUNT(*) FROM issue WHERE `+text, args...) })
	return n, err
}

// FindRounds lists rounds of all mailboxes.
func (d *DB) FindRounds(ctx context.Context, q store.RoundQuery) ([]store.FoundRound, error) {
	text, args := `1 = 1`, []any(nil)
	if q.Mailbox != "" {
		text, args = text+` AND r.mailbox = ?`, append(args, string(q.Mailbox))
	}
	if !q.From.IsZero() {
		text, args = text+` AND r.ended >= ?`, append(args, micros(q.From))
	}
	if !q.Until.IsZero() {
		text, args = text+` AND r.ended < ?`, append(args, micros(q.Until))
	}
	if q.Refused {
		text += ` AND r.refused > 0`
	}
	if q.After.Mailbox != "" {
		text, args = text+` AND (r.ended, r.mailbox, r.number) < (?, ?, ?)`, append(args, micros(q.After.Ended), string(q.After.Mailbox), q.After.Number)
	}
	var rows []struct {
		roundRow
		Mailbox string `db:"mailbox"`
		Address string `db:"address"`
	}
	err := d.view(ctx, "list rounds", func(tx *tx) error {
		return tx.list(&rows, `SELECT r.number, r.started, r.ended, r.counts, r.done, r.refused, r.note, r.mailbox, m.address
			FROM round r JOIN mailbox m ON m.id = r.mailbox WHERE `+text+` ORDER BY r.ended DESC, r.mailbox DESC, r.number DESC LIMIT ?`,
			append(args, pageOf(q.Limit))...)
	})
	var out []store.FoundRound
	for _, r := range rows {
		v, failed := r.round()
		if failed != nil {
			return nil, failed
		}
		out = append(out, store.FoundRound{Round: v, Mailbox: model.MailboxID(r.Mailbox), Address: r.Address})
	}
	return out, err
}

// Faces returns an item as both sides have it.
func (d *DB) Faces(ctx context.Context, id model.MailboxID, x store.Explanation) (store.Faces, error) {
	var out store.Faces
	if x.Private {
		return out, nil
	}
	err := d.view(ctx, "read item of mailbox "+string(id), func(tx *tx) error {
		s, err := scopeOf(tx, id)
		if err != nil {
			return err
		}
		for _, f := range []struct {
			ref *model.Ref
			to  *model.Content
		}{{x.CRM, &out.CRM}, {x.Mail, &out.Mail}} {
			if f.ref == nil {
				continue
			}
			_, c, private, err := shown(tx, s, f.ref.Side, x.Kind, f.ref.ID)
			if err != nil {
				return err
			}
			if private { // it became private meanwhile
				out = store.Faces{}
				return nil
			}
			*f.to = c
		}
		var links []linkRow
		if err := tx.list(&links, `SELECT `+linkColumns+` FROM link WHERE mailbox = ? AND entity = ?`, s.ID, string(x.Entity)); err != nil || len(links) == 0 {
			return err
		}
		found, err := loadContents(tx, [][]byte{links[0].CRMBase, links[0].MailBase})
		out.CRMBase, out.MailBase = found[hexKey(links[0].CRMBase)], found[hexKey(links[0].MailBase)]
		return err
	})
	return out, err
}

// pageOf is how many rows a page has.
func pageOf(limit int) int {
	if limit <= 0 {
		return 50
	}
	return limit
}
