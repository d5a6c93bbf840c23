package activities_test

import (
	"context"
	"testing"

	"lockstep.dev/activities"
	"lockstep.dev/model"
	"lockstep.dev/plan"
)

// B4: a round is taken back on both sides, whatever dies on the way, and the
// round after it has nothing to do. Nobody is told (B2).
func TestUndoKilledEverywhere(t *testing.T) {
	for _, s := range append(undoStories(), undoMeetingStories()...) {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			s.run(t)
		})
	}
}

// The same on the database that people use.
func TestUndoKilledOnSQLite(t *testing.T) {
	for _, s := range append(undoStories()[:3], verdictStories()[0], brakeStories()[0]) {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			s.sqlite = true
			s.run(t)
		})
	}
}

// undo takes back the last round of a mailbox that wrote anything.
func (h *house) undo(name string) {
	h.t.Helper()
	h.command(name, activities.VerbUndo, activities.UndoOf{Round: h.wrote(name)}.Argument())
}

// wrote is the number of a mailbox's last round that wrote anything.
func (h *house) wrote(name string) int64 {
	h.t.Helper()
	ctx := context.Background()
	rounds, err := h.db.Rounds(ctx, h.box(name).id, 100)
	h.must(err)
	for _, r := range rounds {
		deeds, err := h.db.Deeds(ctx, h.box(name).id, r.Number, "", 100)
		if err == nil && len(deeds) > 0 {
			return r.Number
		}
	}
	h.t.Fatalf("no round of %s wrote anything\n%s", name, h.story())
	return 0
}

// taken is a scenario in which what a round made of some acts is undone: in the
// end everything is as it was right after the acts.
func taken(name string, d design, before, acts func(h *house), undo string) scenario {
	var want string
	return scenario{
		name: name, design: d, before: before,
		steps: []func(*house){
			func(h *house) { acts(h); want = h.picture() },
			func(h *house) { h.undo(undo) },
		},
		check: func(h *house) {
			if got := h.picture(); got != want {
				h.t.Errorf("after the undo it is not as it was before the round\n--- want:\n%s\n--- got:\n%s\n%s", want, got, h.story())
			}
		},
	}
}

