package activities

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"lockstep.dev/fault"
	"lockstep.dev/model"
	"lockstep.dev/store"
)

// rediscover is how often a mailbox is asked again which collections it has.
const rediscover = 24 * time.Hour

// FetchIn asks for a mailbox's changes.
type FetchIn struct {
	Mailbox    model.MailboxID
	Generation int64 // highest generation that the workflow has seen; 0 = a fresh workflow
	Look       bool  // the workflow is still looking after a restore
	Show       bool  // for a dry run, which a paused mailbox may have too
	Check      bool  // the round before met items that were not as we knew them
	Asked      bool  // a person waits for this round
}

// FetchOut says what there is to do and when to come again.
type FetchOut struct {
	Generation int64
	State      model.MailboxState
	Policy     string
	Connection string // name of the mail connection
	Round      int64
	Changed    int
	Absent     int
	Work       bool   // Diff is needed
	Held       bool   // a plan waits for approval
	LookOnly   bool   // nothing may be written in this round
	Unread     bool   // the CRM has not been read in full yet: nothing can be matched
	Restored   bool   // our own database is older than the workflow: cursors were reset
	SettleFor  int    // Restored: rounds to look before writing
	Trouble    string // a collection that cannot be read; the others go on
	Waits      bool   // a system cannot be used, or it is not the mailbox's turn to come back: nothing was asked
	Noticed    string // what an audit found, or that the mail server was restored, in words
	Next       time.Duration
}

// Fetch witnesses the generation, reads what changed in the mailbox into the
// store and, if there is nothing to do, ends the round. It writes to no system.
func (a *Activities) Fetch(ctx context.Context, in FetchIn) (FetchOut, error) {
	begun := a.Now()
	m, err := a.load(ctx, in.Mailbox)
	if err != nil {
		return FetchOut{}, err
	}
	out := FetchOut{Generation: max(m.Generation, in.Generation), State: m.State, Policy: m.Policy, Connection: m.mail.Name}
	if m.State != model.Active && (m.State != model.Paused || !in.Show) {
		return out, nil
	}
	if a.blackOut(m, &out) {
		return out, nil
	}
	if waits, err := a.outage(ctx, m, in, &out); waits || err != nil {
		return out, err
	}
	if err := a.witness(ctx, m, in, &out); err != nil {
		return out, err
	}
	if err := a.readMailbox(ctx, m, in, &out); err != nil {
		return out, err
	}
	if err := a.outlook(ctx, m, in, &out); err != nil {
		return out, err
	}
	if !out.Work {
		if err := a.worked(ctx, m, model.Mail); err != nil {
			return out, err
		}
	}
	out.Round, err = a.Store.FinishFetch(ctx, m.ID, begun, a.Now(), a.Now().Add(out.Next))
	return out, err
}

// outlook decides whether there is work for Diff and when to come again.
func (a *Activities) outlook(ctx context.Context, m mailbox, in FetchIn, out *FetchOut) error {
	soon, err := a.advance(ctx, m, in, out)
	if err != nil {
		return err
	}
	due, err := a.Store.Due(ctx, m.ID, a.Now())
	if err != nil {
		return err
	}
	ready, err := a.crmRead(ctx, m)
	if err != nil {
		return err
	}
	approved := ""
	if due.Held {
		if approved, err = a.Store.Approved(ctx, m.ID); err != nil {
			return err
		}
	}
	marks, err := a.marksDue(ctx, m, due)
	if err != nil {
		return err
	}
	out.Held, out.Unread = due.Held, !ready
	first := !m.Initialized && !due.Held // an empty mailbox has a first sync, too
	out.Work = ready && !out.LookOnly && (due.Fresh || due.Ageing || due.Open || marks || m.Undoing != "" || approved != "" || in.Show || first)
	out.Next = a.next(m, due.Ageing || out.LookOnly || !ready || soon)
	return nil
}

// witness compares our database's generation with the workflow's (design
// decision 9). An older database was restored, and so all mailboxes were: look,
// do not write, until the listings agree. A fresh workflow over a database with
// history looks once.
func (a *Activities) witness(ctx context.Context, m mailbox, in FetchIn, out *FetchOut) error {
	out.LookOnly = in.Look || in.Generation == 0 && m.Generation > 0
	if m.Generation >= in.Generation && !m.Behind {
		return nil
	}
	if !m.Behind {
		if err := a.Store.DeclareRestored(ctx); err != nil {
			return err
		}
	}
	out.LookOnly, out.Restored, out.SettleFor = true, true, m.policy.SettleRounds
	out.Noticed = "Lockstep's own database was restored from a backup. Everything is read before anything is written."
	a.Log.WarnContext(ctx, "our database was restored from a backup; reading everything before writing", "mailbox", m.ID)
	if _, err := a.Store.Advance(ctx, m.ID, in.Generation); err != nil {
		return err
	}
	if err := a.Store.Reread(ctx, m.mail.ID, m.ID); err != nil {
		return err
	}
	return a.Waker.WakeConnection(ctx, m.crm.ID)
}

