package activities_test

import (
	"encoding/json"
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

// lives is how many random histories of each group a plain `go test` runs.
const lives = 300

// group is a sort of histories: what may happen in them besides daily life.
type group struct {
	name string
	rare []string // events of this group only
	open bool     // rules are missing: run only where LOCKSTEP_LIVES names it
}

func groups() []group {
	return []group{
		{name: "daily"},
		{name: "provider restored", rare: providerEvents()},
		{name: "our database restored", rare: ownEvents()},
	}
}

// Random histories of several mailboxes on one CRM: people act on both sides,
// processes die, answers are lost, pages come spoilt, positions expire, attempts
// that were given up go on. I1, I2, I3, I4, I7, I11, I12, B12. Each history is
// one seed; each group prints how often what happened, and fails if something
// never did.
func TestLives(t *testing.T) {
	drawn(t, lives)
	for _, g := range chosen() {
		t.Run(g.name, func(t *testing.T) {
			seen := tally{}
			town := newTown(t)
			defer town.close()
			rapid.Check(t, func(rt *rapid.T) { town.live(rt, g, seen) })
			if t.Failed() {
				return
			}
			seen.tell(t)
			seen.complete(t, g)
		})
	}
}

// drawn sets how many histories are drawn and from which seed, unless the
// command line says so.
func drawn(t *testing.T, checks int) {
	t.Helper()
	for name, value := range map[string]string{"rapid.checks": fmt.Sprint(checks), "rapid.seed": "1", "rapid.nofailfile": "true"} {
		if f := flag.Lookup(name); f.Value.String() == f.DefValue {
			if err := flag.Set(name, value); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// tally counts what happened, by event.
type tally map[string]int

func (c tally) String() string {
	names := make([]string, 0, len(c))
	for name := range c {
		names = append(names, name)
	}
	slices.Sort(names)
	var out strings.Builder
	for _, name := range names {
		fmt.Fprintf(&out, "%s %d, ", name, c[name])
	}
	return strings.TrimSuffix(out.String(), ", ")
}

// tell prints the counts; a soak adds them up.
func (c tally) tell(t *testing.T) {
	t.Log(c)
	if os.Getenv("LOCKSTEP_TALLY") == "" {
		return
	}
	data, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Println("tally", string(data))
}

// complete wants everything to have happened at least once, and histories that
// are long enough.
func (c tally) complete(t *testing.T, g group) {
	t.Helper()
	for _, e := range slices.Concat(actions(), wrongs(), g.rare) {
		if c[e] == 0 {
			t.Errorf("%q never happened", e)
		}
	}
	if c["histories of 30 steps and more"]*2 < c["histories"] {
		t.Errorf("the median of steps is below 30")
	}
}

// town is every sort of system, each with a house that is as new before each
// history.
type town struct{ plots []plot }

type plot struct {
	name string
	*house
	empty scene
}

// newTown builds the houses. The last one keeps its store in a file; one history
// in a hundred is lived there.
func newTown(t *testing.T) *town {
	t.Helper()
	town := &town{}
	for _, v := range systems() {
		town.add(t, v)
	}
	return town
}

func (w *town) add(t *testing.T, v variant) {
	t.Helper()
	d := v.design
	d.kinds = []model.Kind{model.Contact, model.Event}
	h := build(t, d)
	for _, p := range d.people {
		h.mail.AddCollection(address(p), model.Collection{ID: "team", Kind: model.Event})
		h.mail.AddCollection(address(p), model.Collection{ID: "friends", Kind: model.Contact})
	}
	h.gate.quiet = true
	h.settle()
	h.gate.quiet = false
	w.plots = append(w.plots, plot{name: v.name, house: h, empty: h.shoot(0, place{})})
}

func (w *town) close() {
	for _, p := range w.plots {
		p.close()
	}
}

// live lives one history.
func (w *town) live(rt *rapid.T, g group, seen tally) {
	p := w.plots[rapid.IntRange(0, len(w.plots)-2).Draw(rt, "system")]
	if rapid.IntRange(1, 100).Draw(rt, "percent") == 77 {
		p = w.plots[len(w.plots)-1]
	}
	p.t = rt
	p.rewind(p.empty)
	p.note("on the system %q", p.name)
	newHistory(p.house, rt, g, seen).run()
}

// variant is one sort of systems.
type variant struct {
	name string
	design
}

func systems() []variant {
	two := []string{"ada", "bob"}
	small := memory.Everything(model.Mail)
	for k, c := range small {
		c.WriteBatch, c.FetchBatch = 1, 1
		small[k] = c
	}
	return []variant{
		{"well-behaved", design{people: two}},
		{"page by page", design{people: two, crm: memory.Config{Page: 1, Refs: true}, mail: memory.Config{Page: 2, Refs: true, Silent: true}}},
		{"one at a time", design{people: []string{"ada", "bob", "cleo"}, crm: memory.Config{Refs: true}, mail: memory.Config{Kinds: small, Refs: true}}},
		{"names used again", design{people: two, crm: memory.Config{Reuse: true, Silent: true}, mail: memory.Config{Reuse: true}}},
		{"reads behind writes", design{people: two, crm: memory.Config{Lag: 25 * time.Second}, mail: memory.Config{Lag: 15 * time.Second}}},
		{"stamps in mailboxes", design{people: two, mail: memory.Config{Kinds: tiered(model.Mail, connector.T2)}}},
		{"stamps in the CRM", design{people: two, crm: memory.Config{Kinds: tiered(model.CRM, connector.T2)}}},
		{"the mailbox wins", design{people: two, policy: func(p *model.Policy) {
			p.Kinds[model.Contact] = model.KindPolicy{FromMail: "all", FromCRM: "all", Wins: "mail", MailDelete: "delete"}
			p.Kinds[model.Event] = model.KindPolicy{FromMail: "all", FromCRM: "all", Wins: "newest"}
		}}},
		{"invitations", design{people: two, policy: func(p *model.Policy) { p.Invite = "organizer-changes" }}},
		{"a CRM that shouts", design{people: two, crm: memory.Config{Stored: shouting}}},
		{"in a file", design{people: two, sqlite: true}},
	}
}
