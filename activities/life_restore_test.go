package activities_test

import (
	"lockstep.dev/connector/memory"
	"lockstep.dev/model"
)

// backups are what can be restored.
type backups struct {
	systems map[string]memory.Backup // "crm", "mail"
	ours    any
	boxes   []box
}

// providerEvents and ownEvents happen in groups of their own.
func providerEvents() []string {
	return []string{"back up the CRM", "back up the mail server", "restore the CRM", "restore the mail server"}
}

func ownEvents() []string {
	return []string{"back up our database", "restore our database", "restore our database and the workflows"}
}

// rare does what only some groups know; it reports whether it could.
func (y *history) rare(what string) bool {
	b := &y.backups
	switch what {
	case "back up the CRM":
		b.systems["crm"] = y.crm.Backup()
	case "back up the mail server":
		b.systems["mail"] = y.mail.Backup()
	case "restore the CRM":
		return y.restore("crm", y.crm, y.places()[:1])
	case "restore the mail server":
		return y.restore("mail", y.mail, y.people())
	case "back up our database":
		b.ours, b.boxes = y.base.keep(), nil
		for _, v := range y.boxes {
			b.boxes = append(b.boxes, *v)
		}
	default:
		return y.restoreOurs(what == "restore our database and the workflows")
	}
	y.note("%s", what)
	return true
}

// restore brings a system back to what it was. What only it knew is lost, and
// nobody can be blamed for that.
func (y *history) restore(name string, s *memory.System, places []string) bool {
	was, ok := y.backups.systems[name]
	if !ok {
		return false
	}
	y.note("the %s system is restored", name)
	y.restored = true
	y.restores++
	before := y.everything()
	s.Restore(was)
	now := y.everything()
	here := y.conflicted()
	for v := range now.values {
		here[v] = true
	}
	for value := range y.records.edits {
		if !here[value] {
			y.records.buried[value] = true
		}
	}
	for soul, r := range y.records.souls {
		r.doomed, r.touched = false, true
		r.unborn = r.unborn || before.souls[soul] && !now.souls[soul]
		for p, status := range r.answers {
			if now.answers[soul+"|"+p] != status {
				delete(r.answers, p)
			}
		}
	}
	for _, p := range places {
		y.records.forget(p)
	}
	return true
}

// forget drops what was recorded of one place's own data.
func (r records) forget(where string) {
	for k := range r.foreign {
		if of(k) == where {
			delete(r.foreign, k)
		}
	}
	for v, k := range r.personal {
		if of(k) == where {
			r.personal[v] = anyItem
		}
	}
}

// anyItem is where a personal value may be once its system was restored.
const anyItem = "any"

// world is what there is in all systems together.
type world struct {
	values  map[string]bool
	souls   map[string]bool
	answers map[string]string // in the CRM, by soul and person
}

func (y *history) everything() world {
	w := world{values: map[string]bool{}, souls: map[string]bool{}, answers: map[string]string{}}
	for _, p := range y.places() {
		for _, it := range y.at(p).Items() {
			w.souls[soulOf(it)] = true
			for _, f := range fieldsOf(it.Ref.Kind) {
				w.values[it.Content.Text(f)] = true
			}
			for _, who := range y.people() {
				if p == "" && it.Ref.Kind == model.Event {
					w.answers[soulOf(it)+"|"+who] = statusOf(it, who)
				}
			}
		}
	}
	return w
}

// restoreOurs brings our own database back, and with it perhaps what the
// workflows knew. What had lost against another value was kept there only.
func (y *history) restoreOurs(workflows bool) bool {
	if y.backups.ours == nil {
		return false
	}
	y.rebased = true
	y.note("our database is restored; the workflows too: %v", workflows)
	y.rebased = true
	// It may still be in a mailbox that is yet to hear of the winner.
	for v := range y.conflicted() {
		y.records.buried[v] = true
	}
	y.base.bring(y.backups.ours)
	y.open()
	for i, b := range y.boxes {
		b.stage = fetching
		if workflows {
			*b = y.backups.boxes[i]
			b.stage = fetching
		}
	}
	for _, r := range y.records.souls {
		r.doomed, r.touched = false, true
	}
	return true
}
