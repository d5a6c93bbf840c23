package alert

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"net"
	"net/mail"
	"net/url"
	"slices"
	"strings"

	"lockstep.dev/issue"
	"lockstep.dev/model"
)

// Problem is a setting that cannot be used: its key, such as mail.url, and what
// is wrong with it.
type Problem struct {
	Key string
	Err error
}

// Error is what is wrong.
func (p *Problem) Error() string { return p.Err.Error() }

// Unwrap returns what is wrong.
func (p *Problem) Unwrap() error { return p.Err }

// Check tells what is wrong with how alerts are to be delivered, as far as that
// can be seen without talking to anybody. The error is a *Problem.
func Check(d model.Delivery) error {
	switch {
	case d.Admin != "" && !isAddress(d.Admin):
		return &Problem{"admin", errors.New("is not an e-mail address")}
	case d.Support != "" && !isAddress(d.Support):
		return &Problem{"support", errors.New("is not an e-mail address")}
	case d.Fold < 0:
		return &Problem{"fold", errors.New("cannot be negative")}
	case d.Mail.PerMinute < 0:
		return &Problem{"smtp.per_minute", errors.New("cannot be negative")}
	}
	if d.Link != "" {
		if u, err := url.Parse(d.Link); err != nil || u.Host == "" {
			return &Problem{"link", errors.New("must be a complete address such as https://lockstep.example.com/{address}")}
		}
	}
	if err := checkMail(d.Mail); err != nil {
		return err
	}
	return checkWebhook(d.Webhook)
}

func checkMail(m model.MailServer) error {
	if m.URL == "" {
		if m.From != "" || m.User != "" || m.Secret != "" {
			return &Problem{"smtp.url", errors.New("is missing: give the server as smtp://mail.example.com:587, or smtps://")}
		}
		return nil
	}
	if _, err := mailURL(m); err != nil {
		return &Problem{"smtp.url", err}
	}
	switch _, err := mail.ParseAddress(m.From); {
	case m.From == "":
		return &Problem{"smtp.from", errors.New("is missing: give the address that mails come from, such as Lockstep <lockstep@example.com>")}
	case err != nil:
		return &Problem{"smtp.from", errors.New("is not an e-mail address")}
	case m.Secret != "" && m.User == "":
		return &Problem{"smtp.user", errors.New("is missing: a secret needs a user name")}
	case m.User != "" && m.Secret == "":
		return &Problem{"smtp.secret", errors.New("is missing: a user name needs a password")}
	}
	return nil
}

func checkWebhook(w model.Webhook) error {
	if w.URL == "" {
		if w.Secret != "" {
			return &Problem{"webhook.url", errors.New("is missing")}
		}
		return nil
	}
	if _, err := hookURL(w); err != nil {
		return &Problem{"webhook.url", err}
	}
	if w.Secret == "" {
		return &Problem{"webhook.secret", errors.New("is missing: without it nobody can tell our calls from others'")}
	}
	if text, ok := strings.CutPrefix(w.Secret, "whsec_"); ok {
		if _, err := base64.StdEncoding.DecodeString(text); err != nil {
			return &Problem{"webhook.secret", errors.New("begins with whsec_, and what follows is not base64")}
		}
	}
	return nil
}

// mailURL is the server's address with its port.
func mailURL(m model.MailServer) (*url.URL, error) {
	u, err := url.Parse(m.URL)
	ports := map[string]string{"smtp": "587", "smtps": "465"} // RFC 8314 section 3.3, RFC 6409 section 3.1
	if err != nil || u.Hostname() == "" || ports[u.Scheme] == "" || u.Path != "" || u.RawQuery != "" {
		return nil, issue.Fault("alert.setting", "key", "smtp.url", "problem", "must be smtp://host:port (STARTTLS) or smtps://host:port (TLS at once)")
	}
	if u.User != nil {
		return nil, issue.Fault("alert.setting", "key", "smtp.url", "problem", "must not hold a user name or password: give them as user and secret")
	}
	if u.Port() == "" {
		u.Host = net.JoinHostPort(u.Hostname(), ports[u.Scheme])
	}
	return u, nil
}

// hookURL is the webhook's address; without TLS it is refused (D-20).
func hookURL(w model.Webhook) (*url.URL, error) {
	u, err := url.Parse(w.URL)
	if err != nil || u.Hostname() == "" || !slices.Contains([]string{"http", "https"}, u.Scheme) {
		return nil, issue.Fault("alert.setting", "key", "webhook.url", "problem", "must be a complete address such as https://hooks.example.com/lockstep")
	}
	if u.Scheme == "http" && !w.AllowInsecure && !loopback(u.Hostname()) {
		return nil, issue.Fault("alert.insecure")
	}
	return u, nil
}

// Try tells whether alerts would go out: it reaches the mail server, begins TLS
// and signs in, and sends nothing. A webhook cannot be tried without a call.
func Try(ctx context.Context, d model.Delivery, t *tls.Config) error {
	if err := Check(d); err != nil || d.Mail.URL == "" {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, probeFor)
	defer cancel()
	return mailer{server: d.Mail, tls: t}.probe(ctx)
}

// Test sends one mail that says that it is a test, or makes one such call.
func Test(ctx context.Context, d model.Delivery, to string, id string, t *tls.Config) error {
	if err := Check(d); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, sendFor)
	defer cancel()
	if to == "" {
		return hook{webhook: d.Webhook, tls: t}.send(ctx, id, Call{Type: "test", Alerts: []CalledCase{}})
	}
	return mailer{server: d.Mail, tls: t}.send(ctx, letter{to: to, id: id, text: text{
		subject: "Lockstep: a test",
		body:    "This is a test: alerts of Lockstep reach you. Nothing happened, and nothing needs to be done.\n",
	}})
}

func isAddress(s string) bool {
	a, err := mail.ParseAddress(s)
	return err == nil && a.Address == s
}
