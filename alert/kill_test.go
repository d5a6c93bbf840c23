package alert_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"lockstep.dev/alert"
	"lockstep.dev/model"
	"lockstep.dev/store"
)

var errDead = errors.New("killed")

// mortal is the outbox of a process that dies before or after its nth call.
type mortal struct {
	alert.Outbox
	calls []string
	die   int  // 0 = never; counted from 1
	after bool // the call is carried out, and nobody hears its answer
	dead  bool
}

func step[T any](m *mortal, name string, f func() (T, error)) (T, error) {
	var zero T
	if m.dead {
		return zero, errDead
	}
	m.calls = append(m.calls, name)
	if len(m.calls) != m.die {
		return f()
	}
	m.dead = true
	if m.after {
		if _, err := f(); err != nil {
			return zero, err
		}
	}
	return zero, errDead
}

func (m *mortal) Policies(ctx context.Context) ([]model.Policy, error) {
	return step(m, "Policies", func() ([]model.Policy, error) { return m.Outbox.Policies(ctx) })
}

func (m *mortal) Untold(ctx context.Context, limit int) ([]store.Case, error) {
	return step(m, "Untold", func() ([]store.Case, error) { return m.Outbox.Untold(ctx, limit) })
}

func (m *mortal) Notices(ctx context.Context, f store.NoticeFilter) ([]store.Notice, error) {
	return step(m, "Notices", func() ([]store.Notice, error) { return m.Outbox.Notices(ctx, f) })
}

func (m *mortal) Tell(ctx context.Context, n []store.Notice, unheard []store.Event, now time.Time) error {
	_, err := step(m, "Tell", func() (bool, error) { return true, m.Outbox.Tell(ctx, n, unheard, now) })
	return err
}

func (m *mortal) ClaimNotice(ctx context.Context, c store.Channel, token string, rate int, now, ends time.Time) (store.Notice, error) {
	return step(m, "ClaimNotice", func() (store.Notice, error) { return m.Outbox.ClaimNotice(ctx, c, token, rate, now, ends) })
}

func (m *mortal) Cases(ctx context.Context, ids []string) ([]store.Case, error) {
	return step(m, "Cases", func() ([]store.Case, error) { return m.Outbox.Cases(ctx, ids) })
}

func (m *mortal) FinishNotice(ctx context.Context, token string, n store.Notice) error {
	_, err := step(m, "FinishNotice", func() (bool, error) { return true, m.Outbox.FinishNotice(ctx, token, n) })
	return err
}

// story is an alert that begins and ends; it returns how often each notice came,
// by recipient and subject, and under how many ids.
func story(t *testing.T, die int, after bool) (calls []string, came map[string]int, ids map[string]map[string]bool) {
	h := newHouse(t)
	anna := h.mailbox("anna")
	first := &mortal{Outbox: h.st, die: die, after: after}
	p := h.sender(first)
	run := func() {
		if _, err := p.Run(h.ctx); err != nil && !errors.Is(err, errDead) {
			t.Fatal(err)
		}
		if first.dead { // another process takes over
			p = h.sender(h.st)
			for range 3 {
				h.now = h.now.Add(5 * time.Minute)
				_, err := p.Run(h.ctx)
				h.ok(err)
			}
		}
	}
	h.fail(anna, model.CRM, "engine.crm-id-conflict")
	run()
	h.now = h.now.Add(time.Hour)
	h.mend(anna)
	run()
	came, ids = map[string]int{}, map[string]map[string]bool{}
	for _, l := range h.post.letters() {
		key := l.to[0] + ": " + l.header(t, "Subject")
		came[key]++
		if ids[key] == nil {
			ids[key] = map[string]bool{}
		}
		ids[key][l.header(t, "Message-ID")] = true
	}
	return first.calls, came, ids
}

// Killed at any step, every notice comes, and none comes twice, but for one case:
// who dies after the server took a mail and before that was noted leaves it to be
// sent again, under the same Message-ID. (A server cannot be asked.)
func TestKilledAnywhereEveryNoticeComes(t *testing.T) {
	calls, want, _ := story(t, 0, false)
	if len(want) != 4 {
		t.Fatalf("notices: %v", want)
	}
	for i, name := range calls {
		for _, after := range []bool{false, true} {
			t.Run(fmt.Sprintf("%d %s after=%v", i+1, name, after), func(t *testing.T) {
				_, came, ids := story(t, i+1, after)
				twice := 0
				for key := range want {
					switch n := came[key]; {
					case n == 0:
						t.Errorf("never came: %s", key)
					case n > 1:
						twice++
						if n > 2 || len(ids[key]) != 1 {
							t.Errorf("%s came %d times under %d ids", key, n, len(ids[key]))
						}
					}
				}
				allowed := 0
				if name == "FinishNotice" && !after {
					allowed = 1
				}
				if twice != allowed || len(came) != len(want) {
					t.Errorf("%d notices came twice, %v", twice, came)
				}
			})
		}
	}
}

// The connection breaks before the server has taken the message: it is sent
// again; or after the message, before its answer: the repeat has the same id.
func TestTheConnectionBreaks(t *testing.T) {
	h := newHouse(t)
	broken := true
	h.post.toMessage = func(int) error {
		if broken {
			broken = false
			return errDrop
		}
		return nil
	}
	h.fail(h.mailbox("anna"), model.CRM, "engine.crm-id-conflict")
	p := h.sender(h.st)
	got := h.pass(p)
	h.now = h.now.Add(time.Hour)
	got = append(got, h.pass(p)...)
	if len(got) != 2 {
		t.Fatalf("came: %s", to(got))
	}
}

// Several workers share one outbox: each notice is sent by one of them.
func TestManySenders(t *testing.T) {
	h := newHouse(t)
	h.d.Mail.PerMinute = 1000
	for i := range 40 {
		h.fail(h.mailbox(fmt.Sprintf("user%d", i)), model.CRM, "engine.crm-id-conflict")
	}
	done := make(chan error)
	for range 4 {
		p := h.sender(h.st)
		go func() {
			_, err := p.Run(h.ctx)
			done <- err
		}()
	}
	for range 4 {
		h.ok(<-done)
	}
	seen := map[string]bool{}
	for _, l := range h.post.letters() {
		if seen[l.to[0]] {
			t.Errorf("%s was told twice", l.to[0])
		}
		seen[l.to[0]] = true
	}
	if len(seen) != 41 {
		t.Errorf("%d were told", len(seen))
	}
}

// Nothing of what a system said as evidence, and no secret, is ever told.
func TestANoticeHoldsNoSecrets(t *testing.T) {
	h := newHouse(t)
	h.fail(h.mailbox("anna"), model.Mail, "dav.401")
	for _, l := range h.pass(h.sender(h.st)) {
		for _, secret := range []string{"secret evidence", password} {
			if strings.Contains(l.raw, secret) {
				t.Errorf("it holds %q", secret)
			}
		}
	}
}
