package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"lockstep.dev/activities"
	"lockstep.dev/issue"
	"lockstep.dev/model"
	"lockstep.dev/store"
)

// How people read of a connection's circuit.
const (
	works    = "works"
	paused   = "paused"
	disabled = "disabled"
)

// outageView is how a connection stands: part of `connection list` and
// `connection show`.
type outageView struct {
	State string `json:"state"` // works, paused (its system is down) or disabled (somebody must act)
	// Waiting are the mailboxes that wait for it, or have not come back yet.
	Waiting  int      `json:"waiting"`
	Since    optional `json:"since"` // null = it works
	Code     string   `json:"code,omitempty"`
	Cause    string   `json:"cause,omitempty"`
	Solution string   `json:"solution,omitempty"`
	Attempts int      `json:"failed_attempts,omitempty"` // in a row, since it is paused
	Next     optional `json:"next_attempt"`              // null = not before somebody has acted
	Outage   string   `json:"outage"`                    // what its mailboxes do while it is down: wait or disable
	Back     optional `json:"back_since"`                // it was down, and mailboxes still come back
}

func (a *app) outageOf(ctx context.Context, st store.Store, c model.Connection, mailboxes []model.Mailbox) (outageView, error) {
	k := c.Circuit
	v := outageView{State: works, Outage: c.Outage}
	if v.Outage == "" {
		v.Outage = model.OutageWait
	}
	if !k.Down() {
		if !a.Now().Before(k.Calm) {
			return v, nil
		}
		left, err := st.Turns(ctx, c.ID, store.Turn{}, k.Calm, len(mailboxes)+1)
		v.Back, v.Waiting = optional(k.Closed), len(left)
		return v, err
	}
	v.State, v.Since, v.Code, v.Cause, v.Attempts, v.Next = paused, optional(k.Since), k.Code, k.Message, k.Probes, optional(k.Next)
	if k.Permanent {
		v.State, v.Next = disabled, optional{}
	}
	if e, ok := issue.Lookup(k.Code); ok {
		v.Solution = e.Solution
	}
	for _, m := range mailboxes {
		if m.State == model.Active {
			v.Waiting++
		}
	}
	return v, nil
}

func (a *app) connectionShow() *cobra.Command {
	c := &cobra.Command{
		Use: "show NAME", Short: "Show a connection: whether its system answers, since when not and why, and who waits for it", Args: takes(1, 1),
		Example: "  lockstep connection show office",
		RunE:    func(c *cobra.Command, args []string) error { return a.showConnection(c.Context(), args[0]) },
	}
	a.completeConnections(c, map[string]model.Side{"": ""})
	return c
}

func (a *app) showConnection(ctx context.Context, name string) error {
	h, err := a.home(ctx)
	if err != nil {
		return err
	}
	c, err := h.Store.ConnectionNamed(ctx, name)
	if errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("there is no connection %s; lockstep connection list shows them all", name)
	}
	if err != nil {
		return err
	}
	v, err := a.connectionView(ctx, h.Store, c)
	if err != nil {
		return err
	}
	return a.print(v, func(w io.Writer) { a.writeConnection(w, v) })
}

// connectionView is everything there is to say of a connection.
func (a *app) connectionView(ctx context.Context, st store.Store, c model.Connection) (connectionView, error) {
	used, err := st.Mailboxes(ctx, store.MailboxFilter{Connection: c.ID})
	if err != nil {
		return connectionView{}, err
	}
	used = slices.DeleteFunc(used, func(m model.Mailbox) bool { return m.State == model.Retired })
	v := connectionOf(c, len(used))
	v.outageView, err = a.outageOf(ctx, st, c, used)
	return v, err
}

