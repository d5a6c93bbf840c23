package alert_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"lockstep.dev/alert"
	"lockstep.dev/model"
	"lockstep.dev/store"
)

// L-09, L-17, D-34: a refused sign-in is told at once to the user, whose it is
// to renew, to the administrator, since the user may not be able to read it, and
// to the connection's owner; and once more when it is over.
func TestARefusedSignInIsTold(t *testing.T) {
	h := newHouse(t)
	anna := h.mailbox("anna")
	p := h.sender(h.st)
	h.equal("nothing happened", to(h.pass(p)), "")
	h.fail(anna, model.Mail, "dav.401")
	got := h.pass(p)
	h.equal("recipients", to(got), "it@example.com anna@example.com mail-owner@example.com")
	h.golden("sign-in", got[:1])
	h.equal("once", to(h.pass(p)), "")
	if h.post.signedIn == 0 || h.post.plain > 0 {
		t.Errorf("signed in %d times, %d mails without TLS", h.post.signedIn, h.post.plain)
	}
	h.now = h.now.Add(3 * time.Hour)
	h.mend(anna)
	got = h.pass(p)
	h.equal("recipients of the end", to(got), "it@example.com anna@example.com mail-owner@example.com")
	h.golden("sign-in-over", got[:1])
	h.equal("once", to(h.pass(p)), "")
}

// L-09, D-32: what is only counted is told to nobody; when it becomes permanent
// after ten failures it is. Whoever could read of it only in the mailbox that
// does not work is not written to; the administrator is.
func TestTenFailuresAreToldToTheAdministrator(t *testing.T) {
	h := newHouse(t)
	anna := h.mailbox("anna")
	p := h.sender(h.st)
	f := store.Alert{Mailbox: anna.ID, Workload: model.ACT, Side: model.Mail, Code: "dav.network", Message: "The connection to the server was lost."}
	for range 9 {
		_, err := h.st.CountFailure(h.ctx, f, h.now)
		h.ok(err)
		h.equal("while it is tried again", to(h.pass(p)), "")
	}
	h.fail(anna, model.Mail, "dav.network")
	h.equal("recipients", to(h.pass(p)), "it@example.com mail-owner@example.com")
}

// L-09: a fault on the CRM side leaves the mailbox readable, so its user hears of
// it, or, where the policy says so, their administrator; and the CRM's owner.
func TestThePolicySaysWhoHears(t *testing.T) {
	h := newHouse(t)
	h.ok(h.st.SavePolicy(h.ctx, model.Policy{Name: "board", Alert: model.AlertAdmin, Admin: "board-it@example.com"}))
	anna, ben := h.mailbox("anna"), h.mailbox("ben")
	ben.Policy = "board"
	h.ok(h.st.SaveMailbox(h.ctx, ben))
	p := h.sender(h.st)
	h.fail(anna, model.CRM, "engine.crm-id-conflict")
	h.equal("recipients", to(h.pass(p)), "anna@example.com crm-owner@example.com")
	h.now = h.now.Add(time.Hour)
	h.fail(ben, model.CRM, "engine.crm-id-conflict")
	h.equal("recipients", to(h.pass(p)), "board-it@example.com crm-owner@example.com")
}

// Design decision 11: a server that is down is one mail, to its owner only.
func TestAServerThatIsDownIsOneMail(t *testing.T) {
	h := newHouse(t)
	for i := range 30 {
		h.mailbox(fmt.Sprintf("user%d", i))
	}
	p := h.sender(h.st)
	down := store.Alert{Connection: h.office.ID, Workload: model.ACT, Side: model.Mail, Code: "dav.network", Message: "The connection to the server was lost."}
	h.ok(h.st.RaiseAlert(h.ctx, down, "", h.now))
	got := h.pass(p)
	h.equal("recipients", to(got), "mail-owner@example.com")
	h.golden("server", got)
	h.now = h.now.Add(time.Hour)
	h.ok(h.st.EndAlerts(h.ctx, "", h.office.ID, "", h.now))
	got = h.pass(p)
	h.equal("recipients", to(got), "mail-owner@example.com")
	h.golden("server-over", got)
}

