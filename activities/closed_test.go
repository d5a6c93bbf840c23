package activities_test

import (
	"slices"
	"testing"

	"lockstep.dev/connector/memory"
	"lockstep.dev/fault"
	"lockstep.dev/issue"
	"lockstep.dev/model"
	"lockstep.dev/store"
)

// S-01, S-08: a collection that cannot be read is an issue of the mailbox, with
// what the server said; the rest goes on, and the issue is over in the round in
// which the collection is read again.
func TestAClosedCollectionIsAnIssue(t *testing.T) {
	h := build(t, design{kinds: []model.Kind{model.Contact, model.Event}})
	defer func() { h.close() }()
	h.gate.quiet = true
	h.settle()
	reads, closed := 0, true
	h.gate.spoil = func(p memory.Point) error {
		if p.Side != model.Mail || p.Call != "changes" || p.After {
			return nil
		}
		reads++
		if !closed || reads%2 == 0 { // the first of two collections
			return nil
		}
		f := issue.Fault("dav.403")
		f.Evidence = proof
		return f
	}
	h.inMail("ada", model.Contact, person("Grace Hopper", "grace@example.com"))
	h.inMail("ada", model.Event, meeting("Launch", "ada"))
	for range 3 {
		reads = 0
		h.pass()
		h.turn(0)
	}
	rows := h.issuesOf(t)
	if len(rows) != 1 || rows[0].Code != "dav.403" || rows[0].Evidence != proof || rows[0].Count != 3 || rows[0].State != store.IssueNeedsAdmin {
		t.Fatalf("the closed collection is told as %+v", rows)
	}
	if n := len(h.at("").Items()); n != 1 {
		t.Errorf("%d items of the open collection reached the CRM", n)
	}
	closed = false
	h.turn(0)
	if rows := h.issuesOf(t); len(rows) != 0 {
		t.Errorf("after it was read again there is still %+v", rows)
	}
	h.settle()
	if n := len(h.at("").Items()); n != 2 {
		t.Errorf("%d items reached the CRM in the end", n)
	}
}

// A collection that was deleted is no trouble: the mailbox is asked at once which
// collections it has, as the catalogue promises.
func TestADeletedCollectionIsLookedForAtOnce(t *testing.T) {
	h := build(t, contacts())
	defer func() { h.close() }()
	h.gate.quiet = true
	h.settle()
	asked := h.mail.Requests()["collections"]
	h.gate.spoil = func(p memory.Point) error {
		if p.Side != model.Mail || p.Call != "changes" || p.After {
			return nil
		}
		return issue.Fault("dav.collection")
	}
	h.turn(0)
	if h.mail.Requests()["collections"] != asked+1 {
		t.Error("nobody asked which collections there are")
	}
	told := h.issuesOf(t)
	if !slices.ContainsFunc(told, func(i store.IssueRow) bool { return i.Code == "dav.collection" }) {
		t.Errorf("one that the mailbox still names is told as %+v", told)
	}
	if e, _ := issue.Lookup("dav.collection"); e.Class != fault.NotFound {
		t.Error("this is another story")
	}
}

// issuesOf are ada's open issues.
func (h *house) issuesOf(t *testing.T) []store.IssueRow {
	t.Helper()
	rows, err := h.db.FindIssues(t.Context(), store.IssueFilter{Mailbox: h.box("ada").id})
	h.must(err)
	return rows
}
