package activities_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"lockstep.dev/connector"
	"lockstep.dev/connector/memory"
	"lockstep.dev/model"
)

// histories is how many random histories a plain `go test` runs on each kind of
// system.
const histories = 15

// I1, I2, I3, I4, I12, B12: random histories over two mailboxes on one CRM, of
// edits, creations, deletions and moves on both sides, rounds, deaths, lost
// answers and expired positions, and of people and other rounds that act in the
// middle of all that. LOCKSTEP_SOAK is the number of histories of a long run,
// which draws another seed each time.
func TestRandomHistories(t *testing.T) {
	drawn(t)
	for name, d := range map[string]design{
		"well-behaved":          {},
		"page by page":          {crm: memory.Config{Page: 1, Refs: true}, mail: memory.Config{Page: 2, Refs: true, Silent: true}},
		"names used again":      {crm: memory.Config{Reuse: true, Silent: true}, mail: memory.Config{Reuse: true}},
		"reads behind writes":   {crm: memory.Config{Lag: 25 * time.Second}, mail: memory.Config{Lag: 15 * time.Second}},
		"stamps instead of ids": {mail: memory.Config{Kinds: tiered(model.Mail, connector.T2)}},
	} {
		t.Run(name, func(t *testing.T) { livesOn(t, d) })
	}
}

