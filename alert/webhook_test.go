package alert_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"lockstep.dev/alert"
	"lockstep.dev/model"
	"lockstep.dev/store"
)

// receiver is a program that is called.
type receiver struct {
	*httptest.Server
	calls  []alert.Call
	ids    []string
	forged int
	status int
}

func newReceiver(t *testing.T, key []byte) *receiver {
	t.Helper()
	r := &receiver{status: http.StatusNoContent}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, in *http.Request) {
		body, _ := io.ReadAll(in.Body)
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(in.Header.Get("webhook-id") + "." + in.Header.Get("webhook-timestamp") + "." + string(body)))
		if in.Header.Get("webhook-signature") != "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)) {
			r.forged++
		}
		var c alert.Call
		if err := json.Unmarshal(body, &c); err != nil {
			t.Error(err)
		}
		if r.status/100 == 2 {
			r.calls = append(r.calls, c)
		}
		r.ids = append(r.ids, in.Header.Get("webhook-id"))
		w.WriteHeader(r.status)
	}))
	t.Cleanup(r.Close)
	return r
}

// A program is called with what began and what ended, signed; a call that failed
// is repeated under the same id, later and later.
func TestTheWebhookIsCalled(t *testing.T) {
	h := newHouse(t)
	r := newReceiver(t, []byte("shared secret"))
	h.d = model.Delivery{Webhook: model.Webhook{URL: r.URL, Secret: "whsec_" + base64.StdEncoding.EncodeToString([]byte("shared secret"))}}
	p := h.sender(h.st)
	anna := h.mailbox("anna")
	h.fail(anna, model.Mail, "dav.401")
	r.status = http.StatusServiceUnavailable
	h.pass(p)
	h.pass(p)
	if len(r.ids) != 1 {
		t.Fatalf("%d calls", len(r.ids))
	}
	r.status = http.StatusNoContent
	h.now = h.now.Add(2 * time.Minute)
	h.pass(p)
	if len(r.ids) != 2 || r.ids[0] != r.ids[1] || r.ids[0] == "" {
		t.Fatalf("calls %v", r.ids)
	}
	h.mend(anna)
	h.pass(p)
	if len(r.calls) != 2 || r.forged > 0 {
		t.Fatalf("%d calls, %d forged", len(r.calls), r.forged)
	}
	open, over := r.calls[0].Alerts[0], r.calls[1].Alerts[0]
	if open.Event != "open" || open.Address != "anna@example.com" || open.Code != "dav.401" || open.Command != "lockstep mailbox renew anna@example.com" || open.Acts != "user" || open.Scope != "mailbox" {
		t.Errorf("it says %+v", open)
	}
	if over.Event != "over" || over.ID != open.ID || over.Over == nil {
		t.Errorf("it says %+v", over)
	}
	r.status = http.StatusGone
	h.fail(anna, model.Mail, "dav.401")
	h.pass(p)
	failed, err := h.st.Notices(h.ctx, store.NoticeFilter{State: store.NoticeFailed})
	h.ok(err)
	if len(failed) != 1 {
		t.Errorf("given up: %v", failed)
	}
	h.ok(alert.Test(h.ctx, model.Delivery{Webhook: model.Webhook{URL: newReceiver(t, []byte("x")).URL, Secret: "x"}}, "", "test-1", nil))
}
