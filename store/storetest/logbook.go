package storetest

import (
	"time"

	"lockstep.dev/model"
	"lockstep.dev/store"
)

func logbookStories() map[string]func(*world) {
	return map[string]func(*world){
		"every change has its entry, with its author":            everyChangeHasItsEntry,
		"a policy's revisions are kept":                          revisionsAreKept,
		"many mailboxes are assigned at once, or none":           manyAreAssigned,
		"an outage and its end stand in the logbook once":        anOutageIsLogged,
		"the logbook is asked by filter":                         theLogbookIsAsked,
		"links, journal and counts are shown as they are stored": theStockIsShown,
	}
}

// entries are the entries about one thing, oldest first.
func (w *world) entries(s store.LogSubject, name string) []store.LogEntry {
	w.Helper()
	list, err := w.s.Log(w.ctx, store.LogFilter{Subject: s, Name: name})
	w.ok(err)
	for i, j := 0, len(list)-1; i < j; i, j = i+1, j-1 {
		list[i], list[j] = list[j], list[i]
	}
	return list
}

func (w *world) logged(got store.LogEntry, by string, what store.LogVerb, why, before, after string) {
	w.Helper()
	if got.ID == "" || got.At.IsZero() {
		w.Fatalf("an entry without id or time: %+v", got)
	}
	same(w, "entry", [5]string{got.By, string(got.What), got.Why, got.Before, got.After}, [5]string{by, string(what), why, before, after})
}

// B25: what changes a mailbox says who did it, why, and what it was before.
func everyChangeHasItsEntry(w *world) {
	w.ctx = store.WithAuthor(w.ctx, store.Author{By: "root", Why: "ticket 12"})
	m := w.mailbox("ann")
	m.User = "other"
	w.ok(w.s.SaveMailbox(w.ctx, m))
	w.ok(w.s.SaveMailbox(w.ctx, m)) // nothing changes: no entry
	w.ok(w.s.SetMailboxState(w.ctx, m.ID, model.Paused, "paused by root"))
	w.ctx = store.WithAuthor(w.ctx, store.Author{By: "mailbox/" + string(m.ID)})
	w.ok(w.s.RaiseAlert(w.ctx, store.Alert{Mailbox: m.ID, Workload: model.ACT, Side: model.Mail, Code: "dav.401", Message: "no"}, "password", w.tick()))
	w.ok(w.s.SetMailboxState(w.ctx, m.ID, model.Retired, "removed"))
	w.mailbox("ann")
	w.ok(w.s.SetMailboxState(w.ctx, m.ID, model.Retired, "removed"))
	w.ok(w.s.Forget(w.ctx, m.ID))
	got, engine := w.entries(store.LogMailbox, string(m.ID)), "mailbox/"+string(m.ID)
	equal(w, "number of entries", len(got), 9)
	w.logged(got[0], "root", store.LogRegistered, "ticket 12", "", "active")
	w.logged(got[1], "root", store.LogSettings, "ticket 12", "", "sign-in name")
	w.logged(got[2], "root", store.LogState, "paused by root", "active", "paused")
	w.logged(got[3], engine, store.LogState, "password", "paused", "disabled")
	w.logged(got[4], engine, store.LogState, "removed", "disabled", "retired")
	w.logged(got[5], engine, store.LogRegistered, "", "retired", "active")
	w.logged(got[6], engine, store.LogSettings, "", "", "sign-in name")
	w.logged(got[8], engine, store.LogForgotten, "", "", "")
}

// what a policy was can be seen later; saving the same again is no change.
func revisionsAreKept(w *world) {
	p := model.Policy{Name: "sales"}
	for _, days := range []int{30, 30, 60} {
		p.PastDays = days
		w.ok(w.s.SavePolicy(w.ctx, p))
	}
	got := w.entries(store.LogPolicy, "sales")
	equal(w, "number of entries", len(got), 2)
	w.logged(got[0], "lockstep", store.LogSaved, "", "", "sales@1")
	w.logged(got[1], "lockstep", store.LogSaved, "", "sales@1", "sales@2")
	for n, days := range map[int]int{1: 30, 2: 60} {
		old, err := w.s.PolicyRevision(w.ctx, "sales", n)
		w.ok(err)
		equal(w, "days", old.PastDays, days)
		equal(w, "name", old.Name, "sales")
	}
	_, err := w.s.PolicyRevision(w.ctx, "sales", 3)
	w.is(err, store.ErrNotFound)
	_, err = w.s.PolicyRevision(w.ctx, "default", 1)
	w.ok(err)
}

