package activities

import (
	"context"

	"lockstep.dev/issue"
	"lockstep.dev/model"
	"lockstep.dev/plan"
	"lockstep.dev/store"
)

// pageOfPairs is how many pairs Diff holds in memory at a time.
const pageOfPairs = 1000

// DiffIn asks for a plan.
type DiffIn struct {
	Mailbox    model.MailboxID
	Generation int64
	Round      int64
	Show       bool // a dry run: the plan is stored to be looked at, nothing is settled
	Check      bool // the round before met items that were not as we knew them
}

// DiffOut describes the plan.
type DiffOut struct {
	Generation int64
	Plan       string
	State      store.PlanState
	Hash       string
	Why        string // why it waits for approval
	Writes     int    // to be applied
	Held       int    // waiting for approval
	Counts     plan.Counts
}

// Diff recognises strangers, decides what has to be written and stores the
// plan. It advances the generation, which so stands in the workflow's history
// before Apply writes anywhere. It writes to no system.
func (a *Activities) Diff(ctx context.Context, in DiffIn) (DiffOut, error) {
	m, err := a.load(ctx, in.Mailbox)
	if err != nil {
		return DiffOut{}, err
	}
	if err := m.usable(); err != nil {
		return DiffOut{}, err
	}
	l, err := a.lease(ctx, m.ID)
	if err != nil {
		return DiffOut{}, err
	}
	defer l.release(ctx)
	if err := a.Store.DropPlan(ctx, m.ID); err != nil {
		return DiffOut{}, err
	}
	if err := a.Store.Reconsider(ctx, m.ID); err != nil {
		return DiffOut{}, err
	}
	d := differ{a: a, m: m, in: in, all: plan.NewHash()}
	if d.out.Generation, err = a.Store.Advance(ctx, m.ID, in.Generation); err != nil {
		return d.out, err
	}
	undo, err := d.undoing(ctx)
	if err != nil {
		return d.out, err
	}
	if err := d.prepare(ctx, undo != nil); err != nil {
		return d.out, err
	}
	defer d.crm.Close()
	defer d.mail.Close()
	steps := []func(context.Context) error{d.intents, d.fresh, d.rejoin, d.match, d.build, d.deletions, d.limits, d.brakes, d.seal}
	if undo != nil {
		steps = []func(context.Context) error{d.intents, d.reread, d.takeBack(undo), d.seal}
	}
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return d.out, err
		}
	}
	return d.out, nil
}

// differ is one run of Diff.
type differ struct {
	a         *Activities
	m         mailbox
	in        DiffIn
	out       DiffOut
	crm, mail side
	input     plan.Input
	row       store.PlanRow
	written   int          // writes saved so far
	removing  []store.Pair // pairs of deletes, saved last: the brake must see them all
	deletes   plan.Plan
	all       *plan.Hash
	tally     plan.Tally
	approval  approval
	released  int // writes that go because a person let them
	left      int // items that an undo only lists
	suspects  suspects
	coming    int                                // pairs that this plan would link by writing
	agreed    int                                // pairs that it links without
	over      string                             // why nothing new is linked: the limit
	wide      map[model.ConnectionID]plan.Losses // of the connections whose brake the plan hits
}

func (d *differ) prepare(ctx context.Context, undo bool) error {
	var err error
	if d.mail, err = d.a.openMail(ctx, d.m); err != nil {
		return err
	}
	if d.crm, err = d.a.openCRM(ctx, d.m.crm); err != nil {
		return err
	}
	if err := d.situation(ctx); err != nil {
		return err
	}
	d.row = store.PlanRow{Mailbox: d.m.ID, Round: d.in.Round, State: store.PlanOpen, At: d.a.Now()}
	if undo {
		d.row.Request = d.m.Undoing
	}
	d.row.Counts.Sides = map[model.Side]map[model.Kind]map[model.Action]int{}
	if d.approval, err = d.a.approved(ctx, d.m.ID); err != nil {
		return err
	}
	d.row.ID, err = d.a.Store.BeginPlan(ctx, d.row)
	return err
}