func undoStories() []scenario {
	edits := func(h *house) {
		h.set("", "Bob", "notes", "crm")
		h.set("ada", "Cleo", "notes", "mail")
		h.set("", "Dora", "notes", "crm")
		h.set("ada", "Dora", "job_title", "mail")
	}
	return []scenario{
		taken("updates are undone", contacts(), crowd, edits, "ada"),
		taken("creates are undone", contacts(), crowd, func(h *house) {
			h.inCRM(model.Contact, "ada", person("New CRM", "newcrm@example.org"))
			h.inMail("ada", model.Contact, person("New mail", "newmail@example.org"))
		}, "ada"),
		taken("deletions are undone", contacts(), crowd, func(h *house) { h.remove("", "Bob"); h.remove("", "Cleo") }, "ada"),
		{
			name: "what was changed since is left alone", design: contacts(), before: crowd,
			steps: []func(*house){
				func(h *house) { h.set("", "Bob", "notes", "crm"); h.set("", "Cleo", "notes", "crm") },
				func(h *house) { h.set("ada", "Cleo", "job_title", "later"); h.undo("ada") },
			},
			check: func(h *house) {
				h.wantText("ada", "Bob", "notes", "")
				h.wantText("", "Bob", "notes", "crm")
				h.wantText("ada", "Cleo", "notes", "crm")
				h.wantText("ada", "Cleo", "job_title", "later")
				h.wantText("", "Cleo", "job_title", "later")
			},
		},
		{
			name: "an undo is undone", design: contacts(), before: crowd,
			steps: []func(*house){
				func(h *house) {
					edits(h)
					h.inCRM(model.Contact, "ada", person("New CRM", "newcrm@example.org"))
				},
				func(h *house) { h.undo("ada") },
				func(h *house) { h.wantCount(0, "New CRM", "ada"); h.undo("ada") },
				func(h *house) { h.set("ada", "New CRM", "notes", "in step again") },
			},
			check: func(h *house) {
				h.wantText("ada", "Bob", "notes", "crm")
				h.wantText("", "Cleo", "notes", "mail")
				h.wantText("", "New CRM", "notes", "in step again")
			},
		},
		{
			name: "a deletion that was undone is deleted once more", design: contacts(), before: crowd,
			steps: []func(*house){
				func(h *house) { h.remove("", "Bob") },
				func(h *house) { h.undo("ada") },
				func(h *house) {
					h.wantCount(1, "Bob", "ada")
					h.wantReason("ada", "Bob", plan.Kept, plan.ReasonUndone)
					h.undo("ada")
				},
			},
			check: func(h *house) { h.wantCount(0, "Bob", "", "ada") },
		},
		{
			name: "an undo that is asked for twice is carried out once", design: contacts(),
			before: func(h *house) { crowd(h); h.settle(); edits(h) },
			steps: []func(*house){
				func(h *house) {
					round := activities.UndoOf{Round: h.wrote("ada")}.Argument()
					h.command("ada", activities.VerbUndo, round)
					h.command("ada", activities.VerbUndo, round)
				},
			},
		},
		{
			name: "what is changed after an undo travels again", design: contacts(), before: crowd,
			steps: []func(*house){
				func(h *house) { h.set("", "Bob", "notes", "crm") },
				func(h *house) { h.undo("ada") },
				func(h *house) { h.set("", "Bob", "job_title", "Captain"); h.set("ada", "Bob", "nickname", "Bobby") },
			},
			check: func(h *house) {
				h.wantText("ada", "Bob", "job_title", "Captain")
				h.wantText("ada", "Bob", "notes", "")
				h.wantText("", "Bob", "nickname", "Bobby")
				h.wantText("", "Bob", "notes", "crm")
			},
		},
		{
			name: "people edit while a round is undone", design: contacts(),
			before:    func(h *house) { crowd(h); h.settle(); edits(h) },
			steps:     []func(*house){func(h *house) { h.undo("ada") }},
			meanwhile: func(h *house) { h.inMail("ada", model.Contact, person("Emil", "emil@example.org")) },
			check:     func(h *house) { h.wantCount(1, "Emil", ""); h.wantText("ada", "Bob", "notes", "") },
		},
	}
}

func undoMeetingStories() []scenario {
	return []scenario{
		{
			name: "a change of a shared meeting is undone, and everyone follows", design: events("ada", "bob"), before: standup,
			steps: []func(*house){
				func(h *house) { h.set("ada", "Standup", "location", "Room 9") },
				func(h *house) { h.wantText("bob", "Standup", "location", "Room 9"); h.undo("ada") },
			},
			check: func(h *house) {
				h.wantText("", "Standup", "location", "")
				h.wantText("bob", "Standup", "location", "")
				h.wantText("ada", "Standup", "location", "Room 9") // hers, which no round wrote
			},
		},
		{
			name: "a shared meeting that its organizer deleted comes back to everyone else", design: events("ada", "bob"), before: standup,
			steps: []func(*house){
				func(h *house) { h.remove("ada", "Standup") },
				func(h *house) { h.wantCount(0, "Standup", "", "bob"); h.undo("ada") },
			},
			check: func(h *house) { h.wantCount(1, "Standup", "", "bob"); h.wantCount(0, "Standup", "ada") },
		},
		{
			name: "a meeting that a round created for everyone goes again", design: events("ada", "bob"),
			steps: []func(*house){
				func(h *house) { h.inMail("ada", model.Event, meeting("Born", "ada", "bob")) },
				func(h *house) { h.wantCount(1, "Born", "", "bob"); h.undo("ada") },
			},
			check: func(h *house) { h.wantCount(1, "Born", "ada"); h.wantCount(0, "Born", "", "bob") },
		},
	}
}