func manyAreAssigned(w *world) {
	ann, bob := w.mailbox("ann"), w.mailbox("bob")
	w.ok(w.s.SavePolicy(w.ctx, model.Policy{Name: "sales"}))
	w.is(w.s.AssignPolicy(w.ctx, []model.MailboxID{ann.ID, "mbx_none"}, "sales"), store.ErrNotFound)
	w.is(w.s.AssignPolicy(w.ctx, []model.MailboxID{ann.ID}, "nope"), store.ErrNotFound)
	equal(w, "policy", w.reload(ann).Policy, "default")
	w.ok(w.s.AssignPolicy(w.ctx, []model.MailboxID{ann.ID, bob.ID}, "sales"))
	w.ok(w.s.AssignPolicy(w.ctx, []model.MailboxID{ann.ID, bob.ID}, "sales"))
	for _, m := range []model.Mailbox{ann, bob} {
		equal(w, "policy", w.reload(m).Policy, "sales")
		got := w.entries(store.LogMailbox, string(m.ID))
		equal(w, "number of entries", len(got), 2)
		w.logged(got[1], "lockstep", store.LogAssigned, "", "default", "sales")
	}
}

func anOutageIsLogged(w *world) {
	down := store.Alert{Connection: w.crm.ID, Workload: model.ACT, Side: model.CRM, Code: "sqlcrm.unreachable", Message: "down"}
	for range 2 {
		w.ok(w.s.RaiseAlert(w.ctx, down, "", w.tick()))
	}
	for range 2 {
		_, _, err := w.s.FinishPass(w.ctx, w.crm.ID, w.tick())
		w.ok(err)
	}
	got := w.entries(store.LogConnection, string(w.crm.ID))
	equal(w, "number of entries", len(got), 3)
	w.logged(got[0], "lockstep", store.LogSaved, "", "", "")
	w.logged(got[1], "lockstep", store.LogOutage, "down", "", "sqlcrm.unreachable")
	w.logged(got[2], "lockstep", store.LogOutageOver, "", "", "")
}

func theLogbookIsAsked(w *world) {
	m := w.mailbox("ann")
	w.ok(w.s.SetMailboxState(store.WithAuthor(w.ctx, store.Author{By: "eve"}), m.ID, model.Paused, "paused"))
	for i, c := range []struct {
		f    store.LogFilter
		want int
	}{
		{store.LogFilter{}, 5}, {store.LogFilter{By: "eve"}, 1}, {store.LogFilter{What: store.LogRegistered}, 1},
		{store.LogFilter{Subject: store.LogConnection}, 2}, {store.LogFilter{Limit: 2}, 2}, {store.LogFilter{Until: time.Now().Add(-time.Hour)}, 0},
		{store.LogFilter{Since: time.Now().Add(-time.Hour), Until: time.Now().Add(time.Hour)}, 5},
	} {
		got, err := w.s.Log(w.ctx, c.f)
		w.ok(err)
		if len(got) != c.want {
			w.Errorf("filter %d finds %d entries, want %d", i, len(got), c.want)
		}
		for j := 1; j < len(got); j++ {
			if got[j].At.After(got[j-1].At) {
				w.Errorf("filter %d: the newest is not first", i)
			}
		}
	}
}

// what is stored of a mailbox can be looked at.
func theStockIsShown(w *world) {
	m := w.mailbox("ann")
	w.linked(m, "c1", "ann")
	links, err := w.s.Links(w.ctx, m.ID, "", 10)
	w.ok(err)
	equal(w, "number of links", len(links), 1)
	same(w, "link", [3]string{links[0].CRM, links[0].Mail, string(links[0].State)}, [3]string{"c1", "m-c1", "linked"})
	links, err = w.s.Links(w.ctx, m.ID, links[0].Entity, 10)
	w.ok(err)
	equal(w, "links after the last", len(links), 0)
	journal, err := w.s.Journal(w.ctx, m.ID, "", 10)
	w.ok(err)
	equal(w, "journal", len(journal), 0)
	stock, err := w.s.Stock(w.ctx, "default")
	w.ok(err)
	same(w, "stock", stock, []store.Stock{{Mailbox: m.ID, Linked: 1}})
}