// crmRead reports whether the CRM's side has been read in full at least once,
// without which nothing can be matched and nothing may be created.
func (a *Activities) crmRead(ctx context.Context, m mailbox) (bool, error) {
	crm, err := a.Store.Collections(ctx, m.crm.ID, "")
	if err != nil {
		return false, err
	}
	for _, c := range crm {
		if !c.Missing && (!c.Complete || c.Listing || c.Cursor == "") {
			return false, nil
		}
	}
	return len(crm) > 0 && !m.crm.Behind, nil
}

func (a *Activities) readMailbox(ctx context.Context, m mailbox, in FetchIn, out *FetchOut) error {
	s, err := a.openMail(ctx, m)
	if err != nil {
		return err
	}
	defer s.Close()
	collections, err := a.collections(ctx, s, m.mail.ID, m.ID)
	if err != nil {
		return err
	}
	if collections, err = a.privacy(ctx, m, collections); err != nil {
		return err
	}
	// What waits to be written makes sure that nobody restored the mailbox.
	waits, err := a.Store.Due(ctx, m.ID, a.Now())
	if err != nil {
		return err
	}
	r := reader{
		a: a, s: s, connection: m.mail.ID, mailbox: m.ID, holds: m.holds,
		probe: waits.Fresh, check: in.Check || m.Failures > 0 || m.Round%checkEvery == 0,
	}
	if err := r.all(ctx, collections); err != nil {
		return err
	}
	if err := a.noteClosed(ctx, m, &r, waits.Issues > 0); err != nil {
		return err
	}
	if r.foreign {
		// Looked at once more in the next round, with all others.
		out.LookOnly = true
		if err := a.Store.DeclareRestored(ctx); err != nil {
			return err
		}
	}
	out.Trouble = r.trouble
	if r.restored {
		out.Noticed = "The mail server was restored from a backup. Everything was read again; what the backup lost is brought back from the CRM."
	}
	err = r.doubted(ctx)
	if err == nil && !in.Show && !out.LookOnly && due(a.Now(), m.AuditAt) {
		var report store.Audit
		report, err = r.audit(ctx, &m)
		out.Noticed = strings.TrimSpace(out.Noticed + " " + summary(report))
	}
	out.Changed, out.Absent = r.changed, r.absent
	return err
}

// apart reports whether a fault concerns one collection only, for good.
func apart(err error) bool {
	f := fault.Of(err)
	return f != nil && f.Scope == fault.Collection && fault.RuleOf(f.Class, f.Scope).Again != fault.Attempt
}

// collections returns the known collections, discovering them at the first
// time and once a day.
func (a *Activities) collections(ctx context.Context, s side, c model.ConnectionID, m model.MailboxID) ([]store.Collection, error) {
	known, err := a.Store.Collections(ctx, c, m)
	if err != nil {
		return nil, err
	}
	if len(known) > 0 && a.Now().Sub(seen(known)) < rediscover {
		return a.filtered(ctx, s, c, m, known)
	}
	if err := a.discover(ctx, s, c, m); err != nil {
		return nil, err
	}
	if known, err = a.Store.Collections(ctx, c, m); err != nil {
		return nil, err
	}
	return a.filtered(ctx, s, c, m, known)
}

// discover asks a side which collections it has.
func (a *Activities) discover(ctx context.Context, s side, c model.ConnectionID, m model.MailboxID) error {
	found, err := s.Collections(ctx)
	if err != nil {
		return err
	}
	return a.Store.SaveCollections(ctx, c, m, found, a.Now())
}

func seen(known []store.Collection) time.Time {
	latest := known[0].SeenAt
	for _, c := range known {
		if c.SeenAt.After(latest) {
			latest = c.SeenAt
		}
	}
	return latest
}

// reader reads one side's collections into the store, page by page.
type reader struct {
	a               *Activities
	s               side
	connection      model.ConnectionID
	mailbox         model.MailboxID
	probe           bool // ask for marks, also where nothing changed
	check           bool // and where there are none look at the newest items
	changed, absent int
	woken           []model.MailboxID
	// holds reduces items to what our store may hold of them.
	holds    func(ctx context.Context, items []model.Item) ([]model.Item, error)
	restored bool   // the system was restored from a backup
	foreign  bool   // an item carries a key of ours that our database does not know
	trouble  string // a collection that cannot be read; the others go on
	closed   []store.ClosedCollection
	read     []model.Collection
}

