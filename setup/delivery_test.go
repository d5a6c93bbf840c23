package setup_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"lockstep.dev/model"
	"lockstep.dev/setup"
	"lockstep.dev/store/memory"
)

const told = `
alerts:
  admin: it@example.com
  fold: 5m
  smtp: {url: "smtp://mail.example.com", from: "Lockstep <l@example.com>", user: lockstep, secret: "env:SMTP_PASSWORD", per_minute: 10}
  webhook: {url: "https://hooks.example.com/x", secret: "env:HOOK_SECRET"}
`

func TestTheFileSaysHowAlertsAreDelivered(t *testing.T) {
	t.Setenv("SMTP_PASSWORD", "geheim")
	t.Setenv("HOOK_SECRET", "streng geheim")
	f, err := setup.ReadDelivery(write(t, told))
	if err != nil {
		t.Fatal(err)
	}
	want := model.Delivery{
		Admin: "it@example.com", Fold: model.Duration(5 * time.Minute),
		Mail:    model.MailServer{URL: "smtp://mail.example.com", From: "Lockstep <l@example.com>", User: "lockstep", Secret: "geheim", PerMinute: 10},
		Webhook: model.Webhook{URL: "https://hooks.example.com/x", Secret: "streng geheim"},
	}
	if f.Delivery == nil || *f.Delivery != want {
		t.Errorf("read %+v", f.Delivery)
	}
	for text, says := range map[string]string{
		strings.Replace(told, "admin: it@example.com", "admin: nobody", 1): `lockstep.yaml:3: alerts.admin: is not an e-mail address`,
		strings.Replace(told, "smtp://mail", "http://mail", 1):             `alerts.smtp.url: Alerts cannot be delivered like this`,
		strings.Replace(told, "https://hooks", "http://hooks", 1):          `alerts.webhook.url: You can't set the user name and password`,
		strings.Replace(told, "env:HOOK_SECRET", "env:UNSET_SECRET", 1):    `alerts.webhook.secret: the environment variable UNSET_SECRET is not set`,
		strings.Replace(told, "per_minute: 10", "per_hour: 10", 1):         `there is no such key; use url, from, user, secret, per_minute, allow_insecure`,
		"policies: []\n": `says nothing about alerts`,
	} {
		_, err := setup.ReadDelivery(write(t, text))
		if err == nil || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "geheim") {
			t.Errorf("want %q, got %v", says, err)
		}
	}
}

// A mail server that does not let us in is not saved; what is the same is not
// tried again.
func TestHowAlertsAreDeliveredIsTriedFirst(t *testing.T) {
	t.Setenv("SMTP_PASSWORD", "geheim")
	t.Setenv("HOOK_SECRET", "streng geheim")
	f, err := setup.ReadDelivery(write(t, told))
	if err != nil {
		t.Fatal(err)
	}
	st, tried := memory.New(), 0
	var answer error
	apply := func() (bool, error) {
		return setup.ApplyDelivery(t.Context(), st, f, func(context.Context, model.Delivery) error {
			tried++
			return answer
		})
	}
	answer = errors.New("it does not answer")
	if changed, err := apply(); changed || err == nil || !strings.Contains(err.Error(), "alerts.smtp: alerts cannot be delivered: it does not answer") {
		t.Errorf("%v, %v", changed, err)
	}
	if d, err := st.Delivery(t.Context()); err != nil || d.Told() {
		t.Errorf("saved %+v, %v", d, err)
	}
	answer = nil
	for _, want := range []bool{true, false} {
		if changed, err := apply(); changed != want || err != nil {
			t.Errorf("%v, %v", changed, err)
		}
	}
	if tried != 2 {
		t.Errorf("tried %d times", tried)
	}
}

func TestTheEnvironmentSaysHowAlertsAreDelivered(t *testing.T) {
	clear(t)
	load := func() (*model.Delivery, error) {
		var env setup.Environment
		if err := setup.Load(&env); err != nil {
			t.Fatal(err)
		}
		return env.Delivery()
	}
	if d, err := load(); d != nil || err != nil {
		t.Errorf("%+v, %v", d, err)
	}
	t.Setenv("LOCKSTEP_ALERT_SMTP_URL", "smtps://mail.example.com")
	if _, err := load(); err == nil || !strings.Contains(err.Error(), "LOCKSTEP_ALERT_SMTP_FROM: is missing") {
		t.Error(err)
	}
	t.Setenv("LOCKSTEP_ALERT_SMTP_FROM", "l@example.com")
	t.Setenv("LOCKSTEP_ALERT_SMTP_USER", "lockstep")
	t.Setenv("LOCKSTEP_ALERT_SMTP_SECRET", "geheim")
	d, err := load()
	if err != nil || d == nil || d.Mail.Secret != "geheim" {
		t.Errorf("%+v, %v", d, err)
	}
}
