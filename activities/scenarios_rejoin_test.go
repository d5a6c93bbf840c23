package activities_test

import (
	"context"
	"strings"
	"testing"

	"lockstep.dev/activities"
	"lockstep.dev/model"
	"lockstep.dev/plan"
	"lockstep.dev/store"
)

// What rests since an undo, a rejection or a deletion that did not travel is
// synced again when a person says so, whatever dies on the way.
func TestRejoiningKilledEverywhere(t *testing.T) {
	for _, s := range rejoinStories() {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			s.run(t)
		})
	}
}

func rejoinStories() []scenario {
	return []scenario{
		{
			name: "rejected deletions are rejoined: what is kept is in the CRM again", design: contacts(), before: eightContacts,
			steps: []func(*house){
				func(h *house) {
					for _, n := range eight()[:6] {
						h.remove("", n)
					}
				},
				func(h *house) { h.decide("ada", activities.VerbReject, activities.Choice{}) },
				func(h *house) { h.rejoin("ada", "A", "B") },
				func(h *house) {
					h.set("ada", "A", "notes", "from the mailbox")
					h.set("", "B", "notes", "from the CRM")
				},
			},
			check: func(h *house) {
				h.wantCount(1, "A", "", "ada")
				h.wantText("", "A", "notes", "from the mailbox")
				h.wantText("ada", "B", "notes", "from the CRM")
				h.wantReason("ada", "C", plan.Kept, plan.ReasonStays)
			},
		},
		{
			name: "the copy of an undone create is rejoined", design: contacts(),
			steps: []func(*house){
				bob,
				func(h *house) { h.undo("ada") },
				func(h *house) { h.wantReason("ada", "Bob", plan.Kept, plan.ReasonUndone); h.rejoin("ada", "Bob") },
				func(h *house) { h.set("ada", "Bob", "notes", "again") },
			},
			check: func(h *house) { h.wantCount(1, "Bob", "", "ada"); h.wantText("", "Bob", "notes", "again") },
		},
		{
			name: "a deletion that did not travel is regretted", design: contacts(), before: bob,
			steps: []func(*house){
				func(h *house) { h.remove("ada", "Bob") },
				func(h *house) { h.wantReason("ada", "Bob", plan.Kept, plan.ReasonMailGone); h.rejoin("ada", "Bob") },
				func(h *house) { h.set("", "Bob", "notes", "both have it") },
			},
			check: func(h *house) { h.wantCount(1, "Bob", "", "ada"); h.wantText("ada", "Bob", "notes", "both have it") },
		},
		{
			name: "a rejected new item is rejoined after it was entered on the other side", design: contacts(),
			before: func(h *house) {
				for i := range 20 {
					h.inCRM(model.Contact, "ada", person(string(rune('A'+i)), string(rune('a'+i))+"@example.org"))
				}
			},
			steps: []func(*house){
				func(h *house) {
					for i := range 20 {
						h.inMail("ada", model.Contact, h.the("ada", string(rune('A'+i))).Content)
					}
				},
				func(h *house) { h.decide("ada", activities.VerbReject, activities.Choice{}) },
				func(h *house) {
					twin := h.all("ada", "A")[1]
					h.at("ada").Set(twin.Ref, "full_name", "Anew")
					h.inCRM(model.Contact, "ada", h.the("ada", "Anew").Content)
				},
				func(h *house) { h.rejoin("ada", "Anew") },
			},
			check: func(h *house) { h.wantCount(1, "Anew", ""); h.wantCount(1, "A", "", "ada") },
		},
	}
}

// rejoin has what people call so synced again, having looked at what it would do.
func (h *house) rejoin(name string, items ...string) {
	h.t.Helper()
	h.command(name, activities.VerbRejoin, activities.Rejoining{Entities: h.resting(name, items...)}.Argument())
}

// resting are the entities of what rests under those names.
func (h *house) resting(name string, items ...string) []model.EntityID {
	h.t.Helper()
	list, err := h.db.Resting(context.Background(), h.box(name).id, "", 1000)
	h.must(err)
	var out []model.EntityID
	for _, p := range list {
		for _, s := range []*plan.Seen{p.CRM, p.Mail} {
			for _, item := range items {
				if s != nil && nameOf(s.Content) == item {
					out = append(out, p.Entity)
				}
			}
		}
	}
	return out
}

// A person sees what rejoining would do before it is done; bad input does
// nothing.
func TestRejoiningIsForeseen(t *testing.T) {
	h := build(t, contacts())
	defer h.close()
	eightContacts(h)
	h.settle()
	for _, n := range eight()[:6] {
		h.remove("", n)
	}
	h.settle()
	h.decide("ada", activities.VerbReject, activities.Choice{})
	h.settle()
	for _, c := range []struct {
		argument string
		outcome  store.RequestOutcome
		says     string
	}{
		{activities.Rejoining{Dry: true, Entities: h.resting("ada", "A", "B")}.Argument(), store.RequestDone, "Nothing was changed. 2 would be created in the CRM."},
		{"", store.RequestRefused, "Nothing was named"},
		{"dry", store.RequestRefused, "Nothing was named"},
		{"dry enothing", store.RequestRefused, "lockstep review kept ada@example.com"},
		{"enothing", store.RequestRefused, "lockstep review kept ada@example.com"},
	} {
		r, err := h.db.AddRequest(context.Background(), store.Request{Mailbox: h.box("ada").id, Verb: activities.VerbRejoin, Argument: c.argument, By: "test", At: h.clock.Now()})
		h.must(err)
		h.until("obey", h.acts.Obey, activities.ObeyIn{Request: r.ID}, &activities.ObeyOut{})
		r, err = h.db.Request(context.Background(), r.ID)
		h.must(err)
		if r.Outcome != c.outcome || !strings.Contains(r.Message, c.says) {
			t.Errorf("%q: %s: %s", c.argument, r.Outcome, r.Message)
		}
	}
	if n := len(h.resting("ada", eight()...)); n != 6 {
		t.Errorf("%d rest, want 6", n)
	}
}
