package activities

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"lockstep.dev/fault"
	"lockstep.dev/model"
	"lockstep.dev/store"
)

// brakeWindow is the time over which deletions add up (algorithm 1.8).
const brakeWindow = 4 * time.Hour

// ApplyIn asks to carry out a plan.
type ApplyIn struct {
	Mailbox    model.MailboxID
	Plan       string
	Generation int64
}

// ApplyOut says what became of it.
type ApplyOut struct {
	Done, Refused, Again int
	// Abandoned: an earlier attempt died on the way. What it did is found by
	// reading, so the next round starts with Fetch and Diff.
	Abandoned bool
}

// Apply carries out a plan: the CRM side first, then the mailbox, in batches.
// Creates are journalled before they are attempted, and every batch's receipts
// are one transaction. A second attempt writes nothing: only after a fetch is
// it known what the first one did.
func (a *Activities) Apply(ctx context.Context, in ApplyIn) (ApplyOut, error) {
	if a.attempt(ctx).Number > 1 {
		return ApplyOut{Abandoned: true}, nil
	}
	m, err := a.load(ctx, in.Mailbox)
	if err != nil {
		return ApplyOut{}, err
	}
	if err := m.usable(); err != nil {
		return ApplyOut{}, err
	}
	l, err := a.lease(ctx, m.ID)
	if err != nil {
		return ApplyOut{}, err
	}
	defer l.release(ctx)
	ap := applier{a: a, m: m, in: in, lease: l, open: map[model.EntityID]bool{}, asked: map[model.Kind]bool{}}
	if ap.mail, err = a.openMail(ctx, m); err != nil {
		return ap.out, err
	}
	defer ap.mail.Close()
	if ap.crm, err = a.openCRM(ctx, m.crm); err != nil {
		return ap.out, err
	}
	defer ap.crm.Close()
	for _, s := range []side{ap.crm, ap.mail} {
		err := ap.side(ctx, s)
		if errors.Is(err, errForgot) || errors.Is(err, store.ErrRestored) {
			// Nothing more is written before everything was read again.
			a.Log.WarnContext(ctx, "a backup was restored; reading before writing on", "mailbox", m.ID, "error", err)
			ap.out.Abandoned = true
			return ap.out, nil
		}
		if err != nil {
			return ap.out, err
		}
	}
	return ap.out, nil
}

type applier struct {
	a         *Activities
	m         mailbox
	in        ApplyIn
	lease     *lease
	crm, mail side

	mu   sync.Mutex
	out  ApplyOut
	open map[model.EntityID]bool // a write of the pair is to be decided anew

	asked map[model.Kind]bool // whether the CRM is still the one we know
}

// pageOfWrites is how many operations are loaded at a time.
const pageOfWrites = 400

func (ap *applier) side(ctx context.Context, s side) error {
	after := -1
	for {
		page, err := ap.a.Store.Writes(ctx, ap.in.Plan, s.caps.Side, after, pageOfWrites)
		if err != nil || len(page) == 0 {
			return err
		}
		after = page[len(page)-1].Number
		if err := ap.witness(ctx, s, page); err != nil {
			return err
		}
		// While one batch is being recorded the next is on its way. A batch
		// that failed does not cut off its neighbour: what that one did would
		// be unknown.
		var g errgroup.Group
		g.SetLimit(min(2, max(1, s.caps.Kinds[page[0].Kind].Parallel)))
		for _, batch := range batches(page, s) {
			g.Go(func() error { return ap.batch(ctx, s, batch) })
		}
		if err := g.Wait(); err != nil {
			return err
		}
	}
}

// batches cuts a page into runs of one kind, no longer than the system takes.
func batches(page []store.Planned, s side) [][]store.Planned {
	var out [][]store.Planned
	for len(page) > 0 {
		kind, limit := page[0].Kind, max(s.caps.Kinds[page[0].Kind].WriteBatch, 1)
		n := 1
		for n < len(page) && n < limit && page[n].Kind == kind {
			n++
		}
		out, page = append(out, page[:n]), page[n:]
	}
	return out
}

// batch carries out one batch: check what must be gone, journal the creates,
// write, record.
func (ap *applier) batch(ctx context.Context, s side, batch []store.Planned) error {
	bound, cancel, err := ap.lease.renew(ctx)
	if err != nil {
		return err
	}
	defer cancel()
	batch, results, err := ap.stillGone(bound, batch)
	if err != nil {
		return err
	}
	batch, results = ap.undecided(batch, results)
	first, err := ap.journal(bound, s, batch)
	if err != nil {
		return err
	}
	if len(batch) > 0 {
		ops := make([]model.Operation, len(batch))
		for i, p := range batch {
			ops[i] = p.Op
		}
		receipts, err := s.Apply(bound, ops)
		if err != nil {
			return err
		}
		for i, r := range receipts {
			results = append(results, ap.result(batch[i], ap.m.receipt(r), slices.Contains(first, batch[i].Op.Key)))
		}
	}
	return ap.commit(ctx, results)
}

// errForgot, noted with a result, says that our database does not know what it did once.
var errForgot = errors.New("our database was restored from a backup")

// journal notes creates before they are attempted and returns the keys that were
// never begun before.
func (ap *applier) journal(ctx context.Context, s side, batch []store.Planned) ([]model.Key, error) {
	var creates []store.Planned
	for _, p := range batch {
		if p.Op.Action == model.Create {
			p.Shows = ap.a.Now().Add(s.caps.Kinds[p.Kind].Lag)
			creates = append(creates, p)
		}
	}
	if len(creates) == 0 {
		return nil, nil
	}
	return ap.a.Store.Begin(ctx, ap.m.ID, ap.lease.token, ap.in.Plan, creates, ap.in.Generation, ap.a.Now())
}

