package plan

import (
	"cmp"
	"time"

	"lockstep.dev/model"
)

// Snapshot says what a full pass may write (requirements N-12 to N-18). Its
// pairs are decided with their bases, as always: a value that the target changed
// since is not overwritten, and nothing is deleted.
type Snapshot struct {
	// Target is the only side that is written: the CRM for an inbound snapshot,
	// the mailbox for an outbound one; "" = both.
	Target model.Side
	// Overwrite gives the target the other side's values also where the target
	// changed its own since.
	Overwrite bool
}

// AfterSnapshot is when a pair is looked at again of which a snapshot left a
// write out: not by itself, the end of the snapshot brings it up.
func AfterSnapshot() time.Time { return time.Date(9000, 1, 1, 0, 0, 0, 0, time.UTC) }

// ReasonOneSided is why a pair waits while a snapshot is under way.
const ReasonOneSided = "a snapshot is under way; the rest of it follows after that"

// overwriting makes of a pair one in which only the source changed, and that in
// all in which it differs from the target.
func (s *Snapshot) overwriting(p Pair) Pair {
	if s == nil || !s.Overwrite || s.Target == "" || p.CRM == nil || p.Mail == nil || p.CRM.Gone || p.Mail.Gone {
		return p
	}
	target, base := p.Mail, p.MailBase
	if s.Target == model.CRM {
		target, base = p.CRM, p.CRMBase
	}
	content := target.Content
	if content == nil && base != nil {
		content = base.Content
	}
	if content == nil {
		return p
	}
	for _, side := range []struct {
		seen *Seen
		base *Base
	}{{p.CRM, p.CRMBase}, {p.Mail, p.MailBase}} {
		if side.seen.Content == nil && side.base == nil {
			return p
		}
	}
	p.CRM, p.Mail = loaded(p.CRM, p.CRMBase), loaded(p.Mail, p.MailBase)
	p.CRMBase = &Base{Content: content, Key: target.Key}
	p.MailBase = &Base{Content: content, Key: target.Key}
	return p
}

// loaded is an item with its content, which is its base's where it was left out.
func loaded(s *Seen, base *Base) *Seen {
	if s.Content != nil || base == nil {
		return s
	}
	c := *s
	c.Content = base.Content
	return &c
}

// narrow takes out of the plan what a snapshot does not write. A pair that so
// loses a write stays undecided until the snapshot is over: its bases do not
// move.
func (b *builder) narrow() {
	s := b.in.Snapshot
	if s == nil {
		return
	}
	left := map[model.EntityID]bool{}
	var writes []Write
	for _, w := range b.out.Writes {
		if w.Op.Action == model.Delete || s.Target != "" && w.Side != s.Target {
			left[w.Entity] = true
		}
	}
	if len(left) == 0 {
		return
	}
	for _, w := range b.out.Writes {
		if w.Op.Action == model.Delete || s.Target != "" && w.Side != s.Target {
			continue
		}
		if left[w.Entity] {
			w.Final, w.Settles, w.OtherKey = false, nil, ""
		}
		writes = append(writes, w)
	}
	b.out.Writes = writes
	var conflicts []EditConflict
	for _, c := range b.out.Conflicts {
		if !left[c.Entity] || c.Winner == s.Target.Other() {
			conflicts = append(conflicts, c)
		}
	}
	b.out.Conflicts = conflicts
	var changes []Change
	for _, c := range b.out.Changes {
		if !left[c.Entity] {
			changes = append(changes, c)
		}
	}
	b.out.Changes = changes
	for _, p := range b.in.Pairs { // in their order
		if left[p.Entity] {
			delete(left, p.Entity)
			b.change(p, Change{State: p.State, Reason: cmp.Or(p.Reason, ReasonOneSided), Recheck: AfterSnapshot()})
		}
	}
}

// Places in the order of a snapshot, in minutes: what is to come stands at its
// distance from now, what has no date after ten years, and what is over after
// that.
const (
	undated = 10 * 365 * 24 * 60
	over    = 2 * undated
)

// SnapshotPlace says where in a snapshot an item comes, the nearest dates first
// (requirement B21), and whether it is wanted at all: of a day that is not
// before since, or changed since then.
func SnapshotPlace(k model.Kind, c model.Content, modified, since, now time.Time) (place int64, wanted bool) {
	date, dated := Instant(c.Text("start"))
	if !dated {
		date, dated = Instant(c.Text("due"))
	}
	series := c.Text("recurrence") != ""
	wanted = since.IsZero() || !modified.Before(since) || dated && (series || !date.Before(since))
	switch ahead := int64(date.Sub(now) / time.Minute); {
	case k == model.Contact || !dated:
		return undated, wanted
	case ahead >= 0:
		return min(ahead, undated-1), wanted
	case series:
		return 0, wanted
	default:
		return over + min(-ahead, over), wanted
	}
}
