package activities_test

import (
	"time"

	"pgregory.net/rapid"

	"lockstep.dev/connector"
	"lockstep.dev/connector/memory"
	"lockstep.dev/fault"
	"lockstep.dev/model"
)

// history is one random life, with what people did in it.
type history struct {
	*house
	rt      *rapid.T
	group   group
	seen    tally
	steps   int
	records records
	backups backups
	// restored: a provider was, so that what a brake holds may be what it lost.
	restored bool
	// rebased: our own database was, so that an answer may have lost against what
	// the CRM shows, and be kept as an edit conflict.
	rebased bool
	lied    bool // a system told less than it knew
}

func newHistory(h *house, rt *rapid.T, g group, seen tally) *history {
	y := &history{house: h, rt: rt, group: g, seen: seen, records: newRecords()}
	y.backups.systems = map[string]memory.Backup{}
	seen["histories"]++
	return y
}

func (y *history) count(event string) { y.seen[event]++ }

// draw draws one of some names.
func (y *history) draw(label string, from ...string) string {
	return from[rapid.IntRange(0, len(from)-1).Draw(y.rt, label)]
}

func (y *history) people() []string { return y.design.people }

// places are where people act: "" is the CRM.
func (y *history) places() []string { return append([]string{""}, y.people()...) }

func (y *history) run() {
	y.steps = rapid.IntRange(28, 60).Draw(y.rt, "steps")
	if y.steps >= 30 {
		y.count("histories of 30 steps and more")
	}
	for range y.steps {
		y.step()
	}
	y.peace()
	y.settle()
	if y.restored {
		nobody(y.house) // a restore that brings no change is noticed by the twelfth round
		y.settle()
	}
	y.release(4)
	y.count2("went wrong", y.gate.deaths)
	y.judge()
}

func (y *history) count2(event string, n int) { y.seen[event] += n }

func (y *history) step() {
	switch rapid.IntRange(0, 11).Draw(y.rt, "step") {
	case 0, 1, 2, 3, 4:
		y.act(y.draw("act", y.acts()...))
	case 5, 6:
		y.trouble()
	case 7, 8:
		y.count("feed")
		y.watch()
		y.pass()
	default:
		y.count("round")
		y.watch()
		y.turn(rapid.IntRange(0, len(y.boxes)-1).Draw(y.rt, "box"))
	}
}

// watch has what is down probed.
func (y *history) watch() {
	for i := range 2 {
		y.see(i)
	}
}

// peace lets nothing go wrong any more.
func (y *history) peace() {
	g := y.gate
	g.hook, g.spoil, g.dieAt, g.failAt, y.lost = nil, nil, -1, -1, false
}

// release approves what a brake holds, and what that leads to.
func (y *history) release(times int) {
	for _, p := range y.people() {
		if !y.restored && times > 0 && y.box(p).held != "" {
			y.count("approve")
			y.approve(p)
			y.settle()
			y.release(times - 1)
		}
	}
}

// wrongs are the things that go wrong.
func wrongs() []string {
	return []string{
		"die", "die lost", "answer lost", "meanwhile", "other workflow", "old attempt", "429", "5xx", "412",
		"stale page", "cut page", "page twice", "page reordered", "wrong version",
	}
}

// trouble has something go wrong a few points later, in the middle of a pass or
// a round.
func (y *history) trouble() {
	at := y.gate.n + rapid.IntRange(0, 60).Draw(y.rt, "points")
	y.peace()
	switch what := y.draw("trouble", wrongs()...); what {
	case "die", "die lost":
		y.gate.dieAt, y.lost = at, what == "die lost"
		y.count(what)
	case "answer lost":
		y.gate.failAt = at
		y.count(what)
	case "meanwhile":
		y.later(at, what, anywhere, func() { y.act(y.draw("act", alone()...)) })
	case "other workflow":
		y.later(at, what, anywhere, y.other)
	case "old attempt":
		y.later(at, what, late, func() { _ = y.overtake(y.gate.n - 1)("") })
	default:
		y.spoil(at, what)
	}
}

