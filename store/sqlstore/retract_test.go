package sqlstore_test

import (
	"bytes"
	"database/sql"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"lockstep.dev/model"
	"lockstep.dev/plan"
	"lockstep.dev/store"
	"lockstep.dev/store/sqlstore"
)

// saying are the columns in which something can stand that an item says, and how
// a retraction clears them.
func saying() map[string]string {
	return map[string]string{
		"content.body":            "emptied once nothing refers to it",
		"observation.content":     "reduced when the item is read; emptied with its record",
		"observation.raw":         "reduced when the item is read; emptied with its record",
		"observation.natural_key": "HMAC; reduced when the item is read; emptied with its record",
		"observation.title":       "HMAC; reduced when the item is read; emptied with its record",
		"observation.trouble":     "replaced when the item is read; emptied with its record",
		"link.crm_base":           "set to none",
		"link.mail_base":          "set to none",
		"link.reason":             "replaced",
		"intent.payload":          "set to none",
		"operation.content":       "set to none",
		"operation.raw":           "set to none",
		"operation.before":        "set to none",
		"operation.other_key":     "set to none",
		"operation.result":        "set to none",
		"conflict.loser":          "deleted with its row",
		"issue.message":           "deleted with its row",
		"issue.evidence":          "deleted with its row",
	}
}

// silent are the columns that say nothing of an item: ids, versions, states,
// numbers, times, settings, sealed secrets, fingerprints of ids, sentences of our
// own, and what a server said about a whole mailbox.
func silent() string {
	return `
access: connection kind item crm_user role
alert: id mailbox connection workload side scope phase state code message evidence times first_at last_at over_at told_at told_over_at
audit: id connection mailbox why begun ended confirmed compared seal
circuit: connection state opened since code message permanent probes next_at closed_at calm_at suspected suspected_at
claim: connection kind global_key entity mailbox
collection: connection mailbox kind id name read_only is_primary position listing listings listing_begun complete missing seen privacy high epoch marked restored intact filter refiltered
conflict: id mailbox entity kind field winner created chosen resolution resolved
connection: id name side connector settings secret owner every pass pass_begun audit_at restores outage
content: key seen
delivery: name settings
drift: audit mailbox side kind item collection what held found fields
expiry: mailbox connection expires_at
former_address: mailbox folded
identity: connection mailbox kind item entity
installation: id seed created restores
intent: connection scope op_key mailbox crm entity side kind collection uid generation begun outcome shows looked restores used
issue: mailbox side kind item code entity first_at last_at times is_open id state closed_at by_plan
link: mailbox entity kind crm crm_item mail_item state incarnation recheck synced crm_doubt mail_doubt
logbook: id at by_whom what subject name why was becomes
mailbox: id address folded crm crm_user mail identity sign_in secret policy state reason generation round initialized created last_success
	next_at lease_token lease_ends plan approved approved_by audit_at fetch_begun undoing restores hold successor workloads acknowledged owned
member: policy source mailbox since
probe: mailbox workload side step number verdict message at
roll: policy source resolved tried people held word trouble
mark: mailbox kind item code state
migration: number name checksum applied
notice: id channel recipient state created due_at attempts tried_at claim claim_ends ended_at problem
notice_alert: notice alert event
observation: connection mailbox kind item collection version ord uid stamp entity absent absent_since listing applied modified seen doubted privacy reduced observed returned
operation: plan number mailbox side kind entity action item expect state body done held verdict forgiven audience
pending: mailbox side kind item mark plan state
plan: id mailbox round state hash why counts created request ready
policy: name body settle_rounds
policy_revision: policy number body saved
registration: crm crm_user mailbox
request: id mailbox verb argument by_whom created outcome message
review: mailbox side kind item question apart
round: mailbox number started ended counts done refused note
sighting: audit mailbox kind item collection version
snapshot: mailbox request target overwrite kinds since hours stage hold begun noted filled total stages ended
snapshot_item: mailbox side kind item place
value_history: crm entity field value mailbox at
verdict: connection mailbox kind item absent_since verdict by_whom at`
}

