package cli

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"strconv"

	"github.com/spf13/cobra"

	"lockstep.dev/model"
	"lockstep.dev/plan"
	"lockstep.dev/store"
)

const heldHelp = `Lists what is gone in a system while mailboxes still have it on the other side, and on
which nobody has decided yet.

When more than 500 items, or 2 % of those that are linked, were deleted within four hours
over all mailboxes of a connection (and never with 50 or fewer), the deletions that follow
wait, in every mailbox; everything else goes on. "connection approve" lets exactly what is
listed go, everywhere. "connection reject" keeps it on the other side. What comes back in
its system goes on being synced, without a word.`

const wideApproveHelp = `Lets the deletions go, in every mailbox, that follow from what "connection held" lists.

Exactly what is listed is decided on, by its ids: with --hash only if it is still what you
looked at. What goes later waits again. Without --hash it is shown first.`

const wideRejectHelp = `Keeps on the other side what "connection held" lists: its deletion does not travel, in any
mailbox, and nothing is created again. "lockstep explain" says so of each item.

Exactly what is listed is decided on, by its ids: with --hash only if it is still what you
looked at. Without --hash it is shown first.`

func (a *app) connectionHeld() *cobra.Command {
	var l look
	c := &cobra.Command{
		Use: "held NAME", Short: "List what is gone in a system and waits for a person's word", Long: heldHelp, Args: takes(1, 1),
		Example: "  lockstep connection held sales\n  lockstep connection held sales --all --content\n  lockstep connection held sales --json | jq '.items[].item'",
		RunE: func(c *cobra.Command, args []string) error {
			_, _, v, err := a.losses(c.Context(), args[0], l)
			if err != nil {
				return err
			}
			return a.print(v, func(w io.Writer) { writeHeld(w, v, l) })
		},
	}
	l.flags(c)
	a.completeConnections(c, map[string]model.Side{"": ""})
	return c
}

func (a *app) connectionApprove() *cobra.Command {
	c := a.ruling("approve", "Let deletions go in every mailbox", plan.Confirmed, "Delete it everywhere?")
	c.Long = wideApproveHelp
	c.Example = "  lockstep connection approve sales\n  lockstep connection approve sales --hash 5f0c9b2e7d31a864\n  lockstep connection approve sales --kind event --item 4711 --item 4712"
	return c
}

func (a *app) connectionReject() *cobra.Command {
	c := a.ruling("reject", "Keep what is gone on the other side, in every mailbox", plan.Rejected, "Keep it everywhere?")
	c.Long = wideRejectHelp
	c.Example = "  lockstep connection reject sales\n  lockstep connection reject sales --kind contact"
	return c
}

// ruled is a person's word on what is gone on a connection.
type ruled struct {
	verdict  plan.Verdict
	question string
	hash     string
	kind     string
	items    []string
	yes      bool
}

func (a *app) ruling(name, short string, verdict plan.Verdict, question string) *cobra.Command {
	r := ruled{verdict: verdict, question: question}
	c := &cobra.Command{
		Use: name + " NAME", Short: short, Args: takes(1, 1),
		RunE: func(c *cobra.Command, args []string) error { return a.rule(c.Context(), args[0], r) },
	}
	f := c.Flags()
	f.StringVar(&r.hash, "hash", "", "`hash` of what you looked at")
	f.StringVar(&r.kind, "kind", "", "only items of this `kind`: contact, event or task")
	f.StringSliceVar(&r.items, "item", nil, "only the items with these `ids`; may be repeated")
	f.BoolVarP(&r.yes, "yes", "y", false, "do not ask")
	a.completeConnections(c, map[string]model.Side{"": ""})
	return c
}

// heldView is `connection held`.
type heldView struct {
	Connection string     `json:"connection"`
	Side       model.Side `json:"side"`
	Gone       int        `json:"gone"`
	Hash       string     `json:"hash"`
	Items      []lostView `json:"items"` // the first of them, see --limit
}

type lostView struct {
	Kind      model.Kind `json:"kind"`
	Item      string     `json:"item"`
	Mailbox   string     `json:"mailbox,omitempty"` // of a mail system: whose it was
	Mailboxes int        `json:"mailboxes"`         // that have it on the other side
	Title     string     `json:"title,omitempty"`   // with --content only
}

// losses collects what is gone on a connection, all of it and as it is shown.
func (a *app) losses(ctx context.Context, name string, l look) (model.Connection, []store.Lost, heldView, error) {
	h, err := a.home(ctx)
	if err != nil {
		return model.Connection{}, nil, heldView{}, err
	}
	c, err := a.connectionCalled(ctx, h.Store, name)
	if err != nil {
		return c, nil, heldView{}, err
	}
	var all []store.Lost
	for last := (store.Lost{}); ; {
		page, err := h.Store.Lost(ctx, c, last, 1000)
		if err != nil {
			return c, nil, heldView{}, err
		}
		if len(page) == 0 {
			break
		}
		all = append(all, page...)
		last = page[len(page)-1]
	}
	v := heldView{Connection: c.Name, Side: c.Side, Gone: len(all), Hash: hashOf(all), Items: []lostView{}}
	addresses := map[model.MailboxID]string{}
	for _, it := range all {
		if !l.all && l.limit > 0 && len(v.Items) >= l.limit {
			break
		}
		if _, known := addresses[it.Mailbox]; !known && it.Mailbox != "" {
			m, err := h.Store.Mailbox(ctx, it.Mailbox)
			if err != nil {
				return c, nil, v, err
			}
			addresses[it.Mailbox] = m.Address
		}
		shown := lostView{Kind: it.Kind, Item: it.Item, Mailbox: addresses[it.Mailbox], Mailboxes: it.Mailboxes}
		if shown.Title = it.Title; it.Private {
			shown.Title = ofPrivate
		}
		if !l.content {
			shown.Title = ""
		}
		v.Items = append(v.Items, shown)
	}
	return c, all, v, nil
}

