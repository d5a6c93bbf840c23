package cli_test

import (
	"strings"
	"testing"
	"time"

	"lockstep.dev/fault"
	"lockstep.dev/model"
	"lockstep.dev/store"
)

// down lets the mail server of a house go down, for good or for a while.
func (h *house) goesDown(permanent bool) model.Connection {
	h.t.Helper()
	ctx := h.t.Context()
	f := store.Alert{
		Mailbox: h.find("anna@example.com"), Workload: model.ACT, Side: model.Mail, Phase: store.PhaseFetch,
		Code: "dav.refused", Message: "The server refuses connections.",
	}
	if permanent {
		f.Code, f.Message = "dav.407", "A proxy between us and the server wants credentials."
	}
	for _, m := range []string{"anna@example.com", "ben@example.com"} {
		f.Mailbox = h.find(m)
		if _, err := h.st.Suspect(ctx, f, store.Trial{Permanent: permanent, Next: noon().Add(3 * time.Minute)}, noon().Add(-time.Minute)); err != nil {
			h.t.Fatal(err)
		}
	}
	return h.connection("office")
}

func (h *house) connection(name string) model.Connection {
	h.t.Helper()
	c, err := h.st.ConnectionNamed(h.t.Context(), name)
	if err != nil {
		h.t.Fatal(err)
	}
	return c
}

// N-03: what people see of a server that does not answer, and D-31: of one that
// refuses us for good.
func TestWhatPeopleSeeOfAnOutage(t *testing.T) {
	for name, permanent := range map[string]bool{"outage-paused": false, "outage-disabled": true} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			h.goesDown(permanent)
			var all strings.Builder
			for _, args := range []string{
				"connection list", "connection show office", "mailbox list", "mailbox list --state disabled", "mailbox list --state active",
				"mailbox show anna@example.com", "connection show office --json", "mailbox list --json",
			} {
				code, out, talk := h.run(strings.Fields(args)...)
				if code != 0 {
					t.Errorf("%s: exit code %d", args, code)
				}
				all.WriteString("$ lockstep " + args + "\n" + out + talk + "\n")
			}
			golden(t, name, all.String())
		})
	}
}

// D-33: a test that works enables exactly the mailboxes that the connection
// stopped, and not the one that was disabled on its own.
func TestATestThatWorksEndsAnOutage(t *testing.T) {
	h := newHouse(t)
	own := store.Alert{Mailbox: h.find("ben@example.com"), Workload: model.ACT, Side: model.Mail, Phase: store.PhaseFetch, Code: "dav.401", Message: "no"}
	if err := h.st.RaiseAlert(t.Context(), own, "The password is wrong.", noon().Add(-time.Hour)); err != nil {
		t.Fatal(err)
	}
	h.goesDown(true)
	h.down = map[string]error{"office": &fault.Fault{Class: fault.Denied, Scope: fault.Server, Side: model.Mail, Code: "dav.407", Message: "A proxy wants credentials."}}
	code, out, _ := h.run("connection", "test", "office")
	if code == 0 || !h.connection("office").Circuit.Disabled() || strings.Contains(out, "ben@") {
		t.Errorf("a test that fails: exit code %d, %+v, tried on with another mailbox:\n%s", code, h.connection("office").Circuit, out)
	}
	h.down = map[string]error{"ben@example.com": signInFails()}
	_, _, talk := h.run("connection", "test", "office")
	if h.connection("office").Circuit.Down() || !strings.Contains(talk, "connection office: works again; mailboxes that come back, one after the other: 1") {
		t.Errorf("a test that works: %+v\n%s", h.connection("office").Circuit, talk)
	}
	if strings.Join(h.woken, " ") != "office" {
		t.Errorf("woke %v", h.woken)
	}
	if anna, ben := h.mailbox("anna@example.com"), h.mailbox("ben@example.com"); anna.State != model.Active || ben.State != model.Disabled {
		t.Errorf("anna is %s, ben %s", anna.State, ben.State)
	}
	if _, list, _ := h.run("mailbox", "list", "--state", "disabled"); strings.Contains(list, "anna@") || !strings.Contains(list, "ben@") {
		t.Errorf("disabled:\n%s", list)
	}
}

// A command that cannot be carried out yet says what it waits for.
func TestACommandSaysWhatItWaitsFor(t *testing.T) {
	h := newHouse(t)
	h.goesDown(false)
	h.act = nil
	code, _, talk := h.run("mailbox", "sync", "anna@example.com")
	if code != 3 || !strings.Contains(talk, "waits for the connection office, which is paused since") {
		t.Errorf("exit code %d: %s", code, talk)
	}
}

// A connection that is down is tried at once when it is changed.
func TestAChangedConnectionIsTriedAtOnce(t *testing.T) {
	h := newHouse(t)
	h.goesDown(true)
	code, _, talk := h.run("connection", "add", "office", "--side", "mail", "--connector", "dav", "--set", "url=https://dav2.example.com/", "--outage", "disable")
	c := h.connection("office")
	if code != 0 || c.Outage != model.OutageDisable || c.Circuit.Permanent || c.Circuit.Next.After(noon()) || strings.Join(h.woken, " ") != "office" {
		t.Errorf("exit code %d, %+v, woke %v: %s", code, c, h.woken, talk)
	}
}
