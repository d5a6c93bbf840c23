package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"lockstep.dev/model"
	"lockstep.dev/store"
)

const logHelp = `The logbook: who changed what of policies, mailboxes and connections, when and why, with
what it was before and is since. Entries are never changed or deleted; a forgotten mailbox
stays in it under its internal id only. Policies are named with their revision, which
lockstep policy show POLICY@NUMBER shows.`

// logQuery is what `log list` was told.
type logQuery struct {
	policy, mailbox, connection, by, what, since, until string
	limit                                               int
}

func (a *app) logbook() *cobra.Command {
	var q logQuery
	list := &cobra.Command{
		Use: "list", Short: "List changes, the newest first", Long: logHelp, Args: takes(0, 0),
		Example: "  lockstep log list --policy sales\n  lockstep log list --mailbox anna@example.com --since 2026-01-01\n  lockstep log list --by root --what state --json",
		RunE:    func(c *cobra.Command, _ []string) error { return a.listLog(c.Context(), q) },
	}
	f := list.Flags()
	f.StringVar(&q.policy, "policy", "", "only this `policy`")
	f.StringVar(&q.mailbox, "mailbox", "", "only this `mailbox`, by address or id")
	f.StringVar(&q.connection, "connection", "", "only this `connection`")
	f.StringVar(&q.by, "by", "", "only what this `person` or workflow did")
	f.StringVar(&q.what, "what", "", "only this `change`: saved, registered, state, assigned, settings, ...")
	f.StringVar(&q.since, "since", "", "only from this `day` (2006-01-02) or time (RFC 3339) on")
	f.StringVar(&q.until, "until", "", "only before this `day` or time")
	f.IntVar(&q.limit, "limit", 100, "at most this `number`")
	_ = list.RegisterFlagCompletionFunc("policy", a.completePolicy)
	_ = list.RegisterFlagCompletionFunc("mailbox", a.completeAddress)
	a.completeConnections(list, map[string]model.Side{"connection": ""})
	c := group("log", "The logbook: who changed what, when and why", list)
	c.Long = logHelp
	return c
}

func (a *app) listLog(ctx context.Context, q logQuery) error {
	h, err := a.home(ctx)
	if err != nil {
		return err
	}
	f, err := a.logFilter(ctx, h.Store, q)
	if err != nil {
		return err
	}
	entries, err := h.Store.Log(ctx, f)
	if err != nil {
		return err
	}
	return a.showLog(ctx, entries, "Nothing like this stands in the logbook.")
}

// logFilter checks what was asked for and finds what it names.
func (a *app) logFilter(ctx context.Context, st store.Store, q logQuery) (store.LogFilter, error) {
	f := store.LogFilter{By: q.by, What: store.LogVerb(q.what), Limit: q.limit}
	if q.limit < 1 {
		return f, usage("--limit must be a number above 0")
	}
	if named := slices.DeleteFunc([]string{q.policy, q.mailbox, q.connection}, func(s string) bool { return s == "" }); len(named) > 1 {
		return f, usage("name a policy, a mailbox or a connection, not several")
	}
	var err error
	if f.Since, err = moment(q.since); err != nil {
		return f, usage("--since: %w", err)
	}
	if f.Until, err = moment(q.until); err != nil {
		return f, usage("--until: %w", err)
	}
	switch {
	case q.policy != "":
		f.Subject, f.Name = store.LogPolicy, q.policy
	case q.mailbox != "":
		f.Subject, f.Name = store.LogMailbox, q.mailbox // a forgotten one has only its id
		m, err := st.MailboxNamed(ctx, q.mailbox)
		if err == nil {
			f.Name = string(m.ID)
		} else if !errors.Is(err, store.ErrNotFound) {
			return f, err
		}
	case q.connection != "":
		c, err := st.ConnectionNamed(ctx, q.connection)
		if err != nil {
			return f, fmt.Errorf("there is no connection %s; lockstep connection list shows them all", q.connection)
		}
		f.Subject, f.Name = store.LogConnection, string(c.ID)
	}
	return f, nil
}

// moment reads a day or a time; an empty text is none.
func moment(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is no day and no time; write it as 2026-01-31 or 2026-01-31T15:04:05Z", s)
}

func (a *app) showLog(ctx context.Context, entries []store.LogEntry, none string) error {
	connections, err := connectionNames(ctx, a.opened.Store)
	if err != nil {
		return err
	}
	views := []logView{}
	t := table{head: []string{"TIME (UTC)", "BY", "WHAT", "OF", "BEFORE", "AFTER", "WHY"}, none: none}
	for _, e := range entries {
		v := logView{ID: e.ID, At: optional(e.At), By: e.By, What: string(e.What), Subject: string(e.Subject), Name: a.nameOf(ctx, e, connections), Why: e.Why, Before: e.Before, After: e.After}
		views = append(views, v)
		t.rows = append(t.rows, []string{e.At.UTC().Format(time.DateTime), v.By, v.What, v.Subject + " " + v.Name, v.Before, v.After, v.Why})
	}
	return a.list(views, t)
}

func (a *app) nameOf(ctx context.Context, e store.LogEntry, connections map[model.ConnectionID]string) string {
	name := e.Name
	switch e.Subject {
	case store.LogMailbox:
		name = a.addressOf(ctx, model.MailboxID(e.Name))
	case store.LogConnection:
		if c := connections[model.ConnectionID(e.Name)]; c != "" {
			name = c
		}
	case store.LogPolicy:
	}
	return name
}

const mailboxHistoryHelp = `Shows the life of a mailbox: registered, approved, enabled, paused or disabled, by whom and
why, under which policy, together with the outages of its two connections.`

func (a *app) mailboxHistory() *cobra.Command {
	var limit int
	c := &cobra.Command{
		Use: "history MAILBOX", Short: "Show when a mailbox was enabled and disabled, by whom and why", Long: mailboxHistoryHelp, Args: takes(1, 1),
		Example: "  lockstep mailbox history anna@example.com", ValidArgsFunction: a.completeMailbox,
		RunE: func(c *cobra.Command, args []string) error { return a.showMailboxHistory(c.Context(), args[0], limit) },
	}
	c.Flags().IntVar(&limit, "limit", 100, "at most this `number`")
	return c
}

func (a *app) showMailboxHistory(ctx context.Context, name string, limit int) error {
	if limit < 1 {
		return usage("--limit must be a number above 0")
	}
	st, m, err := a.named(ctx, name)
	if err != nil {
		return err
	}
	all, err := st.Log(ctx, store.LogFilter{Subject: store.LogMailbox, Name: string(m.ID), Limit: limit})
	if err != nil {
		return err
	}
	for _, c := range []model.ConnectionID{m.CRM, m.Mail} {
		for _, what := range []store.LogVerb{store.LogOutage, store.LogOutageOver} {
			part, err := st.Log(ctx, store.LogFilter{Subject: store.LogConnection, Name: string(c), What: what, Since: m.Created, Limit: limit})
			if err != nil {
				return err
			}
			all = append(all, part...)
		}
	}
	slices.SortStableFunc(all, func(x, y store.LogEntry) int { return y.At.Compare(x.At) })
	return a.showLog(ctx, all[:min(len(all), limit)], "Nothing is known of its life.")
}
