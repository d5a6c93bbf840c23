package cli_test

import (
	"errors"
	"strings"
	"testing"

	"lockstep.dev/activities"
	"lockstep.dev/model"
	"lockstep.dev/store"
)

const addCleo = "mailbox add cleo@example.com --crm-user 19"

func (h *house) has(address string) bool {
	h.t.Helper()
	_, err := h.st.MailboxNamed(h.t.Context(), address)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		h.t.Fatal(err)
	}
	return err == nil
}

// The first sync stops at its plan, which is shown with what to do next.
func TestAddingAMailboxStopsAtThePlan(t *testing.T) {
	h := newHouse(t)
	h.heldPlan(store.PlanHeld)
	code, out, talk := h.run(strings.Fields(addCleo)...)
	if code != 0 || out != "" {
		t.Errorf("exit code %d, data %q", code, out)
	}
	golden(t, "talk-mailbox-add", "$ lockstep "+addCleo+"\n"+talk)
	m := h.mailbox("cleo@example.com")
	if m.CRMUser != "19" || m.State != model.Active || m.Policy != "default" {
		t.Errorf("cleo: %+v", m)
	}
	if got := strings.Join(h.woken, " "); got != "sales cleo@example.com" || len(h.asked) > 0 {
		t.Errorf("woken %s, asked %v", got, h.asked)
	}
}

// --yes approves exactly the plan that waits, and follows the sync to its end.
func TestAddingAMailboxWithYesApprovesItsPlan(t *testing.T) {
	h := newHouse(t)
	held := h.heldPlan(store.PlanHeld)
	h.act = func(store.Request) (store.RequestOutcome, string) {
		h.st.plans = nil
		h.initialize("cleo@example.com")
		return store.RequestDone, "7 written."
	}
	code, _, talk := h.run(append(strings.Fields(addCleo), "--yes")...)
	if code != 0 || !strings.Contains(talk, "the first sync is done; from now on it is kept in step") {
		t.Errorf("exit code %d, says %s", code, talk)
	}
	if len(h.asked) != 1 || h.asked[0].Verb != activities.VerbApprove || h.asked[0].Argument != held.Hash {
		t.Errorf("asked %+v", h.asked)
	}
}

// initialize does what a first sync does to the mailbox's row.
func (h *house) initialize(address string) {
	h.t.Helper()
	ctx, m := h.t.Context(), h.mailbox(address)
	id, err := h.st.BeginPlan(ctx, store.PlanRow{Mailbox: m.ID, State: store.PlanOpen, At: noon()})
	if err != nil {
		h.t.Fatal(err)
	}
	if err := h.st.SealPlan(ctx, store.PlanRow{ID: id, Mailbox: m.ID, State: store.PlanReady, At: noon()}); err != nil {
		h.t.Fatal(err)
	}
	if _, err := h.st.Lease(ctx, m.ID, "test", noon(), noon().Add(1e9)); err != nil {
		h.t.Fatal(err)
	}
	if err := h.st.FinishPlan(ctx, m.ID, "test", id, store.Round{Number: 1, Started: noon(), Ended: noon()}); err != nil {
		h.t.Fatal(err)
	}
}

func TestAFirstSyncThatTakesLongGoesOn(t *testing.T) {
	h := newHouse(t)
	h.st.progress = []store.Progress{{Kind: model.Contact, CRMItems: 20, MailItems: 7}}
	code, _, talk := h.run(append(strings.Fields(addCleo), "--timeout", "3s")...)
	if code != 3 || !strings.Contains(talk, "cleo@example.com: contact: 20 in the CRM, 7 in the mailbox, 0 linked\n") ||
		!strings.HasSuffix(talk, "the first sync is still under way; see: lockstep mailbox show cleo@example.com\n") {
		t.Errorf("exit code %d, says %s", code, talk)
	}
}