// connectionCalled finds a connection by its name.
func (a *app) connectionCalled(ctx context.Context, st store.Store, name string) (model.Connection, error) {
	list, err := st.Connections(ctx)
	if err != nil {
		return model.Connection{}, err
	}
	i := slices.IndexFunc(list, func(c model.Connection) bool { return c.Name == name })
	if i < 0 {
		return model.Connection{}, usage("there is no connection %q; lockstep connection list shows them all", name)
	}
	return list[i], nil
}

// hashOf sums up exactly which absences are meant.
func hashOf(all []store.Lost) string {
	sum := sha256.New()
	for _, v := range all {
		fmt.Fprintf(sum, "%q %q %q %d\n", v.Mailbox, v.Kind, v.Item, v.Since)
	}
	return hex.EncodeToString(sum.Sum(nil)[:8])
}

func writeHeld(w io.Writer, v heldView, l look) {
	if v.Gone == 0 {
		fmt.Fprintf(w, "Nothing is gone in %s that is still on the other side.\n", v.Connection)
		return
	}
	pairs(w, [2]string{"Connection", v.Connection}, [2]string{"Gone", plural(v.Gone, "item")}, [2]string{"Hash", v.Hash})
	t := table{head: []string{"KIND", "ITEM", "MAILBOXES"}}
	if v.Side == model.Mail {
		t.head[2] = "MAILBOX"
	}
	if l.content {
		t.head = append(t.head, "TITLE")
	}
	for _, it := range v.Items {
		whose := strconv.Itoa(it.Mailboxes)
		if v.Side == model.Mail {
			whose = it.Mailbox
		}
		t.rows = append(t.rows, []string{string(it.Kind), it.Item, whose, it.Title})
	}
	fmt.Fprintln(w)
	t.write(w)
	if v.Gone > len(v.Items) {
		fmt.Fprintf(w, "... and %d more (--all shows them)\n", v.Gone-len(v.Items))
	}
}

// rule records a person's word for all mailboxes of a connection.
func (a *app) rule(ctx context.Context, name string, r ruled) error {
	if r.kind != "" && !slices.Contains(model.Kinds(), model.Kind(r.kind)) {
		return usage("--kind: there is no kind %q; use contact, event or task", r.kind)
	}
	l := look{limit: samples}
	c, all, v, err := a.losses(ctx, name, l)
	if err != nil {
		return err
	}
	switch {
	case v.Gone == 0:
		return fmt.Errorf("nothing of %s waits for a word", c.Name)
	case r.hash != "" && r.hash != v.Hash:
		return fmt.Errorf("what is gone in %s is not (any more) what you looked at: it is %s with the hash %s now; look again: lockstep connection held %s",
			c.Name, plural(v.Gone, "item"), v.Hash, c.Name)
	}
	chosen, err := r.choose(all)
	if err != nil {
		return err
	}
	if r.hash == "" {
		writeHeld(a.Err, v, l)
		if len(chosen) < len(all) {
			a.talk("%d of them are chosen.", len(chosen))
		}
		if err := a.confirm(r.yes, r.question); err != nil {
			return err
		}
	}
	woken, err := a.opened.Store.Rule(ctx, c, store.Ruling{Verdict: r.verdict, By: a.By, Items: chosen}, a.Now())
	if err != nil {
		return err
	}
	done := "deleted on the other side, in every mailbox"
	if r.verdict == plan.Rejected {
		done = "kept on the other side, in every mailbox"
	}
	a.talk("%s: %s will be %s", c.Name, plural(len(chosen), "item"), done)
	if err := a.hand(ctx, func(ctx context.Context, e Engine) error { return e.WakeMailboxes(ctx, woken) }); err != nil {
		a.talk("Lockstep does not run (%s); it is done when it runs again.", short(err))
	}
	return nil
}

// choose picks what was named of what is gone.
func (r ruled) choose(all []store.Lost) ([]store.Lost, error) {
	var out []store.Lost
	met := map[string]bool{}
	for _, v := range all {
		if (r.kind == "" || r.kind == string(v.Kind)) && (len(r.items) == 0 || slices.Contains(r.items, v.Item)) {
			out = append(out, v)
			met[v.Item] = true
		}
	}
	for _, id := range r.items {
		if !met[id] {
			return nil, usage("--item: %q is not one of those that wait", id)
		}
	}
	if len(out) == 0 {
		return nil, usage("--kind: nothing of this kind waits")
	}
	return out, nil
}
