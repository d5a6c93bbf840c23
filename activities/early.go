package activities

import (
	"context"
	"slices"
	"time"

	"lockstep.dev/model"
	"lockstep.dev/plan"
)

// fresh reads the CRM once more if the mailbox shows something new: what
// somebody entered in both systems within minutes must be matched, not created
// a second time. A CRM that was restored shows what is new only once that is
// known, so it is asked; and likewise if items were not as we knew them in the
// round before.
func (d *differ) fresh(ctx context.Context) error {
	page, err := d.a.Store.Strangers(ctx, d.m.ID, "", pageOfPairs)
	if err != nil {
		return err
	}
	if !d.in.Check && !slices.ContainsFunc(page, d.unread) {
		return nil
	}
	if _, err := d.a.feed(ctx, FeedIn{Connection: d.m.crm.ID}, false, true); err != nil {
		return err
	}
	d.m.crm, err = d.a.Store.Connection(ctx, d.m.crm.ID)
	d.asOf()
	return err
}

// asOf notes as of when the two sides are known, and by how much their reads lag.
func (d *differ) asOf() {
	d.input.Read = map[model.Side]map[model.Kind]time.Time{model.CRM: {}, model.Mail: {}}
	d.input.Lag = map[model.Side]map[model.Kind]time.Duration{model.CRM: {}, model.Mail: {}}
	for _, k := range model.Kinds() {
		crm, mail := d.crm.caps.Kinds[k].Lag, d.mail.caps.Kinds[k].Lag
		d.input.Lag[model.CRM][k], d.input.Lag[model.Mail][k] = crm, mail
		d.input.Read[model.CRM][k] = d.m.crm.PassBegun.Add(-crm)
		d.input.Read[model.Mail][k] = d.m.FetchBegun.Add(-mail)
	}
}

// unread reports whether a stranger in the mailbox came up after the CRM was
// read, and reading it now would show a twin.
func (d *differ) unread(s plan.Stranger) bool {
	if s.Side != model.Mail || s.Gone || s.Occupied || s.Partner || s.Since.Before(d.input.Read[model.CRM][s.Kind]) {
		return false
	}
	return !d.m.Initialized || s.Since.Before(d.a.Now().Add(-d.crm.caps.Kinds[s.Kind].Lag))
}