// B16, decision 13: a new column must say whether something can stand in it that
// an item says; if so, a retraction must clear it.
func TestEveryColumnIsKnownToTheRetraction(t *testing.T) {
	each(t, func(t *testing.T, _ *sqlstore.DB, c sqlstore.Config) {
		known := map[string]bool{}
		for _, line := range strings.Split(strings.ReplaceAll(silent(), "\n\t", " "), "\n") {
			table, columns, _ := strings.Cut(line, ":")
			for _, name := range strings.Fields(columns) {
				known[table+"."+name] = true
			}
		}
		for name := range saying() {
			if known[name] {
				t.Errorf("%s is on both lists", name)
			}
			known[name] = true
		}
		var all []string
		for _, column := range allColumns(t, raw(t, c), c) {
			if strings.HasPrefix(column, "sqlite_") {
				continue
			}
			if all = append(all, column); !known[column] {
				t.Errorf("%s: can something stand in it that an item says? Then a retraction must clear it; say so here", column)
			}
		}
		for name := range known {
			if !slices.Contains(all, name) {
				t.Errorf("%s is no column any more", name)
			}
		}
		for _, r := range sqlstore.References() {
			if saying()[r] == "" {
				t.Errorf("%s refers to content and is not cleared", r)
			}
		}
	})
}

const marker = "zanzibar-quartz"

// whereIs lists the columns in which the marker stands.
func whereIs(t *testing.T, db *sql.DB, c sqlstore.Config) []string {
	t.Helper()
	var out []string
	bytes := byteColumns(t, db, c)
	for _, column := range allColumns(t, db, c) {
		table, name, _ := strings.Cut(column, ".")
		text := `CAST(` + name + ` AS TEXT)`
		if c.Driver == "postgres" && slices.Contains(bytes, column) {
			text = `encode(` + name + `, 'escape')`
		}
		if count(t, db, fmt.Sprintf(`SELECT COUNT(*) FROM %s WHERE %s LIKE '%%%s%%'`, table, text, marker)) > 0 {
			out = append(out, column)
		}
	}
	return out
}

// told is a contact that says the marker, in a version.
func told(n, version int) model.Item {
	it := card(n, version)
	it.Content.PutText("full_name", marker+" Person")
	it.Content.PutText("notes", fmt.Sprint(marker, " notes ", version))
	it.Raw = []byte(fmt.Sprint("BEGIN:VCARD\r\nX-SAYS:", marker, version, "\r\n", strings.Repeat(marker, 2000)))
	return it
}

func reduced(it model.Item) model.Item {
	it.Content, it.Raw, it.Reduced = model.Content{"class": {Text: "private"}}, nil, true
	return it
}

// tell syncs an item that says the marker, with all the traces that this leaves:
// versions, plans of all sorts, creates that were answered and not, edit
// conflicts, issues. It returns the pair's entity.
func (w *town) tell(m model.Mailbox) model.EntityID {
	w.Helper()
	owned := func(version int) model.Item {
		it := told(1, version)
		it.Access = []model.Access{{User: m.CRMUser, Role: model.Owner}}
		return it
	}
	e := plan.CRMEntity(w.crm.ID, model.Contact, owned(1).Ref.ID)
	w.arrive("", owned(1))
	w.decide(m) // it would be created in the mailbox; this plan is dropped
	w.arrive(m.ID, told(1, 1))
	w.ok(w.db.Join(w.Context(), m.ID, []plan.Join{{Entity: e, Kind: model.Contact, CRM: owned(1).Ref.ID, Mail: told(1, 1).Ref.ID}}))
	w.decide(m) // both agree, and have an edit conflict
	w.arrive(m.ID, told(1, 2))
	w.arrive("", owned(2))
	for _, end := range []struct {
		outcome model.Outcome
		action  model.Action
	}{{model.Done, model.Update}, {model.Unknown, model.Create}, {model.Refused, model.Update}} {
		id, result := w.write(m, e, end.outcome, plan.Write{Op: model.Operation{Action: end.action, Key: plan.CRMKey(e, 7)}})
		w.answered(m, id, result)
	}
	return e
}

// write plans one write to the CRM, with contents of its own, and has it end.
func (w *town) write(m model.Mailbox, e model.EntityID, outcome model.Outcome, write plan.Write) (id string, result store.Result) {
	w.Helper()
	w.now = w.now.Add(time.Second)
	pairs, err := w.db.Pairs(w.Context(), m.ID, "", 100)
	w.ok(err)
	id, err = w.db.BeginPlan(w.Context(), storePlan(m, w.now))
	w.ok(err)
	write.Entity, write.Kind, write.Side, write.Final = e, model.Contact, model.CRM, true
	write.Op.Ref = model.Ref{Side: model.CRM, Kind: model.Contact, Collection: "people"}
	if write.Op.Action != model.Create {
		write.Op.Ref.ID, write.Op.Expect = told(1, 1).Ref.ID, told(1, 2).Ref.Version
	}
	if write.Op.Action != model.Delete {
		write.Op.Content = told(1, int(w.now.Unix())).Content
	}
	c := store.Chunk{Commit: true, Now: w.now, Pairs: pairs, Plan: plan.Plan{Writes: []plan.Write{write}}}
	w.ok(w.db.SaveChunk(w.Context(), m.ID, id, c))
	w.ok(w.db.SealPlan(w.Context(), store.PlanRow{ID: id, Mailbox: m.ID, State: store.PlanReady}))
	writes, err := w.db.Writes(w.Context(), id, model.CRM, -1, 10)
	w.ok(err)
	if len(writes) != 1 {
		w.Fatalf("%d writes are to be done", len(writes))
	}
	result = store.Result{Planned: writes[0], Receipt: model.Receipt{Outcome: outcome, Ref: model.Ref{ID: write.Op.Ref.ID, Version: told(1, 2).Ref.Version}}}
	if outcome == model.Refused {
		result.Code, result.Message = "x", "the server says "+marker
	}
	return id, result
}

