package cli_test

import (
	"strings"
	"testing"

	"lockstep.dev/model"
	"lockstep.dev/plan"
	"lockstep.dev/store"
)

func resting() []store.Pair {
	said := model.Content{}
	said.PutText("full_name", "Dora Private")
	return []store.Pair{
		{Pair: plan.Pair{Entity: "e1", Kind: model.Contact, State: plan.Kept, Reason: plan.ReasonStays, Mail: &plan.Seen{Ref: model.Ref{Side: model.Mail, ID: "/b/d.vcf"}, Content: said}}},
		{Pair: plan.Pair{Entity: "e2", Kind: model.Event, State: plan.Kept, Reason: plan.ReasonUndone, CRM: &plan.Seen{Ref: model.Ref{Side: model.CRM, ID: "42"}, Reduced: true}}},
	}
}

// What rests since an undo or a rejection is looked at, foreseen and rejoined.
func TestReviewRejoin(t *testing.T) {
	h := newHouse(t)
	h.st.resting = resting()
	_, out, _ := h.run("review", "kept", "anna@example.com", "--content")
	golden(t, "review-kept", out)
	_, out, _ = h.run("review", "kept", "anna@example.com", "--json")
	golden(t, "review-kept-json", out)
	for _, c := range []struct {
		args     string
		code     int
		argument string // of the request
		says     string
	}{
		{"e1", 0, "e1", "Done."},
		{"e1 e2 --dry-run", 0, "dry e1 e2", "Done."},
		{"--all", 0, "e1 e2", "Done."},
		{"", 2, "", "or say --all"},
		{"e1 --all", 2, "", "or say --all"},
		{"e3", 2, "", `"e3" does not rest in anna@example.com`},
	} {
		argument := ""
		h.act = func(r store.Request) (store.RequestOutcome, string) {
			argument = r.Argument
			return store.RequestDone, "Done."
		}
		code, _, talk := h.run(append([]string{"review", "rejoin", "anna@example.com"}, strings.Fields(c.args)...)...)
		if code != c.code || argument != c.argument || !strings.Contains(talk, c.says) {
			t.Errorf("%q: code %d, asked %q, says %s", c.args, code, argument, talk)
		}
	}
	h.st.resting = nil
	if code, _, talk := h.run("review", "rejoin", "anna@example.com", "--all"); code != 0 || !strings.Contains(talk, "nothing rests") {
		t.Errorf("code %d, says %s", code, talk)
	}
}
