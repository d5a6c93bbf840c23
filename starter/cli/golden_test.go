package cli_test

import (
	"strings"
	"testing"
	"time"

	"lockstep.dev/model"
	"lockstep.dev/plan"
	"lockstep.dev/store"
)

// shown is a house in which there is something of everything to show.
func shown(t *testing.T) *house {
	t.Helper()
	h := newHouse(t)
	ben := h.mailbox("ben@example.com")
	stopped := store.Alert{
		Mailbox: ben.ID, Workload: model.ACT, Side: model.Mail, Code: "dav.401", Evidence: "HTTP 401; Server: Cyrus",
		Message: "The server did not accept the user name, password or token of this mailbox.",
	}
	if err := h.st.RaiseAlert(t.Context(), stopped, "The server does not accept the password.", noon().Add(-3*time.Hour)); err != nil {
		t.Fatal(err)
	}
	sales, err := h.st.ConnectionNamed(t.Context(), "sales")
	if err != nil {
		t.Fatal(err)
	}
	down := store.Alert{Connection: sales.ID, Workload: model.ACT, Side: model.CRM, Code: "sqlcrm.unreachable", Message: "The database crm at db cannot be reached."}
	if _, err := h.st.CountFailure(t.Context(), down, noon().Add(-time.Minute)); err != nil {
		t.Fatal(err)
	}
	h.heldPlan(store.PlanHeld)
	h.st.progress = []store.Progress{
		{Kind: model.Contact, CRMItems: 20, MailItems: 22, Linked: 12, Skipped: 3, Pending: 4, OpenIssues: 1, CreatedCRM: 5, CreatedMail: 6, OpenConflicts: 1, OperationsWaiting: 4},
		{Kind: model.Event, CRMItems: 7, MailItems: 9, Linked: 7},
	}
	h.st.rounds = []store.Round{
		{Number: 7, Started: noon().Add(-5 * time.Minute), Ended: noon().Add(-297 * time.Second), Done: 3, Note: "", Counts: h.st.plans[0].Counts},
		{Number: 1, Started: noon().Add(-49 * time.Hour), Ended: noon().Add(-48 * time.Hour), Done: 40, Refused: 1, Note: "first sync"},
	}
	h.st.issues = []store.IssueRow{
		{Issue: plan.Issue{Entity: "e1", Kind: model.Contact, Side: model.CRM, Item: "/b/y.vcf", Code: "sqlcrm.invalid", Message: "The CRM refuses the item: column last_name must not be empty."}, ID: "iss_1", Mailbox: h.find("anna@example.com"), State: store.IssueNeedsUser, Evidence: "SQLSTATE 23502", First: noon().Add(-2 * time.Hour), Last: noon().Add(-time.Minute), Count: 3, Open: true},
		{Issue: plan.Issue{Entity: "e2", Kind: model.Event, Side: model.Mail, Item: "9", Code: "dav.412", Message: "The item changed in the mailbox since we last looked."}, ID: "iss_2", Mailbox: h.find("anna@example.com"), State: store.IssueResolved, First: noon().Add(-2 * time.Hour), Last: noon().Add(-time.Hour), Count: 1},
	}
	h.st.questions = inDoubt()
	h.st.invitations = []store.Invitation{
		{At: noon().Add(-time.Hour), Round: 7, Action: model.Update, Entity: "e3", Item: "/c/z.ics", Recipients: 3, Notify: model.NotifyAttendees, Why: "its organizer changed a coming meeting"},
		{At: noon().Add(-2 * time.Hour), Round: 6, Action: model.Create, Entity: "e3", Recipients: 3, Why: "the first sync announces nothing"},
	}
	h.st.conflicts = []store.ConflictRow{
		{EditConflict: plan.EditConflict{Entity: "e1", Kind: model.Contact, Field: "job_title", Winner: model.CRM, Loser: model.Content{"job_title": {Text: "Chief\nBaker"}}}, ID: "cfl_1", At: noon().Add(-time.Hour)},
		{EditConflict: plan.EditConflict{Entity: "e1", Kind: model.Contact, Field: "emails", Winner: model.Mail, Loser: model.Content{"emails": {Set: []model.Element{{Key: "a@b", Text: "A@b"}, {Key: "c@d"}}}}}, ID: "cfl_2", At: noon().Add(-time.Hour)},
		{EditConflict: plan.EditConflict{Entity: "e2", Kind: model.Event, Field: "location", Loser: model.Content{"location": {Text: "Room 2"}}}, ID: "cfl_3", At: noon().Add(-time.Hour)},
		{EditConflict: plan.EditConflict{Entity: "e2", Kind: model.Event, Field: "recurrence", Winner: model.CRM, Resolution: "loser", Loser: model.Content{"recurrence": {Text: "RRULE:FREQ=DAILY"}, "start": {Text: "2026-03-20"}}}, ID: "cfl_4", Chosen: "loser", At: noon().Add(-time.Hour)},
	}
	h.st.explain = []store.Explanation{
		{
			Entity: "e1", Kind: model.Contact, State: plan.Linked, Title: "Dora Private", LastSync: noon().Add(-time.Hour), Pending: true, Fields: []string{"notes"},
			CRM:    &model.Ref{Side: model.CRM, Kind: model.Contact, Collection: "contact", ID: "4711", Version: "8"},
			Mail:   &model.Ref{Side: model.Mail, Kind: model.Contact, Collection: "/b/", ID: "/b/y.vcf", Version: `"e-9"`},
			Issues: h.st.issues[:1],
		},
		{Entity: "e3", Kind: model.Event, State: plan.Skipped, Reason: plan.ReasonWindow, Mail: &model.Ref{Side: model.Mail, Kind: model.Event, ID: "/c/z.ics"}},
	}
	return h
}