// all reads every collection. If one shows that its system was restored from a
// backup, all are listed in full.
func (r *reader) all(ctx context.Context, collections []store.Collection) error {
	err := r.each(ctx, collections)
	for again := 0; errors.Is(err, store.ErrRestored) && again < 3; again++ {
		if collections, err = r.begin(ctx); err == nil {
			err = r.each(ctx, collections)
		}
	}
	return err
}

func (r *reader) each(ctx context.Context, collections []store.Collection) error {
	r.closed, r.read = nil, nil
	for _, c := range collections {
		if c.Missing {
			continue
		}
		if err := r.collection(ctx, c); apart(err) && r.mailbox != "" {
			// One collection that is closed to us must not stop the others;
			// what it held is neither changed nor gone.
			r.closed = append(r.closed, closedFor(c.Collection, fault.Of(err)))
			r.trouble = fault.Of(err).Error()
		} else if err != nil {
			return err
		} else {
			r.read = append(r.read, c.Collection)
		}
	}
	return nil
}

// collection reads a collection's changes; a dead cursor means listing in full,
// compared and never imported anew (algorithm 1.9d).
func (r *reader) collection(ctx context.Context, c store.Collection) error {
	err := r.checked(ctx, c)
	if !fault.Is(err, fault.CursorExpired) {
		return err
	}
	if err := r.expired(ctx, c); err != nil {
		return err
	}
	r.a.Log.InfoContext(ctx, "resume position expired; listing in full", "mailbox", r.mailbox, "kind", c.Kind)
	if err := r.a.Store.ResetCursors(ctx, r.connection, r.mailbox, c.Collection); err != nil {
		return err
	}
	return r.again(ctx, c.Collection)
}

// again reads a collection's changes from where it stands now.
func (r *reader) again(ctx context.Context, c model.Collection) error {
	all, err := r.a.Store.Collections(ctx, r.connection, r.mailbox)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(all, func(o store.Collection) bool { return o.ID == c.ID && o.Kind == c.Kind })
	if i < 0 {
		return nil
	}
	return r.changes(ctx, all[i], true)
}

// changes reads the pages of a collection and saves them; with ask it makes sure
// that the system is still the one we know if there are any.
func (r *reader) changes(ctx context.Context, c store.Collection, ask bool) error {
	readAt := r.asOf(c.Kind)
	for page, err := range r.s.Changes(ctx, c.Collection, c.Cursor) {
		if err != nil {
			return err
		}
		in := store.PageIn{
			Connection: r.connection, Mailbox: r.mailbox, Collection: c, Items: page.Items,
			Gone: page.Gone, Left: page.Left, Cursor: page.Cursor, Full: page.Full, Last: page.Last, ReadAt: readAt,
		}
		if quiet(in) && len(page.Changed) == 0 {
			return nil
		}
		if err := r.witness(ctx, &in, ask); err != nil {
			return err
		}
		ask = false
		if err := r.hydrate(ctx, page.Changed, &in); err != nil {
			return err
		}
		if err := r.save(ctx, &in); err != nil {
			return err
		}
		c, readAt = in.Collection, r.asOf(c.Kind)
	}
	return nil
}

// asOf is the time whose state a read that begins now shows at least: what we
// wrote later may be missing from it.
func (r *reader) asOf(k model.Kind) time.Time { return r.a.Now().Add(-r.s.caps.Kinds[k].Lag) }

// save commits a page and moves in's collection on.
func (r *reader) save(ctx context.Context, in *store.PageIn) error {
	var err error
	if in.Items, err = r.holds(ctx, in.Items); err != nil {
		return err
	}
	in.Now = r.a.Now()
	out, err := r.a.Store.SavePage(ctx, *in)
	if err != nil {
		return err
	}
	in.Collection = out.Collection
	r.changed += out.Changed
	r.absent += out.Absent
	r.woken = append(r.woken, out.Woken...)
	r.foreign = r.foreign || out.Foreign
	return nil
}

// quiet reports whether a page says nothing new, so that no row is written.
func quiet(in store.PageIn) bool {
	return !in.Full && in.Last && in.Cursor == in.Collection.Cursor && len(in.Items)+len(in.Gone)+len(in.Left)+len(in.Listed) == 0
}

// missing are the refs that were listed, but could not be fetched: present as
// far as we know, until a tombstone says otherwise.
func missing(refs []model.Ref, items []model.Item) []model.Ref {
	got := make([]model.Ref, len(items))
	for i, it := range items {
		got[i] = it.Ref
	}
	return without(refs, got)
}

func without(refs, remove []model.Ref) []model.Ref {
	drop := make(map[string]bool, len(remove))
	for _, r := range remove {
		drop[r.ID] = true
	}
	var out []model.Ref
	for _, r := range refs {
		if !drop[r.ID] {
			out = append(out, r)
		}
	}
	return out
}
