package activities_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"lockstep.dev/model"
	"lockstep.dev/store"
)

// limited is a house whose policy lets one mailbox sync so many items.
func limited(t *testing.T, most model.Most) *house {
	h := build(t, design{kinds: []model.Kind{model.Contact}, policy: func(p *model.Policy) { p.Limit = &most }})
	h.gate.quiet = true
	return h
}

// S-05, B18: a first sync of more than the limit says so with the text that
// users know, and writes nothing anywhere. Once the limit is raised it goes on.
func TestAFirstSyncBeyondTheLimitWritesNothing(t *testing.T) {
	h := limited(t, 10)
	defer h.close()
	for i := range 8 {
		h.inCRM(model.Contact, "ada", person(fmt.Sprintf("Crm %d", i), fmt.Sprintf("c%d@example.org", i)))
		h.inMail("ada", model.Contact, person(fmt.Sprintf("Mail %d", i), fmt.Sprintf("m%d@example.org", i)))
	}
	h.settle()
	m, err := h.db.Mailbox(context.Background(), h.box("ada").id)
	h.must(err)
	if m.State != model.Disabled || !strings.Contains(m.Reason, "A limit on the number of snapshot records is exceeded (10/16/8)") {
		t.Errorf("it is %s: %s", m.State, m.Reason)
	}
	if n := h.writes(); n != 0 {
		t.Errorf("%d writes", n)
	}
	alerts, err := h.db.Alerts(context.Background(), store.AlertFilter{Mailbox: m.ID})
	h.must(err)
	if len(alerts) != 1 || alerts[0].Code != "engine.limit" {
		t.Errorf("alerts %+v", alerts)
	}
	p, err := h.db.Policy(context.Background(), "all")
	h.must(err)
	none := model.Most(0)
	p.Limit = &none
	h.must(h.db.SavePolicy(context.Background(), p))
	h.command("ada", "resume", "")
	h.settle()
	h.wantCount(1, "Crm 7", "ada")
	h.wantCount(1, "Mail 7", "")
}

// S-05: a mailbox in step goes on; only what is new waits.
func TestBeyondTheLimitOnlyNewItemsWait(t *testing.T) {
	h := limited(t, 3)
	defer h.close()
	crowd(h)
	h.settle()
	h.inCRM(model.Contact, "ada", person("One too many", "more@example.org"))
	h.set("", "Bob", "notes", "goes on")
	h.settle()
	h.wantText("ada", "Bob", "notes", "goes on")
	h.wantCount(0, "One too many", "ada")
	h.wantHeld("ada", 1, "A limit on the number of snapshot records is exceeded (3/4/4)")
	if h.box("ada").state != model.Active {
		t.Errorf("it is %s", h.box("ada").state)
	}
}
