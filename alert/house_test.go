package alert_test

import (
	"context"
	"crypto/tls"
	"flag"
	"io"
	"log/slog"
	"mime/quotedprintable"
	"net/mail"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"lockstep.dev/alert"
	"lockstep.dev/issue"
	"lockstep.dev/model"
	"lockstep.dev/store"
	"lockstep.dev/store/memory"
)

// house is a Lockstep with two connections, some mailboxes and a post office.
type house struct {
	*testing.T
	ctx         context.Context
	st          *memory.Store
	now         time.Time
	crm, office model.Connection
	d           model.Delivery
	tls         *tls.Config
	post        *postOffice
}

func newHouse(t *testing.T) *house {
	t.Helper()
	p, client := openPostOffice(t, kind{tls: true})
	h := &house{T: t, ctx: t.Context(), st: memory.New(), now: time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC), tls: client, post: p}
	h.crm = h.connect("sales", model.CRM, "crm-owner@example.com")
	h.office = h.connect("office", model.Mail, "mail-owner@example.com")
	h.d = model.Delivery{
		Admin: "it@example.com", Link: "https://lockstep.example.com/{connection}/{address}",
		Mail: model.MailServer{URL: "smtp://" + p.addr, From: "Lockstep <lockstep@example.com>", User: "lockstep", Secret: password},
	}
	return h
}

func (h *house) ok(err error) {
	h.Helper()
	if err != nil {
		h.Fatal(err)
	}
}

func (h *house) connect(name string, side model.Side, owner string) model.Connection {
	h.Helper()
	c, err := h.st.SaveConnection(h.ctx, model.Connection{Name: name, Side: side, Connector: "memory", Owner: owner})
	h.ok(err)
	return c
}

func (h *house) mailbox(name string) model.Mailbox {
	h.Helper()
	m, err := h.st.Register(h.ctx, model.Mailbox{Address: name + "@example.com", CRM: h.crm.ID, CRMUser: "user-" + name, Mail: h.office.ID})
	h.ok(err)
	return m
}

// fail raises an alert of a mailbox.
func (h *house) fail(m model.Mailbox, side model.Side, code string) {
	h.Helper()
	f := issue.Fault(code)
	h.ok(h.st.RaiseAlert(h.ctx, store.Alert{Mailbox: m.ID, Workload: model.ACT, Side: side, Code: code, Message: f.Message, Evidence: "secret evidence"}, "because", h.now))
}

func (h *house) mend(m model.Mailbox) {
	h.Helper()
	h.ok(h.st.EndAlerts(h.ctx, m.ID, "", "", h.now))
}

// sender is one process that delivers.
func (h *house) sender(o alert.Outbox) *alert.Post {
	return &alert.Post{
		Outbox: o, Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Now: func() time.Time { return h.now }, TLS: h.tls,
		Delivery: func(context.Context) (model.Delivery, error) { return h.d, nil },
	}
}

// pass lets one pass go by and returns the mails that it brought.
func (h *house) pass(p *alert.Post) []letter {
	h.Helper()
	before := len(h.post.letters())
	_, err := p.Run(h.ctx)
	h.ok(err)
	return h.post.letters()[before:]
}

// to lists who the letters went to, in order.
func to(letters []letter) string {
	var out []string
	for _, l := range letters {
		out = append(out, strings.Join(l.to, "+"))
	}
	return strings.Join(out, " ")
}

func (h *house) equal(what, got, want string) {
	h.Helper()
	if got != want {
		h.Fatalf("%s is\n%s\nwant\n%s", what, got, want)
	}
}

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares mails with a file in testdata.
func (h *house) golden(name string, letters []letter) {
	h.Helper()
	var b strings.Builder
	for _, l := range letters {
		b.WriteString(readable(h.T, l) + "\n========\n")
	}
	path := filepath.Join("testdata", name+".golden")
	if *update {
		h.ok(os.WriteFile(path, []byte(b.String()), 0o644))
	}
	want, err := os.ReadFile(path)
	h.ok(err)
	h.equal(name, b.String(), string(want))
}

// readable is a mail as a person sees it; ids and the date are left out.
func readable(t *testing.T, l letter) string {
	t.Helper()
	m, err := mail.ReadMessage(strings.NewReader(l.raw))
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(quotedprintable.NewReader(m.Body))
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, name := range []string{"From", "To", "Subject", "Message-ID", "Auto-Submitted", "X-Auto-Response-Suppress", "Content-Type"} {
		b.WriteString(name + ": " + m.Header.Get(name) + "\n")
	}
	text := b.String() + "\n" + strings.ReplaceAll(string(body), "\r\n", "\n")
	return regexp.MustCompile(`ntc_[0-9a-v]+`).ReplaceAllString(text, "ntc_ID")
}
