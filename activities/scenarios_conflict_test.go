package activities_test

import (
	"context"
	"strings"

	"lockstep.dev/activities"
	"lockstep.dev/model"
	"lockstep.dev/plan"
	"lockstep.dev/store"
)

// conflictOf is the newest edit conflict over a field in a mailbox.
func (h *house) conflictOf(name, field string) store.ConflictRow {
	h.t.Helper()
	rows, err := h.db.Conflicts(context.Background(), h.box(name).id)
	h.must(err)
	for _, r := range rows {
		if r.Field == field {
			return r
		}
	}
	h.t.Fatalf("there is no conflict over %s\n%s", field, h.story())
	return store.ConflictRow{}
}

// take has a person take a value of the conflict over a field.
func (h *house) take(name, field, take string) {
	h.t.Helper()
	h.command(name, activities.VerbResolve, h.conflictOf(name, field).ID+" "+take)
}

func (h *house) wantEnded(name, field, how string) {
	h.t.Helper()
	if got := h.conflictOf(name, field).Resolution; got != how {
		h.t.Errorf("the conflict over %s ended with %q, want %q", field, got, how)
	}
}

// bothEdit edits Bob's notes on both sides at once.
func bothEdit(h *house) {
	h.set("", "Bob", "notes", "crm")
	h.set("ada", "Bob", "notes", "mail")
}

func asking() design {
	return design{kinds: []model.Kind{model.Contact}, policy: kindPolicy(model.Contact, func(k *model.KindPolicy) { k.Fields = map[string]string{"notes": "ask"} })}
}

// round is a series of six Mondays.
func round(more ...string) model.Content {
	c := model.Content{}
	for i := 0; i < len(more); i += 2 {
		c.PutText(more[i], more[i+1])
	}
	for field, text := range map[string]string{
		"title": "Round", "start": "2031-03-03T08:00:00Z", "end": "2031-03-03T08:30:00Z", "time_zone": "Europe/Berlin", "recurrence": "RRULE:FREQ=WEEKLY;COUNT=6",
	} {
		if c.Text(field) == "" {
			c.PutText(field, text)
		}
	}
	return c
}

const (
	movedRound     = "BEGIN:VEVENT\r\nDTSTART:20310310T130000Z\r\nRECURRENCE-ID:20310310T080000Z\r\nSUMMARY:Round\r\nEND:VEVENT\r\n"
	cancelledRound = "EXDATE:20310317T080000Z\nRRULE:FREQ=WEEKLY;COUNT=6"
)

func rounds(h *house) { h.inMail("ada", model.Event, round()) }