// drawn sets how many histories are drawn, unless the command line says so.
func drawn(t *testing.T) {
	t.Helper()
	checks, seed := fmt.Sprint(histories), "1"
	if n := os.Getenv("LOCKSTEP_SOAK"); n != "" {
		checks, seed = n, "0"
	}
	for name, value := range map[string]string{"rapid.checks": checks, "rapid.seed": seed, "rapid.nofailfile": "true"} {
		if f := flag.Lookup(name); f.Value.String() == f.DefValue {
			if err := flag.Set(name, value); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// livesOn runs random histories on one kind of systems.
func livesOn(t *testing.T, d design) {
	d.kinds, d.people = []model.Kind{model.Contact, model.Event}, []string{"ada", "bob"}
	h := build(t, d)
	defer func() { h.close() }()
	for _, p := range d.people {
		h.mail.AddCollection(address(p), model.Collection{ID: "team", Kind: model.Event})
	}
	h.gate.quiet = true
	h.settle()
	h.gate.quiet = false
	empty := h.shoot(0, place{})
	events := map[string]int{}
	rapid.Check(t, func(rt *rapid.T) {
		h.t = rt
		h.rewind(empty)
		newHistory(h, rt, events).run()
	})
	h.t = t
	t.Logf("events: %v", events)
}

// history is one random life, with what people did in it.
type history struct {
	*house
	rt     *rapid.T
	events map[string]int
	souls  int
	values int
	edits  map[string]edit // by value, which is unique
	// buried are values that a person saw and overwrote or deleted.
	buried map[string]bool
}

// edit is one value that a person wrote.
type edit struct {
	soul, field, where string
}

func newHistory(h *house, rt *rapid.T, events map[string]int) *history {
	return &history{house: h, rt: rt, events: events, edits: map[string]edit{}, buried: map[string]bool{}}
}

func (y *history) run() {
	steps := rapid.IntRange(20, 45).Draw(y.rt, "steps")
	for range steps {
		switch rapid.IntRange(0, 9).Draw(y.rt, "what") {
		case 0, 1, 2, 3:
			y.act("both")
		case 4:
			y.plan()
		case 5, 6:
			y.count("feed")
			y.pass()
		default:
			y.count("round")
			y.turn(rapid.IntRange(0, len(y.boxes)-1).Draw(y.rt, "box"))
		}
	}
	y.gate.hook, y.gate.dieAt, y.gate.failAt = nil, -1, -1
	y.settle()
	y.release(4)
	y.events["went wrong"] += y.gate.deaths
	y.judge()
}

// release approves what a brake holds, and what that leads to.
func (y *history) release(times int) {
	for _, p := range []string{"ada", "bob"} {
		if times > 0 && y.box(p).held != "" {
			y.count("approve")
			y.approve(p)
			y.settle()
			y.release(times - 1)
		}
	}
}

func (y *history) count(event string) { y.events[event]++ }

// plan lets something happen a few points later, in the middle of a round.
func (y *history) plan() {
	at := y.gate.n + rapid.IntRange(0, 60).Draw(y.rt, "points")
	y.gate.dieAt, y.gate.failAt, y.lost = -1, -1, false
	switch rapid.SampledFrom([]string{"die", "die lost", "fail", "act", "act", "other"}).Draw(y.rt, "plan") {
	case "die":
		y.gate.dieAt = at
	case "die lost":
		y.gate.dieAt, y.lost = at, true
	case "fail":
		y.gate.failAt = at
	case "other":
		y.later(at, y.other)
	default:
		y.later(at, func() { y.act() })
	}
}

// later has something happen at a point.
func (y *history) later(at int, what func()) {
	y.gate.hook = func(string) error {
		if y.gate.n > at {
			y.gate.hook = nil
			y.count("in the middle")
			what()
		}
		return nil
	}
}

// other has another workflow run in the middle of one: a mailbox's in the
// middle of a feed pass, or of another mailbox's round, or a feed pass.
func (y *history) other() {
	attempt, where := y.attempt, y.where
	defer func() { y.attempt, y.where = attempt, where }()
	y.note("in between:")
	box := rapid.IntRange(0, len(y.boxes)).Draw(y.rt, "other")
	if box < len(y.boxes) && (where.kind != inRound || where.box != box) {
		y.turn(box)
	} else if where.kind == inRound {
		y.pass()
	}
	y.note("and on")
}

// act lets a person do something. In the middle of a round nobody makes the same
// thing on both sides: no engine can know what is made while it writes.
func (y *history) act(more ...string) {
	what := rapid.SampledFrom(append(more, "create", "create", "edit", "edit", "edit", "edit", "delete", "move", "answer", "expire")).Draw(y.rt, "act")
	y.count(what)
	where := rapid.SampledFrom([]string{"", "", "ada", "bob"}).Draw(y.rt, "where")
	switch what {
	case "create":
		y.create(where, y.draft(rapid.SampledFrom([]model.Kind{model.Contact, model.Event}).Draw(y.rt, "kind"), where))
	case "both":
		d := y.draft(rapid.SampledFrom([]model.Kind{model.Contact, model.Event}).Draw(y.rt, "kind"), "ada")
		d.Owner = "u-ada"
		y.create("", d)
		y.create("ada", d)
	case "expire":
		if where == "" {
			y.crm.Expire()
		} else {
			y.mail.Expire()
		}
	default:
		if items := y.at(where).Items(); len(items) > 0 {
			y.touch(what, where, items[rapid.IntRange(0, len(items)-1).Draw(y.rt, "item")])
		}
	}
}

// draft is a new item of somebody; a meeting invites the other one as well.
func (y *history) draft(kind model.Kind, where string) memory.Draft {
	y.souls++
	soul := fmt.Sprintf("soul-%d", y.souls)
	who := where
	if who == "" {
		who = rapid.SampledFrom([]string{"ada", "bob"}).Draw(y.rt, "owner")
	}
	d := memory.Draft{Kind: kind, Owner: "u-" + who}
	if kind == model.Contact {
		d.Content = person(soul, soul+"@example.org")
		return d
	}
	d.UID, d.Content = soul, meeting(soul, who, "ada", "bob")
	d.Content.PutSet("attendees", d.Content.Set("attendees"))
	return d
}

func (y *history) create(where string, d memory.Draft) {
	y.note("%q creates %s", where, nameOf(d.Content))
	y.at(where).Create(d)
}

// soulOf tells which thing an item is, whatever became of it.
func soulOf(it model.Item) string {
	if it.Ref.Kind == model.Event {
		return it.UID
	}
	return it.Content.Text("full_name")
}

// leads reports whether a person may change the shared record from a mailbox.
func leads(where string, it model.Item) bool {
	return where == "" || it.Ref.Kind == model.Contact || it.Content.Text("organizer") == address(where)
}

func fieldsOf(k model.Kind) []string {
	if k == model.Contact {
		return []string{"notes", "job_title", "nickname"}
	}
	return []string{"location", "description", "url"}
}

func (y *history) touch(what, where string, it model.Item) {
	switch what {
	case "edit":
		if !leads(where, it) {
			return
		}
		field := rapid.SampledFrom(fieldsOf(it.Ref.Kind)).Draw(y.rt, "field")
		y.values++
		value := fmt.Sprintf("v%d", y.values)
		y.note("%q writes %s of %s: %s", where, field, soulOf(it), value)
		y.edits[value] = edit{soul: soulOf(it), field: field, where: where}
		y.buried[it.Content.Text(field)] = true
		y.at(where).Set(it.Ref, field, value)
	case "delete":
		y.note("%q deletes %s", where, soulOf(it))
		for _, f := range fieldsOf(it.Ref.Kind) {
			y.buried[it.Content.Text(f)] = true
		}
		y.at(where).Delete(it.Ref)
	case "move":
		y.move(where, it)
	case "answer":
		if it.Ref.Kind == model.Event && where != "" {
			y.note("%q answers %s", where, soulOf(it))
			y.answer(where, nameOf(it.Content), where, rapid.SampledFrom([]string{"accepted", "declined"}).Draw(y.rt, "answer"))
		}
	}
}

func (y *history) move(where string, it model.Item) {
	if where == "" || it.Ref.Kind != model.Event {
		return
	}
	to := map[string]string{"events": "team", "team": "events"}[it.Ref.Collection]
	if rapid.Bool().Draw(y.rt, "new id") {
		y.note("%q moves %s to %s under a new id", where, soulOf(it), to)
		y.at(where).Move(it.Ref, to)
		return
	}
	y.note("%q moves %s to %s", where, soulOf(it), to)
	y.at(where).Shift(it.Ref, to)
}

// judge holds the end of a history against the invariants.
func (y *history) judge() {
	places := map[string]map[string][]model.Item{}
	for _, p := range []string{"", "ada", "bob"} {
		places[p] = map[string][]model.Item{}
		for _, it := range y.at(p).Items() {
			places[p][soulOf(it)] = append(places[p][soulOf(it)], it)
		}
	}
	var wrong []string
	for p, souls := range places {
		for soul, items := range souls {
			if len(items) > 1 {
				wrong = append(wrong, fmt.Sprintf("I3: %q holds %s %d times", p, soul, len(items)))
			}
			if p != "" {
				wrong = append(wrong, y.differing(p, soul, items[0], places[""][soul])...)
			}
		}
	}
	wrong = append(wrong, y.lostValues()...)
	if n := len(y.mail.Mails()) + len(y.crm.Mails()); n > 0 {
		wrong = append(wrong, fmt.Sprintf("B2: %d mails went out", n))
	}
	if len(wrong) > 0 {
		slices.Sort(wrong)
		y.t.Fatalf("%s\n%s", strings.Join(wrong, "\n"), y.story())
	}
}

// differing wants a mailbox's item to say what the CRM's says (I1).
func (y *history) differing(p, soul string, it model.Item, crm []model.Item) []string {
	if len(crm) == 0 {
		return []string{fmt.Sprintf("I1: %q holds %s, the CRM does not", p, soul)}
	}
	var out []string
	for _, f := range model.SharedFields(it.Ref.Kind) {
		if !it.Content[f].Equal(crm[0].Content[f]) {
			out = append(out, fmt.Sprintf("I1: %s of %s is %v in %q and %v in the CRM", f, soul, it.Content[f], p, crm[0].Content[f]))
		}
	}
	return out
}

// lostValues are what people wrote and nobody can find any more (I4).
func (y *history) lostValues() []string {
	here := map[string]bool{}
	for _, p := range []string{"", "ada", "bob"} {
		for _, it := range y.at(p).Items() {
			for _, f := range fieldsOf(it.Ref.Kind) {
				here[it.Content.Text(f)] = true
			}
		}
	}
	for _, b := range y.boxes {
		rows, err := y.db.Conflicts(context.Background(), b.id)
		y.must(err)
		for _, r := range rows {
			here[r.Loser.Text] = true
		}
	}
	var out []string
	for value, e := range y.edits {
		if !here[value] && !y.buried[value] {
			out = append(out, fmt.Sprintf("I4: %s that %q wrote into %s of %s is lost", value, e.where, e.field, e.soul))
		}
	}
	return out
}
