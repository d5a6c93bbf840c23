package cli_test

import (
	"strings"
	"testing"
	"time"

	"lockstep.dev/model"
	"lockstep.dev/store"
)

// L-17, L-18, B23: new credentials are tried before anything is saved; those that
// do not work change nothing.
func TestRenewingAMailbox(t *testing.T) {
	h := newHouse(t)
	h.input = "ganz geheim\n"
	h.down = map[string]error{"anna@example.com": signInFails()}
	code, _, talk := h.run("mailbox", "renew", "anna@example.com")
	if code != 4 || !strings.Contains(talk, "nothing was changed: ") || !strings.Contains(talk, "dav.401") {
		t.Errorf("exit code %d, says %q", code, talk)
	}
	m, err := h.st.MailboxNamed(t.Context(), "anna@example.com")
	if err != nil || m.Secret != "geheim" || len(h.asked) > 0 {
		t.Errorf("saved %q, asked %v, %v", m.Secret, h.asked, err)
	}
	h.down = nil
	code, _, talk = h.run("mailbox", "renew", "anna@example.com", "--why", "it expired")
	if code != 0 || !strings.Contains(talk, "the new credentials work and are in use") {
		t.Errorf("exit code %d, says %q", code, talk)
	}
	m, err = h.st.MailboxNamed(t.Context(), "anna@example.com")
	if err != nil || m.Secret != "ganz geheim" || len(h.asked) != 1 || h.asked[0].Verb != "renew" || h.asked[0].Argument != "" {
		t.Errorf("saved %q, asked %+v, %v", m.Secret, h.asked, err)
	}
	log, err := h.st.Log(t.Context(), store.LogFilter{Subject: store.LogMailbox, Name: string(m.ID), What: store.LogSettings})
	if err != nil || len(log) != 1 || log[0].By != "root" || log[0].Why != "it expired" || strings.Contains(log[0].After, "geheim") {
		t.Errorf("the logbook says %+v, %v", log, err)
	}
}

// B23: who enters credentials may say when they expire, so that somebody is told
// before; a day that is none, or is past, changes nothing.
func TestCredentialsExpire(t *testing.T) {
	h := newHouse(t)
	for day, want := range map[string]string{"soon": `"soon" is not a day; write it as 2027-01-31`, "2001-02-03": "2001-02-03 is not in the future"} {
		if code, _, talk := h.run("mailbox", "renew", "anna@example.com", "--expires", day); code != 2 || !strings.Contains(talk, want) {
			t.Errorf("%s: %d %s", day, code, talk)
		}
	}
	day := time.Now().AddDate(0, 3, 0).UTC().Truncate(24 * time.Hour)
	h.input = "ganz geheim\n"
	if code, _, talk := h.run("mailbox", "renew", "anna@example.com", "--expires", day.Format(time.DateOnly)); code != 0 {
		t.Fatalf("%d %s", code, talk)
	}
	terms, err := h.st.Expiries(t.Context())
	if err != nil || len(terms) != 1 || terms[0].Mailbox == "" || !terms[0].Expires.Equal(day) {
		t.Errorf("%+v %v", terms, err)
	}
}

// L-18: the CRM's credentials are renewed on their own; what its refusal stopped
// goes on.
func TestRenewingAConnection(t *testing.T) {
	h := newHouse(t)
	h.input = "streng geheim\n"
	h.down = map[string]error{"sales": unreachable()}
	code, _, talk := h.run("connection", "renew", "sales")
	c, err := h.st.ConnectionNamed(t.Context(), "sales")
	if code != 1 || !strings.Contains(talk, "nothing was changed: ") || err != nil || c.Secret != "geheim" {
		t.Errorf("exit code %d, says %q, saved %q, %v", code, talk, c.Secret, err)
	}
	h.down = nil
	anna := h.find("anna@example.com")
	f := store.Alert{Mailbox: anna, Workload: model.ACT, Side: model.CRM, Code: "credentials.changed", Message: "m"}
	if err := h.st.RaiseAlert(t.Context(), f, "refused", noon()); err != nil {
		t.Fatal(err)
	}
	code, _, talk = h.run("connection", "renew", "sales")
	c, err = h.st.ConnectionNamed(t.Context(), "sales")
	if code != 0 || err != nil || c.Secret != "streng geheim" || len(h.asked) != 1 || h.asked[0].Mailbox != anna || h.asked[0].Verb != "renew" {
		t.Errorf("exit code %d, says %q, saved %q, asked %+v, %v", code, talk, c.Secret, h.asked, err)
	}
	// The secret of a mail connection is tried with a mailbox that uses it.
	if code, _, talk = h.run("connection", "renew", "office"); code != 1 || !strings.Contains(talk, "no mailbox uses the secret") {
		t.Errorf("exit code %d, says %q", code, talk)
	}
	for _, address := range []string{"anna@example.com", "ben@example.com"} {
		m, err := h.st.MailboxNamed(t.Context(), address)
		if err == nil {
			m.Secret = ""
			err = h.st.SaveMailbox(t.Context(), m)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	h.down = map[string]error{"anna@example.com": signInFails(), "ben@example.com": signInFails()}
	if code, _, talk = h.run("connection", "renew", "office"); code != 4 || !strings.Contains(talk, "nothing was changed") {
		t.Errorf("exit code %d, says %q", code, talk)
	}
	h.down = map[string]error{"anna@example.com": signInFails()}
	if code, _, talk = h.run("connection", "renew", "office"); code != 0 {
		t.Errorf("exit code %d, says %q", code, talk)
	}
}

// L-10: a revoked connection is one event, and its secret is gone.
func TestRevoking(t *testing.T) {
	h := newHouse(t)
	if code, _, _ := h.run("connection", "revoke", "sales"); code == 0 {
		t.Error("nobody was asked")
	}
	code, _, talk := h.run("connection", "revoke", "sales", "-y")
	c, err := h.st.ConnectionNamed(t.Context(), "sales")
	if code != 0 || err != nil || c.Secret != "" || !c.Circuit.Down() || !c.Circuit.Permanent {
		t.Errorf("exit code %d, says %q, %+v, %v", code, talk, c.Circuit, err)
	}
	alerts, err := h.st.Alerts(t.Context(), store.AlertFilter{Connection: c.ID})
	if err != nil || len(alerts) != 1 || alerts[0].Code != "credentials.revoked" || alerts[0].State != store.AlertOpen {
		t.Errorf("alerts %+v, %v", alerts, err)
	}
	h.input = "geheim\n"
	if code, _, talk = h.run("connection", "renew", "sales"); code != 0 {
		t.Errorf("exit code %d, says %q", code, talk)
	}
	c, err = h.st.ConnectionNamed(t.Context(), "sales")
	if err != nil || c.Circuit.Down() || c.Secret == "" {
		t.Errorf("%+v, %v", c.Circuit, err)
	}
	if code, _, talk = h.run("mailbox", "revoke", "anna@example.com", "-y"); code != 0 || h.asked[len(h.asked)-1].Verb != "revoke" {
		t.Errorf("exit code %d, says %q", code, talk)
	}
}

// D-33, L-10: a mailbox is tried before it is enabled.
func TestActivating(t *testing.T) {
	h := newHouse(t)
	h.down = map[string]error{"ben@example.com": signInFails()}
	code, _, talk := h.run("mailbox", "activate", "anna@example.com", "ben@example.com")
	if code != 3 || len(h.asked) != 1 || h.asked[0].Verb != "resume" || !strings.Contains(talk, "ben@example.com stays active: ") {
		t.Errorf("exit code %d, says %q, asked %+v", code, talk, h.asked)
	}
}
