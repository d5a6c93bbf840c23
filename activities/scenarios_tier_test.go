package activities_test

import (
	"context"
	"encoding/json"
	"time"

	"lockstep.dev/activities"
	"lockstep.dev/connector"
	"lockstep.dev/connector/memory"
	"lockstep.dev/model"
	"lockstep.dev/store"
)

// tierStories are about creates whose answer is lost, in systems that know our
// key (T1: every other story), that keep our stamp (T2), or neither (T3);
// algorithm 1.6, design decision 8.
func tierStories() []scenario {
	lag := 100 * time.Second // longer than a dead process keeps its lease
	return []scenario{
		week("a CRM that keeps our stamp", memory.Config{Kinds: tiered(model.CRM, connector.T2)}, memory.Config{}),
		week("a CRM that keeps our stamp and lags", memory.Config{Kinds: tiered(model.CRM, connector.T2), Lag: lag}, memory.Config{}),
		week("a mailbox that keeps our stamp and lags", memory.Config{}, memory.Config{Kinds: tiered(model.Mail, connector.T2), Lag: lag}),
		week("a CRM that knows neither key nor stamp", memory.Config{Kinds: tiered(model.CRM, connector.T3), OwnUID: true}, memory.Config{}),
		week("a CRM that knows neither key nor stamp, and lags", memory.Config{Kinds: tiered(model.CRM, connector.T3), Lag: lag, OwnUID: true}, memory.Config{}),
		week("a mailbox that knows neither key nor stamp", memory.Config{}, memory.Config{Kinds: tiered(model.Mail, connector.T3), OwnUID: true}),
		week("a mailbox that knows neither key nor stamp, and lags", memory.Config{}, memory.Config{Kinds: tiered(model.Mail, connector.T3), Lag: lag, OwnUID: true}),
		week("neither side knows key or stamp", memory.Config{Kinds: tiered(model.CRM, connector.T3), OwnUID: true}, memory.Config{Kinds: tiered(model.Mail, connector.T3), OwnUID: true}),
		{
			name: "meetings where nobody knows key or stamp", before: standup,
			design: design{
				kinds: []model.Kind{model.Event}, people: []string{"ada", "bob"},
				crm: memory.Config{Kinds: tiered(model.CRM, connector.T3)}, mail: memory.Config{Kinds: tiered(model.Mail, connector.T3)},
			},
			steps: []func(*house){
				func(h *house) {
					h.inMail("ada", model.Event, meeting("Born", "ada", "bob"))
					h.inCRM(model.Event, "ada", meeting("Entered", "ada", "bob"))
				},
				func(h *house) {
					h.set("ada", "Born", "location", "Room 20")
					h.set("", "Entered", "location", "Room 21")
				},
			},
			check: func(h *house) {
				h.wantCount(1, "Born", "", "ada", "bob")
				h.wantCount(1, "Entered", "", "ada", "bob")
				h.wantText("bob", "Born", "location", "Room 20")
			},
		},
		orphanEdited("an item made without an answer is edited, nothing tells it", memory.Config{Kinds: tiered(model.Mail, connector.T3), OwnUID: true}),
		orphanEdited("an item made without an answer is edited, and reads lag", memory.Config{Kinds: tiered(model.Mail, connector.T3), Lag: lag, OwnUID: true}),
		orphanEdited("an item made without an answer is edited, its stamp tells", memory.Config{Kinds: tiered(model.Mail, connector.T2), Lag: lag}),
		orphanInTheCRM(memory.Config{Kinds: tiered(model.CRM, connector.T3), OwnUID: true}),
		unrelatedItem(memory.Config{Kinds: tiered(model.Mail, connector.T3), OwnUID: true}),
	}
}

// orphanEdited is about an item whose create was not answered and that its user
// makes unrecognisable before anybody looks: nothing is lost or duplicated, at
// worst a person is asked which item it is.
func orphanEdited(name string, mail memory.Config) scenario {
	rename := func(h *house) {
		for _, it := range h.all("ada", "New") {
			c := person("Robert", "robert@example.org")
			h.at("ada").Edit(it.Ref, c)
		}
	}
	return scenario{
		name: name, design: design{kinds: []model.Kind{model.Contact}, mail: mail}, before: crowd,
		steps:     []func(*house){func(h *house) { h.inCRM(model.Contact, "ada", person("New", "new@example.org")) }},
		meanwhile: rename,
		check: func(h *house) {
			h.resolve("ada", "New", "Robert")
			rename(h) // it was made only after the answer was lost
			h.settle()
			h.wantCount(1, "Robert", "", "ada")
			h.wantCount(0, "New", "", "ada")
			h.wantNoQuestion("ada")
		},
	}
}

func orphanInTheCRM(crm memory.Config) scenario {
	rename := func(h *house) {
		for _, it := range h.all("", "New") {
			h.at("").Edit(it.Ref, person("Robert", "robert@example.org"))
		}
	}
	return scenario{
		name: "a record made without an answer is edited, nothing tells it", before: crowd,
		design:    design{kinds: []model.Kind{model.Contact}, crm: crm},
		steps:     []func(*house){func(h *house) { h.inMail("ada", model.Contact, person("New", "new@example.org")) }},
		meanwhile: rename,
		check: func(h *house) {
			h.resolve("ada", "Robert", "New")
			rename(h)
			h.settle()
			h.wantCount(1, "Robert", "", "ada")
			h.wantCount(0, "New", "", "ada")
			h.wantNoQuestion("ada")
		},
	}
}

// unrelatedItem is about an item that somebody makes while a create gets no
// answer: where the create was not carried out, only a person can say so.
func unrelatedItem(mail memory.Config) scenario {
	stranger := func(h *house) {
		if len(h.all("ada", "Stranger")) == 0 {
			h.inMail("ada", model.Contact, person("Stranger", "stranger@example.org"))
		}
	}
	return scenario{
		name: "something else turns up while a create gets no answer", before: crowd,
		design:    design{kinds: []model.Kind{model.Contact}, mail: mail},
		steps:     []func(*house){func(h *house) { h.inCRM(model.Contact, "ada", person("New", "new@example.org")) }},
		meanwhile: stranger,
		check: func(h *house) {
			h.resolve("ada", "", "")
			h.wantCount(1, "New", "", "ada")
			h.wantCount(1, "Stranger", "", "ada")
			h.wantNoQuestion("ada")
		},
	}
}

func (h *house) questions(name string) []store.Question {
	h.t.Helper()
	found, err := h.db.Questions(context.Background(), h.box(name).id)
	h.must(err)
	return found
}

func (h *house) wantNoQuestion(name string) {
	h.t.Helper()
	if q := h.questions(name); len(q) > 0 {
		h.t.Errorf("%s is still asked %+v", name, q)
	}
}

// resolve answers what a person is asked, if anything: the items with these names
// are the same, or, without names, none are.
func (h *house) resolve(name, crm, mail string) {
	h.t.Helper()
	for _, q := range h.questions(name) {
		v := store.Resolution{Question: q.ID}
		for _, it := range q.Items {
			switch {
			case it.Side == model.CRM && it.Title == crm:
				v.CRM = it.Item
			case it.Side == model.Mail && it.Title == mail:
				v.Mail = it.Item
			}
		}
		if (v.CRM == "") != (crm == "") || (v.Mail == "") != (mail == "") {
			h.t.Errorf("%s is asked about %+v", name, q)
			return
		}
		h.note("a person answers %s: %q is %q", q.ID, crm, mail)
		argument, err := json.Marshal(v)
		h.must(err)
		h.command(name, activities.VerbReview, string(argument))
	}
	h.settle()
}
