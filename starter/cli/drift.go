package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"lockstep.dev/activities"
	"lockstep.dev/model"
	"lockstep.dev/store"
)

func (a *app) audit() *cobra.Command {
	var w patience
	c := &cobra.Command{
		Use: "audit MAILBOX...", Short: "Compare everything with complete listings of both systems now",
		Long: "Lists ids and versions of everything in the mailbox, and in its CRM once for all mailboxes, and compares them\n" +
			"with what is known. What differs is synced in the round that follows. This happens by itself every seven days, and\n" +
			"when a disabled mailbox is enabled again. The report: lockstep drift show MAILBOX.",
		Args: takes(1, -1), ValidArgsFunction: a.completeMailbox,
		Example: "  lockstep audit anna@example.com",
		RunE: func(c *cobra.Command, args []string) error {
			return a.command(c.Context(), args, activities.VerbAudit, "", w)
		},
	}
	w.flags(c, 10*time.Minute)
	return c
}

func (a *app) drift() *cobra.Command {
	show := &cobra.Command{
		Use: "show MAILBOX", Short: "Show the newest comparison of a mailbox and of its CRM, and what differed", Args: takes(1, 1),
		Long: "Shows the newest audit of the mailbox and of its CRM: how many items were compared, how many differed, and which.\n" +
			"Each report is sealed under a key of this installation; \"genuine\" tells whether it still is what was sealed.",
		Example: "  lockstep drift show anna@example.com\n  lockstep drift show anna@example.com --json | jq '.[].different'", ValidArgsFunction: a.completeMailbox,
		RunE: func(c *cobra.Command, args []string) error { return a.showDrift(c.Context(), args[0]) },
	}
	return group("drift", "What audits found", show)
}

func (a *app) showDrift(ctx context.Context, mailbox string) error {
	st, m, err := a.named(ctx, mailbox)
	if err != nil {
		return err
	}
	names, err := connectionNames(ctx, st)
	if err != nil {
		return err
	}
	views := []driftView{}
	for _, place := range []struct {
		connection model.ConnectionID
		mailbox    model.MailboxID
		side       model.Side
		name       string
	}{{m.CRM, "", model.CRM, names[m.CRM]}, {m.Mail, m.ID, model.Mail, m.Address}} {
		report, err := st.LastAudit(ctx, place.connection, place.mailbox)
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return err
		}
		views = append(views, driftOf(place.side, place.name, report))
	}
	return a.print(views, func(w io.Writer) { a.writeDrift(w, m, views) })
}

func driftOf(side model.Side, name string, r store.Audit) driftView {
	v := driftView{
		ID: r.ID, Side: side, Of: name, Begun: optional(r.Begun), Ended: optional(r.Ended), Compared: r.Compared,
		Items: []driftItem{}, Seal: r.Seal, Genuine: r.Genuine,
	}
	v.Different, v.Unlike = r.Different()
	for _, d := range r.Drift {
		v.Items = append(v.Items, driftItem{
			Side: d.Side, Kind: d.Kind, Item: d.Item, Collection: d.Collection, What: string(d.What), Held: d.Held, Found: d.Found, Fields: d.Fields,
		})
	}
	return v
}

func (a *app) writeDrift(w io.Writer, m model.Mailbox, views []driftView) {
	if len(views) == 0 {
		fmt.Fprintf(w, "Nothing was compared yet. Do it now: lockstep audit %s\n", m.Address)
		return
	}
	t := table{head: []string{"SIDE", "KIND", "ITEM", "WHAT"}}
	for _, v := range views {
		genuine := "genuine"
		if !v.Genuine {
			genuine = "NOT GENUINE: the report was changed after it was sealed"
		}
		unlike := ""
		if v.Unlike > 0 {
			unlike = ", " + strconv.Itoa(v.Unlike) + " held differently by the two sides"
		}
		fmt.Fprintf(w, "%s: %d compared, %d different%s, %s (%s)\n", v.Of, v.Compared, v.Different, unlike, relative(a.Now(), at(v.Ended)), genuine)
		for _, i := range v.Items {
			t.rows = append(t.rows, []string{string(i.Side), string(i.Kind), i.Item, meaning(i)})
		}
	}
	if len(t.rows) > 0 {
		fmt.Fprintln(w)
		t.write(w)
	}
}

// meaning says what was wrong with an item, and what became of it.
func meaning(i driftItem) string {
	switch store.DriftKind(i.What) {
	case store.MissingHere:
		return "it was there and not known; synced since"
	case store.MissingThere:
		return "it was not there any more; treated as deleted since"
	case store.OtherVersion:
		return "it had changed untold; synced since"
	case store.Overlooked:
		return "a known change had not been synced; synced since"
	default:
		return "both sides rest and differ in " + listed(i.Fields)
	}
}
