package cli_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"lockstep.dev/model"
	"lockstep.dev/store"
)

// alerted is a house with a mailbox that does not sync, of which the owner was
// told while the administrator's address does not exist.
func alerted(t *testing.T) *house {
	t.Helper()
	h := newHouse(t)
	ok := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	ctx := t.Context()
	since := noon().Add(-2 * time.Hour)
	ok(h.st.RaiseAlert(ctx, store.Alert{
		Mailbox: h.find("anna@example.com"), Workload: model.ACT, Side: model.Mail, Code: "dav.401",
		Message: "The server did not accept the user name, password or token of this mailbox.", Evidence: "HTTP 401",
	}, "Renew the password.", since))
	crm, err := h.st.ConnectionNamed(ctx, "sales")
	ok(err)
	ok(h.st.RaiseAlert(ctx, store.Alert{Connection: crm.ID, Workload: model.ACT, Side: model.CRM, Code: "sqlcrm.unreachable", Message: "It cannot be reached."}, "", since.Add(time.Hour)))
	list, err := h.st.Untold(ctx, 10)
	ok(err)
	events := []store.Event{{Alert: list[0].ID}}
	ok(h.st.Tell(ctx, []store.Notice{
		{Channel: store.ByMail, Recipient: "it@example.com", Due: since, Events: events},
		{Channel: store.ByMail, Recipient: "owner@example.com", Due: since.Add(time.Second), Events: events},
		{Channel: store.ByWebhook, Due: since.Add(24 * time.Hour), Events: events},
	}, nil, since))
	for _, state := range []store.NoticeState{store.NoticeFailed, store.NoticeSent} {
		n, err := h.st.ClaimNotice(ctx, store.ByMail, "test", 10, since.Add(time.Minute), since.Add(2*time.Minute))
		ok(err)
		n.State, n.Ended = state, since.Add(time.Minute)
		if state == store.NoticeFailed {
			n.Problem = "The mail server mail.example.com refuses the notice for good. (alert.refused)"
		}
		ok(h.st.FinishNotice(ctx, "test", n))
	}
	return h
}

func TestAlertsAreListed(t *testing.T) {
	h := alerted(t)
	id := func(text string) string {
		return regexp.MustCompile(`\balt_[0-9a-v]+`).ReplaceAllString(text, "alt_ID  ")
	}
	var b strings.Builder
	for _, args := range [][]string{{"alert", "list"}, {"alert", "list", "--json"}} {
		code, out, talk := h.run(args...)
		if code != 0 || talk != "" {
			t.Errorf("%v: exit code %d, says %q", args, code, talk)
		}
		b.WriteString("$ lockstep " + strings.Join(args, " ") + "\n" + id(out) + "\n")
	}
	list, err := h.st.Alerts(t.Context(), store.AlertFilter{Mailbox: h.find("anna@example.com")})
	if err != nil || len(list) != 1 {
		t.Fatal(list, err)
	}
	_, out, _ := h.run("alert", "show", list[0].ID)
	b.WriteString("$ lockstep alert show ALERT\n" + id(out))
	golden(t, "alerts", b.String())
	code, _, talk := h.run("alert", "show", "alt_none")
	if code != 1 || !strings.Contains(talk, "there is no alert alt_none") {
		t.Errorf("exit code %d, says %q", code, talk)
	}
}

func TestNothingIsWrong(t *testing.T) {
	if code, out, talk := newHouse(t).run("alert", "list"); code != 0 || out != "" || !strings.HasPrefix(talk, "Nothing is wrong") {
		t.Errorf("exit code %d, %q, says %q", code, out, talk)
	}
}

func TestTestingAlerts(t *testing.T) {
	h := newHouse(t)
	for _, c := range []struct {
		args string
		code int
		says string
	}{
		{"alert test it@example.com", 1, "nobody said through which mail server alerts go"},
		{"alert test", 2, "there is no webhook"},
		{"alert test nobody", 2, `"nobody" is not an e-mail address`},
		{"alert set", 2, "name the configuration file with --file"},
	} {
		if code, _, talk := h.run(strings.Fields(c.args)...); code != c.code || !strings.Contains(talk, c.says) {
			t.Errorf("%s: exit code %d, says %q", c.args, code, talk)
		}
	}
	t.Setenv("SMTP_PASSWORD", "geheim")
	path := file(t, "alerts:\n  smtp: {url: \"smtp://127.0.0.1:1\", from: l@example.com, user: u, secret: \"env:SMTP_PASSWORD\"}\n")
	if code, _, talk := h.run("alert", "set", "--file", path); code != 1 || !strings.Contains(talk, "The mail server 127.0.0.1 cannot be reached") {
		t.Errorf("exit code %d, says %q", code, talk)
	}
	if d, err := h.st.Delivery(t.Context()); err != nil || d.Told() {
		t.Errorf("saved %+v, %v", d, err)
	}
}
