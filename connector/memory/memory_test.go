package memory_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"lockstep.dev/connector"
	"lockstep.dev/connector/connectortest"
	"lockstep.dev/connector/memory"
	"lockstep.dev/model"
)

const secret = "right-secret"

// clock is a time that only tests move.
type clock struct{ now time.Time }

func (c *clock) Now() time.Time { return c.now }

func fixture(config memory.Config) connectortest.Fixture {
	time0 := &clock{now: time.Date(2031, 3, 1, 8, 0, 0, 0, time.UTC)}
	config.Now, config.Secret, config.Page = time0.Now, secret, 2
	s := memory.New(config)
	address := ""
	if config.Side == model.Mail {
		address = "ada@example.com"
		s.AddMailbox(address, "mailbox-1")
	}
	at := s.At(address)
	f := connectortest.Fixture{
		Connector: s, Account: model.Account{Address: address, Secret: secret},
		Create: func(_ testing.TB, c model.Collection, content model.Content) string {
			return at.Create(memory.Draft{Kind: c.Kind, Collection: c.ID, Content: content}).ID
		},
		Edit:   func(_ testing.TB, r model.Ref, changed model.Content) { at.Edit(r, changed) },
		Delete: func(_ testing.TB, r model.Ref) { at.Delete(r) },
		Settle: func(testing.TB) { time0.now = time0.now.Add(config.Lag) },
		Foreign: func(_ testing.TB, r model.Ref) func(testing.TB) bool {
			at.Scribble(r, "X-OTHER:1")
			return func(testing.TB) bool { return at.Foreign(r) == "X-OTHER:1" }
		},
		Expire: func(_ testing.TB, _ model.Collection, c model.Cursor) model.Cursor {
			s.Expire()
			return c
		},
		Denied: func(testing.TB) (connector.Connector, model.Account, string) {
			wrong := strings.Repeat("wrong", 3)
			return s, model.Account{Address: address, Secret: wrong}, wrong
		},
	}
	if config.Side == model.CRM {
		f.Actor = "user-1"
	}
	return f
}

// tier is everything, with another create tier.
func tier(side model.Side, t connector.Tier) map[model.Kind]connector.KindCapabilities {
	kinds := memory.Everything(side)
	for k, c := range kinds {
		c.Create = t
		kinds[k] = c
	}
	return kinds
}

func TestLawsHold(t *testing.T) {
	for name, config := range map[string]memory.Config{
		"mail":                        {Side: model.Mail},
		"crm":                         {Side: model.CRM},
		"listings tell versions only": {Side: model.Mail, Refs: true},
		"silent receipts":             {Side: model.CRM, Silent: true},
		"names can be used again":     {Side: model.Mail, Reuse: true},
		"reads lag":                   {Side: model.CRM, Lag: 2 * time.Minute},
		"stamps instead of keys":      {Side: model.Mail, Kinds: tier(model.Mail, connector.T2)},
		"neither stamps nor keys":     {Side: model.Mail, Kinds: tier(model.Mail, connector.T3)},
	} {
		t.Run(name, func(t *testing.T) {
			connectortest.Run(t, func(*testing.T) connectortest.Fixture { return fixture(config) })
		})
	}
}

// B12: an answer that is lost is no harm: asked again, one item exists.
func TestLostAnswerCreatesOnce(t *testing.T) {
	lost := false
	connectortest.Run(t, func(t *testing.T) connectortest.Fixture {
		f := fixture(memory.Config{Side: model.CRM})
		f.Connector = memory.Faults(f.Connector, func(_ context.Context, p memory.Point) error {
			if p.Call == "apply" && p.After && lost {
				lost = false
				return noAnswer()
			}
			return nil
		})
		f.LoseAnswer = func(testing.TB) { lost = true }
		return f
	})
}
