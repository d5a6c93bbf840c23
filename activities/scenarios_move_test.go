package activities_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"lockstep.dev/activities"
	"lockstep.dev/model"
	"lockstep.dev/store"
)

// B5, R-12 to R-19: a rename, and the repair of an improper one, end the same
// wherever the process dies.
func TestMovesKilledEverywhere(t *testing.T) {
	for _, s := range append(renameStories(), conflictOfIDStories()...) {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			s.run(t)
		})
	}
}

// rename gives people other addresses, in the mail system and here.
func (h *house) rename(of string, to map[string]string) {
	h.t.Helper()
	var list []activities.Renaming
	for name, now := range to {
		list = append(list, activities.Renaming{Mailbox: h.box(name).id, Address: address(now)})
	}
	h.command(of, activities.VerbRename, activities.RenameArgument(list))
}

// writes counts what was written to either system so far.
func (h *house) writes() int { return h.mail.Requests()["write"] + h.crm.Requests()["write"] }

// wantUnwritten wants nothing to have been written since a number of writes.
func (h *house) wantUnwritten(since int) {
	h.t.Helper()
	if n := h.writes() - since; n != 0 {
		h.t.Errorf("%d writes, want none\n%s", n, h.story())
	}
}

func renameStories() []scenario {
	written, swapped := 0, 0 // writes so far, each story's own
	return []scenario{
		{
			name: "a rename writes nothing and goes on", design: contacts(), before: crowd, // R-19, B5
			steps: []func(*house){
				func(h *house) {
					written = h.writes()
					h.mail.Rename(address("ada"), address("ada.new"))
					h.rename("ada", map[string]string{"ada": "ada.new"})
				},
				func(h *house) {
					h.wantUnwritten(written)
					h.set("ada.new", "Bob", "notes", "mail")
					h.set("", "Cleo", "notes", "crm")
				},
			},
			check: func(h *house) {
				h.wantText("", "Bob", "notes", "mail")
				h.wantText("ada.new", "Cleo", "notes", "crm")
			},
		},
		{
			name: "two people change addresses", design: design{kinds: []model.Kind{model.Contact}, people: []string{"ada", "ben"}},
			before: func(h *house) {
				crowd(h)
				h.inCRM(model.Contact, "ben", person("Emil", "emil@example.org"))
			},
			steps: []func(*house){
				func(h *house) {
					swapped = h.writes()
					h.mail.Swap(address("ada"), address("ben"))
					h.rename("ada", map[string]string{"ada": "ben", "ben": "ada"})
				},
				func(h *house) {
					h.wantUnwritten(swapped)
					h.set("ben", "Bob", "notes", "ada's")
					h.set("ada", "Emil", "notes", "ben's")
				},
			},
			check: func(h *house) {
				h.wantText("", "Bob", "notes", "ada's")
				h.wantText("", "Emil", "notes", "ben's")
				h.wantCount(0, "Emil", "ben")
			},
		},
		{
			name: "an invitation to the old address is still answered", design: events("ada", "ben"),
			before: func(h *house) { h.inMail("ben", model.Event, meeting("Plan", "ben", "ada")) },
			steps: []func(*house){
				func(h *house) {
					h.mail.Rename(address("ada"), address("ada.new"))
					h.rename("ada", map[string]string{"ada": "ada.new"})
				},
				func(h *house) { h.answer("ada.new", "Plan", "ada", "accepted") },
			},
			check: func(h *house) { h.wantAnswer("", "Plan", "ada", "accepted") },
		},
	}
}

// removedAndAdded removes ada's mailbox and adds it again under another address,
// which is a CRM-ID conflict. It returns the mailbox in conflict.
func (h *house) removedAndAdded(to, identity string) model.Mailbox {
	h.t.Helper()
	if h.box("ada").state != model.Retired {
		h.command("ada", activities.VerbRemove, "")
	}
	m, err := h.db.Register(context.Background(), model.Mailbox{
		Address: address(to), CRM: h.crmID, CRMUser: "u-ada", Mail: h.mailID, Identity: identity, Policy: "all", Created: h.clock.Now(),
	})
	var conflict *store.Conflict
	if !errors.As(err, &conflict) || conflict.Error() != "Synchronization failed due to Crm ID conflict. <u-ada> already registered for another user." {
		h.t.Fatalf("registering says %v, want R-02", err)
	}
	if m.State != model.Conflicted || conflict.Mailbox != h.box("ada").id {
		h.t.Fatalf("what was kept of it: %+v; conflict with %s", m, conflict.Mailbox)
	}
	return m
}

// clear clears the CRM-ID conflict of ada.
func (h *house) clear(m model.Mailbox) { h.command("ada", activities.VerbClear, string(m.ID)) }

