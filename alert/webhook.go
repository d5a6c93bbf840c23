package alert

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"lockstep.dev/fault"
	"lockstep.dev/issue"
	"lockstep.dev/model"
)

// hook posts notices to a program.
type hook struct {
	webhook model.Webhook
	tls     *tls.Config
}

// Call is what is posted: what began and what ended, in that order.
type Call struct {
	Type   string       `json:"type"` // "alert", or "test"
	Time   time.Time    `json:"timestamp"`
	Alerts []CalledCase `json:"alerts"`
}

// CalledCase is one alert as programs see it.
type CalledCase struct {
	Event      string     `json:"event"` // open or over
	ID         string     `json:"id"`
	Scope      string     `json:"scope"` // mailbox or connection
	Mailbox    string     `json:"mailbox,omitempty"`
	Address    string     `json:"address,omitempty"`
	Connection string     `json:"connection"`
	Side       string     `json:"side,omitempty"`
	About      string     `json:"about"` // the workload, freshness or credentials
	Code       string     `json:"code"`
	Source     string     `json:"source,omitempty"`
	Message    string     `json:"message"`
	Cause      string     `json:"cause,omitempty"`
	Solution   string     `json:"solution,omitempty"`
	Acts       string     `json:"acts,omitempty"`
	Command    string     `json:"command,omitempty"`
	Link       string     `json:"link,omitempty"`
	Times      int        `json:"times"` // failures in a row
	Since      time.Time  `json:"since"`
	Over       *time.Time `json:"over,omitempty"`
}

// payload says the same as a mail, for a program.
func payload(d model.Delivery, events []told) Call {
	out := Call{Type: "alert", Alerts: []CalledCase{}}
	for _, g := range groups(events) {
		for _, e := range g.events {
			c := CalledCase{
				Event: "open", ID: e.ID, Scope: "connection", Mailbox: string(e.Mailbox), Address: e.Address, Connection: e.System,
				Side: string(e.Side), About: string(e.Workload), Code: e.Code, Message: e.Message, Times: e.Times, Since: e.First.UTC(),
			}
			if e.Mailbox != "" {
				c.Scope = "mailbox"
			}
			if entry, ok := issue.Lookup(e.Code); ok {
				c.Source, c.Cause, c.Solution, c.Acts = entry.Source, entry.Cause, entry.Solution, string(entry.Who())
			}
			if e.over {
				over := e.Over.UTC()
				c.Event, c.Over = "over", &over
			} else {
				one := g
				one.events = []told{e}
				c.Command, c.Link = one.where(), one.link(d)
			}
			out.Alerts = append(out.Alerts, c)
		}
	}
	return out
}

// send posts a call, signed as Standard Webhooks has it
// (https://github.com/standard-webhooks/standard-webhooks, spec, "Signature
// scheme"): webhook-signature is v1 and the HMAC-SHA-256 of id, time and body.
// Any 2xx answer takes it.
func (h hook) send(ctx context.Context, id string, c Call) error {
	u, err := hookURL(h.webhook)
	if err != nil {
		return err
	}
	now := time.Now()
	c.Time = now.UTC()
	// A struct of texts, numbers and times cannot fail to encode.
	body, _ := json.Marshal(c)
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), bytes.NewReader(body))
	if err != nil {
		return issue.Fault("alert.setting", "key", "webhook.url", "problem", "is not an address")
	}
	stamp := strconv.FormatInt(now.Unix(), 10)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "Lockstep")
	r.Header.Set("Webhook-Id", id)
	r.Header.Set("Webhook-Timestamp", stamp)
	if h.webhook.Secret != "" {
		r.Header.Set("Webhook-Signature", "v1,"+sign(h.webhook.Secret, id, stamp, body))
	}
	return h.answer(h.client().Do(r))
}

// sign computes the signature.
func sign(secret, id, stamp string, body []byte) string {
	key := []byte(secret)
	if text, ok := strings.CutPrefix(secret, "whsec_"); ok {
		if raw, err := base64.StdEncoding.DecodeString(text); err == nil {
			key = raw
		}
	}
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "%s.%s.", id, stamp)
	mac.Write(body)
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// client follows no redirect: what is signed for one address is not for another.
func (h hook) client() *http.Client {
	t := &http.Transport{Proxy: http.ProxyFromEnvironment, TLSClientConfig: h.tls, DisableKeepAlives: true}
	return &http.Client{Transport: t, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// answer is what a receiver's answer means: 410 and other 4xx are for good but
// those that ask for patience (RFC 9110 section 15.5, RFC 6585 section 4).
func (h hook) answer(r *http.Response, err error) error {
	if err != nil {
		return unreached(h.place(), err)
	}
	defer r.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(r.Body, 4096)) // what it says is of no use
	code, scope := "alert.later", fault.Server               // as likely for the next notice
	switch {
	case r.StatusCode/100 == 2:
		return nil
	case slices.Contains([]int{http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusRequestTimeout, http.StatusTooManyRequests}, r.StatusCode):
	case r.StatusCode/100 == 4:
		code, scope = "alert.refused", fault.Item
	}
	f := issue.Fault(code, "place", h.place())
	f.Scope, f.Evidence = scope, evidence("HTTP "+r.Status)
	return f
}

func (h hook) place() string {
	u, err := url.Parse(h.webhook.URL)
	if err != nil {
		return "webhook"
	}
	return "webhook at " + u.Hostname()
}
