package alert

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/mail"
	"net/textproto"
	"net/url"
	"slices"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"
	"github.com/wneessen/go-mail/smtp"

	"lockstep.dev/fault"
	"lockstep.dev/issue"
	"lockstep.dev/model"
)

// mailer sends mails through one SMTP server.
type mailer struct {
	server model.MailServer
	tls    *tls.Config
	// reach opens connections; nil = by the network.
	reach func(ctx context.Context, network, address string) (net.Conn, error)
}

// letter is one mail.
type letter struct {
	to, id string
	text
	file Enclosure // none without a name
}

// hello is how we introduce ourselves to a server (RFC 5321 section 4.1.4): an
// address literal, as mail programs do; the name of the machine is nobody's
// business.
const hello = "[127.0.0.1]"

// send hands a mail to the server. No error means that the server answered that
// it has it (RFC 5321 section 4.2.5); whatever goes wrong after that does not
// matter any more.
func (m mailer) send(ctx context.Context, l letter) error {
	msg, from, err := m.compose(l)
	if err != nil {
		return err
	}
	c, err := m.connect(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }() // after QUIT, or to cut off what failed
	if err := c.Mail(from); err != nil {
		return m.refused(err, fault.Server, "alert.sender", "sender", from)
	}
	if err := c.Rcpt(l.to); err != nil {
		return m.refused(err, fault.Item, "alert.refused")
	}
	w, err := c.Data()
	if err != nil {
		return m.refused(err, fault.Item, "alert.refused")
	}
	if _, err := msg.WriteTo(w); err != nil {
		return m.failed(err)
	}
	if err := w.Close(); err != nil { // the server's answer to the whole message
		return m.refused(err, fault.Item, "alert.refused")
	}
	_ = c.Quit() // it has the mail already
	return nil
}

// probe tells whether mails would go out: reach, TLS, sign in. It sends none.
func (m mailer) probe(ctx context.Context) error {
	c, err := m.connect(ctx)
	if err != nil {
		return err
	}
	_ = c.Quit()
	_ = c.Close()
	return nil
}

// compose writes the mail: plain text, marked as sent by a program so that no
// other program answers it (RFC 3834 section 5; X-Auto-Response-Suppress is
// Exchange's, MS-OXCMAIL 2.1.3.2.19).
func (m mailer) compose(l letter) (*gomail.Msg, string, error) {
	from, err := mail.ParseAddress(m.server.From)
	if err != nil {
		return nil, "", issue.Fault("alert.setting", "key", "smtp.from", "problem", "is not an e-mail address")
	}
	msg := gomail.NewMsg()
	msg.FromMailAddress(from)
	if err := msg.To(l.to); err != nil {
		f := issue.Fault("alert.refused", "place", m.place())
		f.Err = err
		return nil, "", f
	}
	_, domain, _ := strings.Cut(from.Address, "@")
	msg.SetMessageIDWithValue(l.id + "@" + domain)
	msg.SetDate()
	msg.Subject(l.subject)
	msg.SetGenHeader("Auto-Submitted", "auto-generated")
	msg.SetGenHeader("X-Auto-Response-Suppress", "All")
	msg.SetBodyString(gomail.TypeTextPlain, l.body)
	if l.file.Name != "" {
		if err := msg.AttachReader(l.file.Name, bytes.NewReader(l.file.Body)); err != nil {
			return nil, "", m.failed(err)
		}
	}
	return msg, from.Address, nil
}

