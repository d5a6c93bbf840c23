package activities_test

import (
	"context"
	"slices"

	"lockstep.dev/connector/memory"
	"lockstep.dev/model"
)

// What stories are told with.

// person is a contact.
func person(name, mail string) model.Content {
	c := model.Content{}
	c.PutText("full_name", name)
	if mail != "" {
		c.PutSet("emails", []model.Element{{Key: mail, Text: mail}})
	}
	return c
}

// meeting is a future event to which the organizer invites people.
func meeting(title, organizer string, invited ...string) model.Content {
	c := model.Content{}
	c.PutText("title", title)
	c.PutText("start", "2031-03-20T09:00:00Z")
	c.PutText("end", "2031-03-20T10:00:00Z")
	c.PutText("organizer", address(organizer))
	set := []model.Element{{Key: address(organizer), Text: organizer, Attr: map[string]string{"status": "accepted"}}}
	for _, i := range invited {
		set = append(set, model.Element{Key: address(i), Text: i})
	}
	c.PutSet("attendees", set)
	return c
}

// todo is a task.
func todo(title string) model.Content {
	c := model.Content{}
	c.PutText("title", title)
	return c
}

func nameOf(c model.Content) string {
	if n := c.Text("full_name"); n != "" {
		return n
	}
	return c.Text("title")
}

// inCRM and inMail make an item as a person would.
func (h *house) inCRM(kind model.Kind, owner string, c model.Content) model.Ref {
	return h.at("").Create(memory.Draft{Kind: kind, Owner: "u-" + owner, UID: uidOf(kind, c), Content: c})
}

func (h *house) inMail(name string, kind model.Kind, c model.Content) model.Ref {
	return h.at(name).Create(memory.Draft{Kind: kind, UID: uidOf(kind, c), Content: c})
}

// uidOf gives meetings of one title one UID, whoever holds a copy.
func uidOf(kind model.Kind, c model.Content) string {
	if kind != model.Event {
		return ""
	}
	return "uid-" + c.Text("title")
}

// all finds items by name.
func (h *house) all(where, name string) []model.Item {
	return slices.DeleteFunc(h.at(where).Items(), func(it model.Item) bool { return nameOf(it.Content) != name })
}

// the finds the one item with a name.
func (h *house) the(where, name string) model.Item {
	h.t.Helper()
	found := h.all(where, name)
	if len(found) != 1 {
		h.t.Fatalf("%d items are called %q (in %q)\n%s", len(found), name, where, h.story())
	}
	return found[0]
}

// set changes one field as a person would.
func (h *house) set(where, name, field, text string) {
	h.t.Helper()
	h.at(where).Set(h.the(where, name).Ref, field, text)
}

func (h *house) remove(where, name string) {
	h.t.Helper()
	h.at(where).Delete(h.the(where, name).Ref)
}

// answer sets a person's answer to an invitation in a copy.
func (h *house) answer(where, title, who, status string) {
	h.t.Helper()
	it := h.the(where, title)
	var set []model.Element
	for _, e := range it.Content.Set("attendees") {
		if e.Key == address(who) {
			e.Attr = map[string]string{"status": status}
		}
		set = append(set, e)
	}
	h.at(where).Edit(it.Ref, model.Content{"attendees": {Set: set}})
}

// wantText wants a field of an item to say something.
func (h *house) wantText(where, name, field, text string) {
	h.t.Helper()
	if got := h.the(where, name).Content.Text(field); got != text {
		h.t.Errorf("%q in %q: %s is %q, want %q", name, where, field, got, text)
	}
}

// wantCount wants so many items with a name in each place.
func (h *house) wantCount(n int, name string, places ...string) {
	h.t.Helper()
	for _, p := range places {
		if got := len(h.all(p, name)); got != n {
			h.t.Errorf("%d items are called %q in %q, want %d", got, name, p, n)
		}
	}
}

// wantAnswer wants a copy of a meeting to show a person's answer.
func (h *house) wantAnswer(where, title, who, status string) {
	h.t.Helper()
	for _, e := range h.the(where, title).Content.Set("attendees") {
		if e.Key == address(who) && e.Attr["status"] == status {
			return
		}
	}
	h.t.Errorf("%q in %q does not show that %s %s", title, where, who, status)
}

// conflicts are the values that lost, in a mailbox.
func (h *house) conflicts(name string) []string {
	h.t.Helper()
	rows, err := h.db.Conflicts(context.Background(), h.box(name).id)
	h.must(err)
	var out []string
	for _, r := range rows {
		out = append(out, r.Field+"="+r.Loser.Text(r.Field))
	}
	slices.Sort(out)
	return out
}

func contacts() design { return design{kinds: []model.Kind{model.Contact}} }

func events(people ...string) design { return design{kinds: []model.Kind{model.Event}, people: people} }

func kindPolicy(kind model.Kind, f func(*model.KindPolicy)) func(*model.Policy) {
	return func(p *model.Policy) {
		k := p.Kinds[kind]
		f(&k)
		p.Kinds[kind] = k
	}
}
