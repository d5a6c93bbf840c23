package cli

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"lockstep.dev/alert"
	"lockstep.dev/model"
	"lockstep.dev/setup"
	"lockstep.dev/store"
)

const alertsHelp = `An alert says that a mailbox, or every mailbox of a connection, does not sync at all.
Single items that do not sync are issues: lockstep issue list.

People are told of it by e-mail, and programs by a webhook, where the configuration
says how (key alerts).`

func (a *app) alert() *cobra.Command {
	var all bool
	list := &cobra.Command{
		Use: "list", Short: "List alerts and who was told of them", Args: takes(0, 0), Example: "  lockstep alert list\n  lockstep alert list --all",
		RunE: func(c *cobra.Command, _ []string) error { return a.listAlerts(c.Context(), all) },
	}
	list.Flags().BoolVar(&all, "all", false, "also those that are over")
	show := &cobra.Command{
		Use: "show ALERT", Short: "Show an alert: what happened, what to do, who was told", Args: takes(1, 1), Example: "  lockstep alert show alt_06d1...",
		RunE: func(c *cobra.Command, args []string) error { return a.showAlert(c.Context(), args[0]) },
	}
	test := &cobra.Command{
		Use: "test [ADDRESS]", Short: "Send a test mail, or without an address call the webhook", Args: takes(0, 1), Example: "  lockstep alert test it@example.com",
		RunE: func(c *cobra.Command, args []string) error { return a.testAlert(c.Context(), args) },
	}
	var file string
	set := &cobra.Command{
		Use: "set --file FILE", Short: "Save how alerts are delivered; the mail server is tried first", Args: takes(0, 0), Example: "  lockstep alert set --file lockstep.yaml",
		RunE: func(c *cobra.Command, _ []string) error { return a.setAlerts(c.Context(), file) },
	}
	set.Flags().StringVarP(&file, "file", "f", "", "configuration `file` with the key alerts")
	g := group("alert", "Who is told that something does not sync", list, show, test, set)
	g.Long = alertsHelp
	return g
}

// alertRow is an alert with who was told of it.
type alertRow struct {
	ID      string `json:"id"`
	Mailbox string `json:"mailbox,omitempty"`
	System  string `json:"system"` // name of the connection
	alertView
	Over    optional     `json:"over"`
	Notices []noticeView `json:"notices"`
}

// noticeView is one message about an alert.
type noticeView struct {
	Channel   store.Channel     `json:"channel"`
	Recipient string            `json:"recipient,omitempty"`
	About     string            `json:"about"` // open or over
	State     store.NoticeState `json:"state"`
	Attempts  int               `json:"attempts"`
	Due       optional          `json:"due"`
	Ended     optional          `json:"ended"`
	Problem   string            `json:"problem,omitempty"`
}

// alertRows joins alerts with their notices.
func alertRows(ctx context.Context, st store.Store, ids []string) ([]alertRow, error) {
	cases, err := st.Cases(ctx, ids)
	if err != nil {
		return nil, err
	}
	notices, err := st.Notices(ctx, store.NoticeFilter{Alerts: ids})
	if err != nil {
		return nil, err
	}
	out := []alertRow{}
	for _, c := range cases {
		name := ""
		if c.Mailbox == "" {
			name = c.System
		}
		r := alertRow{ID: c.ID, Mailbox: c.Address, System: c.System, alertView: alertOf(c.Alert, name), Over: optional(c.Over), Notices: []noticeView{}}
		for _, n := range notices {
			for _, e := range n.Events {
				if e.Alert != c.ID {
					continue
				}
				v := noticeView{
					Channel: n.Channel, Recipient: n.Recipient, About: "open", State: n.State, Attempts: n.Attempts,
					Due: optional(n.Due), Ended: optional(n.Ended), Problem: n.Problem,
				}
				if e.Over {
					v.About = "over"
				}
				r.Notices = append(r.Notices, v)
			}
		}
		slices.Reverse(r.Notices) // the oldest first
		out = append(out, r)
	}
	return out, nil
}

func (a *app) listAlerts(ctx context.Context, all bool) error {
	h, err := a.home(ctx)
	if err != nil {
		return err
	}
	found, err := h.Store.Alerts(ctx, store.AlertFilter{Over: all})
	if err != nil {
		return err
	}
	ids := make([]string, len(found))
	for i, f := range found {
		ids[i] = f.ID
	}
	rows, err := alertRows(ctx, h.Store, ids)
	if err != nil {
		return err
	}
	slices.SortStableFunc(rows, func(x, y alertRow) int { return slices.Index(ids, x.ID) - slices.Index(ids, y.ID) })
	t := table{head: []string{"ALERT", "WHAT", "STATE", "SINCE", "CODE", "TOLD"}, none: "Nothing is wrong: no mailbox and no connection has an alert."}
	for _, r := range rows {
		what := r.Mailbox
		if r.Connection != "" {
			what = "connection " + r.System
		}
		t.rows = append(t.rows, []string{r.ID, what, string(r.State), relative(a.Now(), at(r.First)), r.Code, toldWhom(r)})
	}
	return a.list(rows, t)
}

