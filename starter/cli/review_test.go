package cli_test

import (
	"strings"
	"testing"

	"lockstep.dev/model"
	"lockstep.dev/store"
)

// inDoubt is a house in which anna has something to decide.
func inDoubt() []store.Question {
	return []store.Question{{ID: "same-k3v9qd2mzx7a", Kind: model.Contact, Items: []store.QuestionItem{
		{Side: model.CRM, Item: "4711", Title: "Dora Private", Reason: "several items could be the same"},
		{Side: model.CRM, Item: "4712", Title: "Dora Private", Reason: "several items could be the same"},
		{Side: model.Mail, Item: "/b/y.vcf", Title: "Dora Private", Reason: "several items could be the same"},
	}}}
}

// B1: what only a person can decide is decided by the numbers that the list
// shows.
func TestReviewResolve(t *testing.T) {
	for _, c := range []struct {
		args     string
		code     int
		argument string // of the request
		says     string
	}{
		{"same-k3v9qd2mzx7a --same 2=3", 0, `{"question":"same-k3v9qd2mzx7a","crm":"4712","mail":"/b/y.vcf"}`, "Done."},
		{"same-k3v9qd2mzx7a --same 3=1", 0, `{"question":"same-k3v9qd2mzx7a","crm":"4711","mail":"/b/y.vcf"}`, "Done."},
		{"same-k3v9qd2mzx7a --apart", 0, `{"question":"same-k3v9qd2mzx7a"}`, "Done."},
		{"same-k3v9qd2mzx7a", 2, "", "--same N=M or --apart"},
		{"same-k3v9qd2mzx7a --same 1=2", 2, "", "one item in the CRM and one in the mailbox"},
		{"same-k3v9qd2mzx7a --same 1=9", 2, "", "none of the numbers 1 to 3"},
		{"same-other --same 1=3", 1, "", "no question same-other"},
	} {
		h := newHouse(t)
		h.st.questions = inDoubt()
		argument := ""
		h.act = func(r store.Request) (store.RequestOutcome, string) {
			argument = r.Argument
			return store.RequestDone, "Done."
		}
		code, _, talk := h.run(append([]string{"review", "resolve", "anna@example.com"}, strings.Fields(c.args)...)...)
		if code != c.code || argument != c.argument || !strings.Contains(talk, c.says) {
			t.Errorf("%s: code %d, asked %s, says %s", c.args, code, argument, talk)
		}
	}
}
