package activities_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"lockstep.dev/model"
	"lockstep.dev/plan"
	"lockstep.dev/store"
)

// The brake of a connection holds what no mailbox's own brake would, whatever
// dies on the way; one word of a person is for all mailboxes (B3).
func TestConnectionBrakeKilledEverywhere(t *testing.T) {
	for _, s := range wideStories() {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			s.run(t)
		})
	}
}

// many people, whose own brakes hold nothing.
func many() design {
	return design{people: []string{"ada", "bob", "cy"}, kinds: []model.Kind{model.Contact}, policy: kindPolicy(model.Contact, func(k *model.KindPolicy) {
		k.BrakeCount, k.BrakeShare, k.MailDelete = 1000, 101, "delete"
	})}
}

// eighteen contacts of each.
func eighteen(h *house) {
	for _, name := range h.design.people {
		for i := range 18 {
			h.inCRM(model.Contact, name, person(fmt.Sprint(name, i), fmt.Sprint(name, i, "@example.org")))
		}
	}
}

// purge deletes seventeen of each, one more than all of them together may be.
func purge(where func(name string) string) func(h *house) {
	return func(h *house) {
		for _, name := range h.design.people {
			for i := range 17 {
				h.remove(where(name), fmt.Sprint(name, i))
			}
			h.set(where(name), fmt.Sprint(name, 17), "notes", "goes on")
		}
	}
}

func inTheCRM(string) string         { return "" }
func inMailboxes(name string) string { return name }

func wideStories() []scenario {
	waits := func(h *house) {
		for _, name := range h.design.people {
			h.wantHeld(name, 17, "more than 50 items")
			h.wantCount(1, name+"0", name)
			h.wantText(name, name+"17", "notes", "goes on")
		}
		h.wantAlert(true)
	}
	return []scenario{
		{
			name: "many mailboxes lose a little each: it waits until a person lets it go everywhere", design: many(), before: eighteen,
			steps: []func(*house){
				purge(inTheCRM),
				func(h *house) { waits(h); h.rule(h.crmID, plan.Confirmed, 1000) },
				func(h *house) { h.remove("", "ada17") }, // what was let go does not count any more
			},
			check: func(h *house) {
				h.wantCount(0, "ada0", "ada")
				h.wantCount(0, "cy16", "cy")
				h.wantCount(0, "ada17", "ada")
				h.wantCount(1, "bob17", "bob")
				h.wantAlert(false)
			},
		},
		{
			name: "what many mailboxes lose is rejected: everybody keeps it", design: many(), before: eighteen,
			steps: []func(*house){
				purge(inTheCRM),
				func(h *house) { waits(h); h.rule(h.crmID, plan.Rejected, 1000) },
			},
			check: func(h *house) {
				h.wantCount(1, "ada0", "ada")
				h.wantReason("cy", "cy16", plan.Kept, plan.ReasonStays)
				h.wantCount(0, "cy16", "")
				h.wantAlert(false)
			},
		},
		{
			// A mailbox whose process dies may act before the others were read; what
			// it does counts for them.
			name: "many mailboxes lose what the CRM has", design: many(), before: eighteen,
			steps: []func(*house){
				purge(inMailboxes),
				func(h *house) {
					h.wantText("", "ada17", "notes", "goes on")
					h.wantAlert(true)
					h.rule(h.mailID, plan.Confirmed, 1000)
				},
			},
			check: func(h *house) {
				h.wantCount(0, "ada0", "")
				h.wantCount(0, "cy16", "")
				h.wantAlert(false)
			},
		},
	}
}

// A part of what is gone is let go, by its ids; the rest goes on waiting (B3).
func TestAPartIsLetGoForTheConnection(t *testing.T) {
	h := build(t, many())
	defer h.close()
	eighteen(h)
	h.settle()
	purge(inMailboxes)(h)
	h.settle()
	h.wantCount(1, "ada0", "")
	h.wantAlert(true)
	h.rule(h.mailID, plan.Confirmed, 40) // in the order of mailboxes: of cy's a part
	h.settle()
	h.wantCount(0, "ada0", "")
	h.wantCount(0, "bob16", "")
	h.wantHeld("ada", 0, "")
	h.wantHeld("cy", 11, "more than 50 items")
	h.wantAlert(true)
	for _, w := range h.held("cy") {
		found, err := h.db.Explain(context.Background(), h.box("cy").id, string(w.Entity))
		h.must(err)
		if len(found) != 1 || !strings.Contains(found[0].Held, "more than 50 items") { // B8
			t.Errorf("explained as %+v, want it to be held", found)
		}
	}
}

// rule is a person's word on up to so many of the items that are gone on a
// connection.
func (h *house) rule(id model.ConnectionID, verdict plan.Verdict, most int) {
	h.t.Helper()
	ctx := context.Background()
	c, err := h.db.Connection(ctx, id)
	h.must(err)
	list, err := h.db.Lost(ctx, c, store.Lost{}, most)
	h.must(err)
	_, err = h.db.Rule(ctx, c, store.Ruling{Verdict: verdict, By: "test", Items: list}, h.clock.Now())
	h.must(err)
}

// wantAlert wants the alert of a connection's brake to be open, or not.
func (h *house) wantAlert(open bool) {
	h.t.Helper()
	n := 0
	for _, c := range []model.ConnectionID{h.crmID, h.mailID} {
		list, err := h.db.Alerts(context.Background(), store.AlertFilter{Connection: c})
		h.must(err)
		for _, a := range list {
			if a.Code == store.WideBrake && a.State == store.AlertOpen {
				n++
			}
		}
	}
	if open != (n == 1) {
		h.t.Errorf("%d alerts of a connection's brake are open, want open: %v", n, open)
	}
}

// Privacy turned on for many items at once is a mass deletion in the CRM: it
// waits, while our own store knows nothing of them any more (B3, B16).
func TestMassWithdrawalKilledEverywhere(t *testing.T) {
	scenario{
		name:   "eight appointments turn private at once",
		design: design{kinds: []model.Kind{model.Event}, policy: func(p *model.Policy) { p.Private = model.PrivateSkip }},
		before: func(h *house) {
			for _, n := range eight() {
				h.inMail("ada", model.Event, meeting(n, "ada"))
			}
		},
		steps: []func(*house){
			func(h *house) {
				for _, n := range eight() {
					h.set("ada", n, "class", "private")
				}
				h.inMail("ada", model.Event, meeting("Open", "ada"))
			},
			func(h *house) {
				h.wantCount(1, "A", "")
				h.wantCount(1, "Open", "") // the rest goes on
				h.wantHeld("ada", 8, "deletions of events")
				h.approve("ada")
			},
		},
		check: func(h *house) {
			h.wantCount(0, "A", "")
			h.wantCount(0, "H", "")
			h.wantCount(1, "H", "ada")
			h.wantHeld("ada", 0, "")
		},
	}.run(t)
}