// later has something happen at a point of a certain sort.
func (y *history) later(at int, what string, where func(name string) bool, f func()) {
	y.gate.hook = func(name string) error {
		if y.gate.n > at && where(name) {
			y.gate.hook = nil
			y.count(what)
			y.note("%s, %s:", what, name)
			f()
			y.note("and on")
		}
		return nil
	}
}

func anywhere(string) bool { return true }

// spoil spoils the next answer, after a point, that can be spoilt so.
func (y *history) spoil(at int, what string) {
	y.gate.spoil = func(p memory.Point) error {
		if y.gate.n <= at {
			return nil
		}
		err, done := y.spoilt(p, what)
		if done {
			y.note("%s: %s", what, p)
			y.gate.spoil = nil
			y.count(what)
		}
		return err
	}
}

func (y *history) spoilt(p memory.Point, what string) (err error, done bool) {
	page := p.After && p.Call == "changes"
	switch {
	case what == "429" && !p.After:
		return y.answer429(p), true
	case what == "5xx" && !p.After:
		return noAnswer(p.String(), p.Side), true
	case what == "412" && !p.After && p.Call == "apply":
		return nil, y.race(p.Operations)
	case what == "stale page" && page && !p.Page.Full && p.Page.Cursor != p.Since && y.mayLie():
		*p.Page = connector.Page{Cursor: p.Since, Last: true}
		return nil, true
	case what == "cut page" && page:
		return memory.ErrCut, true
	case what == "page twice" && page:
		return memory.ErrTwice, true
	case what == "page reordered" && page && len(p.Page.Items)+len(p.Page.Changed) > 1:
		reverse(p.Page)
		return nil, true
	case what == "wrong version" && p.After && p.Call == "apply" && y.wrongVersions(p.Receipts):
		return nil, true
	}
	return nil, false
}

// mayLie reports whether a system may answer with what it was before. What is
// made on both sides is matched only if both tell of it.
func (y *history) mayLie() bool {
	for _, s := range y.records.souls {
		if s.twins {
			return false
		}
	}
	y.lied = true
	return true
}

func (y *history) answer429(p memory.Point) error {
	return &fault.Fault{
		Class: fault.Throttled, Scope: fault.Server, Side: p.Side, Source: "memory", Code: "memory.429", After: 3 * time.Second,
		Message: "The system asks us to wait.",
	}
}

// race has a person edit what is about to be updated, so that the update is
// refused.
func (y *history) race(ops []model.Operation) bool {
	for _, op := range ops {
		if op.Action != model.Update {
			continue
		}
		for _, where := range y.places() {
			if it, ok := y.at(where).Item(op.Ref); ok && (where == "") == (op.Ref.Side == model.CRM) && leads(where, it) {
				y.edit(where, it)
				return true
			}
		}
	}
	return false
}

func reverse(p *connector.Page) {
	for i, j := 0, len(p.Items)-1; i < j; i, j = i+1, j-1 {
		p.Items[i], p.Items[j] = p.Items[j], p.Items[i]
	}
	for i, j := 0, len(p.Changed)-1; i < j; i, j = i+1, j-1 {
		p.Changed[i], p.Changed[j] = p.Changed[j], p.Changed[i]
	}
}

// wrongVersions has receipts name versions that are not the items' own.
func (y *history) wrongVersions(receipts []model.Receipt) (done bool) {
	for i := range receipts {
		if r := &receipts[i]; r.Outcome == model.Done && r.Ref.Version != "" {
			r.Ref.Version, done = "W/"+r.Ref.Version, true
		}
	}
	return done
}

// other has another workflow run in the middle of one: a mailbox's in the
// middle of a feed pass, or of another mailbox's round, or a feed pass.
func (y *history) other() {
	attempt, where := y.attempt, y.where
	defer func() { y.attempt, y.where = attempt, where }()
	box := rapid.IntRange(0, len(y.boxes)).Draw(y.rt, "other")
	if box < len(y.boxes) && (where.kind != inRound || where.box != box) {
		y.turn(box)
	} else if where.kind == inRound {
		y.pass()
	}
}