func TestWhatPeopleAndProgramsSee(t *testing.T) {
	for name, args := range map[string]string{
		"mailbox-list":    "mailbox list",
		"mailbox-show":    "mailbox show anna@example.com",
		"mailbox-stopped": "mailbox show ben@example.com",
		"connection-list": "connection list",
		"connection-test": "connection test",
		"policy-list":     "policy list",
		"policy-show":     "policy show default",
		"plan-show":       "plan show anna@example.com",
		"plan-content":    "plan show anna@example.com --content --limit 4",
		"round-list":      "round list anna@example.com",
		"issue-list":      "issue list anna@example.com",
		"issue-all":       "issue list anna@example.com --all",
		"issue-show":      "issue show iss_1",
		"conflict-list":   "conflict list anna@example.com",
		"conflict-lost":   "conflict list anna@example.com --content",
		"conflict-all":    "conflict list anna@example.com --all",
		"review-list":     "review list anna@example.com",
		"invitation-list": "invitation list anna@example.com",
		"review-content":  "review list anna@example.com --content",
		"explain":         "explain 4711 --mailbox anna@example.com",
		"explain-content": "explain 4711 --mailbox anna@example.com --content",
		"errors-code":     "errors dav.401",
		"errors-text":     "errors lock",
		"version":         "version",
	} {
		t.Run(name, func(t *testing.T) {
			h := shown(t)
			words := strings.Fields(args)
			code, table, talk := h.run(words...)
			if code != 0 || talk != "" {
				t.Errorf("exit code %d, says %s", code, talk)
			}
			_, json, _ := h.run(append(words, "--json")...)
			json = strings.ReplaceAll(json, goVersion(), "GO")
			table = strings.ReplaceAll(table, goVersion(), "GO")
			golden(t, name, "$ lockstep "+args+"\n"+table+"\n$ lockstep "+args+" --json\n"+json)
			if !strings.Contains(args, "--content") && strings.Contains(table+json, "Private") {
				t.Error("item content is shown unasked")
			}
		})
	}
}

// The whole help in one file, so that it is read as a text.
func TestHelp(t *testing.T) {
	h := newHouse(t)
	var all strings.Builder
	var add func(path []string)
	add = func(path []string) {
		_, text, _ := h.run(append(path, "--help")...)
		all.WriteString("$ lockstep " + strings.Join(append(path, "--help"), " ") + "\n" + text + "\n")
		_, list, found := strings.Cut(text, "Available Commands:\n")
		if !found {
			return
		}
		list, _, _ = strings.Cut(list, "\n\n")
		for line := range strings.Lines(list) {
			verb := strings.Fields(line)[0]
			if verb != "completion" && verb != "help" {
				add(append(append([]string{}, path...), verb))
			}
		}
	}
	add(nil)
	golden(t, "help", all.String())
}
