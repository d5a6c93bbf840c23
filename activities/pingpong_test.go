package activities_test

import (
	"context"
	"strings"
	"testing"

	"lockstep.dev/model"
	"lockstep.dev/plan"
	"lockstep.dev/store"
)

// rewrite is what servers do that add something to each name they are given.
func rewrite(h *house, marks map[string]string) {
	crm, mail := h.at("").Items(), h.at("ada").Items()
	if len(crm) != 1 || len(mail) != 1 || crm[0].Content.Text("full_name") != mail[0].Content.Text("full_name") {
		return
	}
	for place, it := range map[string]model.Item{"": crm[0], "ada": mail[0]} {
		name := it.Content.Text("full_name")
		if mark := marks[place]; mark != "" && !strings.HasSuffix(name, mark) {
			h.at(place).Set(it.Ref, "full_name", name+mark)
		}
	}
}

// aside are a mailbox's open issues of items that go to and fro.
func (h *house) aside(name string) int {
	h.t.Helper()
	rows, err := h.db.Issues(context.Background(), h.box(name).id)
	h.must(err)
	n := 0
	for _, r := range rows {
		if r.Open && r.Code == "sync.ping-pong" {
			n++
			if !strings.Contains(r.Message, "Something else keeps changing this item back: full_name") {
				h.t.Errorf("the issue says %q", r.Message)
			}
		}
	}
	return n
}

// B17: one server that rewrites what it is given converges; two that do so in
// ever new ways are stopped, with a named cause, and everything else goes on.
func TestServersThatRewriteEachOtherAreStopped(t *testing.T) {
	for _, tt := range []struct {
		marks map[string]string
		aside int
	}{
		{map[string]string{"ada": "~"}, 0},
		{map[string]string{"": "!", "ada": "~"}, 1},
	} {
		h := build(t, contacts())
		h.inCRM(model.Contact, "ada", person("Bob", "bob@example.org"))
		h.settle()
		for range 12 {
			rewrite(h, tt.marks)
			h.sweep()
		}
		h.settle()
		if h.aside("ada") != tt.aside {
			t.Fatalf("%v: %d issues of a ping-pong\n%s", tt.marks, h.aside("ada"), h.story())
		}
		h.inMail("ada", model.Contact, person("Cleo", "cleo@example.org"))
		h.settle()
		h.wantCount(1, "Cleo", "") // what is set aside holds up no other
		h.close()
	}
}

// engine is another program that syncs the CRM and a mailbox, with titles of its
// own: a name in the CRM is "Dr. Bob" where the mailbox says "Bob".
func engine(h *house) {
	crm, mail := h.at("").Items()[0], h.at("ada").Items()[0]
	inCRM, inMail := crm.Content.Text("full_name"), mail.Content.Text("full_name")
	if strings.HasPrefix(inMail, "Dr. ") {
		h.at("ada").Set(mail.Ref, "full_name", strings.TrimPrefix(inMail, "Dr. "))
	}
	if !strings.HasPrefix(inCRM, "Dr. ") {
		h.at("").Set(crm.Ref, "full_name", "Dr. "+inCRM)
	}
}

// B17: two engines with different mappings on one mailbox. The item is set
// aside; it is released when the other engine is gone and somebody says so.
func TestTwoEnginesAreStopped(t *testing.T) {
	h := build(t, contacts())
	defer h.close()
	h.inCRM(model.Contact, "ada", person("Bob", "bob@example.org"))
	h.settle()
	written := 0
	for range 12 {
		engine(h)
		before := h.asked()["write"]
		h.sweep()
		h.sweep()
		if n := h.asked()["write"] - before; n > 0 {
			written += n
		} else if h.aside("ada") > 0 {
			break
		}
	}
	if h.aside("ada") != 1 || written > 2*plan.Bounces {
		t.Fatalf("%d writes, %d issues\n%s", written, h.aside("ada"), h.story())
	}
	h.wantAside("ada", true)
	_, _, err := h.db.RetryIssues(context.Background(), store.IssueFilter{Code: "sync.ping-pong"})
	h.must(err)
	h.settle()
	h.wantAside("ada", false)
	if h.aside("ada") != 0 {
		t.Error("the issue is open although the item was tried again")
	}
	if a, b := h.at("").Items()[0].Content.Text("full_name"), h.at("ada").Items()[0].Content.Text("full_name"); a != b {
		t.Errorf("%q in the CRM, %q in the mailbox", a, b)
	}
}

// Without the other engine a change by a person releases the item, too.
func TestAnItemSetAsideIsReleasedByAChange(t *testing.T) {
	h := build(t, contacts())
	defer h.close()
	h.inCRM(model.Contact, "ada", person("Bob", "bob@example.org"))
	h.settle()
	for h.aside("ada") == 0 {
		engine(h)
		h.sweep()
		h.sweep()
	}
	h.settle()
	h.at("ada").Set(h.at("ada").Items()[0].Ref, "full_name", "Bob Stone")
	h.settle()
	h.wantAside("ada", false)
	h.wantText("", "Bob Stone", "full_name", "Bob Stone")
}

// wantAside wants the one contact to be set aside, or not.
func (h *house) wantAside(name string, want bool) {
	h.t.Helper()
	found, err := h.db.Explain(context.Background(), h.box(name).id, h.at(name).Items()[0].Ref.ID)
	h.must(err)
	if len(found) != 1 || (found[0].State == plan.SetAside) != want {
		h.t.Errorf("set aside is not %v: %+v", want, found)
	}
}
