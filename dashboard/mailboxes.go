package dashboard

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"lockstep.dev/model"
	"lockstep.dev/store"
)

// option is a choice in a filter.
type option struct {
	Value, Label string
	Chosen       bool
}

type mailboxesBody struct {
	store.MailboxPage
	Query                        url.Values
	States, Policies, Systems    []option
	Names                        map[model.ConnectionID]string
	Next, Whole                  string
	Sort                         string
	Descending, Filtered, Offset bool
}

func (d *Dashboard) mailboxes(w http.ResponseWriter, r *http.Request, who Account) {
	q, err := mailboxQuery(r.URL.Query(), d.now())
	if err != nil {
		d.fail(w, r, err)
		return
	}
	found, err := d.Store.FindMailboxes(r.Context(), q)
	if err != nil {
		d.fail(w, r, err)
		return
	}
	b := mailboxesBody{MailboxPage: found, Query: r.URL.Query(), Sort: string(q.Sort), Descending: q.Descending, Offset: q.After.ID != ""}
	if err := d.filters(r.Context(), &b); err != nil {
		d.fail(w, r, err)
		return
	}
	for name := range r.URL.Query() {
		b.Filtered = b.Filtered || name != "sort" && name != "desc" && name != "after"
	}
	if len(found.Rows) == pageSize && found.Total > pageSize {
		b.Next = keyText(found.Rows[len(found.Rows)-1].Key(q.Sort))
	}
	d.show(w, r, http.StatusOK, "mailboxes", page{Title: "Mailboxes", Live: true, Who: who, Body: b})
}

// pageSize is how many rows a page of a list has.
const pageSize = 50

// filters are what a list of mailboxes can be narrowed by.
func (d *Dashboard) filters(ctx context.Context, b *mailboxesBody) error {
	connections, err := d.Store.Connections(ctx)
	if err != nil {
		return err
	}
	policies, err := d.Store.Policies(ctx)
	if err != nil {
		return err
	}
	b.Names = map[model.ConnectionID]string{}
	for _, c := range connections {
		b.Names[c.ID] = c.Name
		b.Systems = append(b.Systems, option{string(c.ID), c.Name, b.Query.Get("connection") == string(c.ID)})
	}
	for _, p := range policies {
		b.Policies = append(b.Policies, option{p.Name, p.Name, b.Query.Get("policy") == p.Name})
	}
	for _, s := range []model.MailboxState{model.Active, model.Paused, model.Disabled, model.Retired} {
		b.States = append(b.States, option{string(s), stateName(s), b.Query.Get("state") == string(s)})
	}
	return nil
}

// stateName is a state as people call it.
func stateName(s model.MailboxState) string {
	if s == model.Retired {
		return "removed"
	}
	return string(s)
}

// mailboxQuery reads what an address asks for.
func mailboxQuery(v url.Values, now time.Time) (store.MailboxQuery, error) {
	q := store.MailboxQuery{
		MailboxFilter: store.MailboxFilter{
			State: model.MailboxState(v.Get("state")), Connection: model.ConnectionID(v.Get("connection")), Policy: v.Get("policy"),
		},
		Search: strings.TrimSpace(v.Get("search")), Held: v.Get("held") != "", Asking: v.Get("asking") != "", Issues: v.Get("issues") != "",
		Alerts: v.Get("alerts") != "", Conflicts: v.Get("conflicts") != "", First: v.Get("first") != "", Sort: store.MailboxSort(v.Get("sort")), Descending: v.Get("desc") != "", Limit: pageSize,
	}
	switch q.Sort {
	case store.ByAddress, store.BySuccess, store.ByIssues:
	default:
		return q, failed(http.StatusBadRequest, "usage", "Mailboxes are not sorted by %q; use success or issues, or nothing for the address.", q.Sort)
	}
	switch q.State {
	case "", model.Active, model.Paused, model.Disabled, model.Retired:
	default:
		return q, failed(http.StatusBadRequest, "usage", "%q is not a state; use active, paused, disabled or retired.", q.State)
	}
	if err := lagOf(v.Get("lag"), now, &q); err != nil {
		return q, err
	}
	var err error
	q.After, err = keyOf(v.Get("after"), q.Sort)
	return q, err
}

// lagOf reads a span of lag: "5m0s-15m0s", "24h0m0s-" or "never".
func lagOf(text string, now time.Time, q *store.MailboxQuery) error {
	if text == "" {
		return nil
	}
	if text == "never" {
		q.Never = true
		return nil
	}
	from, to, _ := strings.Cut(text, "-")
	bad := failed(http.StatusBadRequest, "usage", "%q is no span of time; write it like 5m-15m.", text)
	if from != "" && from != "0" {
		age, err := time.ParseDuration(from)
		if err != nil {
			return bad
		}
		q.Before = now.Add(-age)
	}
	if to != "" {
		age, err := time.ParseDuration(to)
		if err != nil {
			return bad
		}
		q.Since = now.Add(-age)
	}
	return nil
}

// keyText and keyOf write and read where a page begins.
func keyText(k store.MailboxKey) string {
	if k.Address != "" {
		return k.Address + " " + string(k.ID)
	}
	return strconv.FormatInt(k.Number, 10) + " " + string(k.ID)
}

func keyOf(text string, sort store.MailboxSort) (store.MailboxKey, error) {
	if text == "" {
		return store.MailboxKey{}, nil
	}
	value, id, found := strings.Cut(text, " ")
	k := store.MailboxKey{ID: model.MailboxID(id), Address: value}
	if sort != store.ByAddress {
		var err error
		k.Address = ""
		if k.Number, err = strconv.ParseInt(value, 10, 64); err != nil {
			found = false
		}
	}
	if !found {
		return k, failed(http.StatusBadRequest, "usage", "The place after which the page begins is not one of this list.")
	}
	return k, nil
}