// stillGone checks again, right before acting, that what must be gone is gone;
// a write whose reason came back is dropped and its pair looked at again.
func (ap *applier) stillGone(ctx context.Context, batch []store.Planned) (rest []store.Planned, back []store.Result, err error) {
	present := map[model.Ref]bool{}
	for _, s := range []side{ap.crm, ap.mail} {
		var refs []model.Ref
		for _, p := range batch {
			if p.MustBeGone != nil && p.MustBeGone.Side == s.caps.Side {
				refs = append(refs, *p.MustBeGone)
			}
		}
		if len(refs) == 0 {
			continue
		}
		items, err := s.Fetch(ctx, refs)
		if err != nil {
			return nil, nil, err
		}
		for _, it := range items {
			present[address(it.Ref)] = true
		}
	}
	for _, p := range batch {
		if p.MustBeGone != nil && present[address(*p.MustBeGone)] {
			back = append(back, store.Result{Planned: p, Again: true, Receipt: model.Receipt{Outcome: model.Refused}})
			continue
		}
		rest = append(rest, p)
	}
	return rest, back, nil
}

// undecided leaves out the mailbox's write of a pair whose CRM write is to be
// decided anew: what the mailbox would be given may not be what they will agree
// on, and in a participant's copy it would look like an edit for ever.
func (ap *applier) undecided(batch []store.Planned, results []store.Result) ([]store.Planned, []store.Result) {
	ap.mu.Lock()
	defer ap.mu.Unlock()
	var rest []store.Planned
	for _, p := range batch {
		if p.Side == model.Mail && ap.open[p.Entity] {
			results = append(results, store.Result{Planned: p, Again: true, Receipt: model.Receipt{Outcome: model.Refused}})
			continue
		}
		rest = append(rest, p)
	}
	return rest, results
}

// address is a ref without its version.
func address(r model.Ref) model.Ref {
	return model.Ref{Side: r.Side, Kind: r.Kind, ID: r.ID}
}

func (ap *applier) commit(ctx context.Context, results []store.Result) error {
	if len(results) == 0 {
		return nil
	}
	wake, err := ap.a.Store.Commit(ctx, ap.m.ID, ap.lease.token, ap.in.Plan, results, ap.a.Now())
	if err != nil {
		return err
	}
	ap.count(results)
	if slices.ContainsFunc(results, func(r store.Result) bool { return r.Forgot }) {
		if m, err := ap.a.Store.Mailbox(ctx, ap.m.ID); err != nil || m.Behind {
			return cmp.Or(err, errForgot)
		}
	}
	if err := stops(results); err != nil {
		return err
	}
	return ap.a.Waker.WakeMailboxes(ctx, wake)
}

func (ap *applier) count(results []store.Result) {
	ap.mu.Lock()
	defer ap.mu.Unlock()
	for _, r := range results {
		switch {
		case r.Receipt.Outcome == model.Done:
			ap.out.Done++
		case r.Again:
			ap.out.Again++
			ap.open[r.Planned.Entity] = true
		default:
			ap.out.Refused++
		}
	}
}

// stops returns the first fault that concerns more than its item: the receipts
// are recorded, and nothing more is tried.
func stops(results []store.Result) error {
	for _, r := range results {
		f := fault.Of(r.Receipt.Err)
		if f != nil && (f.Scope.Wide() || fault.RuleOf(f.Class, f.Scope).Again == fault.Attempt) {
			return f
		}
	}
	return nil
}

// result judges a receipt; first says that a create was never begun before. If
// its key made something all the same, our database was restored from a backup:
// what there is was made from another content and may have been edited since, so
// it is read and joined instead of taken for what was sent now (algorithm 1.9b).
func (ap *applier) result(p store.Planned, r model.Receipt, first bool) store.Result {
	out := ap.judge(p, r)
	if p.Op.Action == model.Create && first && (out.Used || r.Existed) {
		out.Forgot, out.Again, out.Receipt = true, true, model.Receipt{Outcome: model.Refused}
	}
	return out
}

// judge judges a receipt: a conflict, an unknown outcome, or trouble that is
// not the item's is looked at again; a refusal becomes an issue of its item and
// never blocks the others.
func (ap *applier) judge(p store.Planned, r model.Receipt) store.Result {
	out := store.Result{Planned: p, Receipt: r}
	f := fault.Of(r.Err)
	switch {
	case r.Outcome == model.Done:
		return out
	case r.Outcome == model.Unknown, f == nil:
		out.Again = true
		return out
	}
	rule := fault.RuleOf(f.Class, f.Scope)
	out.Used = p.Op.Action == model.Create && f.Class == fault.NotFound && f.Scope == fault.Item
	out.Again = rule.Benign || f.Scope.Wide()
	// A create that meets a twin would meet it again in every round.
	out.Again = out.Again && (p.Op.Action != model.Create || f.Class != fault.Conflict)
	if out.Again {
		if p.Restores && p.Op.Action != model.Create {
			out.Receipt.Outcome = model.Unknown // the undo is not over before it was looked at again
		}
		return out
	}
	out.Code, out.Message, out.Evidence, out.Needs = f.Code, f.Message, f.Evidence, needs(f.Code)
	if rule.Again == fault.Round && !rule.Benign {
		out.Recheck = ap.a.Now().Add(time.Duration(ap.m.policy.RetryGap))
		if rule.Counted {
			out.Tries = ap.m.policy.Retries
		}
	}
	return out
}
