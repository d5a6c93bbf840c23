package cli_test

import (
	"strings"
	"testing"

	"lockstep.dev/model"
	"lockstep.dev/plan"
	"lockstep.dev/store"
)

// B16: what a private item is called is shown to nobody, asked for or not.
func TestNobodySeesWhatAPrivateItemIsCalled(t *testing.T) {
	h := newHouse(t)
	p := h.heldPlan(store.PlanHeld)
	for i := range h.st.writes {
		h.st.writes[i].Op.Content["class"] = model.Value{Text: "confidential"}
	}
	h.st.explain = []store.Explanation{{
		Entity: "e1", Kind: model.Event, State: plan.Linked, Private: true, Title: "Secret meeting",
		Mail: &model.Ref{Side: model.Mail, Kind: model.Event, ID: "42"},
	}}
	for _, args := range []string{"plan show anna@example.com --all --content", "explain 42 --mailbox anna@example.com --content"} {
		for _, form := range [][]string{nil, {"--json"}} {
			code, out, talk := h.run(append(strings.Fields(args), form...)...)
			if code != 0 || strings.Contains(out+talk, "Secret") || strings.Contains(out+talk, "Dora") || !strings.Contains(out, "(private)") {
				t.Errorf("%s of %s: exit code %d\n%s%s", args, p.Hash, code, out, talk)
			}
		}
	}
}
