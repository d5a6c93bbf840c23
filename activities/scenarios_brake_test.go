package activities_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"lockstep.dev/activities"
	"lockstep.dev/model"
	"lockstep.dev/plan"
	"lockstep.dev/store"
)

// Brakes hold the dangerous part of a plan, whatever dies on the way; a person
// lets it go or rejects it, as a whole or in part (B1, B3, I10).
func TestBrakesKilledEverywhere(t *testing.T) {
	for _, s := range append(brakeStories(), verdictStories()...) {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			s.run(t)
		})
	}
}

// eight are the people of stories about many.
func eight() []string { return []string{"A", "B", "C", "D", "E", "F", "G", "H"} }

func eightContacts(h *house) {
	for _, n := range eight() {
		h.inCRM(model.Contact, "ada", person(n, n+"@example.org"))
	}
}

// rewriteAll is an import gone wrong: a field of six of eight is changed.
func rewriteAll(h *house) {
	for _, n := range eight()[:6] {
		h.set("", n, "job_title", "IMPORTED")
	}
	h.set("", "G", "notes", "goes on")
}

func brakeStories() []scenario {
	return []scenario{
		{
			name: "a mass rewrite waits, the rest goes on", design: contacts(), before: eightContacts, // B3
			steps: []func(*house){
				rewriteAll,
				func(h *house) {
					h.wantText("ada", "A", "job_title", "")
					h.wantText("ada", "G", "notes", "goes on")
					h.approve("ada")
				},
			},
			check: func(h *house) {
				h.wantText("ada", "A", "job_title", "IMPORTED")
				h.wantText("ada", "F", "job_title", "IMPORTED")
			},
		},
		{
			name: "a mass rewrite is rejected: each side keeps what it has", design: contacts(), before: eightContacts,
			steps: []func(*house){
				rewriteAll,
				func(h *house) { h.decide("ada", activities.VerbReject, activities.Choice{}) },
				func(h *house) { h.set("", "A", "notes", "later") },
			},
			check: func(h *house) {
				h.wantText("ada", "A", "job_title", "")
				h.wantText("", "A", "job_title", "IMPORTED")
				h.wantText("ada", "A", "notes", "later")
			},
		},
		{
			name: "an address book imported a second time waits", design: contacts(), // algorithm 1.8: echo
			before: func(h *house) {
				for i := range 20 {
					h.inCRM(model.Contact, "ada", person(fmt.Sprint("P", i), fmt.Sprint("p", i, "@example.org")))
				}
			},
			steps: []func(*house){
				func(h *house) {
					for i := range 20 {
						h.inMail("ada", model.Contact, h.the("ada", fmt.Sprint("P", i)).Content)
					}
					h.inMail("ada", model.Contact, person("New", "new@example.org"))
				},
			},
			check: func(h *house) {
				h.wantCount(1, "New", "")
				h.wantCount(1, "P0", "")
				h.wantCount(1, "P19", "")
				h.wantHeld("ada", 20, "say what the crm side holds already")
			},
		},
		{
			name: "one copied contact is no brake", design: contacts(), before: bob,
			steps: []func(*house){func(h *house) { h.inMail("ada", model.Contact, h.the("ada", "Bob").Content) }},
			check: func(h *house) { h.wantCount(2, "Bob", "", "ada") },
		},
	}
}