// connect reaches the server, begins TLS and signs in. Without TLS nothing is
// sent, unless the server is this machine or somebody allowed it (D-20).
func (m mailer) connect(ctx context.Context) (*smtp.Client, error) {
	u, err := mailURL(m.server)
	if err != nil {
		return nil, err
	}
	conn, err := m.dial(ctx, u)
	if err != nil {
		return nil, m.failed(err)
	}
	if ends, ok := ctx.Deadline(); ok {
		_ = conn.SetDeadline(ends) // a connection that takes none ends by ctx
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	c, err := smtp.NewClient(conn, u.Hostname())
	if err != nil {
		stop()
		_ = conn.Close()
		return nil, m.failed(err)
	}
	if err := m.enter(c, u); err != nil {
		stop()
		_ = c.Close()
		return nil, err
	}
	return c, nil
}

func (m mailer) dial(ctx context.Context, u *url.URL) (net.Conn, error) {
	switch {
	case m.reach != nil:
		return m.reach(ctx, "tcp", u.Host)
	case u.Scheme == "smtps":
		return (&tls.Dialer{Config: m.config(u)}).DialContext(ctx, "tcp", u.Host)
	default:
		return (&net.Dialer{}).DialContext(ctx, "tcp", u.Host)
	}
}

func (m mailer) config(u *url.URL) *tls.Config {
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	if m.tls != nil {
		c = m.tls.Clone()
	}
	c.ServerName = u.Hostname()
	return c
}

// enter greets, begins TLS and signs in.
func (m mailer) enter(c *smtp.Client, u *url.URL) error {
	if err := c.Hello(hello); err != nil {
		return m.failed(err)
	}
	secure := u.Scheme == "smtps"
	if offered, _ := c.Extension("STARTTLS"); offered && !secure {
		if err := c.StartTLS(m.config(u)); err != nil {
			return m.failed(err)
		}
		secure = true
	}
	if !secure && !m.server.AllowInsecure && !loopback(u.Hostname()) {
		return issue.Fault("alert.insecure")
	}
	if m.server.User == "" {
		return nil
	}
	how := m.auth(c, u.Hostname())
	if how == nil {
		return issue.Fault("alert.sign-in", "place", m.place())
	}
	if err := c.Auth(how); err != nil {
		return m.refused(err, fault.Server, "alert.sign-in")
	}
	return nil
}

// auth chooses how to sign in, the ways that do not show the password first. By
// now the channel is known to be safe, or to be allowed.
func (m mailer) auth(c *smtp.Client, host string) smtp.Auth {
	_, offered := c.Extension("AUTH")
	offers := strings.Fields(strings.ToUpper(offered))
	for _, way := range []struct {
		name string
		auth smtp.Auth
	}{
		{"SCRAM-SHA-256", smtp.ScramSHA256Auth(m.server.User, m.server.Secret)},
		{"PLAIN", smtp.PlainAuth("", m.server.User, m.server.Secret, host, true)},
		{"LOGIN", smtp.LoginAuth(m.server.User, m.server.Secret, host, true)},
		{"CRAM-MD5", smtp.CRAMMD5Auth(m.server.User, m.server.Secret)},
	} {
		if slices.Contains(offers, way.name) {
			return way.auth
		}
	}
	return nil
}

func (m mailer) place() string {
	u, err := url.Parse(m.server.URL)
	if err != nil {
		return "mail server"
	}
	return "mail server " + u.Hostname()
}

// refused is what a server's answer means: 4yz is worth another attempt, 5yz is
// not (RFC 5321 section 4.2.1). In scope Server every notice waits either way,
// because somebody has to act and may have done so by the next attempt.
func (m mailer) refused(err error, s fault.Scope, code string, values ...string) error {
	var answer *textproto.Error
	if !errors.As(err, &answer) {
		return m.failed(err)
	}
	if answer.Code/100 != 5 {
		code = "alert.later"
	}
	f := issue.Fault(code, append(values, "place", m.place())...)
	f.Evidence = evidence(fmt.Sprintf("%d %s", answer.Code, answer.Msg))
	f.Scope, f.Err = s, err
	if answer.Code == 421 { // it closes the connection, to everybody
		f.Scope = fault.Server
	}
	return f
}

// failed is a connection that does not come about, or breaks off.
func (m mailer) failed(err error) error { return unreached(m.place(), err) }

func unreached(place string, err error) error {
	var verify *tls.CertificateVerificationError
	var authority x509.UnknownAuthorityError
	var host x509.HostnameError
	code := "alert.unreachable"
	if errors.As(err, &verify) || errors.As(err, &authority) || errors.As(err, &host) {
		code = "alert.certificate"
	}
	f := issue.Fault(code, "place", place)
	f.Err = err
	return f
}

// evidence is what a server said, in one line and not too long.
func evidence(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if len(s) > 300 {
		s = strings.ToValidUTF8(s[:300], "")
	}
	return s
}

// loopback reports whether a host is this very machine.
func loopback(host string) bool {
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}

// probeFor is how long a server may take to show that it works.
const probeFor = 20 * time.Second