func conflictOfIDStories() []scenario {
	written, migrated := 0, 0 // writes so far, each story's own
	return []scenario{
		{
			name: "a CRM-ID conflict is cleared and goes on where it stopped", design: contacts(), before: crowd,
			steps: []func(*house){
				func(h *house) {
					h.command("ada", activities.VerbRemove, "")
					written = h.writes()
					h.mail.Rename(address("ada"), address("ada.new"))
					h.set("ada.new", "Bob", "notes", "while removed")
					h.clear(h.removedAndAdded("ada.new", ""))
				},
				func(h *house) {
					if n := h.writes() - written; n != 1 { // Bob's notes
						h.t.Errorf("%d writes, want 1\n%s", n, h.story())
					}
					h.set("", "Cleo", "notes", "later")
				},
			},
			check: func(h *house) {
				h.wantText("", "Bob", "notes", "while removed")
				h.wantText("ada.new", "Cleo", "notes", "later")
				for _, n := range []string{"Bob", "Cleo", "Dora"} {
					h.wantCount(1, n, "", "ada.new")
				}
			},
		},
		{
			name: "another mailbox with the same things in it waits for approval", design: contacts(), before: crowd,
			steps: []func(*house){
				func(h *house) {
					h.command("ada", activities.VerbRemove, "")
					migrated = h.writes()
					h.mail.Migrate(address("ada"), address("ada.new"), "identity-of-another")
					h.remove("ada.new", "Dora") // lost on the way
					h.clear(h.removedAndAdded("ada.new", "identity-of-another"))
				},
				func(h *house) {
					h.wantUnwritten(migrated)
					h.wantCount(0, "Dora", "ada.new")
					h.approve("ada")
				},
				func(h *house) { h.set("", "Cleo", "notes", "later") },
			},
			check: func(h *house) {
				h.wantText("ada.new", "Cleo", "notes", "later")
				for _, n := range []string{"Bob", "Cleo", "Dora"} {
					h.wantCount(1, n, "", "ada.new")
				}
			},
		},
	}
}

// outcome is what became of the last request of a mailbox.
func (h *house) refused(name, verb, argument string) string {
	h.t.Helper()
	r, err := h.db.AddRequest(context.Background(), store.Request{Mailbox: h.box(name).id, Verb: verb, Argument: argument, By: "test", At: h.clock.Now()})
	h.must(err)
	var out activities.ObeyOut
	h.until("obey", h.acts.Obey, activities.ObeyIn{Request: r.ID}, &out)
	if out.Move {
		h.move(h.box(name), r.ID)
	}
	r, err = h.db.Request(context.Background(), r.ID)
	h.must(err)
	if r.Outcome != store.RequestRefused {
		h.t.Errorf("%s was %q: %s", verb, r.Outcome, r.Message)
	}
	return r.Message
}

// Bad input: every refusal names what was wrong and changes nothing.
func TestMovesThatAreRefused(t *testing.T) {
	h := build(t, design{kinds: []model.Kind{model.Contact}, people: []string{"ada", "ben"}})
	defer h.close()
	h.gate.quiet = true
	crowd(h)
	h.settle()
	was := h.picture()
	to := func(a string) string {
		return activities.RenameArgument([]activities.Renaming{{Mailbox: h.box("ada").id, Address: a}})
	}
	for _, c := range []struct{ verb, argument, says string }{
		{activities.VerbRename, "", "not understood"},
		{activities.VerbRename, to("nobody"), "not an e-mail address"},
		{activities.VerbRename, to(address("ben")), "in use by another mailbox"},
		{activities.VerbRename, to(address("missing")), "cannot be looked at"},
		{activities.VerbRename, activities.RenameArgument([]activities.Renaming{{Mailbox: "mbx-none", Address: address("x")}}), "There is no mailbox mbx-none"},
		{activities.VerbClear, "mbx-none", "There is no mailbox mbx-none"},
		{activities.VerbClear, string(h.box("ben").id), "There is no CRM-ID conflict"},
	} {
		if got := h.refused("ada", c.verb, c.argument); !strings.Contains(got, c.says) {
			t.Errorf("%s %s: %q, want %q", c.verb, c.argument, got, c.says)
		}
	}
	// A mailbox of somebody else: little in common (design decision 2).
	h.mail.AddMailbox(address("stranger"), "identity-of-a-stranger")
	h.inMail("stranger", model.Contact, person("Xaver", "xaver@example.org"))
	if got := h.refused("ada", activities.VerbRename, to(address("stranger"))); !strings.Contains(got, "looks like another person's mailbox") {
		t.Errorf("refused with %q", got)
	}
	m := h.removedAndAdded("stranger", "identity-of-a-stranger")
	if got := h.refused("ada", activities.VerbClear, string(m.ID)); !strings.Contains(got, "looks like another person's mailbox") {
		t.Errorf("refused with %q", got)
	}
	h.settle()
	if got := h.picture(); got != was {
		t.Errorf("refusals changed something\n--- was\n%s\n--- is\n%s", was, got)
	}
}
