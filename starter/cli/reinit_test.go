package cli_test

import (
	"strings"
	"testing"

	"lockstep.dev/activities"
	"lockstep.dev/model"
	"lockstep.dev/store"
)

// category and type; what is wrong is refused before anything is asked.
func TestAMailboxIsReinitialized(t *testing.T) {
	h := newHouse(t)
	code, _, talk := h.run("re-initialize", "anna@example.com", "--type", "from-date", "--since", "2025-03-01", "--kind", "event", "--window", "22:00-06:00", "-y")
	want := activities.Reinit{Type: activities.FromDate, Since: "2025-03-01", Kinds: []model.Kind{model.Event}, Window: "22:00-06:00", Approved: true}
	if code != 0 || len(h.asked) != 1 || h.asked[0].Argument != want.Argument() || !strings.Contains(talk, "goes on in stages") {
		t.Errorf("exit code %d, asked %+v, says %s", code, h.asked, talk)
	}
	for args, says := range map[string]string{
		"re-initialize anna@example.com --type everything":                                                      "there is no re-initialization of type",
		"re-initialize anna@example.com --type from-date --since soon":                                          `the day "soon" is not understood`,
		"re-initialize anna@example.com --type full-resync --overwrite":                                         "only a snapshot into one side can overwrite",
		"re-initialize anna@example.com --type full-resync --window night":                                      `the hours "night" are not understood`,
		"re-initialize anna@example.com --type full-resync --category maintenance":                              "belongs to --category general",
		"re-initialize anna@example.com --type rename-user --category maintenance":                              "takes one mailbox and --to",
		"re-initialize anna@example.com --type clear-mailbox-id-conflict --category maintenance":                "belongs to --category sync-restriction",
		"re-initialize ben@example.com --type clear-mailbox-id-conflict --category sync-restriction --all=0 -y": "there is no CRM-ID conflict on ben@example.com",
		"snapshot show anna@example.com":                                                                        "no full pass over anna@example.com was ever asked for",
	} {
		if code, _, talk := h.run(strings.Fields(args)...); code == 0 || !strings.Contains(talk, says) {
			t.Errorf("%s: exit code %d, says %s", args, code, talk)
		}
	}
	if len(h.asked) != 1 {
		t.Errorf("asked %+v", h.asked[1:])
	}
}

// N-12, N-15, N-18: one mailbox or the whole organisation, with progress.
func TestSnapshotsOfAllMailboxes(t *testing.T) {
	h := newHouse(t)
	if code, _, talk := h.run("snapshot", "inbound", "--all", "-y"); code != 0 || len(h.asked) != 2 {
		t.Errorf("exit code %d, asked %+v, says %s", code, h.asked, talk)
	}
	anna := h.mailbox("anna@example.com")
	if err := h.st.StartSnapshot(t.Context(), store.Snapshot{Mailbox: anna.ID, Request: h.asked[0].ID, Target: model.CRM, Begun: noon()}); err != nil {
		t.Fatal(err)
	}
	code, out, _ := h.run("snapshot", "show", "anna@example.com")
	if code != 0 || !strings.Contains(out, "the crm side only") || !strings.Contains(out, "reading") {
		t.Errorf("exit code %d: %s", code, out)
	}
}
