package activities_test

import (
	"testing"

	"lockstep.dev/activities"
	"lockstep.dev/model"
)

// N-12 to N-18, R-15, B21: a full pass ends the same wherever the process dies,
// writes only its target, deletes nothing, and tells nobody (B2).
func TestSnapshotsKilledEverywhere(t *testing.T) {
	for _, s := range snapshotStories() {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			s.run(t)
		})
	}
}

// reinit asks for a re-initialization.
func (h *house) reinit(name string, r activities.Reinit) {
	h.t.Helper()
	h.command(name, activities.VerbReinit, r.Argument())
}

func snapshotStories() []scenario {
	quiet, outbound := 0, 0 // writes so far, each story's own
	return []scenario{
		{
			name: "a full resync of what is in step writes nothing", design: contacts(), before: crowd,
			steps: []func(*house){
				func(h *house) {
					quiet = h.writes()
					h.reinit("ada", activities.Reinit{Type: activities.FullResync, Approved: true, Stage: 2})
				},
				func(h *house) { h.wantUnwritten(quiet) },
			},
			check: func(h *house) { h.wantCount(1, "Bob", "", "ada") },
		},
		{
			// A change that was overlooked is found, and only the target is
			// written while the pass goes on; the rest follows after it.
			name: "an inbound snapshot brings what was overlooked into the CRM", design: contacts(), before: crowd, // N-12
			steps: []func(*house){func(h *house) {
				h.mail.Untold(func() {
					h.set("ada", "Bob", "notes", "overlooked")
					h.inMail("ada", model.Contact, person("Overlooked", "overlooked@example.org"))
				})
				h.set("", "Cleo", "notes", "crm")
				h.reinit("ada", activities.Reinit{Type: activities.InboundSnapshot, Approved: true, Stage: 2})
			}},
			check: func(h *house) {
				h.wantText("", "Bob", "notes", "overlooked")
				h.wantCount(1, "Overlooked", "")
				h.wantText("ada", "Cleo", "notes", "crm")
			},
		},
		{
			// The target's own change is not overwritten: the conflict rule decides.
			name: "an outbound snapshot overwrites nothing that the mailbox changed", design: contacts(), before: crowd,
			steps: []func(*house){func(h *house) {
				h.mail.Untold(func() { h.set("ada", "Bob", "notes", "mine") })
				h.reinit("ada", activities.Reinit{Type: activities.OutboundSnapshot, Approved: true})
			}},
			check: func(h *house) {
				h.wantText("ada", "Bob", "notes", "mine")
				h.wantText("", "Bob", "notes", "mine") // by the ordinary round after it
			},
		},
		{
			name: "an outbound snapshot that overwrites waits for approval", design: contacts(), before: crowd,
			steps: []func(*house){
				func(h *house) {
					h.mail.Untold(func() { h.set("ada", "Bob", "notes", "mine") })
					outbound = h.writes()
					h.reinit("ada", activities.Reinit{Type: activities.OutboundSnapshot, Approved: true, Overwrite: true})
				},
				func(h *house) { h.wantUnwritten(outbound); h.approve("ada") },
			},
			check: func(h *house) {
				h.wantText("ada", "Bob", "notes", "")
				h.wantText("", "Bob", "notes", "")
			},
		},
		{
			name: "a snapshot deletes nothing", design: contacts(), before: crowd,
			steps: []func(*house){func(h *house) {
				h.remove("", "Bob")
				h.reinit("ada", activities.Reinit{Type: activities.InboundSnapshot, Approved: true})
			}},
			check: func(h *house) { h.wantCount(0, "Bob", "", "ada") }, // by the ordinary round after it
		},
		{
			name: "a re-initialization is cancelled", design: contacts(), before: crowd,
			steps: []func(*house){
				func(h *house) {
					h.mail.Untold(func() { h.set("ada", "Bob", "notes", "mine") })
					h.reinit("ada", activities.Reinit{Type: activities.OutboundSnapshot, Overwrite: true})
				},
				func(h *house) { h.reinit("ada", activities.Reinit{Type: activities.NoReinit}) },
			},
			check: func(h *house) { h.wantText("ada", "Bob", "notes", "mine") },
		},
		{
			name: "meetings are read again and nobody is told", design: events("ada", "ben"),
			before: func(h *house) { h.inMail("ben", model.Event, meeting("Plan", "ben", "ada")) },
			steps: []func(*house){func(h *house) {
				h.mail.Untold(func() { h.set("ben", "Plan", "location", "Room 2") })
				h.reinit("ben", activities.Reinit{Type: activities.FullResync, Approved: true})
			}},
			check: func(h *house) {
				h.wantText("", "Plan", "location", "Room 2")
				h.wantText("ada", "Plan", "location", "Room 2")
			},
		},
	}
}