// Where neither side has anything to sync, nobody waits for a plan.
func TestAnEmptyMailboxIsDoneOnceBothSidesWereRead(t *testing.T) {
	h := newHouse(t)
	crm := h.mailbox("anna@example.com").CRM
	h.wake = func(m model.Mailbox) {
		ctx, found := t.Context(), model.Collection{ID: "contact", Kind: model.Contact}
		if err := h.st.SaveCollections(ctx, crm, "", []model.Collection{found}, noon()); err != nil {
			t.Error(err)
		}
		page := store.PageIn{Connection: crm, Collection: store.Collection{Collection: found}, Cursor: "1", Full: true, Last: true, ReadAt: noon(), Now: noon()}
		if _, err := h.st.SavePage(ctx, page); err != nil {
			t.Error(err)
		}
		if _, err := h.st.FinishFetch(ctx, m.ID, noon(), noon(), noon()); err != nil {
			t.Error(err)
		}
	}
	code, _, talk := h.run(strings.Fields(addCleo)...)
	if code != 0 || !strings.HasSuffix(talk, "both sides were read; there is nothing to sync yet. From now on it is kept in step\n") {
		t.Errorf("exit code %d, says %s", code, talk)
	}
}

func TestAMailboxIsKeptWhenTemporalIsDown(t *testing.T) {
	h := newHouse(t)
	h.unreachable = true
	code, _, talk := h.run(strings.Fields(addCleo)...)
	if code != 3 || !strings.Contains(talk, "the mailbox is registered. Lockstep does not run") || !h.has("cleo@example.com") {
		t.Errorf("exit code %d, says %s", code, talk)
	}
}

func TestTheCRMUserIsFoundByTheAddress(t *testing.T) {
	h := newHouse(t)
	code, _, talk := h.run("mailbox", "add", "Cleo@Example.com", "--no-wait")
	if code != 0 || !strings.HasPrefix(talk, "CRM user: 19\n") || h.mailbox("cleo@example.com").CRMUser != "19" {
		t.Errorf("exit code %d, says %s", code, talk)
	}
}

// the text stands verbatim, only settings are kept, and the other
// mailbox and the repair are named.
func TestACRMUserOfAnotherMailboxIsRefused(t *testing.T) {
	h := newHouse(t)
	code, out, talk := h.run("mailbox", "add", "anna.new@example.com", "--crm-user", "17")
	want := "lockstep: Synchronization failed due to Crm ID conflict. <17> already registered for another user.\n"
	if code != 1 || !strings.HasSuffix(talk, want) || out != "" || h.mailbox("anna.new@example.com").State != model.Conflicted {
		t.Errorf("exit code %d, says %q, data %q", code, talk, out)
	}
	for _, part := range []string{"registered for anna@example.com", "lockstep mailbox clear-conflict anna.new@example.com"} {
		if !strings.Contains(talk, part) {
			t.Errorf("does not say %q: %s", part, talk)
		}
	}
	unchanged(t, h)
}

// What does not work is said with its side, and nothing is saved.
func TestAMailboxThatDoesNotWorkIsNotAdded(t *testing.T) {
	for name, c := range map[string]struct {
		down map[string]error
		code int
		want string
	}{
		"password": {map[string]error{"cleo@example.com": signInFails()}, 4, "lockstep: mailbox cleo@example.com does not work: mail side: The server does not accept the password. (dav.401)\n"},
		"crm":      {map[string]error{"sales": unreachable()}, 1, "lockstep: crm: connection sales does not work: crm side: The database cannot be reached. (sqlcrm.unreachable)\n"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			h.down = c.down
			code, _, talk := h.run(strings.Fields(addCleo)...)
			if code != c.code || talk != c.want {
				t.Errorf("exit code %d, says %q, want %q", code, talk, c.want)
			}
			unchanged(t, h)
		})
	}
}

