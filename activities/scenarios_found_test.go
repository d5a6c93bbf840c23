package activities_test

import (
	"slices"
	"strings"

	"lockstep.dev/connector"
	"lockstep.dev/connector/memory"
	"lockstep.dev/model"
)

// unharmed is a part of a story in which nothing goes wrong, because what follows
// depends on whose turn it was.
func (h *house) unharmed(f func()) {
	was := h.gate.quiet
	h.gate.quiet = true
	f()
	h.gate.quiet = was
}

// turnOf is a round of one person's mailbox.
func (h *house) turnOf(name string) { h.turn(slices.Index(h.boxes, h.box(name))) }

// foundStories are what random histories found (TestLives), told once more so
// that it is killed everywhere.
func foundStories() []scenario {
	gus := func(h *house) { h.inCRM(model.Contact, "ada", person("Gus", "gus@example.org")) }
	reused := events("ada", "bob")
	reused.crm = memory.Config{Reuse: true, Silent: true}
	return []scenario{
		{
			name: "a copy that went over to another record is moved under a new id", design: events("ada", "bob"),
			steps: []func(*house){
				func(h *house) {
					h.unharmed(func() {
						standup(h)
						h.pass()
						h.turnOf("bob") // bob has a copy of the record
						h.inMail("ada", model.Event, meeting("Standup", "ada", "bob"))
						h.remove("", "Standup")
						h.turnOf("ada") // ada's makes another
						h.turnOf("bob") // to which bob's copy goes over
						h.at("bob").Move(h.the("bob", "Standup").Ref, "events")
					})
				},
				func(h *house) { h.set("", "Standup", "location", "Room 16") },
			},
			check: func(h *house) {
				h.wantCount(1, "Standup", "", "ada", "bob")
				h.wantText("bob", "Standup", "location", "Room 16")
			},
		},
		{
			name: "the CRM's write of a pair is refused, and the record made anew without the change", design: events("ada", "bob"), before: standup,
			steps: []func(*house){
				func(h *house) {
					h.unharmed(func() {
						h.set("", "Standup", "description", "bring figures")
						h.pass()
						h.answer("bob", "Standup", "bob", "accepted")
						h.remove("", "Standup")
						h.turnOf("bob")
						h.set("ada", "Standup", "location", "Room 17")
						for range 3 { // until ada's brings it back
							h.pass()
							h.turnOf("ada")
						}
					})
				},
				func(*house) {},
			},
			check: func(h *house) {
				for _, p := range []string{"", "ada", "bob"} {
					h.wantText(p, "Standup", "location", "Room 17")
					h.wantText(p, "Standup", "description", "")
					h.wantAnswer(p, "Standup", "bob", "accepted")
				}
			},
		},
		{
			name: "the key of a create made what our restored database forgot", design: contacts(), before: crowd,
			steps: []func(*house){
				func(h *house) { h.keepOurs(); gus(h) },
				func(h *house) { h.set("", "Gus", "notes", "agreed") },
				func(h *house) {
					h.unharmed(func() {
						h.restoreOurs(true)
						h.set("", "Gus", "notes", "the newest")
						h.gate.spoil = staleOnce(h)
						h.pass()
						h.turnOf("ada")
						h.gate.spoil = nil
					})
				},
			},
			check: func(h *house) {
				h.wantCount(1, "Gus", "", "ada")
				h.wantText("", "Gus", "notes", "the newest")
				h.wantText("ada", "Gus", "notes", "the newest")
			},
		},
		{
			name: "what our restored database forgot is moved long after", design: contacts(), before: crowd,
			steps: []func(*house){
				func(h *house) { h.keepOurs(); gus(h) },
				func(h *house) { h.restoreOurs(false) },
				func(h *house) { h.log = nil; h.at("ada").Move(h.the("ada", "Gus").Ref, "contacts") },
			},
			check: func(h *house) {
				h.wantCount(1, "Gus", "", "ada")
				if strings.Contains(strings.Join(h.log, "\n"), "restored true") {
					h.t.Errorf("an item that was read since told once more that our database was restored")
				}
			},
		},
		{
			name: "our restored database forgot one of two copies, and the record is gone", design: reused,
			steps: []func(*house){
				func(h *house) {
					h.unharmed(func() { standup(h); h.pass(); h.turnOf("bob"); h.keepOurs() })
				},
				func(h *house) { h.wantCount(1, "Standup", "ada"); h.remove("", "Standup"); h.restoreOurs(true) },
			},
			check: func(h *house) { h.wantCount(1, "Standup", "", "ada", "bob") },
		},
		{
			name: "what came back with a backup stays apart until its record is entered anew", design: events("ada", "bob"), before: standup,
			steps: []func(*house){
				func(h *house) {
					h.inMail("ada", model.Event, meeting("Other", "ada"))
					h.keep("mail")
				},
				func(h *house) { h.remove("", "Standup") },
				func(h *house) { h.wantCount(0, "Standup", "ada", "bob"); h.restore("mail") },
				func(h *house) {
					h.wantCount(1, "Standup", "ada", "bob")
					h.set("ada", "Standup", "description", "edited")
				},
				func(h *house) { h.remove("ada", "Other") },
				func(h *house) { h.wantCount(0, "Standup", ""); standup(h) },
				func(h *house) { h.set("", "Standup", "location", "Room 18") },
			},
			check: func(h *house) {
				h.wantCount(1, "Standup", "", "ada", "bob")
				h.wantText("bob", "Standup", "location", "Room 18")
			},
		},
		{
			name: "a restored CRM gives the version that we know to another content, and we are about to write", design: contacts(), before: crowd,
			steps: []func(*house){
				func(h *house) { h.keep("crm"); h.set("", "Bob", "notes", "since the backup") },
				func(h *house) {
					h.unharmed(func() {
						h.restore("crm")
						h.set("", "Bob", "nickname", "there")
						h.set("ada", "Bob", "job_title", "here")
						h.turnOf("ada")
					})
				},
			},
			check: func(h *house) {
				for _, p := range []string{"", "ada"} {
					h.wantText(p, "Bob", "notes", "since the backup")
					h.wantText(p, "Bob", "nickname", "there")
					h.wantText(p, "Bob", "job_title", "here")
				}
			},
		},
	}
}

// staleOnce has the mailbox answer once as if nothing had happened in it.
func staleOnce(h *house) func(memory.Point) error {
	return func(p memory.Point) error {
		if p.After && p.Call == "changes" && p.Side == model.Mail && !p.Page.Full && p.Page.Cursor != p.Since {
			*p.Page = connector.Page{Cursor: p.Since, Last: true}
			h.gate.spoil = nil
		}
		return nil
	}
}
