package activities_test

import (
	"fmt"
	"slices"
	"strings"

	"pgregory.net/rapid"

	"lockstep.dev/connector/memory"
	"lockstep.dev/model"
)

// actions are what people do.
func actions() []string {
	return append(alone(), "create on both sides", "everything calm")
}

// alone are the actions that may fall into the middle of a round. Nobody then
// makes the same thing on both sides: no engine can know what is made while it
// writes.
func alone() []string {
	return []string{"edit", "create", "edit same field", "delete", "move", "move under a new id", "answer", "expire", "scribble", "personal"}
}

// acts are the actions with the weight they have in daily life.
func (y *history) acts() []string {
	out := append(alone(), "edit", "edit", "create", "edit", "everything calm")
	if y.design.crm.Lag == 0 && !y.lied {
		out = append(out, "create on both sides") // where reads show what was made before
	}
	return append(out, y.group.rare...)
}

func (y *history) act(what string) {
	where := y.draw("where", append([]string{""}, y.places()...)...)
	done := true
	switch what {
	case "create":
		y.create(where, y.draft(y.kind(), where))
	case "create on both sides":
		d := y.draft(y.kind(), "ada")
		d.Owner = "u-ada"
		y.create("", d)
		y.create("ada", d)
		y.records.souls[nameOf(d.Content)].twins = true
	case "expire":
		y.expire(where)
	case "everything calm":
		y.calmDown()
	default:
		if slices.Contains(y.group.rare, what) {
			done = y.rare(what)
		} else {
			done = y.touch(what, where)
		}
	}
	if done {
		y.count(what)
	}
}

func (y *history) kind() model.Kind {
	return model.Kind(y.draw("kind", string(model.Contact), string(model.Event)))
}

func (y *history) expire(where string) {
	y.note("the positions of %q expire", where)
	if where == "" {
		y.crm.Expire()
	} else {
		y.mail.Expire()
	}
}

// calmDown lets everything agree in the middle of a life.
func (y *history) calmDown() {
	y.peace()
	y.note("everything calms down")
	y.settle()
	y.records.calm()
}

// draft is a new item of somebody; a meeting invites everybody.
func (y *history) draft(kind model.Kind, where string) memory.Draft {
	soul := fmt.Sprintf("soul-%d", len(y.records.souls)+1)
	who := where
	if who == "" {
		who = y.draw("owner", y.people()...)
	}
	y.records.souls[soul] = &soulRecord{kind: kind, owner: who, deleted: map[string]bool{}, answers: map[string]string{}}
	d := memory.Draft{Kind: kind, Owner: "u-" + who}
	if kind == model.Contact {
		d.Content = person(soul, soul+"@example.org")
		return d
	}
	others := slices.DeleteFunc(slices.Clone(y.people()), func(p string) bool { return p == who })
	d.UID, d.Content = soul, meeting(soul, who, others...)
	return d
}

func (y *history) create(where string, d memory.Draft) {
	y.note("%q creates %s", where, nameOf(d.Content))
	y.at(where).Create(d)
	y.records.touch(nameOf(d.Content))
}

// soulOf tells which thing an item is, whatever became of it.
func soulOf(it model.Item) string {
	if it.Ref.Kind == model.Event {
		return it.UID
	}
	return it.Content.Text("full_name")
}

// leads reports whether a person may change the shared record from a mailbox.
func leads(where string, it model.Item) bool {
	return where == "" || it.Ref.Kind == model.Contact || it.Content.Text("organizer") == address(where)
}

func fieldsOf(k model.Kind) []string {
	if k == model.Contact {
		return []string{"notes", "job_title", "nickname"}
	}
	return []string{"location", "description", "url"}
}