func TestAddingAgainRenewsThePassword(t *testing.T) {
	h := newHouse(t)
	h.input = "new password\n"
	before := h.mailbox("anna@example.com")
	code, _, talk := h.run("mailbox", "add", "anna@example.com", "--crm-user", "17", "--secret", "-")
	after := h.mailbox("anna@example.com")
	if code != 0 || talk != "anna@example.com: changed: secret\n" || after.ID != before.ID || after.Secret != "new password" {
		t.Errorf("exit code %d, says %q, %s", code, talk, after.ID)
	}
	if got := strings.Join(h.woken, " "); got != "anna@example.com" {
		t.Errorf("woken %s", got)
	}
	h.terminal = true
	h.run("mailbox", "add", "anna@example.com", "--crm-user", "17", "--secret", "-")
	if got := h.mailbox("anna@example.com").Secret; got != "typed unseen" {
		t.Errorf("on a terminal: %q", got)
	}
	h.terminal, h.input = false, "\n"
	if code, _, talk := h.run("mailbox", "add", "anna@example.com", "--secret", "-"); code != 2 || talk != "lockstep: --secret -: standard input holds no secret\n" {
		t.Errorf("exit code %d, says %q", code, talk)
	}
}

// A removal says what it does before it asks, and asks only on a terminal.
func TestRemovingAMailboxSaysWhatItDoes(t *testing.T) {
	h := newHouse(t)
	h.terminal, h.input = true, "n\n"
	code, _, talk := h.run("mailbox", "remove", "anna@example.com")
	golden(t, "talk-mailbox-remove", "$ lockstep mailbox remove anna@example.com\n"+talk)
	if code != 1 {
		t.Errorf("exit code %d", code)
	}
	unchanged(t, h)

	h.input = "y\n"
	if code, _, talk := h.run("mailbox", "remove", "anna@example.com"); code != 0 || !strings.HasSuffix(talk, "anna@example.com: Done.\n") {
		t.Errorf("exit code %d, says %s", code, talk)
	}
	if len(h.asked) != 1 || h.asked[0].Verb != activities.VerbRemove {
		t.Errorf("asked %+v", h.asked)
	}
}

func TestForgettingComesAfterTheRemoval(t *testing.T) {
	h := newHouse(t)
	h.unreachable = true
	code, _, talk := h.run("mailbox", "remove", "anna@example.com", "--forget", "-y")
	if code != 3 || !strings.Contains(talk, "What Lockstep knows of it was not deleted. Once it is removed, run the same command again.") || !h.has("anna@example.com") {
		t.Errorf("exit code %d, says %s", code, talk)
	}
	h.unreachable = false
	h.act = func(r store.Request) (store.RequestOutcome, string) {
		if err := h.st.SetMailboxState(t.Context(), r.Mailbox, model.Retired, "removed by root"); err != nil {
			t.Error(err)
		}
		return store.RequestDone, "The mailbox is no longer synced."
	}
	code, _, talk = h.run("mailbox", "remove", "anna@example.com", "--forget", "-y")
	if code != 0 || !strings.HasSuffix(talk, "anna@example.com: forgotten.\n") || h.has("anna@example.com") {
		t.Errorf("exit code %d, says %s", code, talk)
	}
}

func TestRemovedMailboxesAreListedOnlyOnDemand(t *testing.T) {
	h := newHouse(t)
	if err := h.st.SetMailboxState(t.Context(), h.mailbox("anna@example.com").ID, model.Retired, "removed"); err != nil {
		t.Fatal(err)
	}
	for args, want := range map[string]bool{"mailbox list": false, "mailbox list --all": true, "mailbox list --state retired": true} {
		if _, out, _ := h.run(strings.Fields(args)...); strings.Contains(out, "anna@example.com") != want {
			t.Errorf("%s: %s", args, out)
		}
	}
}

func TestAnEmptyListSaysWhatToDo(t *testing.T) {
	h := bareHouse(t)
	code, out, talk := h.run("mailbox", "list")
	if code != 0 || out != "" || talk != "There is no mailbox. Add one: lockstep mailbox add ADDRESS --crm-user ID\n" {
		t.Errorf("exit code %d, data %q, says %q", code, out, talk)
	}
	if _, out, _ := h.run("mailbox", "list", "--json"); out != "[]\n" {
		t.Errorf("JSON: %q", out)
	}
	code, _, talk = h.run("mailbox", "add", "anna@example.com")
	if code != 2 || !strings.Contains(talk, "there is no connection of the crm side yet; add one first: lockstep connection add NAME --side crm") {
		t.Errorf("exit code %d, says %q", code, talk)
	}
}