// answered commits a write's result.
func (w *town) answered(m model.Mailbox, id string, r store.Result) {
	w.Helper()
	_, err := w.db.Lease(w.Context(), m.ID, "t", w.now, w.now.Add(time.Hour))
	w.ok(err)
	if r.Planned.Op.Action == model.Create {
		_, err = w.db.Begin(w.Context(), m.ID, "t", id, []store.Planned{r.Planned}, 1, w.now)
		w.ok(err)
	}
	_, err = w.db.Commit(w.Context(), m.ID, "t", id, []store.Result{r}, w.now)
	w.ok(err)
	w.ok(w.db.FinishPlan(w.Context(), m.ID, "t", id, store.Round{Number: 1, Started: w.now, Ended: w.now}))
}

// B16: once an item turned private, nothing that it said is left, in no column
// and no byte of a file, from the moment at which its withdrawal is planned.
func TestNothingOfAPrivateItemIsLeft(t *testing.T) {
	each(t, func(t *testing.T, db *sqlstore.DB, c sqlstore.Config) {
		w := newTown(t, db)
		m := w.mailbox("ann")
		look := raw(t, c)
		e := w.tell(m)
		for _, column := range []string{"content.body", "issue.message", "link.reason"} {
			if !slices.Contains(whereIs(t, look, c), column) {
				t.Errorf("%s does not say it before: the test proves nothing about it", column)
			}
		}
		w.arrive(m.ID, reduced(told(1, 3)))
		id, result := w.write(m, e, model.Done, plan.Write{Withdraws: true, Op: model.Operation{Action: model.Delete}})
		if left := whereIs(t, look, c); len(left) > 0 {
			t.Errorf("planned to be withdrawn, it stands in %v", left)
		}
		w.answered(m, id, result)
		if left := whereIs(t, look, c); len(left) > 0 {
			t.Errorf("withdrawn, it stands in %v", left)
		}
		if err := look.Close(); err != nil {
			t.Fatal(err)
		}
		wantNotInFile(t, db, c, w.now)
	})
}

// wantNotInFile looks at every byte of SQLite's file and of its log, once a
// sweep has ended.
func wantNotInFile(t *testing.T, db *sqlstore.DB, c sqlstore.Config, now time.Time) {
	t.Helper()
	for n := int64(1); n > 0; {
		var err error
		if n, err = db.Sweep(t.Context(), now, 1000); err != nil {
			t.Fatal(err)
		}
	}
	if c.Driver != "sqlite" {
		return
	}
	for _, path := range []string{c.DSN, c.DSN + "-wal"} {
		file, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if i := bytes.Index(file, []byte(marker)); i >= 0 {
			t.Errorf("%s says it at %d", path, i)
		}
	}
}

// An item that was never linked, only read, leaves nothing either once it comes
// reduced: neither what it said last nor what it said before.
func TestNothingOfAnItemThatWasOnlyReadIsLeft(t *testing.T) {
	each(t, func(t *testing.T, db *sqlstore.DB, c sqlstore.Config) {
		w := newTown(t, db)
		m := w.mailbox("ann")
		look := raw(t, c)
		w.arrive(m.ID, told(1, 1))
		w.now = w.now.Add(40 * 24 * time.Hour)
		w.arrive(m.ID, told(1, 2))
		w.arrive(m.ID, reduced(told(1, 3)), card(2, 1))
		if left := whereIs(t, look, c); len(left) > 0 {
			t.Errorf("it stands in %v", left)
		}
		if n := count(t, look, `SELECT COUNT(*) FROM content`); n != 3 {
			t.Errorf("%d bodies are left, want the other's two and what may be held", n)
		}
	})
}