// conflictStories are about what both sides changed (B13) and about series
// (B14).
func conflictStories() []scenario {
	return []scenario{
		{
			name: "the value that lost is taken after all", design: contacts(), before: bob,
			steps: []func(*house){bothEdit, func(h *house) {
				h.wantText("ada", "Bob", "notes", "crm")
				h.take("ada", "notes", plan.TakeLoser)
			}},
			check: func(h *house) {
				h.wantText("", "Bob", "notes", "mail")
				h.wantText("ada", "Bob", "notes", "mail")
				h.wantEnded("ada", "notes", plan.TakeLoser)
			},
		},
		{
			name: "what stands is confirmed, and then the loser is taken", design: contacts(), before: bob,
			steps: []func(*house){
				bothEdit,
				func(h *house) { h.take("ada", "notes", plan.TakeCRM) },
				func(h *house) { h.wantEnded("ada", "notes", plan.TakeCRM); h.take("ada", "notes", plan.TakeMail) },
			},
			check: func(h *house) { h.wantText("", "Bob", "notes", "mail"); h.wantText("ada", "Bob", "notes", "mail") },
		},
		{
			name: "the loser is taken while the field was edited again", design: contacts(), before: bob,
			steps: []func(*house){bothEdit, func(h *house) {
				h.set("ada", "Bob", "notes", "later")
				h.take("ada", "notes", plan.TakeLoser)
			}},
			check: func(h *house) {
				h.wantText("", "Bob", "notes", "later")
				h.wantText("ada", "Bob", "notes", "later")
				h.wantEnded("ada", "notes", "later edit")
			},
		},
		{
			name: "a question leaves both sides alone until it is answered", design: asking(), before: bob,
			steps: []func(*house){
				bothEdit,
				func(h *house) {
					h.wantText("", "Bob", "notes", "crm")
					h.wantText("ada", "Bob", "notes", "mail")
					h.set("", "Bob", "notes", "crm again")
					h.set("", "Bob", "job_title", "Clerk")
				},
				func(h *house) {
					h.wantText("ada", "Bob", "notes", "mail")
					h.wantText("ada", "Bob", "job_title", "Clerk")
					h.take("ada", "notes", plan.TakeMail)
				},
			},
			check: func(h *house) { h.wantText("", "Bob", "notes", "mail"); h.wantText("ada", "Bob", "notes", "mail") },
		},
		{
			name: "a question that answers itself", design: asking(), before: bob,
			steps: []func(*house){bothEdit, func(h *house) { h.set("", "Bob", "notes", "mail") }, func(h *house) {
				h.wantEnded("ada", "notes", "equal")
				h.set("", "Bob", "notes", "flows again")
			}},
			check: func(h *house) { h.wantText("ada", "Bob", "notes", "flows again") },
		},
		{
			name: "notes are merged line by line",
			design: design{kinds: []model.Kind{model.Contact}, policy: kindPolicy(model.Contact, func(k *model.KindPolicy) {
				k.Fields = map[string]string{"notes": "merge"}
			})},
			before: func(h *house) {
				c := person("Bob", "bob@example.org")
				c.PutText("notes", "one\ntwo\nthree")
				h.inCRM(model.Contact, "ada", c)
			},
			steps: []func(*house){func(h *house) {
				h.set("", "Bob", "notes", "ONE\ntwo\nthree")
				h.set("ada", "Bob", "notes", "one\ntwo\nthree\nfour")
			}},
			check: func(h *house) {
				h.wantText("", "Bob", "notes", "ONE\ntwo\nthree\nfour")
				h.wantText("ada", "Bob", "notes", "ONE\ntwo\nthree\nfour")
			},
		},
		{
			name: "one occurrence moved in the mailbox, another cancelled in the CRM", design: events(), before: rounds,
			steps: []func(*house){func(h *house) {
				h.set("ada", "Round", "overrides", movedRound)
				h.set("", "Round", "recurrence", cancelledRound)
			}},
			check: func(h *house) {
				for _, p := range []string{"", "ada"} {
					h.wantText(p, "Round", "overrides", movedRound)
					h.wantText(p, "Round", "recurrence", cancelledRound)
				}
			},
		},
		{
			name: "both sides changed the rule, and the loser is taken", design: events(), before: rounds,
			steps: []func(*house){
				func(h *house) {
					h.set("ada", "Round", "recurrence", "RRULE:FREQ=WEEKLY;COUNT=8")
					h.set("", "Round", "recurrence", "RRULE:FREQ=WEEKLY;COUNT=4")
				},
				func(h *house) {
					h.wantText("ada", "Round", "recurrence", "RRULE:FREQ=WEEKLY;COUNT=4")
					h.take("ada", "recurrence", plan.TakeMail)
				},
			},
			check: func(h *house) { h.wantText("", "Round", "recurrence", "RRULE:FREQ=WEEKLY;COUNT=8") },
		},
		{
			name: "the same occurrence edited on both sides, and the loser is taken", design: events(), before: rounds,
			steps: []func(*house){
				func(h *house) {
					h.set("ada", "Round", "overrides", movedRound)
					h.set("", "Round", "overrides", strings.ReplaceAll(movedRound, "T13", "T15"))
				},
				func(h *house) { h.take("ada", "overrides", plan.TakeLoser) },
			},
			check: func(h *house) {
				h.wantText("", "Round", "overrides", movedRound)
				h.wantText("ada", "Round", "overrides", movedRound)
			},
		},
	}
}
