package dashboard

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"lockstep.dev/issue"
	"lockstep.dev/model"
	"lockstep.dev/setup"
	"lockstep.dev/store"
)

func intOf(text string, otherwise int) (int, error) {
	if text == "" {
		return otherwise, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		return 0, failed(http.StatusBadRequest, "usage", "%q is not a number.", text)
	}
	return n, nil
}

func timeOf(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return t, failed(http.StatusBadRequest, "usage", "%q is not a time; write it like 2026-03-01T08:00:00Z.", text)
	}
	return t, nil
}

type roundsBody struct {
	Rows        []roundView
	From, Until time.Time
	Mailbox     string
	Refused     bool
	Next        string
}

// rounds lists what rounds wrote: the records behind the overview's chart.
func (d *Dashboard) rounds(w http.ResponseWriter, r *http.Request, who Account) {
	q, err := d.roundQuery(r, who)
	if err != nil {
		d.fail(w, r, err)
		return
	}
	rows, err := d.Store.FindRounds(r.Context(), q)
	if err != nil {
		d.fail(w, r, err)
		return
	}
	b := roundsBody{Rows: roundsOf(rows), From: q.From, Until: q.Until, Refused: q.Refused}
	if q.Mailbox != "" && len(rows) > 0 {
		b.Mailbox = rows[0].Address
	}
	if len(rows) == pageSize {
		b.Next = roundKeyText(rows[len(rows)-1])
	}
	d.show(w, r, http.StatusOK, "rounds", page{Title: "Rounds", Who: who, Body: b})
}

func roundKeyText(r store.FoundRound) string {
	return strconv.FormatInt(r.Ended.UnixMicro(), 10) + " " + strconv.FormatInt(r.Number, 10) + " " + string(r.Mailbox)
}

func (d *Dashboard) roundQuery(r *http.Request, who Account) (store.RoundQuery, error) {
	v := r.URL.Query()
	q := store.RoundQuery{Refused: v.Get("refused") != "", Limit: pageSize}
	name := v.Get("mailbox")
	if who.Role == User {
		name = string(who.Mailbox)
	}
	if name != "" {
		m, err := d.mailboxAt(r.Context(), who, name)
		if err != nil {
			return q, err
		}
		q.Mailbox = m.ID
	}
	var err error
	if q.From, err = timeOf(v.Get("from")); err != nil {
		return q, err
	}
	if q.Until, err = timeOf(v.Get("until")); err != nil {
		return q, err
	}
	if after := v.Get("after"); after != "" {
		parts := strings.SplitN(after, " ", 3)
		if len(parts) != 3 {
			return q, failed(http.StatusBadRequest, "usage", "The place after which the page begins is not one of this list.")
		}
		at, bad := strconv.ParseInt(parts[0], 10, 64)
		n, worse := strconv.ParseInt(parts[1], 10, 64)
		if bad != nil || worse != nil {
			return q, failed(http.StatusBadRequest, "usage", "The place after which the page begins is not one of this list.")
		}
		q.After = store.RoundKey{Ended: time.UnixMicro(at), Number: n, Mailbox: model.MailboxID(parts[2])}
	}
	return q, nil
}

type alertsBody struct {
	Rows   []alertView
	More   int
	Code   string
	Over   bool
	States []store.AlertState
}

// mostAlerts is how many sync errors one page shows.
const mostAlerts = 50

// alerts lists sync errors, those that concern a whole system first.
func (d *Dashboard) alerts(w http.ResponseWriter, r *http.Request, who Account) {
	b := alertsBody{Code: r.URL.Query().Get("code"), Over: r.URL.Query().Get("over") != ""}
	rows, err := d.Store.Alerts(r.Context(), store.AlertFilter{Mailbox: ownMailbox(who), Over: b.Over})
	if err != nil {
		d.fail(w, r, err)
		return
	}
	connections, err := d.Store.Connections(r.Context())
	if err != nil {
		d.fail(w, r, err)
		return
	}
	if b.Code != "" {
		rows = slices.DeleteFunc(rows, func(a store.Alert) bool { return a.Code != b.Code })
	}
	slices.SortStableFunc(rows, func(a, x store.Alert) int { return rank(a) - rank(x) })
	b.More = max(0, len(rows)-mostAlerts)
	for _, a := range rows[:min(mostAlerts, len(rows))] {
		whose := ""
		if a.Mailbox == "" {
			if i := slices.IndexFunc(connections, func(c model.Connection) bool { return c.ID == a.Connection }); i >= 0 {
				whose = connections[i].Name
			}
		} else if m, err := d.Store.Mailbox(r.Context(), a.Mailbox); err == nil {
			whose = m.Address
		}
		b.Rows = append(b.Rows, alertOf(a, whose))
	}
	d.show(w, r, http.StatusOK, "alerts", page{Title: "Sync errors", Live: true, Who: who, Body: b})
}

func ownMailbox(who Account) model.MailboxID {
	if who.Role == User {
		return who.Mailbox
	}
	return ""
}

// rank puts open alerts of whole systems first, then open ones of mailboxes.
func rank(a store.Alert) int {
	n := map[store.AlertState]int{store.AlertOpen: 0, store.AlertRetrying: 2, store.AlertOver: 4}[a.State]
	if a.Mailbox != "" {
		n++
	}
	return n
}

type reviewsBody struct {
	Rows    []asking
	Content bool
	More    bool
	Kept    bool // also edit conflicts that the policy decided
}

// asking is a mailbox in which only a person can go on.
type asking struct {
	store.SurveyedMailbox
	Questions []store.Question
	Conflicts []conflictView
}

