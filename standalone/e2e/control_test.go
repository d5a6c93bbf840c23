package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"lockstep.dev/activities"
	"lockstep.dev/model"
	"lockstep.dev/store"
)

// ask hands a request to a mailbox and returns its outcome.
func (h *house) ask(m model.Mailbox, verb, argument string) store.Request {
	h.t.Helper()
	r, err := h.store.AddRequest(h.t.Context(), store.Request{Mailbox: m.ID, Verb: verb, Argument: argument, By: "test", At: time.Now()})
	if err == nil {
		err = h.waker.Request(h.t.Context(), r)
	}
	if err != nil {
		h.t.Fatal(err)
	}
	h.eventually(verb+" is answered", func() bool {
		r, err = h.store.Request(h.t.Context(), r.ID)
		return err == nil && r.Outcome != store.RequestOpen
	})
	return r
}

// B1: the first sync stops at its plan, a stale hash is refused, the right one
// lets exactly that plan go.
func TestFirstSyncWaitsForApproval(t *testing.T) {
	h := build(t, backends()[0], "ann")
	h.policy.Approval = "first-sync"
	if err := h.store.SavePolicy(t.Context(), h.policy); err != nil {
		t.Fatal(err)
	}
	book := h.mail.AddressBook("ann")
	h.put("ann", book+"a.vcf", card("uid-a", "Bob Stone", "bob@example.com", ""))
	h.open()
	m := h.mailboxes()[0]
	var p store.PlanRow
	h.eventually("a plan waits", func() bool {
		var err error
		p, err = h.store.Plan(t.Context(), m.ID)
		return err == nil && p.State == store.PlanHeld
	})
	if n := h.count(`SELECT COUNT(*) FROM contact`); n != 0 {
		t.Fatalf("%d contacts were written before approval", n)
	}
	if r := h.ask(m, activities.VerbApprove, "0123456789abcdef"); r.Outcome != store.RequestRefused {
		t.Errorf("a wrong hash: %+v", r)
	}
	if r := h.ask(m, activities.VerbApprove, p.Hash); r.Outcome != store.RequestDone {
		t.Errorf("the right hash: %+v", r)
	}
	if n := h.count(`SELECT COUNT(*) FROM contact`); n != 1 {
		t.Errorf("%d contacts in the CRM after approval", n)
	}
	h.quiet()
}

// A paused mailbox is left alone, may be looked at, and catches up (N-08).
func TestPauseShowResume(t *testing.T) {
	h := build(t, backends()[0], "ann")
	at := h.mail.AddressBook("ann") + "a.vcf"
	h.put("ann", at, card("uid-a", "Bob Stone", "bob@example.com", ""))
	h.open()
	h.synced()
	m := h.mailboxes()[0]
	h.ask(m, activities.VerbPause, "")
	h.sql(`UPDATE contact SET job_title = 'Captain'`)
	h.eventually("the dry run sees the edit", func() bool {
		return strings.Contains(h.ask(m, activities.VerbShow, "").Message, "update 1 on the mail side")
	})
	if _, body := h.do("ann", http.MethodGet, at, ""); strings.Contains(body, "Captain") {
		t.Error("a paused mailbox was written to")
	}
	if r := h.ask(m, activities.VerbSync, ""); r.Outcome != store.RequestRefused {
		t.Errorf("sync-now on a paused mailbox: %+v", r)
	}
	h.ask(m, activities.VerbResume, "")
	h.eventually("the edit arrived", func() bool {
		_, body := h.do("ann", http.MethodGet, at, "")
		return strings.Contains(body, "Captain")
	})
	h.quiet()
}

// B3: a calendar emptied by accident deletes nothing in the CRM until a person
// approves exactly these deletions; the rest of the work goes on.
func TestMassDeletionWaits(t *testing.T) {
	h := build(t, backends()[0], "ann")
	cal := h.mail.Calendar("ann")
	for i := range 20 {
		h.put("ann", cal+fmt.Sprintf("e%d.ics", i), meeting(fmt.Sprintf("uid-%d", i), fmt.Sprintf("Visit %d", i), "", 5+i))
	}
	h.open()
	h.synced()
	for i := range 20 {
		h.do("ann", http.MethodDelete, cal+fmt.Sprintf("e%d.ics", i), "")
	}
	h.put("ann", h.mail.AddressBook("ann")+"a.vcf", card("uid-a", "Bob Stone", "bob@example.com", ""))
	m := h.mailboxes()[0]
	var p store.PlanRow
	h.eventually("20 deletions wait", func() bool {
		var err error
		p, err = h.store.Plan(t.Context(), m.ID)
		return err == nil && p.Counts.Held == 20
	})
	h.eventually("the new card went through all the same", func() bool { return h.count(`SELECT COUNT(*) FROM contact`) == 1 })
	if n := h.count(`SELECT COUNT(*) FROM appointment`); n != 20 {
		t.Fatalf("%d appointments left, want 20", n)
	}
	h.eventually("the approval is taken", func() bool {
		p, _ = h.store.Plan(t.Context(), m.ID)
		return h.ask(m, activities.VerbApprove, p.Hash).Outcome == store.RequestDone
	})
	h.eventually("the approved deletions were made", func() bool { return h.count(`SELECT COUNT(*) FROM appointment`) == 0 })
	h.quiet()
}

// Removing a mailbox deletes nothing anywhere and takes our marks out of it;
// adding it again creates nothing (B6).
func TestRemoveAndAddAgain(t *testing.T) {
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
	if _, body := h.find("ann", book, "cora@example.com"); body == "" || strings.Contains(body, "LOCKSTEP") {
		t.Errorf("the created card after removal: %s", body)
	}
	if n := h.count(`SELECT COUNT(*) FROM contact`); n != 2 {
		t.Errorf("%d contacts in the CRM", n)
	}
	if _, err := h.store.Register(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	if err := h.waker.WakeMailboxes(t.Context(), []model.MailboxID{m.ID}); err != nil {
		t.Fatal(err)
	}
	h.synced()
	if n, cards := h.count(`SELECT COUNT(*) FROM contact`), len(h.list("ann", book)); n != 2 || cards != 2 {
		t.Errorf("after adding it again: %d contacts, %d cards", n, cards)
	}
}

// D-31, D-33: a password that is not accepted any more disables the mailbox at
// once and says what to do; the others go on.
func TestWrongPasswordDisablesOneMailbox(t *testing.T) {
	h := build(t, backends()[0], "ann", "ben")
	h.open()
	h.synced()
	m := h.mailboxes()[0]
	good := m.Secret
	m.Secret = "wrong"
	if err := h.store.SaveMailbox(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	h.eventually("the mailbox is disabled", func() bool { return h.mailboxes()[0].State == model.Disabled })
	if m := h.mailboxes()[0]; !strings.Contains(m.Reason, "mail side") || strings.Contains(m.Reason, "wrong") {
		t.Errorf("reason: %s", m.Reason)
	}
	if h.mailboxes()[1].State != model.Active {
		t.Error("the other mailbox stopped, too")
	}
	m.Secret = good
	if err := h.store.SaveMailbox(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	h.ask(m, activities.VerbResume, "")
	h.quiet()
}