// situation is what every decision about this mailbox looks at.
func (d *differ) situation(ctx context.Context) error {
	d.input = plan.Input{
		Policy: d.m.policy, Address: model.FoldAddress(d.m.Address), CRMUser: d.m.CRMUser, Mailbox: d.m.ID,
		Now: d.a.Now(), Initialized: d.m.Initialized,
		Fields:  map[model.Kind][]string{},
		Primary: map[model.Side]map[model.Kind]string{model.CRM: {}, model.Mail: {}},
	}
	if err := d.passing(ctx); err != nil {
		return err
	}
	var err error
	if d.input.Former, err = d.a.Store.Former(ctx, d.m.ID); err != nil {
		return err
	}
	for _, k := range model.Kinds() {
		d.input.Fields[k] = fields(k, d.crm.caps, d.mail.caps)
	}
	d.asOf()
	if err := d.homes(ctx, model.CRM, d.m.crm.ID, ""); err != nil {
		return err
	}
	return d.homes(ctx, model.Mail, d.m.mail.ID, d.m.ID)
}

// imagine is prepare for a look: nothing is opened, nothing begun.
func (d *differ) imagine(ctx context.Context) error {
	for _, s := range []struct {
		to *side
		of model.Connection
	}{{&d.crm, d.m.crm}, {&d.mail, d.m.mail}} {
		c, err := d.a.Systems.Connector(ctx, s.of)
		if err != nil {
			return err
		}
		s.to.caps = c.Capabilities()
	}
	return d.situation(ctx)
}

// homes finds where new items of each kind are created: the primary writable
// collection, else the first writable one.
func (d *differ) homes(ctx context.Context, s model.Side, c model.ConnectionID, m model.MailboxID) error {
	all, err := d.a.Store.Collections(ctx, c, m)
	if err != nil {
		return err
	}
	for _, col := range all {
		if col.Missing || col.ReadOnly {
			continue
		}
		if col.Primary || d.input.Primary[s][col.Kind] == "" {
			d.input.Primary[s][col.Kind] = col.ID
		}
	}
	return nil
}

// rejoin recognises strangers whose entity is known.
func (d *differ) rejoin(ctx context.Context) error {
	return d.strangers(ctx, func(page []plan.Stranger) error {
		return d.join(ctx, plan.Rejoin(page))
	})
}