// reviews lists what only a person can decide.
func (d *Dashboard) reviews(w http.ResponseWriter, r *http.Request, who Account) {
	kept := r.URL.Query().Get("kept") != ""
	found, err := d.Store.FindMailboxes(r.Context(), store.MailboxQuery{ID: ownMailbox(who), Asking: !kept, Conflicts: kept, Limit: 20})
	if err != nil {
		d.fail(w, r, err)
		return
	}
	b := reviewsBody{Content: who.seesContent(), Kept: kept, More: found.Total > len(found.Rows)}
	for _, m := range found.Rows {
		a := asking{SurveyedMailbox: m}
		if a.Questions, err = d.Store.Questions(r.Context(), m.ID); err != nil {
			d.fail(w, r, err)
			return
		}
		conflicts, err := d.Store.Conflicts(r.Context(), m.ID)
		if err != nil {
			d.fail(w, r, err)
			return
		}
		conflicts = slices.DeleteFunc(conflicts, func(c store.ConflictRow) bool { return c.Resolution != "" || c.Winner != "" && !kept })
		a.Conflicts = conflictsOf(conflicts, m.Address, b.Content)
		b.Rows = append(b.Rows, a)
	}
	d.show(w, r, http.StatusOK, "reviews", page{Title: "Reviews", Live: true, Who: who, Body: b})
}

func (d *Dashboard) connections(w http.ResponseWriter, r *http.Request, who Account) {
	s, err := d.counts(r.Context(), choicesFor)
	if err != nil {
		d.fail(w, r, err)
		return
	}
	systems, err := d.systems(r, s)
	if err != nil {
		d.fail(w, r, err)
		return
	}
	d.show(w, r, http.StatusOK, "connections", page{Title: "Connections", Live: true, Who: who, Body: systems})
}

type policiesBody struct {
	Policies []model.Policy
	Used     map[string]int
}

func (d *Dashboard) policies(w http.ResponseWriter, r *http.Request, who Account) {
	list, err := d.Store.Policies(r.Context())
	if err != nil {
		d.fail(w, r, err)
		return
	}
	s, err := d.counts(r.Context(), choicesFor)
	if err != nil {
		d.fail(w, r, err)
		return
	}
	b := policiesBody{Used: s.PerPolicy}
	for _, p := range list {
		b.Policies = append(b.Policies, p.Complete())
	}
	d.show(w, r, http.StatusOK, "policies", page{Title: "Policies", Who: who, Body: b})
}

type policyBody struct {
	model.Policy
	Text   string
	Used   int
	Fields map[model.Kind][]model.Field
}

// policy shows one policy: the synchronised fields per kind (D-45), and its
// text, which an administrator may change.
func (d *Dashboard) policy(w http.ResponseWriter, r *http.Request, who Account) {
	if who.Role == User {
		m, err := d.Store.Mailbox(r.Context(), who.Mailbox)
		if err != nil || m.Policy != r.PathValue("policy") {
			d.refuse(w, r, http.StatusNotFound, "not-found", "There is no such policy.")
			return
		}
	}
	p, err := d.Store.Policy(r.Context(), r.PathValue("policy"))
	if err != nil {
		d.fail(w, r, err)
		return
	}
	text, err := setup.PolicyText(p)
	if err != nil {
		d.fail(w, r, err)
		return
	}
	s, err := d.counts(r.Context(), choicesFor)
	if err != nil {
		d.fail(w, r, err)
		return
	}
	b := policyBody{Policy: p.Complete(), Text: string(text), Used: s.PerPolicy[p.Name], Fields: map[model.Kind][]model.Field{}}
	for _, k := range model.Kinds() {
		b.Fields[k] = model.Fields(k)
	}
	d.show(w, r, http.StatusOK, "policy", page{Title: "Policy " + p.Name, Who: who, Body: b})
}

func (d *Dashboard) requests(w http.ResponseWriter, r *http.Request, who Account) {
	rows, err := d.Store.OpenRequests(r.Context(), "")
	if err != nil {
		d.fail(w, r, err)
		return
	}
	d.show(w, r, http.StatusOK, "requests", page{Title: "Commands under way", Live: true, Who: who, Body: rows[:min(200, len(rows))]})
}

type requestBody struct {
	store.Request
	Address string
}

func (d *Dashboard) request(w http.ResponseWriter, r *http.Request, who Account) {
	q, err := d.Store.Request(r.Context(), r.PathValue("request"))
	if errors.Is(err, store.ErrNotFound) || err == nil && !who.own(q.Mailbox) {
		err = failed(http.StatusNotFound, "not-found", "There is no such command.")
	}
	if err != nil {
		d.fail(w, r, err)
		return
	}
	b := requestBody{Request: q}
	if m, err := d.Store.Mailbox(r.Context(), q.Mailbox); err == nil {
		b.Address = m.Address
	}
	d.show(w, r, http.StatusOK, "request", page{Title: "Command " + q.Verb, Live: q.Outcome == store.RequestOpen, Who: who, Body: b})
}

type errorsBody struct {
	Entries []issue.Entry
	Asked   string
}

// errors is the table of errors, each with its solution (requirement L-04).
func (d *Dashboard) errors(w http.ResponseWriter, r *http.Request, who Account) {
	b := errorsBody{Asked: strings.TrimSpace(r.URL.Query().Get("q")), Entries: issue.All()}
	title := "Errors"
	if code := r.PathValue("code"); code != "" {
		e, ok := issue.Lookup(code)
		if !ok {
			d.refuse(w, r, http.StatusNotFound, "not-found", "No error has this code.")
			return
		}
		b.Entries, title = []issue.Entry{e}, code
	} else if b.Asked != "" {
		b.Entries = issue.Search(b.Asked)
	}
	d.show(w, r, http.StatusOK, "errors", page{Title: title, Who: who, Body: b})
}
