package e2e

import (
	"fmt"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"lockstep.dev/connector/all"
	"lockstep.dev/dashboard"
	"lockstep.dev/engine"
	"lockstep.dev/model"
	"lockstep.dev/setup"
	"lockstep.dev/store"
	"lockstep.dev/workflows"
)

// hostile is the name of a person who wants to run a script in our page.
const hostile = `<img src=x onerror="window.hurt=1"><script>window.hurt=2</script>`

// A person in a real browser: the one-time link, a first sync that waits, its
// plan decided item by item, pausing and resuming, an item on both sides, an
// audit; and what each of these did in the workflow, the store and the systems.
func TestThePagesInABrowser(t *testing.T) {
	h := build(t, backends()[0], "ann")
	p := h.policy
	p.Approval = "first-sync"
	if err := h.store.SavePolicy(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	h.sql(`INSERT INTO contact (id, owner_id, full_name, family_name, email) VALUES ('c1', 'u-ann', $1, 'Hostile', 'x@example.com')`, hostile)
	h.sql(`INSERT INTO contact (id, owner_id, full_name, family_name, email) VALUES ('c2', 'u-ann', 'Bob Stone', 'Stone', 'bob@example.com')`)
	h.open()
	b, m := h.pages(t), h.mailboxes()[0]

	b.sees("overview")
	b.until(`[...document.querySelectorAll(".tile")].some(e => e.innerText.includes("Wait for approval") && e.innerText.includes("1"))`)
	b.photographs("overview", 1280, 960)
	b.goes("Mailboxes")
	b.sees("waits for approval")
	b.photographs("mailboxes", 1280, 560)
	b.goes("ann@harbor.example")
	b.sees("Waits for approval")
	b.sees("Bob Stone")
	b.sees(hostile) // as text
	b.photographs("approval", 1280, 900)
	b.unhurt()

	// The hostile contact is rejected, everything else is approved.
	asks[bool](b, `(() => { const row = [...document.querySelectorAll("#plan tbody tr")].find(r => r.innerText.includes("onerror")); row.querySelector("input").click(); return true; })()`)
	b.goes("Reject")
	b.until(`!document.querySelector("#plan") || !document.querySelector("#plan").innerText.includes("onerror")`)
	b.goes("Approve")
	h.eventually("the first sync is done", func() bool { return h.mailboxes()[0].Initialized })
	if list := h.list("ann", h.mail.AddressBook("ann")); len(list) != 1 {
		t.Errorf("the mailbox has %v, want Bob alone", list)
	}
	b.sees("first sync")
	b.goes("Pause")
	b.sees("paused")
	h.state(m.ID, model.Paused)
	b.goes("Resume")
	b.sees("active")
	h.state(m.ID, model.Active)
	b.goes("Sync now")
	b.sees("both sides agree")

	b.open("/mailboxes/" + string(m.ID) + "/item?q=c2")
	b.sees("when both agreed")
	b.sees("bob@example.com")
	b.photographs("item", 1280, 800)
	b.open("/mailboxes/" + string(m.ID) + "/item?q=c1")
	b.sees(hostile)
	b.unhurt()

	// Live: what happens elsewhere appears without a reload.
	b.open("/mailboxes/" + string(m.ID))
	asks[bool](b, "window.before = true")
	if err := h.store.SetMailboxState(t.Context(), m.ID, model.Paused, "somebody else did it"); err != nil {
		t.Fatal(err)
	}
	b.sees("somebody else did it")
	if !asks[bool](b, "window.before === true") {
		t.Error("the page was loaded anew")
	}
	b.goes("Sign out")
	b.open("/mailboxes")
	b.until(`location.pathname === "/sign-in"`)
}

// state waits for a mailbox's state, and asks its workflow.
func (h *house) state(id model.MailboxID, want model.MailboxState) {
	h.t.Helper()
	h.eventually(fmt.Sprintf("the mailbox is %s", want), func() bool { return h.mailboxes()[0].State == want })
	h.eventually("its workflow says so", func() bool {
		var s workflows.Status
		v, err := h.client.QueryWorkflow(h.t.Context(), workflows.MailboxWorkflowID(id), "", workflows.QueryStatus)
		return err == nil && v.Get(&s) == nil && strings.EqualFold(s.State, string(want))
	})
}

// pages serves the dashboard of the house and signs a browser in.
func (h *house) pages(t *testing.T) *browser {
	t.Helper()
	d, err := dashboard.New(dashboard.Config{
		Store: h.store, Schema: h.store, Engine: engine.NewReach(h.client), Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
		Systems: setup.Systems{Names: all.Names(), New: all.New, Paths: all.Paths}, Key: h.base.Key, Accounts: dashboard.Accounts{dashboard.Owner()},
	})
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(d)
	t.Cleanup(s.Close)
	b := browse(t, s.URL)
	b.open(d.Link(s.URL, dashboard.Owner().Name))
	return b
}

// unhurt: what items say was never run.
func (b *browser) unhurt() {
	b.t.Helper()
	if asks[bool](b, `window.hurt !== undefined || document.querySelector("img") !== null`) {
		b.t.Error("what an item says was run as a script")
	}
}

// Every page can be used without seeing colours well, with a keyboard, and with
// a screen reader: names, labels, headings, contrast, in the light and in the
// dark, wide and on a phone.
func TestPagesAreAccessible(t *testing.T) {
	h := build(t, backends()[0], "ann")
	h.sql(`INSERT INTO contact (id, owner_id, full_name, family_name, email) VALUES ('c2', 'u-ann', 'Bob Stone', 'Stone', 'bob@example.com')`)
	h.open()
	h.synced()
	m := h.mailboxes()[0]
	alert := store.Alert{Mailbox: m.ID, Side: model.Mail, Workload: model.ACT, Code: "dav.401", Message: "The server did not let us in."}
	if err := h.store.RaiseAlert(t.Context(), alert, "The server did not let us in.", time.Now()); err != nil {
		t.Fatal(err)
	}
	b := h.pages(t)
	for _, dark := range []bool{false, true} {
		b.likes(dark)
		for _, path := range []string{
			"/", "/mailboxes", "/mailboxes/" + string(m.ID), "/mailboxes/" + string(m.ID) + "/item?q=c2", "/issues", "/alerts", "/reviews", "/rounds",
			"/connections", "/policies", "/policies/everything", "/requests", "/errors/dav.401", "/confirm?do=mailbox+add", "/nowhere",
			"/confirm?do=mailbox+pause&mailbox=" + string(m.ID), "/sign-in",
		} {
			b.open(path)
			for _, width := range []int64{1280, 390} {
				b.wide(width)
				for _, trouble := range asks[[]string](b, accessibility) {
					t.Errorf("%s (%d wide, dark %t): %s", path, width, dark, trouble)
				}
			}
			if dark && path == "/" {
				b.photographs("dark", 1280, 960)
			}
		}
	}
}
