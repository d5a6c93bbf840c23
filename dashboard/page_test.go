package dashboard_test

import (
	"net/http"
	"strings"
	"testing"

	"lockstep.dev/issue"
	"lockstep.dev/model"
	"lockstep.dev/store"
)

// Every page answers, for each who may see it, also when there is little to show.
func TestPagesAnswer(t *testing.T) {
	h := newHouse(t)
	ann := h.boxes["ann"]
	h.ok(h.store.RaiseAlert(t.Context(), store.Alert{Mailbox: ann.ID, Side: model.Mail, Workload: model.ACT, Code: "dav.401", Message: issue.Message("dav.401")}, "It did not let us in.", h.now))
	ada := h.as("ada")
	ada.says("/", "Overview", "Somebody must act", `href="/mailboxes?state=active"`)
	ada.says("/mailboxes", "ann@example.com", "ben@example.com", "3 mailboxes", "Add a mailbox")
	ada.says("/mailboxes?search=ben", "ben@example.com", "1 mailbox")
	ada.says("/mailboxes?search=nobody", "No mailbox is like that")
	ada.says("/mailboxes?sort=issues&desc=1", "ann@example.com")
	ada.says("/mailboxes?lag=never&state=active", "ben@example.com")
	ada.says("/mailboxes/"+string(ann.ID), "ann@example.com", "dav.401", "disabled", "u-ann", "Temporal Web UI", "Resume")
	ada.says("/mailboxes/ann@example.com", "ann@example.com")
	ada.says("/mailboxes/"+string(ann.ID)+"/item?q=nothing", "No item is known")
	ada.says("/issues", "No open issues")
	ada.says("/rounds", "Rounds")
	ada.says("/alerts", "dav.401", "Who acts")
	ada.says("/reviews", "nothing to decide")
	ada.says("/connections", "sales", "Email server profile", "office")
	ada.says("/policies", "default", "waits for approval")
	ada.says("/policies/default", "Synchronised fields", "full name", "policies:")
	ada.says("/requests", "finished")
	ada.says("/errors", "dav.401")
	ada.says("/errors/dav.401", "What to do")
	ada.says("/errors?q=dav.401", "dav.401")
	ada.says("/confirm?do=mailbox+pause&mailbox="+string(ann.ID), "ann@example.com", "Nothing is synced until it is resumed")
	ada.says("/confirm?do=mailbox+add", "CRM connection", "sales")
	for path, want := range map[string]int{"/mailboxes/nobody": 404, "/nowhere": 404, "/issues/iss_0": 404, "/mailboxes?sort=x": 400, "/mailboxes?after=x": 400, "/static/app.css": 200, "/static/app.js": 200, "/static/none": 404} {
		if code, _ := ada.get(path); code != want {
			t.Errorf("%s: %d, want %d", path, code, want)
		}
	}
}

// A user finds their own mailbox and nothing of anybody else's (design decision
// 1: bound by id, never by address).
func TestAUserSeesTheirOwnMailboxOnly(t *testing.T) {
	h := newHouse(t)
	ann, ben := h.boxes["ann"], h.boxes["ben"]
	v := h.as("ann")
	if code, _, header := v.do(http.MethodGet, "/", ""); code != http.StatusSeeOther || header.Get("Location") != "/mailboxes/"+string(ann.ID) {
		t.Errorf("the start leads to %d %s", code, header.Get("Location"))
	}
	v.says("/mailboxes/"+string(ann.ID), "ann@example.com", "Pause")
	for _, path := range []string{
		"/mailboxes/" + string(ben.ID), "/mailboxes/ben@example.com", "/mailboxes/" + string(ben.ID) + "/plan", "/mailboxes/" + string(ben.ID) + "/item?q=x",
		"/issues?mailbox=x", "/api/v1/mailbox/show?mailbox=" + string(ben.ID),
	} {
		if code, body := v.get(path); code != http.StatusNotFound && !strings.HasPrefix(path, "/issues") || strings.Contains(body, "ben@") {
			t.Errorf("%s: %d", path, code)
		}
	}
	v.form("/do", "do", "mailbox pause", "mailbox", string(ben.ID))
	if code, p := v.api(http.MethodPost, "/api/v1/mailbox/pause", map[string]any{"mailbox": "ben@example.com"}); code != http.StatusNotFound || p["code"] != "not-found" {
		t.Errorf("ann pauses ben's mailbox: %d %v", code, p)
	}
	if len(h.engine.asked) != 0 {
		t.Errorf("asked: %+v", h.engine.asked)
	}
	if code, _ := v.api(http.MethodPost, "/api/v1/mailbox/pause", map[string]any{}); code != http.StatusOK || len(h.engine.asked) != 1 || h.engine.asked[0].Mailbox != ann.ID {
		t.Errorf("ann pauses her own: %d %+v", code, h.engine.asked)
	}
	// The address goes to somebody else: ann's account follows the id.
	renamed := ann
	renamed.Address = "ann.smith@example.com"
	h.ok(h.store.SaveMailbox(t.Context(), renamed))
	ben.Address = "ann@example.com"
	h.ok(h.store.SaveMailbox(t.Context(), ben))
	v.says("/mailboxes/"+string(ann.ID), "ann.smith@example.com")
	if code, _ := v.get("/mailboxes/ann@example.com"); code != http.StatusNotFound {
		t.Errorf("the address's new owner is seen: %d", code)
	}
}

// A command of a page goes the way of the command line: a request under the
// visitor's name, and its outcome is told on the page that comes next.
func TestACommandOfAPage(t *testing.T) {
	h := newHouse(t)
	v := h.as("otto")
	ids := []string{string(h.boxes["ann"].ID), string(h.boxes["ben"].ID)}
	v.says("/confirm?do=mailbox+pause&mailbox="+ids[0]+"&mailbox="+ids[1]+"&back=%2Fmailboxes", "It is about 2 mailboxes", "ann@example.com", "ben@example.com")
	code, _, header := v.do(http.MethodPost, "/do", "do=mailbox+pause&mailbox="+ids[0]+"&mailbox="+ids[1]+"&back=/mailboxes", "Content-Type", "application/x-www-form-urlencoded")
	if code != http.StatusSeeOther || header.Get("Location") != "/mailboxes" {
		t.Fatalf("goes to %d %s", code, header.Get("Location"))
	}
	if len(h.engine.asked) != 2 || h.engine.asked[0].Verb != "pause" || h.engine.asked[0].By != "otto" {
		t.Fatalf("asked: %+v", h.engine.asked)
	}
	v.says("/mailboxes", "It is done.")
	if body := v.says("/mailboxes"); strings.Contains(body, "It is done.") {
		t.Error("it is told twice")
	}
	v.form("/do", "do", "mailbox resume", "every", "search=example.com", "back", "/mailboxes")
	if len(h.engine.asked) != 5 {
		t.Errorf("every mailbox of a list: %+v", h.engine.asked)
	}
	for _, back := range []string{"https://evil.example/", "//evil.example/", `/\evil.example`} {
		_, _, header := v.do(http.MethodPost, "/do", "do=mailbox+pause&mailbox="+ids[0]+"&back="+back, "Content-Type", "application/x-www-form-urlencoded")
		if to := header.Get("Location"); to != "/" {
			t.Errorf("goes back to %s", to)
		}
	}
}