// A storm is folded: hundreds of mailboxes, one mail with a count; what comes
// within ten minutes after it is one more.
func TestAStormIsFolded(t *testing.T) {
	h := newHouse(t)
	h.ok(h.st.SavePolicy(h.ctx, model.Policy{Name: "default", Alert: model.AlertAdmin}))
	p := h.sender(h.st)
	for i := range 700 {
		h.fail(h.mailbox(fmt.Sprintf("user%03d", i)), model.Mail, "dav.403")
	}
	got := h.pass(p)
	h.equal("recipients", to(got), "it@example.com mail-owner@example.com")
	h.golden("storm", got[1:])
	for i := range 5 {
		h.now = h.now.Add(time.Minute)
		h.fail(h.mailbox(fmt.Sprintf("late%d", i)), model.Mail, "dav.401")
		h.equal("within the fold", to(h.pass(p)), "")
	}
	h.now = h.now.Add(6 * time.Minute)
	got = h.pass(p)
	h.equal("recipients", to(got), "it@example.com mail-owner@example.com")
	h.equal("subject", got[0].header(t, "Subject"), "Lockstep: 5 mailboxes of the connection office do not sync any more")
	h.equal("nothing more", to(h.pass(p)), "")
}

// No owner, no administrator: nobody can be told, and that is not tried for ever.
func TestNobodyToTell(t *testing.T) {
	h := newHouse(t)
	h.d.Admin = ""
	h.office.Owner = ""
	_, err := h.st.SaveConnection(h.ctx, h.office)
	h.ok(err)
	h.fail(h.mailbox("anna"), model.Mail, "dav.network")
	p := h.sender(h.st)
	h.equal("recipients", to(h.pass(p)), "")
	list, err := h.st.Untold(h.ctx, 10)
	h.ok(err)
	if len(list) > 0 {
		t.Errorf("still to be told: %v", list)
	}
}

// A recipient that does not exist is given up at once and the reason kept; a
// server that is busy is tried again later, and others are not held up.
func TestWhatTheServerSaysOfARecipient(t *testing.T) {
	h := newHouse(t)
	anna := h.mailbox("anna")
	busy := true
	h.post.toRecipient = func(to string) error {
		switch {
		case to == "it@example.com":
			return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "No such user"}
		case to == "anna@example.com" && busy:
			return &smtp.SMTPError{Code: 450, EnhancedCode: smtp.EnhancedCode{4, 2, 0}, Message: "Greylisted"}
		}
		return nil
	}
	p := h.sender(h.st)
	h.fail(anna, model.Mail, "dav.401")
	h.equal("recipients", to(h.pass(p)), "mail-owner@example.com")
	failed, err := h.st.Notices(h.ctx, store.NoticeFilter{State: store.NoticeFailed})
	h.ok(err)
	if len(failed) != 1 || !strings.Contains(failed[0].Problem, "alert.refused") || !strings.Contains(failed[0].Problem, "550") {
		t.Fatalf("given up: %+v", failed)
	}
	busy = false
	h.equal("not yet", to(h.pass(p)), "")
	h.now = h.now.Add(2 * time.Minute)
	h.equal("recipients", to(h.pass(p)), "anna@example.com")
	for range 20 {
		h.now = h.now.Add(time.Hour)
		h.equal("nothing more", to(h.pass(p)), "")
	}
}

// A mail server that is down holds nothing up for ever: few attempts, longer and
// longer apart, and after three days the notice is given up. Nobody is told twice.
func TestAMailServerThatIsDown(t *testing.T) {
	h := newHouse(t)
	addr := h.d.Mail.URL
	h.d.Mail.URL = "smtp://127.0.0.1:1"
	for i := range 50 {
		h.fail(h.mailbox(fmt.Sprintf("user%d", i)), model.CRM, "engine.crm-id-conflict")
	}
	p := h.sender(h.st)
	tries := 0
	pass := func() {
		told, err := p.Run(h.ctx)
		h.ok(err)
		tries += told.Failed
	}
	for range 240 { // an hour
		pass()
		h.now = h.now.Add(15 * time.Second)
	}
	if tries < 5 || tries > 15 {
		t.Errorf("%d attempts in an hour", tries)
	}
	h.d.Mail.URL = addr
	h.now = h.now.Add(time.Hour)
	sent := map[string]int{}
	for range 10 {
		for _, l := range h.pass(p) {
			sent[l.to[0]]++
		}
		h.now = h.now.Add(time.Hour)
	}
	if len(sent) != 51 { // the users and the CRM's owner
		t.Errorf("%d recipients", len(sent))
	}
	for who, n := range sent {
		if n != 1 {
			t.Errorf("%s was told %d times", who, n)
		}
	}
}