func verdictStories() []scenario {
	removeSix := func(h *house) {
		for _, n := range eight()[:6] {
			h.remove("", n)
		}
	}
	return []scenario{
		{
			name: "deletions are rejected: they do not travel and nothing is created again", design: contacts(), before: eightContacts,
			steps: []func(*house){
				removeSix,
				func(h *house) { h.decide("ada", activities.VerbReject, activities.Choice{}) },
				func(h *house) { h.set("ada", "A", "notes", "still mine") },
			},
			check: func(h *house) {
				h.wantCount(1, "A", "ada")
				h.wantCount(0, "A", "")
				h.wantReason("ada", "A", plan.Kept, plan.ReasonStays)
				h.wantHeld("ada", 0, "")
			},
		},
		{
			name: "one deletion of many is let go, one rejected, the others wait", design: contacts(), before: eightContacts,
			steps: []func(*house){
				removeSix,
				func(h *house) { h.decide("ada", activities.VerbApprove, h.choose("ada", "A")) },
				func(h *house) { h.decide("ada", activities.VerbReject, h.choose("ada", "B")) },
			},
			check: func(h *house) {
				h.wantCount(0, "A", "ada")
				h.wantCount(1, "B", "ada")
				h.wantReason("ada", "B", plan.Kept, plan.ReasonStays)
				h.wantHeld("ada", 4, "deletions")
			},
		},
		{
			name:   "a part of the first sync is let go, the rest waits", // B1
			design: design{kinds: []model.Kind{model.Contact, model.Task}, policy: func(p *model.Policy) { p.Approval = "first-sync" }},
			steps: []func(*house){
				func(h *house) {
					h.inCRM(model.Contact, "ada", person("Ann", "ann@example.org"))
					h.inMail("ada", model.Task, todo("Mend"))
				},
				func(h *house) { h.decide("ada", activities.VerbApprove, activities.Choice{Kind: model.Contact}) },
				func(h *house) {
					h.wantCount(1, "Ann", "ada")
					h.wantCount(0, "Mend", "")
					h.inMail("ada", model.Task, todo("Paint"))
				},
				func(h *house) { h.wantCount(0, "Paint", ""); h.approve("ada") },
			},
			check: func(h *house) { h.wantCount(1, "Mend", ""); h.wantCount(1, "Paint", "") },
		},
		{
			name:   "the first sync changes after it was looked at", // B1: exactly the plan that was seen, or nothing
			design: design{kinds: []model.Kind{model.Contact}, policy: func(p *model.Policy) { p.Approval = "first-sync" }},
			steps: []func(*house){
				func(h *house) { h.inCRM(model.Contact, "ada", person("Ann", "ann@example.org")) },
				func(h *house) {
					h.inMail("ada", model.Contact, person("Unseen", "unseen@example.org"))
					h.approve("ada")
				},
			},
			check: func(h *house) { h.wantCount(0, "Ann", "ada"); h.wantCount(0, "Unseen", "") },
		},
	}
}

// decide says what a person who looked at the plan decided.
func (h *house) decide(name, verb string, c activities.Choice) {
	h.t.Helper()
	p, err := h.db.Plan(context.Background(), h.box(name).id)
	h.must(err)
	c.Hash = p.Hash
	h.command(name, verb, c.Argument())
}

// choose chooses the waiting write to an item with a name.
func (h *house) choose(name, item string) activities.Choice {
	h.t.Helper()
	ref := h.the(name, item).Ref
	var c activities.Choice
	for _, w := range h.held(name) {
		if w.Op.Ref.ID == ref.ID {
			c.Only = append(c.Only, w.Number+1)
		}
	}
	return c
}

// held are the writes that wait.
func (h *house) held(name string) []store.Planned {
	h.t.Helper()
	ctx := context.Background()
	p, err := h.db.Plan(ctx, h.box(name).id)
	h.must(err)
	all, err := h.db.PlanWrites(ctx, p.ID, -1, 5000)
	h.must(err)
	var out []store.Planned
	for _, w := range all {
		if activities.Waits(p, w) {
			out = append(out, w)
		}
	}
	return out
}

// wantHeld wants so many writes to wait, each for a reason.
func (h *house) wantHeld(name string, n int, why string) {
	h.t.Helper()
	list := h.held(name)
	if len(list) != n {
		h.t.Errorf("%d writes wait, want %d", len(list), n)
	}
	for _, w := range list {
		if !strings.Contains(w.Held, why) {
			h.t.Errorf("held because %q, want %q", w.Held, why)
		}
	}
}

// wantReason wants explain to give a state and a reason (B8).
func (h *house) wantReason(name, item string, state plan.State, reason string) {
	h.t.Helper()
	found, err := h.db.Explain(context.Background(), h.box(name).id, item)
	h.must(err)
	if !slices.ContainsFunc(found, func(e store.Explanation) bool { return e.State == state && e.Reason == reason }) {
		h.t.Errorf("%q is explained as %+v, want %q: %s", item, found, state, reason)
	}
}
