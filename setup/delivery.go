package setup

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"lockstep.dev/alert"
	"lockstep.dev/model"
	"lockstep.dev/store"
)

// Alert says in the environment how alerts are delivered. What is set there
// counts for the programs that have it, whatever the store says.
type Alert struct {
	Admin   string        `desc:"e-mail address that hears of what nobody else can be told"`
	Support string        `desc:"e-mail address to which bundles are mailed on request"`
	Fold    time.Duration `desc:"least time between two notices to one recipient; default: 10m"`
	Link    string        `desc:"web address that notices show, with {address} and {connection}"`
	SMTP    SMTP
	Webhook Webhook
}

// SMTP is the server through which mails go.
type SMTP struct {
	URL           string `desc:"smtp://host:587 (STARTTLS) or smtps://host:465; with it, or a webhook, these variables count instead of what the store says"`
	From          string `desc:"sender, such as Lockstep <lockstep@example.com>"`
	User          string `desc:"sign-in name"`
	Secret        string `secret:"true" desc:"password"`
	SecretFile    string `split_words:"true" desc:"file that holds the password"`
	PerMinute     int    `split_words:"true" desc:"mails in a minute at most; default: 30"`
	AllowInsecure bool   `split_words:"true" desc:"true: mails and password may travel without TLS"`
}

// Webhook is where alerts are posted to.
type Webhook struct {
	URL           string `desc:"https address that alerts are posted to"`
	Secret        string `secret:"true" desc:"secret that signs what is posted"`
	SecretFile    string `split_words:"true" desc:"file that holds the secret"`
	AllowInsecure bool   `split_words:"true" desc:"true: http is allowed"`
}

// Delivery is what the environment says about alerts; nil = nothing.
func (e Environment) Delivery() (*model.Delivery, error) {
	a := e.Alert
	if a.SMTP.URL == "" && a.Webhook.URL == "" {
		return nil, nil //nolint:nilnil // nothing is no error
	}
	d := model.Delivery{
		Admin: a.Admin, Support: a.Support, Fold: model.Duration(a.Fold), Link: a.Link,
		Mail: model.MailServer{
			URL: a.SMTP.URL, From: a.SMTP.From, User: a.SMTP.User, PerMinute: a.SMTP.PerMinute, AllowInsecure: a.SMTP.AllowInsecure,
		},
		Webhook: model.Webhook{URL: a.Webhook.URL, AllowInsecure: a.Webhook.AllowInsecure},
	}
	var err error
	if d.Mail.Secret, err = twin("ALERT_SMTP_SECRET", a.SMTP.Secret, a.SMTP.SecretFile); err != nil {
		return nil, err
	}
	if d.Webhook.Secret, err = twin("ALERT_WEBHOOK_SECRET", a.Webhook.Secret, a.Webhook.SecretFile); err != nil {
		return nil, err
	}
	if err := alert.Check(d); err != nil {
		key, what := alertKey(err)
		return nil, fmt.Errorf("%s_ALERT_%s: %w", Prefix, strings.ToUpper(strings.ReplaceAll(key, ".", "_")), what)
	}
	return &d, nil
}

// alertKey takes a problem apart: the key and what is wrong with it.
func alertKey(err error) (string, error) {
	var p *alert.Problem
	if errors.As(err, &p) {
		return p.Key, p.Err
	}
	return "", err
}

// delivery reads how alerts are delivered, where the file says so.
func (r *reader) delivery() {
	if r.doc.root == nil || enter(r.doc.root, "alerts") == nil {
		return
	}
	d := r.in.Alerts
	before := len(r.problems)
	d.Mail.Secret = r.secret(path{"alerts", "smtp", "secret"}, d.Mail.Secret)
	d.Webhook.Secret = r.secret(path{"alerts", "webhook", "secret"}, d.Webhook.Secret)
	if len(r.problems) > before {
		return
	}
	if err := alert.Check(d); err != nil {
		key, what := alertKey(err)
		at := path{"alerts"}
		for step := range strings.SplitSeq(key, ".") {
			at = append(at, step)
		}
		r.problems = append(r.problems, r.doc.wrap(at, what))
		return
	}
	r.out.Delivery = &d
}

// ReadDelivery reads only how alerts are delivered.
func ReadDelivery(file string) (File, error) {
	r, err := openFile(file, Systems{})
	if err != nil {
		return File{}, err
	}
	r.delivery()
	if r.out.Delivery == nil && len(r.problems) == 0 {
		return File{}, Problems{r.doc.problem(nil, "says nothing about alerts; write it under the key alerts")}
	}
	return r.out, r.problems.orNil()
}

// TryDelivery tells whether alerts would go out; it sends none.
type TryDelivery func(ctx context.Context, d model.Delivery) error

// RealDelivery is the real one.
func RealDelivery(ctx context.Context, d model.Delivery) error { return alert.Try(ctx, d, nil) }

// ApplyDelivery saves how a file says that alerts are delivered. What is
// different is tried first; if the mail server does not let us in, nothing is
// saved. It reports whether anything changed.
func ApplyDelivery(ctx context.Context, st store.Telling, f File, try TryDelivery) (bool, error) {
	if f.Delivery == nil {
		return false, nil
	}
	old, err := st.Delivery(ctx)
	if err != nil || old == *f.Delivery {
		return false, err
	}
	if err := try(ctx, *f.Delivery); err != nil {
		return false, Problems{f.doc.wrap(path{"alerts", "smtp"}, fmt.Errorf("alerts cannot be delivered: %w", err))}
	}
	return true, st.SaveDelivery(ctx, *f.Delivery)
}