func (a *app) writeConnection(w io.Writer, v connectionView) {
	state, next := v.State, ""
	if v.State != works {
		state = fmt.Sprintf("%s since %s (%s)", v.State, relative(a.Now(), at(v.Since)), at(v.Since).Format("2006-01-02 15:04 UTC"))
		next = "not before: lockstep connection test " + v.Name
	}
	if v.State == paused {
		next = fmt.Sprintf("%s; at once with: lockstep connection test %s", a.due(at(v.Next)), v.Name)
	}
	waiting, attempts, cause := "", "", v.Cause
	if v.State != works || v.Waiting > 0 {
		waiting = strconv.Itoa(v.Waiting)
	}
	if v.Waiting > 0 && v.State == works {
		waiting += fmt.Sprintf(", come back one after the other since %s", relative(a.Now(), at(v.Back)))
	}
	if v.Attempts > 0 {
		attempts = strconv.Itoa(v.Attempts)
	}
	if v.Code != "" {
		cause += " (" + v.Code + ")"
	}
	rows := [][2]string{
		{"Connection", v.Name + " (" + string(v.ID) + ")"}, {"Side", string(v.Side)}, {"Connector", v.Connector}, {"Owner", v.Owner}, {"State", state}, {"Cause", cause},
		{"What to do", v.Solution}, {"Failed attempts", attempts}, {"Next attempt", next}, {"Mailboxes", strconv.Itoa(v.Mailboxes)}, {"Waiting", waiting},
		{"While it is down", map[string]string{model.OutageWait: "mailboxes wait", model.OutageDisable: "after ten attempts, five minutes apart, mailboxes are disabled"}[v.Outage]},
	}
	for _, key := range slices.Sorted(maps.Keys(v.Settings)) {
		rows = append(rows, [2]string{"Setting " + key, v.Settings[key]})
	}
	pairs(w, rows...)
}

// outages are the connections that cannot be used or have only just come back.
func outages(ctx context.Context, st store.Store) ([]model.Connection, error) {
	list, err := st.Connections(ctx)
	return slices.DeleteFunc(list, func(c model.Connection) bool { return !c.Circuit.Down() }), err
}

// standing fills in how a mailbox stands: disabled with its connection (D-33), or
// waiting for it.
func (v *mailboxView) standing(m model.Mailbox, down []model.Connection) {
	state, by := m.Standing(down...)
	v.State = state
	if by != nil {
		v.Reason = fmt.Sprintf("the connection %s is disabled: %s Once that is mended: lockstep connection test %s", by.Name, by.Circuit.Message, by.Name)
		return
	}
	for _, c := range down {
		if m.State == model.Active && (c.ID == m.CRM || c.ID == m.Mail) {
			v.WaitsFor = c.Name
		}
	}
}

// next says when a mailbox has its next round.
func (a *app) next(v mailboxView) string {
	switch {
	case v.State != model.Active:
		return "-"
	case v.WaitsFor != "":
		return "when " + v.WaitsFor + " answers"
	default:
		return a.due(at(v.NextAt))
	}
}

// works ends an outage after a test that worked: exactly the mailboxes that were
// stopped by it come back (D-33).
func (t *testing) works(ctx context.Context, st store.Store, c model.Connection) error {
	if !c.Circuit.Down() || t.recovered[c.ID] {
		return nil
	}
	n, err := st.Recover(ctx, c.ID, c.Circuit.Opened, t.Now(), activities.TurnGap)
	if errors.Is(err, store.ErrStale) {
		return nil
	}
	if err != nil {
		return err
	}
	t.recovered[c.ID] = true
	t.talk("connection %s: works again; mailboxes that come back, one after the other: %d", c.Name, n)
	return t.wakeConnections(ctx, st, []model.ConnectionID{c.ID})
}

// sayWaiting tells a person why a command is not carried out yet.
func (a *app) sayWaiting(ctx context.Context, st store.Store, id model.MailboxID) {
	m, err := st.Mailbox(ctx, id)
	if err != nil {
		return
	}
	down, err := outages(ctx, st)
	if err != nil {
		return
	}
	for _, c := range down {
		if c.ID == m.CRM || c.ID == m.Mail {
			a.talk("%s: waits for the connection %s, which is paused since %s: %s", m.Address, c.Name, c.Circuit.Since.UTC().Format(time.RFC3339), c.Circuit.Message)
		}
	}
}
