package alert

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"lockstep.dev/fault"
	"lockstep.dev/model"
)

// bare is a mail server far away that offers no TLS.
type bare struct{ signedIn, mails atomic.Int32 }

func (b *bare) NewSession(*smtp.Conn) (smtp.Session, error) { return b, nil }
func (b *bare) AuthMechanisms() []string                    { return []string{sasl.Plain} }
func (b *bare) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(string, string, string) error {
		b.signedIn.Add(1)
		return nil
	}), nil
}
func (b *bare) Mail(string, *smtp.MailOptions) error { return nil }
func (b *bare) Rcpt(string, *smtp.RcptOptions) error { return nil }
func (b *bare) Data(r io.Reader) error {
	b.mails.Add(1)
	_, err := io.Copy(io.Discard, r)
	return err
}
func (b *bare) Reset()        {}
func (b *bare) Logout() error { return nil }

// D-20: to a server that offers no TLS neither the password nor a mail is sent,
// and the refusal says so in the text that people search for; unless somebody
// allowed it.
func TestWithoutTLSNothingIsSent(t *testing.T) {
	b := &bare{}
	s := smtp.NewServer(b)
	s.AllowInsecureAuth = true
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = s.Serve(l) }()
	defer l.Close()
	defer s.Close()
	m := mailer{
		server: model.MailServer{URL: "smtp://mail.example.com", From: "a@example.com", User: "u", Secret: "p"},
		reach: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, l.Addr().String())
		},
	}
	one := letter{to: "b@example.com", id: "n1", text: text{subject: "s", body: "b"}}
	err = m.send(t.Context(), one)
	if f := fault.Of(err); f == nil || f.Code != "alert.insecure" || !strings.HasPrefix(f.Message, "You can't set the user name and password in this email server profile") {
		t.Errorf("it says: %v", err)
	}
	if m.probe(t.Context()) == nil {
		t.Error("saving it would be allowed")
	}
	if b.signedIn.Load()+b.mails.Load() > 0 {
		t.Error("something was sent")
	}
	m.server.AllowInsecure = true
	if err := m.send(t.Context(), one); err != nil {
		t.Error(err)
	}
	if b.signedIn.Load() != 1 || b.mails.Load() != 1 {
		t.Errorf("%d sign-ins, %d mails", b.signedIn.Load(), b.mails.Load())
	}
}

// What is wrong is named by its key, before anything is saved.
func TestSettingsAreChecked(t *testing.T) {
	good := model.Delivery{
		Admin:   "it@example.com",
		Mail:    model.MailServer{URL: "smtps://mail.example.com", From: "Lockstep <l@example.com>", User: "u", Secret: "p"},
		Webhook: model.Webhook{URL: "https://hooks.example.com/x", Secret: "whsec_c2VjcmV0"},
	}
	if err := Check(good); err != nil {
		t.Fatal(err)
	}
	if err := Check(model.Delivery{}); err != nil {
		t.Fatal(err)
	}
	for want, change := range map[string]func(d *model.Delivery){
		"admin: is not an e-mail address":                               func(d *model.Delivery) { d.Admin = "nobody" },
		"fold: cannot be negative":                                      func(d *model.Delivery) { d.Fold = -1 },
		"link: must be a complete address":                              func(d *model.Delivery) { d.Link = "lockstep" },
		"smtp.per_minute: cannot be negative":                           func(d *model.Delivery) { d.Mail.PerMinute = -1 },
		"smtp.url: is missing":                                          func(d *model.Delivery) { d.Mail.URL = "" },
		"smtp.url: Alerts cannot be delivered like this":                func(d *model.Delivery) { d.Mail.URL = "https://mail.example.com" },
		"must not hold a user name or password":                         func(d *model.Delivery) { d.Mail.URL = "smtp://u:p@mail.example.com" },
		"smtp.from: is missing":                                         func(d *model.Delivery) { d.Mail.From = "" },
		"smtp.from: is not an e-mail address":                           func(d *model.Delivery) { d.Mail.From = "x" },
		"smtp.user: is missing":                                         func(d *model.Delivery) { d.Mail.User = "" },
		"smtp.secret: is missing":                                       func(d *model.Delivery) { d.Mail.Secret = "" },
		"webhook.url: is missing":                                       func(d *model.Delivery) { d.Webhook.URL = "" },
		"webhook.url: Alerts cannot be delivered like this":             func(d *model.Delivery) { d.Webhook.URL = "hooks.example.com" },
		"webhook.url: You can't set the user name and password in this": func(d *model.Delivery) { d.Webhook.URL = "http://hooks.example.com" },
		"webhook.secret: is missing":                                    func(d *model.Delivery) { d.Webhook.Secret = "" },
		"webhook.secret: begins with whsec_":                            func(d *model.Delivery) { d.Webhook.Secret = "whsec_!" },
	} {
		d := good
		change(&d)
		var p *Problem
		if !errors.As(Check(d), &p) || !strings.Contains(p.Key+": "+p.Error(), want) {
			t.Errorf("want %q, got %v", want, p)
		}
	}
	for _, url := range []string{"http://127.0.0.1:8080/x", "http://localhost/x"} {
		d := good
		d.Webhook.URL = url
		if err := Check(d); err != nil {
			t.Errorf("%s: %v", url, err)
		}
	}
}
