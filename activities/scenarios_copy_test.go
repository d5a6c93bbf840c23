package activities_test

import (
	"testing"
	"time"

	"lockstep.dev/connector/memory"
	"lockstep.dev/model"
	"lockstep.dev/plan"
)

// A user's copy becomes an item of its own, whatever dies on the way; what was
// only moved is followed, and what stands for the same thing is reported
// (algorithm 1.6 and 1.7).
func TestCopiesKilledEverywhere(t *testing.T) {
	for _, s := range copyStories() {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			s.run(t)
		})
	}
}

// copied makes a copy in another collection, under a UID of its own.
func copied(name string) func(h *house) {
	return func(h *house) {
		ref := h.at("ada").Copy(h.the("ada", name).Ref, h.the("ada", name).Ref.Collection, false)
		h.at("ada").Set(ref, map[model.Kind]string{model.Contact: "full_name", model.Event: "title"}[ref.Kind], "Copy")
	}
}

func copyStories() []scenario {
	apart := func(h *house) {
		for _, where := range []string{"", "ada"} {
			h.wantCount(1, "Bob", where)
			h.wantCount(1, "Copy", where)
		}
		h.set("", "Copy", "notes", "of the copy")
		h.set("ada", "Bob", "notes", "of the original")
	}
	each := func(h *house) {
		h.wantText("ada", "Copy", "notes", "of the copy")
		h.wantText("", "Bob", "notes", "of the original")
		if a, b := h.the("ada", "Copy").Stamp, h.the("ada", "Bob").Stamp; plan.KeyEntity(a) == plan.KeyEntity(b) || a == "" {
			h.t.Errorf("the copy carries %q, the original %q", a, b)
		}
	}
	return []scenario{
		{
			name: "a copied contact becomes one of its own", design: contacts(), before: bob,
			steps: []func(*house){copied("Bob"), apart}, check: each,
		},
		{
			name: "a copied contact becomes one of its own where reads lag", design: lagging(contacts()), before: bob,
			steps: []func(*house){copied("Bob"), apart}, check: each,
		},
		{
			name: "the original is deleted later: the copy stays", design: contacts(), before: bob, // rule 4 of 1.12
			steps: []func(*house){copied("Bob"), func(h *house) { h.remove("", "Bob") }},
			check: func(h *house) { h.wantCount(0, "Bob", "", "ada"); h.wantCount(1, "Copy", "", "ada") },
		},
		{
			name: "the original is deleted while its copy is being marked", design: contacts(), before: bob,
			steps:     []func(*house){copied("Bob")},
			meanwhile: func(h *house) { removeIfThere(h, "", "Bob") },
			check:     func(h *house) { h.wantCount(0, "Bob", ""); h.wantCount(1, "Copy", "", "ada") },
		},
		{
			name: "a contact is moved by copying and deleting: it is followed", design: contacts(), before: bob,
			steps: []func(*house){func(h *house) {
				old := h.the("ada", "Bob").Ref
				h.at("ada").Copy(old, old.Collection, false)
				h.at("ada").Delete(old)
			}, func(h *house) { h.set("", "Bob", "notes", "follows") }},
			check: func(h *house) {
				h.wantCount(1, "Bob", "", "ada")
				h.wantText("ada", "Bob", "notes", "follows")
			},
		},
		{
			name: "a contact is moved to another folder by copying and deleting, while it is read", design: contacts(),
			before: func(h *house) {
				h.mail.AddCollection(address("ada"), model.Collection{ID: "friends", Kind: model.Contact})
				bob(h)
			},
			steps: []func(*house){func(h *house) { h.set("", "Bob", "notes", "read now") }},
			meanwhile: func(h *house) {
				for _, it := range h.all("ada", "Bob") {
					h.at("ada").Copy(it.Ref, "friends", false)
					h.at("ada").Delete(it.Ref)
				}
			},
			check: func(h *house) {
				h.wantCount(1, "Bob", "", "ada")
				if it := h.the("ada", "Bob"); plan.KeyEntity(it.Stamp) != plan.CRMEntity(h.crmID, model.Contact, h.the("", "Bob").Ref.ID) {
					h.t.Errorf("what was moved carries %q now", it.Stamp)
				}
			},
		},
		{
			name: "a meeting is copied within the mailbox under its own UID: one of them is told", design: events("ada", "bob"), before: standup,
			steps: []func(*house){func(h *house) { h.at("bob").Copy(h.the("bob", "Standup").Ref, "events", true) }},
			check: func(h *house) { h.wantCount(2, "Standup", "bob"); h.wantCount(1, "Standup", "") },
		},
		{
			name: "a meeting is copied as a new one", design: events("ada"), before: standup,
			steps: []func(*house){copied("Standup")},
			check: func(h *house) { h.wantCount(1, "Copy", "", "ada"); h.wantCount(1, "Standup", "", "ada") },
		},
	}
}

// lagging has a mail system whose reads show writes fifteen seconds later.
func lagging(d design) design {
	d.mail = memory.Config{Lag: 40 * time.Second}
	return d
}

// removeIfThere deletes an item, unless somebody has done so before.
func removeIfThere(h *house, where, name string) {
	for _, it := range h.all(where, name) {
		h.at(where).Delete(it.Ref)
	}
}