// match pairs strangers of the two sides, step by step, the surest first.
func (d *differ) match(ctx context.Context) error {
	for _, by := range []plan.MatchBy{plan.ByKey, plan.ByUID, plan.ByContent, plan.ByNatural} {
		err := d.strangers(ctx, func(page []plan.Stranger) error {
			var keys []string
			for _, s := range page {
				// An item that carries no key of ours may be what one names.
				if k := s.Key(by); k != "" && !s.Gone && (by != plan.ByKey || s.Entity != "") {
					keys = append(keys, k)
				}
			}
			if len(keys) == 0 {
				return nil
			}
			all, err := d.a.Store.Candidates(ctx, d.m.ID, by, keys)
			if err != nil {
				return err
			}
			joins := plan.Match(by, d.m.crm.ID, d.suspects.without(all))
			for _, j := range joins {
				if j.CRM != "" && j.Mail != "" {
					d.row.Counts.Matched++
				}
			}
			return d.join(ctx, joins)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (d *differ) join(ctx context.Context, joins []plan.Join) error {
	if len(joins) == 0 {
		return nil
	}
	return d.a.Store.Join(ctx, d.m.ID, joins)
}

func (d *differ) strangers(ctx context.Context, each func([]plan.Stranger) error) error {
	after := ""
	for {
		page, err := d.a.Store.Strangers(ctx, d.m.ID, after, pageOfPairs)
		if err != nil || len(page) == 0 {
			return err
		}
		if err := each(d.suspects.without(page)); err != nil {
			return err
		}
		after = page[len(page)-1].Row
	}
}

// build decides everything that is pending, page by page.
func (d *differ) build(ctx context.Context) error {
	after := ""
	for {
		page, err := d.a.Store.Pairs(ctx, d.m.ID, after, pageOfPairs)
		if err != nil || len(page) == 0 {
			return err
		}
		after = page[len(page)-1].Row
		d.suspects.mark(page, d.blind)
		if err := d.identify(ctx, page); err != nil {
			return err
		}
		if err := d.save(ctx, page); err != nil {
			return err
		}
	}
}

// save builds one page's plan and stores it; its deletes wait for the brake.
func (d *differ) save(ctx context.Context, page []store.Pair) error {
	in := d.input
	byEntity := make(map[model.EntityID]store.Pair, len(page))
	for _, p := range page {
		if !stray(p.Pair) {
			in.Pairs = append(in.Pairs, p.Pair)
			byEntity[p.Entity] = p
		}
	}
	built := plan.Build(in)
	if err := d.bounced(ctx, byEntity, &built); err != nil {
		return err
	}
	for i := range built.Issues {
		x := &built.Issues[i]
		x.Message, x.Detail, x.Needs = issue.Message(x.Code, "detail", x.Detail), "", string(needs(x.Code))
	}
	if err := d.rulings(ctx, byEntity, &built); err != nil {
		return err
	}
	d.reject(byEntity, &built)
	if err := d.echoes(ctx, built.Writes); err != nil {
		return err
	}
	d.count(page, built)
	d.coming, d.agreed = d.coming+linking(built.Writes), d.agreed+agreeing(byEntity, built.Changes)
	d.tally.Add(built.Writes)
	var writes []plan.Write
	deleting := map[model.EntityID]bool{}
	for _, w := range built.Writes {
		if w.Op.Action == model.Delete {
			deleting[w.Entity] = true
			d.deletes.Writes = append(d.deletes.Writes, w)
			d.removing = append(d.removing, slim(byEntity[w.Entity]))
			continue
		}
		writes = append(writes, w)
	}
	built.Writes = writes
	var rest []store.Pair
	for _, p := range page {
		if !deleting[p.Entity] {
			rest = append(rest, p)
		}
	}
	d.all.Add(writes...)
	return d.chunk(ctx, rest, built)
}

// slim drops the contents of a pair that is only going to be deleted.
func slim(p store.Pair) store.Pair {
	for _, s := range []**plan.Seen{&p.CRM, &p.Mail} {
		if *s != nil {
			c := **s
			c.Content = nil
			*s = &c
		}
	}
	p.CRMBase, p.MailBase = nil, nil
	return p
}

func (d *differ) chunk(ctx context.Context, pairs []store.Pair, p plan.Plan) error {
	err := d.a.Store.SaveChunk(ctx, d.m.ID, d.row.ID, store.Chunk{
		Pairs: pairs, Plan: p, From: d.written, Commit: !d.in.Show, Now: d.a.Now(),
	})
	d.written += len(p.Writes)
	return err
}

// deletions stores all deletes after everything else, so that they are carried
// out last.
func (d *differ) deletions(ctx context.Context) error {
	if len(d.deletes.Writes) == 0 {
		return nil
	}
	d.all.Add(d.deletes.Writes...)
	return d.chunk(ctx, d.removing, d.deletes)
}

// seal closes the plan and decides whether it may be applied.
func (d *differ) seal(ctx context.Context) error {
	d.row.State = store.PlanReady
	if d.row.Hash == "" {
		d.row.Hash = d.all.String()
	}
	switch {
	case d.in.Show:
		d.row.State = store.PlanShown
	case d.row.Request != "":
	case d.waitsWhole() && d.released == 0:
		d.row.State, d.row.Counts.Held, d.out.Held = store.PlanHeld, 0, 0
	}
	d.out.Plan, d.out.State, d.out.Hash, d.out.Why = d.row.ID, d.row.State, d.row.Hash, d.row.Why
	d.out.Writes, d.out.Counts = d.written-d.out.Held-d.left, d.row.Counts
	return d.a.Store.SealPlan(ctx, d.row)
}

func (d *differ) count(page []store.Pair, p plan.Plan) {
	c := &d.row.Counts
	c.Items += len(page)
	c.Conflicts += len(p.Conflicts)
	c.Issues += len(p.Issues)
	for _, ch := range p.Changes {
		if ch.State == plan.Skipped {
			c.Skipped++
		}
	}
	for _, w := range p.Writes {
		if w.Left {
			continue
		}
		kinds := c.Sides[w.Side]
		if kinds == nil {
			kinds = map[model.Kind]map[model.Action]int{}
			c.Sides[w.Side] = kinds
		}
		if kinds[w.Kind] == nil {
			kinds[w.Kind] = map[model.Action]int{}
		}
		kinds[w.Kind][w.Op.Action]++
	}
}
