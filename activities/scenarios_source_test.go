package activities_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"lockstep.dev/connector/memory"
	"lockstep.dev/model"
	"lockstep.dev/plan"
)

// B3: an error is never an empty list. A listing that breaks off in the middle,
// at any of its pages, deletes nothing, however often it is tried; the next
// whole one finds everything as it was.
func TestAListingThatBreaksOffDeletesNothing(t *testing.T) {
	for _, side := range []model.Side{model.CRM, model.Mail} {
		for page := 1; page <= 3; page++ {
			t.Run(fmt.Sprint(side, " page ", page), func(t *testing.T) {
				h := build(t, design{kinds: []model.Kind{model.Contact}, crm: memory.Config{Page: 3}, mail: memory.Config{Page: 3}})
				defer h.close()
				eightContacts(h)
				h.settle()
				h.crm.Expire()
				h.mail.Expire()
				told := 0
				h.gate.hook = func(name string) error {
					if !strings.HasPrefix(name, "after "+string(side)+".changes") {
						return nil
					}
					if told++; told%4 == page {
						return noAnswer(name, side)
					}
					return nil
				}
				for range 4 {
					h.sweep()
				}
				h.gate.hook = nil
				h.settle()
				for _, n := range eight() {
					h.wantCount(1, n, "", "ada")
				}
			})
		}
	}
}

// B19: a filter that is narrowed deletes nothing: what it does not show any more
// is unlinked and kept, whatever dies while the change is taken up. If it is
// widened again, both sides go on.
func TestANarrowerFilterDeletesNothing(t *testing.T) {
	for _, s := range []scenario{
		narrowed("a narrower filter of the mailbox deletes nothing", func(h *house) { h.refilter(&h.mailID); h.remove("ada", "A") }),
		narrowed("a narrower filter of the CRM deletes nothing", func(h *house) { h.refilter(&h.crmID); h.remove("", "A") }),
	} {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			s.run(t)
		})
	}
}

// narrowed is a story in which a filter hides an item: to us it is as if the
// item were gone from the listing that the new filter brings.
func narrowed(name string, hide func(h *house)) scenario {
	return scenario{
		name: name, before: eightContacts,
		design: design{kinds: []model.Kind{model.Contact}, policy: kindPolicy(model.Contact, func(k *model.KindPolicy) { k.MailDelete = "delete" })},
		steps:  []func(*house){hide, func(h *house) { h.set("", "B", "notes", "goes on") }},
		check: func(h *house) {
			h.wantText("ada", "B", "notes", "goes on")
			if n := len(h.all("", "A")) + len(h.all("ada", "A")); n != 1 {
				h.t.Errorf("%d copies of what the filter hides are left, want the other side's", n)
			}
			h.wantReason("ada", "A", plan.Kept, plan.ReasonLeft)
		},
	}
}

// refilter changes what a connection selects.
func (h *house) refilter(id *model.ConnectionID) {
	h.t.Helper()
	c, err := h.db.Connection(context.Background(), *id)
	h.must(err)
	c.Settings = map[string]string{"filter": "narrower"}
	_, err = h.db.SaveConnection(context.Background(), c)
	h.must(err)
}

// B3: a mailbox that returns an empty list after 2,000 items deletes 0.
func TestAnEmptyListAfterTwoThousandItemsDeletesNothing(t *testing.T) {
	d := design{kinds: []model.Kind{model.Task}, sqlite: true, mail: memory.Config{Page: 1000}, crm: memory.Config{Page: 1000}}
	for _, c := range []*memory.Config{&d.crm, &d.mail} {
		side := model.Mail
		if c == &d.crm {
			side = model.CRM
		}
		c.Kinds = memory.Everything(side)
		k := c.Kinds[model.Task]
		k.WriteBatch, k.FetchBatch = 500, 500
		c.Kinds[model.Task] = k
	}
	h := build(t, d)
	defer h.close()
	for i := range 2000 {
		h.inMail("ada", model.Task, todo(fmt.Sprint("Task ", i)))
	}
	h.settle()
	if n := len(h.at("").Items()); n != 2000 {
		t.Fatalf("%d tasks in the CRM before", n)
	}
	for _, it := range h.at("ada").Items() {
		h.at("ada").Delete(it.Ref)
	}
	h.mail.Expire() // what is told next is a listing, and it is empty
	h.settle()
	if n := len(h.at("").Items()); n != 2000 {
		t.Errorf("%d tasks are left in the CRM", n)
	}
	if n := len(h.held("ada")); n != 2000 {
		t.Errorf("%d deletions wait", n)
	}
}
