package e2e

import (
	"testing"
	"time"

	"lockstep.dev/activities"
	"lockstep.dev/model"
	"lockstep.dev/store"
)

func (h *house) connection(name string) model.Connection {
	h.t.Helper()
	c, err := h.store.ConnectionNamed(h.t.Context(), name)
	if err != nil {
		h.t.Fatal(err)
	}
	return c
}

// wantNobodyStopped wants every mailbox enabled and no alert of one.
func (h *house) wantNobodyStopped() {
	h.t.Helper()
	for _, m := range h.mailboxes() {
		if m.State != model.Active {
			h.t.Errorf("%s is %s: %s", m.Address, m.State, m.Reason)
		}
	}
	list, err := h.store.Alerts(h.t.Context(), store.AlertFilter{})
	if err != nil {
		h.t.Fatal(err)
	}
	for _, a := range list {
		if a.Mailbox != "" && a.State == store.AlertOpen {
			h.t.Errorf("a mailbox has a sync error of its own: %+v", a)
		}
	}
}

// N-03: the mail server stops and is started again. Its mailboxes wait and go on
// where they stopped; a command given meanwhile is carried out.
func TestTheMailServerStopsAndComesBack(t *testing.T) {
	h := build(t, backends()[0], "ann", "ben")
	h.open()
	h.synced()
	h.mail.Stop(t)
	h.eventually("the connection is paused", func() bool { return h.connection("mail").Circuit.Down() })
	m := h.mailboxes()[0]
	r, err := h.store.AddRequest(t.Context(), store.Request{Mailbox: m.ID, Verb: activities.VerbSync, By: "test", At: time.Now()})
	if err == nil {
		err = h.waker.Request(t.Context(), r)
	}
	if err != nil {
		t.Fatal(err)
	}
	h.sql(`INSERT INTO contact (id, owner_id, full_name, family_name, email) VALUES ('c1', 'u-ann', 'Mary Shelley', 'Shelley', 'mary@example.com')`)
	h.eventually("a probe has failed", func() bool { return h.connection("mail").Circuit.Probes > 0 })
	h.wantNobodyStopped()
	h.mail.Start(t)
	h.eventually("the connection works again", func() bool { return !h.connection("mail").Circuit.Down() })
	h.eventually("the contact has arrived", func() bool {
		_, object := h.find("ann", h.mail.AddressBook("ann"), "Mary Shelley")
		return object != ""
	})
	h.eventually("the command is carried out", func() bool {
		r, err = h.store.Request(t.Context(), r.ID)
		return err == nil && r.Outcome == store.RequestDone
	})
	h.quiet()
	h.wantNobodyStopped()
	if k := h.connection("mail").Circuit; k.Opened != 1 {
		t.Errorf("one outage is %d events", k.Opened)
	}
}

// D-31, D-33: the CRM refuses the connection for good. Every mailbox is disabled
// with it, and enabled again when the connection was mended, but not the one that
// a person paused.
func TestARefusedConnectionDisablesItsMailboxes(t *testing.T) {
	h := build(t, backends()[0], "ann", "ben")
	h.open()
	h.synced()
	good := h.connection("crm")
	h.ask(h.mailboxes()[1], activities.VerbPause, "")
	bad := good
	bad.Settings = map[string]string{"dsn": t.TempDir() + "/nowhere/crm.db"}
	if _, err := h.store.SaveConnection(t.Context(), bad); err != nil {
		t.Fatal(err)
	}
	h.eventually("the connection is disabled", func() bool { return h.connection("crm").Circuit.Disabled() })
	m := h.mailboxes()[0]
	if state, by := m.Standing(h.connection("crm"), h.connection("mail")); m.State != model.Active || state != model.Disabled || by.Name != "crm" {
		t.Errorf("stored as %s, stands as %s", m.State, state)
	}
	if r := h.ask(m, activities.VerbResume, ""); r.Outcome != store.RequestRefused {
		t.Errorf("a mailbox is enabled while its connection is disabled: %+v", r)
	}
	if _, err := h.store.SaveConnection(t.Context(), good); err != nil {
		t.Fatal(err)
	}
	if err := h.waker.WakeConnection(t.Context(), good.ID); err != nil {
		t.Fatal(err)
	}
	h.eventually("the connection works again", func() bool { return !h.connection("crm").Circuit.Down() })
	if m := h.mailboxes()[1]; m.State != model.Paused {
		t.Errorf("the paused mailbox is %s", m.State)
	}
	h.ask(h.mailboxes()[1], activities.VerbResume, "")
	h.quiet()
	h.wantNobodyStopped()
}
