package plan

import (
	"cmp"
	"maps"

	"lockstep.dev/model"
)

// Audience says whom a write could send mail to, and why it does or does not:
// the ledger of what could be heard outside (requirement B2). Addresses stand in
// the content, never here.
type Audience struct {
	Recipients int    `json:"recipients"`
	Why        string `json:"why"`
}

// announce decides whether attendees may hear of a write (design decision 14),
// and notes it.
func (b *builder) announce(p Pair, w *Write) {
	if w.Side != model.Mail || w.Kind != model.Event || w.Op.Action == model.Stamp {
		return
	}
	var have model.Content
	if p.Mail != nil {
		have = p.Mail.Content
	}
	others := map[string]bool{}
	for _, c := range []model.Content{have, w.Op.Content} {
		for _, e := range c.Set("attendees") {
			others[e.Key] = true
		}
	}
	maps.DeleteFunc(others, func(address string, _ bool) bool { return b.own(address) })
	if len(others) == 0 {
		return
	}
	quiet := b.quiet(p, *w, have)
	if quiet == "" {
		w.Op.Notify = model.NotifyAttendees
	}
	w.Audience = &Audience{Recipients: len(others), Why: cmp.Or(quiet, "its organizer changed a coming meeting")}
}

// quiet is why attendees do not hear of a write, "" if they may. What they may
// hear of is a change by the organizer of what is still to come. A meeting that
// a person entered in the CRM is such a change; one that we made there came from
// a calendar, which has invited them already.
func (b *builder) quiet(p Pair, w Write, have model.Content) string {
	c := w.Op.Content
	switch {
	case b.in.Policy.Invite != "organizer-changes":
		return "the policy sends no invitations"
	case b.in.Snapshot != nil:
		return "a snapshot announces nothing"
	case !b.in.Initialized:
		return "the first sync announces nothing"
	case w.Op.Action == model.Delete:
		return "a deletion is not announced"
	case p.MailIntent != nil || p.CRMIntent != nil:
		return "the first attempt may have announced it"
	case !b.own(model.FoldAddress(c.Text("organizer"))):
		return "only the organizer's own calendar announces"
	case past(c, b.in.Now):
		return "it is over"
	case w.Op.Action == model.Create && (p.CRM == nil || p.CRM.Stamp != "" || p.Incarnation > 0):
		return "the calendar it came from has invited them"
	case w.Op.Action == model.Update && p.MailBase == nil:
		return "it was matched, and nobody changed it"
	case w.Op.Action == model.Create:
		return ""
	case !model.Significant(model.Event, have, c, w.Op.Changed):
		return "nothing changed that attendees must know"
	default:
		return ""
	}
}
