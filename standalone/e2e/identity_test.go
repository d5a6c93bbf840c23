package e2e

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"lockstep.dev/activities"
	"lockstep.dev/model"
	"lockstep.dev/store"
)

// R-19, B5: a rename writes nothing, keeps links and cursors, and the round after
// it has nothing to do.
func TestRenameWritesNothing(t *testing.T) {
	h := build(t, backends()[0], "ann", "ben")
	at := h.mail.AddressBook("ann") + "a.vcf"
	h.put("ann", at, card("uid-a", "Bob Stone", "bob@example.com", ""))
	h.open()
	h.synced()
	m, before := h.mailboxes()[0], h.versions()
	to := []activities.Renaming{{Mailbox: m.ID, Address: "ann.smith@harbor.example"}}
	if r := h.ask(m, activities.VerbRename, activities.RenameArgument(to)); r.Outcome != store.RequestDone || !strings.Contains(r.Message, "no item was written") {
		t.Fatalf("rename: %+v", r)
	}
	h.quiet()
	if after := h.versions(); after != before {
		t.Errorf("a rename wrote something:\n%s\nbefore:\n%s", after, before)
	}
	to[0].Address = "ben@harbor.example"
	if r := h.ask(m, activities.VerbRename, activities.RenameArgument(to)); r.Outcome != store.RequestRefused || !strings.Contains(r.Message, "in use by another mailbox") {
		t.Errorf("an address in use: %+v", r)
	}
	h.sql(`UPDATE contact SET job_title = 'Captain'`)
	h.eventually("an edit arrives under the new address", func() bool {
		_, body := h.do("ann", http.MethodGet, at, "")
		return strings.Contains(body, "Captain")
	})
}

// removed and added under a new address is a conflict that writes
// nothing; clearing it goes on where the mailbox stopped, without a first sync.
func TestCRMIDConflictIsCleared(t *testing.T) {
	h := build(t, backends()[0], "ann")
	book := h.mail.AddressBook("ann")
	h.put("ann", book+"a.vcf", card("uid-a", "Bob Stone", "bob@example.com", ""))
	h.sql(`INSERT INTO contact (id, owner_id, full_name, family_name, email) VALUES ('c2', 'u-ann', 'Cora Crm', 'Crm', 'cora@example.com')`)
	h.open()
	h.synced()
	m := h.mailboxes()[0]
	if r := h.ask(m, activities.VerbRemove, ""); r.Outcome != store.RequestDone {
		t.Fatalf("remove: %+v", r)
	}
	before := h.versions()
	h.sql(`UPDATE contact SET job_title = 'Captain' WHERE id = 'c2'`)
	fresh := m
	fresh.ID, fresh.Address = "", "ann.smith@harbor.example"
	fresh, err := h.store.Register(t.Context(), fresh)
	var conflict *store.Conflict
	if !errors.As(err, &conflict) || err.Error() != "Synchronization failed due to Crm ID conflict. <u-ann> already registered for another user." {
		t.Fatalf("registering says %v", err)
	}
	if err := h.waker.WakeMailboxes(t.Context(), []model.MailboxID{fresh.ID}); err != nil {
		t.Fatal(err)
	}
	if r := h.ask(fresh, activities.VerbResume, ""); r.Outcome != store.RequestRefused || !strings.Contains(r.Message, "clear-conflict") {
		t.Errorf("resume in conflict: %+v", r)
	}
	if r := h.ask(m, activities.VerbClear, string(fresh.ID)); r.Outcome != store.RequestDone {
		t.Fatalf("clear-conflict: %+v", r)
	}
	h.eventually("what changed meanwhile arrives", func() bool {
		_, body := h.find("ann", book, "cora@example.com")
		return strings.Contains(body, "Captain")
	})
	if n, cards := h.count(`SELECT COUNT(*) FROM contact`), len(h.list("ann", book)); n != 2 || cards != 2 {
		t.Errorf("%d contacts, %d cards; before:\n%s", n, cards, before)
	}
	got, err := h.store.Mailbox(t.Context(), m.ID)
	if err != nil || got.Address != "ann.smith@harbor.example" || got.State != model.Active {
		t.Errorf("the mailbox is %+v, %v", got, err)
	}
	if r := h.ask(m, activities.VerbClear, string(fresh.ID)); r.Outcome != store.RequestRefused || !strings.Contains(r.Message, "There is no CRM-ID conflict") {
		t.Errorf("the second time: %+v", r)
	}
}

// R-15, N-12, B21: a full resync in stages writes nothing where both sides agree;
// an outbound snapshot brings what the mailbox lost sight of, after its plan was
// approved.
func TestReinitializeInStages(t *testing.T) {
	h := build(t, backends()[0], "ann")
	book := h.mail.AddressBook("ann")
	for _, n := range []string{"a", "b", "c"} {
		h.put("ann", book+n+".vcf", card("uid-"+n, "Bob Stone "+n, n+"@example.com", ""))
	}
	h.open()
	h.synced()
	m, before := h.mailboxes()[0], h.versions()
	r := h.ask(m, activities.VerbReinit, activities.Reinit{Type: activities.FullResync, Stage: 2, Approved: true}.Argument())
	if r.Outcome != store.RequestDone || !strings.Contains(r.Message, "6 items were looked at in 3 stages") {
		t.Fatalf("resync: %+v", r)
	}
	if after := h.versions(); after != before {
		t.Errorf("a resync of what is in step wrote something:\n%s\nbefore:\n%s", after, before)
	}
	if r := h.ask(m, activities.VerbReinit, activities.Reinit{Type: "everything"}.Argument()); r.Outcome != store.RequestRefused {
		t.Errorf("an unknown type: %+v", r)
	}
	if r := h.ask(m, activities.VerbReinit, activities.Reinit{Type: activities.NoReinit}.Argument()); r.Outcome != store.RequestRefused || !strings.Contains(r.Message, "nothing to cancel") {
		t.Errorf("nothing to cancel: %+v", r)
	}
	h.quiet()
}