func TestANoticeIsGivenUpAfterThreeDays(t *testing.T) {
	h := newHouse(t)
	h.d.Mail.URL = "smtp://127.0.0.1:1"
	h.fail(h.mailbox("anna"), model.CRM, "engine.crm-id-conflict")
	p := h.sender(h.st)
	for range 80 {
		_, err := p.Run(h.ctx)
		h.ok(err)
		h.now = h.now.Add(time.Hour)
	}
	all, err := h.st.Notices(h.ctx, store.NoticeFilter{})
	h.ok(err)
	for _, n := range all {
		if n.State != store.NoticeFailed || !strings.Contains(n.Problem, "alert.gave-up") || n.Attempts < 30 {
			t.Errorf("%+v", n)
		}
	}
}

// D-44: no more mails in a minute than the provider lets through.
func TestTheProvidersLimitIsKept(t *testing.T) {
	h := newHouse(t)
	h.d.Mail.PerMinute = 7
	for i := range 20 {
		h.fail(h.mailbox(fmt.Sprintf("user%d", i)), model.CRM, "engine.crm-id-conflict")
	}
	p := h.sender(h.st)
	for _, want := range []int{7, 7, 7} {
		if got := len(h.pass(p)); got != want {
			t.Errorf("%d mails in a minute", got)
		}
		if got := len(h.pass(p)); got != 0 {
			t.Errorf("%d mails more", got)
		}
		h.now = h.now.Add(61 * time.Second)
	}
}

// TLS: by STARTTLS, at once, or not at all; who is not trusted gets nothing.
func TestHowTheServerIsReached(t *testing.T) {
	for name, c := range map[string]struct {
		kind   kind
		scheme string
		change func(d *model.Delivery, h *house)
		code   string // of the problem; "" = it works
	}{
		"STARTTLS":            {kind: kind{tls: true}, scheme: "smtp"},
		"TLS at once":         {kind: kind{tls: true, implicit: true}, scheme: "smtps"},
		"loopback, no TLS":    {scheme: "smtp"},
		"unknown certificate": {kind: kind{tls: true}, scheme: "smtp", change: func(_ *model.Delivery, h *house) { h.tls = nil }, code: "alert.certificate"},
		"wrong password":      {kind: kind{tls: true}, scheme: "smtp", change: func(d *model.Delivery, _ *house) { d.Mail.Secret = "wrong" }, code: "alert.sign-in"},
		"no sign-in":          {kind: kind{tls: true}, scheme: "smtp", change: func(d *model.Delivery, _ *house) { d.Mail.User, d.Mail.Secret = "", "" }, code: "alert.sender"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			h.post, h.tls = openPostOffice(t, c.kind)
			h.d.Mail.URL = c.scheme + "://" + h.post.addr
			if c.change != nil {
				c.change(&h.d, h)
			}
			err := alert.Test(h.ctx, h.d, "it@example.com", "test-1", h.tls)
			if c.code == "" {
				h.ok(err)
				h.ok(alert.Try(h.ctx, h.d, h.tls))
				h.equal("recipients", to(h.post.letters()), "it@example.com")
				return
			}
			if err == nil || !strings.Contains(err.Error(), c.code) || strings.Contains(err.Error(), h.d.Mail.Secret) && h.d.Mail.Secret != "" {
				t.Errorf("it says: %v", err)
			}
			if len(h.post.letters()) > 0 {
				t.Error("a mail went out")
			}
		})
	}
}
