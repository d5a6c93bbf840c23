package cli_test

import (
	"strings"
	"testing"

	"lockstep.dev/model"
	"lockstep.dev/plan"
	"lockstep.dev/store"
)

func gone() []store.Lost {
	return []store.Lost{
		{Kind: model.Contact, Item: "42", Since: 7, Mailboxes: 1, Title: "Finn"},
		{Kind: model.Event, Item: "43", Since: 7, Mailboxes: 3, Title: "Board"},
		{Kind: model.Event, Item: "44", Since: 8, Mailboxes: 2, Private: true},
	}
}

// B3: what a connection's brake holds is looked at and decided on once, by
// exactly the ids that were seen.
func TestOneWordForAConnection(t *testing.T) {
	h := newHouse(t)
	h.st.gone = gone()
	code, out, _ := h.run("connection", "held", "sales", "--content")
	if code != 0 {
		t.Fatalf("exit code %d", code)
	}
	golden(t, "connection-held", out)
	_, out, _ = h.run("connection", "held", "sales", "--json", "--limit", "1")
	golden(t, "connection-held-json", out)
	hash := strings.TrimSpace(strings.Split(strings.Split(out, `"hash": "`)[1], `"`)[0])

	for _, bad := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"approve", "nobody"}, 2, `there is no connection "nobody"`},
		{[]string{"approve", "sales", "--hash", "feedfeedfeedfeed"}, 1, "look again: lockstep connection held sales"},
		{[]string{"approve", "sales", "--kind", "note"}, 2, `there is no kind "note"`},
		{[]string{"reject", "sales", "--kind", "task", "-y"}, 2, "nothing of this kind waits"},
		{[]string{"reject", "sales", "--item", "99", "-y"}, 2, `"99" is not one of those that wait`},
		{[]string{"approve"}, 2, "wrong number of arguments"},
		{[]string{"approve", "sales"}, 2, "run it again with -y"},
	} {
		code, _, talk := h.run(append([]string{"connection"}, bad.args...)...)
		if code != bad.code || !strings.Contains(talk, bad.says) {
			t.Errorf("%v: exit code %d, says %s", bad.args, code, talk)
		}
	}
	if len(h.st.rulings) > 0 {
		t.Fatalf("decided %+v", h.st.rulings)
	}

	code, _, talk := h.run("connection", "reject", "sales", "--item", "43", "-y")
	if code != 0 || !strings.Contains(talk, "sales: 1 item will be kept on the other side, in every mailbox") {
		t.Errorf("exit code %d, says %s", code, talk)
	}
	code, _, talk = h.run("connection", "approve", "sales", "--hash", hash)
	if code != 0 || !strings.Contains(talk, "sales: 3 items will be deleted on the other side, in every mailbox") {
		t.Errorf("exit code %d, says %s", code, talk)
	}
	if r := h.st.rulings; len(r) != 2 || r[0].Verdict != plan.Rejected || r[0].Items[0].Item != "43" || r[1].Verdict != plan.Confirmed || len(r[1].Items) != 3 || r[1].By != "root" {
		t.Errorf("decided %+v", r)
	}
	h.st.gone = nil
	if code, _, talk := h.run("connection", "approve", "sales", "-y"); code != 1 || !strings.Contains(talk, "nothing of sales waits") {
		t.Errorf("exit code %d, says %s", code, talk)
	}
}
