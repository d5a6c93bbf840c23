package activities_test

import (
	"context"

	"lockstep.dev/model"
)

// remembered is our own database at one moment, with what the workflows knew.
type remembered struct {
	db    any
	boxes []box
}

func (h *house) keepOurs() {
	h.ours = remembered{db: h.base.keep()}
	for _, b := range h.boxes {
		h.ours.boxes = append(h.ours.boxes, *b)
	}
}

// restoreOurs brings our database back, with or without what the workflows knew.
func (h *house) restoreOurs(workflows bool) {
	h.note("our database is restored, with the workflows: %v", workflows)
	h.base.bring(h.ours.db)
	h.open()
	for i, b := range h.boxes {
		if workflows {
			*b = h.ours.boxes[i]
		}
		b.stage = fetching
	}
}

// forgot is the story of our own database losing a day.
func forgot(name string, again func(h *house), check func(h *house)) scenario {
	return scenario{
		name: name, design: contacts(), before: village,
		steps: []func(*house){
			func(h *house) { h.keepOurs(); busyDay(h) },
			func(h *house) { wantDay(h); again(h) },
		},
		check: func(h *house) {
			wantDay(h)
			h.wantCount(0, "Dora", "", "ada") // both sides had agreed on that
			if check != nil {
				check(h)
			}
		},
	}
}

// ownRestoreStories are about our own database restored from a backup: nothing
// is there twice and nothing is lost (I6).
func ownRestoreStories() []scenario {
	edited := func(h *house) {
		h.set("ada", "Cleo", "job_title", "in the mailbox")
		h.set("", "Gus", "job_title", "in the CRM")
		h.inMail("ada", model.Contact, person("Ida", "ida@example.org"))
	}
	wantEdited := func(h *house) {
		h.wantText("", "Cleo", "job_title", "in the mailbox")
		h.wantText("ada", "Gus", "job_title", "in the CRM")
		h.wantCount(1, "Ida", "", "ada")
	}
	repeated := forgot("our database is restored twice", func(h *house) { h.restoreOurs(false) }, nil)
	repeated.steps = append(repeated.steps, func(h *house) { h.restoreOurs(true) }, func(h *house) { h.restoreOurs(false) })
	return []scenario{
		forgot("our database is restored, the workflows know more", func(h *house) { h.restoreOurs(false) }, nil),
		forgot("our database is restored together with the workflows", func(h *house) { h.restoreOurs(true) }, nil),
		forgot("our database is restored and people go on", func(h *house) { h.restoreOurs(false); edited(h) }, wantEdited),
		forgot("our database is restored with the workflows and people go on", func(h *house) { h.restoreOurs(true); edited(h) }, wantEdited),
		forgot("our database is restored and somebody says so", func(h *house) {
			h.restoreOurs(true)
			h.must(h.db.DeclareRestored(context.Background()))
			edited(h)
		}, wantEdited),
		repeated,
	}
}