// touch does something with an item, if there is a fitting one.
func (y *history) touch(what, where string) bool {
	items := y.at(where).Items()
	if len(items) == 0 {
		return false
	}
	it := items[rapid.IntRange(0, len(items)-1).Draw(y.rt, "item")]
	switch what {
	case "edit":
		return leads(where, it) && y.edit(where, it)
	case "edit same field":
		return y.editBoth(it)
	case "delete":
		return y.remove(where, it)
	case "move", "move under a new id":
		return where != "" && y.move(what, where, it)
	case "answer":
		return it.Ref.Kind == model.Event && where != "" && y.reply(where, it)
	case "scribble":
		y.note("%q scribbles on %s", where, soulOf(it))
		value := fmt.Sprintf("foreign-%d", len(y.records.foreign))
		y.at(where).Scribble(it.Ref, value)
		y.records.foreign[key(where, it.Ref)] = value
		return true
	case "personal":
		return it.Ref.Kind == model.Event && where != "" && y.personal(where, it)
	default:
		panic("nobody knows how to " + what)
	}
}

// key names an item in a place; of is the place.
func key(where string, r model.Ref) string { return where + "|" + string(r.Kind) + "|" + r.ID }

func of(key string) string {
	where, _, _ := strings.Cut(key, "|")
	return where
}

func (y *history) edit(where string, it model.Item) bool {
	return y.write(where, it, rapid.SampledFrom(fieldsOf(it.Ref.Kind)).Draw(y.rt, "field"))
}

func (y *history) write(where string, it model.Item, field string) bool {
	value := fmt.Sprintf("v%d", len(y.records.edits)+1)
	y.note("%q writes %s of %s: %s", where, field, soulOf(it), value)
	y.records.edits[value] = edit{soul: soulOf(it), field: field, where: where}
	y.records.buried[it.Content.Text(field)] = true
	y.records.touch(soulOf(it))
	if where == "" && it.Ref.Kind == model.Event && field != "url" {
		y.records.souls[soulOf(it)].news++
	}
	y.at(where).Set(it.Ref, field, value)
	return true
}

// editBoth has two people write the same field of one thing on both sides.
func (y *history) editBoth(it model.Item) bool {
	field, done := rapid.SampledFrom(fieldsOf(it.Ref.Kind)).Draw(y.rt, "field"), 0
	for _, where := range y.places() {
		for _, same := range y.at(where).Items() {
			if soulOf(same) == soulOf(it) && leads(where, same) {
				y.write(where, same, field)
				done++
				break
			}
		}
	}
	return done > 1
}

func (y *history) remove(where string, it model.Item) bool {
	y.note("%q deletes %s", where, soulOf(it))
	for _, f := range fieldsOf(it.Ref.Kind) {
		y.records.buried[it.Content.Text(f)] = true
	}
	s := y.records.souls[soulOf(it)]
	s.deleted[where] = true
	s.doomed = s.doomed || where == "" && !s.touched
	s.unborn = s.unborn || !slices.ContainsFunc(y.at("").Items(), func(o model.Item) bool { return soulOf(o) == soulOf(it) })
	y.at(where).Delete(it.Ref)
	return true
}

func (y *history) reply(where string, it model.Item) bool {
	status := y.draw("answer", "accepted", "declined", "tentative")
	y.note("%q answers %s: %s", where, soulOf(it), status)
	var set []model.Element
	for _, e := range it.Content.Set("attendees") {
		if e.Key == address(where) {
			e.Attr = map[string]string{"status": status}
		}
		set = append(set, e)
	}
	y.at(where).Edit(it.Ref, model.Content{"attendees": {Set: set}})
	y.records.souls[soulOf(it)].answers[where] = status
	y.records.touch(soulOf(it))
	return true
}

// personal changes a field that never leaves its mailbox.
func (y *history) personal(where string, it model.Item) bool {
	value := fmt.Sprintf("free-%d", len(y.records.personal))
	y.note("%q is %s during %s", where, value, soulOf(it))
	y.at(where).Set(it.Ref, "transparency", value)
	y.records.personal[value] = key(where, it.Ref)
	return true
}

func (y *history) move(what, where string, it model.Item) bool {
	to := map[string]string{"events": "team", "team": "events", "contacts": "friends", "friends": "contacts"}[it.Ref.Collection]
	y.note("%q: %s: %s to %s", where, what, soulOf(it), to)
	if what == "move" {
		y.at(where).Shift(it.Ref, to)
		return true
	}
	s := y.records.souls[soulOf(it)]
	s.escaped = s.escaped || y.design.mail.Lag > 0
	y.records.rename(key(where, it.Ref), key(where, y.at(where).Move(it.Ref, to)))
	return true
}