// toldWhom sums up who was told, and what went wrong with telling.
func toldWhom(r alertRow) string {
	n := map[store.NoticeState]int{}
	for _, v := range r.Notices {
		n[v.State]++
	}
	var parts []string
	for _, s := range []store.NoticeState{store.NoticeSent, store.NoticeWaiting, store.NoticeFailed} {
		if n[s] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n[s], s))
		}
	}
	if len(parts) == 0 {
		return "nobody"
	}
	return strings.Join(parts, ", ")
}

func (a *app) showAlert(ctx context.Context, id string) error {
	h, err := a.home(ctx)
	if err != nil {
		return err
	}
	rows, err := alertRows(ctx, h.Store, []string{id})
	if err != nil {
		return err
	}
	if len(rows) == 0 {
		return fmt.Errorf("there is no alert %s; lockstep alert list shows them all", id)
	}
	return a.print(rows[0], func(w io.Writer) { a.writeAlert(w, rows[0]) })
}

func (a *app) writeAlert(w io.Writer, r alertRow) {
	over := ""
	if r.State == store.AlertOver {
		over = relative(a.Now(), at(r.Over))
	}
	pairs(w, [2]string{"Alert", r.ID}, [2]string{"Mailbox", r.Mailbox}, [2]string{"Connection", r.System}, [2]string{"About", string(r.Workload)},
		[2]string{"State", string(r.State)}, [2]string{"What happened", r.Message}, [2]string{"Code", r.Code}, [2]string{"Source", r.Source},
		[2]string{"Why", r.Cause}, [2]string{"What to do", r.Solution}, [2]string{"Who acts", r.Acts}, [2]string{"Evidence", r.Evidence},
		[2]string{"Since", relative(a.Now(), at(r.First))}, [2]string{"Over", over})
	t := table{head: []string{"TOLD", "BY", "OF", "STATE", "WHEN", "PROBLEM"}}
	for _, v := range r.Notices {
		when, who := at(v.Ended), v.Recipient
		if v.State == store.NoticeWaiting {
			when = at(v.Due)
		}
		if who == "" {
			who = "-"
		}
		t.rows = append(t.rows, []string{who, string(v.Channel), v.About, string(v.State), relative(a.Now(), when), v.Problem})
	}
	fmt.Fprintln(w)
	if len(t.rows) == 0 {
		fmt.Fprintln(w, "Nobody was told of it.")
		return
	}
	t.write(w)
}

// delivery is how alerts are delivered: by the environment, else by the store.
func (a *app) delivery(ctx context.Context) (model.Delivery, error) {
	h, err := a.home(ctx)
	if err != nil {
		return model.Delivery{}, err
	}
	if h.Delivery != nil {
		return *h.Delivery, nil
	}
	return h.Store.Delivery(ctx)
}

func (a *app) testAlert(ctx context.Context, args []string) error {
	d, err := a.delivery(ctx)
	if err != nil {
		return err
	}
	to := ""
	if len(args) > 0 {
		if to = args[0]; setup.CheckAddress(to) != nil {
			return usage("%w", setup.CheckAddress(to))
		}
	}
	switch {
	case to != "" && d.Mail.URL == "":
		return fmt.Errorf("nobody said through which mail server alerts go: write it under alerts.smtp in the configuration, then: lockstep alert set --file FILE")
	case to == "" && d.Webhook.URL == "":
		return usage("there is no webhook; give the address to send a test mail to")
	}
	if err := alert.Test(ctx, d, to, "test-"+strings.ToLower(rand.Text()), nil); err != nil {
		return err
	}
	if to == "" {
		a.talk("The webhook at %s took the test.", hostOf(d.Webhook.URL))
		return nil
	}
	a.talk("The mail server %s took a test mail for %s; look whether it arrives.", hostOf(d.Mail.URL), to)
	return nil
}

func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "?"
	}
	return u.Hostname()
}

func (a *app) setAlerts(ctx context.Context, file string) error {
	if file == "" {
		return usage("name the configuration file with --file")
	}
	name, err := setup.Typed(file)
	if err != nil {
		return err
	}
	f, err := setup.ReadDelivery(name)
	if err != nil {
		return err
	}
	h, err := a.home(ctx)
	if err != nil {
		return err
	}
	changed, err := setup.ApplyDelivery(ctx, h.Store, f, setup.RealDelivery)
	switch {
	case err != nil:
		return err
	case !changed:
		a.talk("alerts: unchanged")
	default:
		a.talk("alerts: changed; try it with: lockstep alert test")
	}
	if h.Delivery != nil {
		a.talk("The environment says otherwise, and counts for the programs that have it.")
	}
	return nil
}
