package cli

import (
	"context"
	"strconv"

	"github.com/spf13/cobra"

	"lockstep.dev/model"
)

const invitationHelp = `Lists every write to a calendar that could have sent mail to attendees: how many people
could have heard of it, whether they did, and why. Nobody is mailed unless the policy says
invite: organizer-changes. Addresses are not on record; the list goes back as far as plans
are kept.`

func (a *app) invitation() *cobra.Command {
	var limit int
	list := &cobra.Command{
		Use: "list MAILBOX", Short: "List writes that could have sent mail to attendees, the newest first", Long: invitationHelp, Args: takes(1, 1),
		Example: "  lockstep invitation list anna@example.com --limit 5", ValidArgsFunction: a.completeMailbox,
		RunE: func(c *cobra.Command, args []string) error { return a.listInvitations(c.Context(), args[0], limit) },
	}
	list.Flags().IntVar(&limit, "limit", 50, "how `many` writes to list")
	return group("invitation", "What attendees could have heard of", list)
}

// invitationView is a write that could have sent mail.
type invitationView struct {
	At         optional       `json:"at"`
	Round      int64          `json:"round"`
	Action     model.Action   `json:"action"`
	Entity     model.EntityID `json:"entity"`
	Item       string         `json:"item,omitempty"`
	Recipients int            `json:"recipients"`
	Mailed     bool           `json:"mailed"`
	Why        string         `json:"why"`
}

func (a *app) listInvitations(ctx context.Context, mailbox string, limit int) error {
	if limit <= 0 {
		return usage("--limit must be a number above 0")
	}
	st, m, err := a.named(ctx, mailbox)
	if err != nil {
		return err
	}
	rows, err := st.Invitations(ctx, m.ID, limit)
	if err != nil {
		return err
	}
	views := []invitationView{}
	t := table{
		head: []string{"WHEN", "ROUND", "WRITE", "RECIPIENTS", "MAILED", "WHY", "ENTITY"},
		none: "Nothing written for " + m.Address + " could have sent mail to anybody.",
	}
	for _, r := range rows {
		v := invitationView{
			At: optional(r.At), Round: r.Round, Action: r.Action, Entity: r.Entity, Item: r.Item,
			Recipients: r.Recipients, Mailed: r.Notify == model.NotifyAttendees, Why: r.Why,
		}
		mailed := map[bool]string{true: "yes", false: "no"}[v.Mailed]
		views = append(views, v)
		t.rows = append(t.rows, []string{
			relative(a.Now(), r.At), strconv.FormatInt(v.Round, 10), string(v.Action), strconv.Itoa(v.Recipients), mailed, v.Why, string(v.Entity),
		})
	}
	return a.list(views, t)
}
