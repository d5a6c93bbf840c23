package cli_test

import (
	"strings"
	"testing"

	"lockstep.dev/activities"
	"lockstep.dev/store"
)

func TestShowingAPlanMakesADryRun(t *testing.T) {
	h := newHouse(t)
	h.act = func(r store.Request) (store.RequestOutcome, string) {
		if r.Verb != activities.VerbShow {
			t.Errorf("asked for %s", r.Verb)
		}
		h.heldPlan(store.PlanShown)
		return store.RequestDone, "Plan k3vq2a7r: ..."
	}
	code, out, talk := h.run("plan", "show", "anna@example.com")
	if code != 0 || talk != "" || !strings.Contains(out, "State:  a dry run; nothing is written\n") || !strings.Contains(out, "6  delete  mail  contact  /b/x.vcf  deleted in the CRM") {
		t.Errorf("exit code %d, says %q, data\n%s", code, talk, out)
	}
}

func TestAPlanThatWaitsIsShownAsItIs(t *testing.T) {
	h := newHouse(t)
	h.heldPlan(store.PlanHeld)
	if code, _, _ := h.run("plan", "show", "anna@example.com"); code != 0 || len(h.asked) > 0 {
		t.Errorf("exit code %d, asked %v", code, h.asked)
	}
}

// While one side has not been read in full, there is nothing to show, and the
// plan of an earlier round is not taken for it.
func TestADryRunMayBringNoPlan(t *testing.T) {
	h := newHouse(t)
	old := h.heldPlan(store.PlanDone)
	h.act = func(store.Request) (store.RequestOutcome, string) {
		return store.RequestDone, "Read only: looking before writing."
	}
	code, out, talk := h.run("plan", "show", "anna@example.com")
	if code != 3 || out != "" || talk != "lockstep: anna@example.com: no plan was made: Read only: looking before writing.\n" {
		t.Errorf("exit code %d, says %q, data %q (old plan %s)", code, talk, out, old.ID)
	}
}

// Without a hash the plan is shown and asked about; with one, exactly that plan
// is approved.
func TestApprovingAPlan(t *testing.T) {
	for name, c := range map[string]struct {
		args     string
		terminal bool
		input    string
		code     int
		hash     string // approved
	}{
		"asked, yes":    {"plan approve anna@example.com", true, "y\n", 0, "k3vq2a7r"},
		"asked, no":     {"plan approve anna@example.com", true, "\n", 1, ""},
		"nobody to ask": {"plan approve anna@example.com", false, "", 2, ""},
		"-y":            {"plan approve anna@example.com -y", false, "", 0, "k3vq2a7r"},
		"hash":          {"plan approve anna@example.com abc", false, "", 0, "abc"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			h.heldPlan(store.PlanHeld)
			h.terminal, h.input = c.terminal, c.input
			h.act = func(store.Request) (store.RequestOutcome, string) {
				h.st.plans[0].State = store.PlanDone
				return store.RequestDone, "5 written."
			}
			code, _, talk := h.run(strings.Fields(c.args)...)
			if code != c.code {
				t.Errorf("exit code %d, says %s", code, talk)
			}
			switch {
			case c.hash == "" && len(h.asked) > 0:
				t.Errorf("asked %v", h.asked)
			case c.hash != "" && (len(h.asked) != 1 || h.asked[0].Verb != activities.VerbApprove || h.asked[0].Argument != c.hash):
				t.Errorf("asked %+v", h.asked)
			}
			// What nobody named is shown before anybody is asked.
			if shown := strings.Contains(talk, "crm   contact  2"); shown != (name != "hash") {
				t.Errorf("plan shown: %v\n%s", shown, talk)
			}
		})
	}
}

// B1: what drifted since the approval is not written.
func TestAnApprovalThatWasOvertakenIsSaid(t *testing.T) {
	h := newHouse(t)
	h.heldPlan(store.PlanHeld)
	h.act = func(store.Request) (store.RequestOutcome, string) {
		return store.RequestDone, "Plan other waits for approval: what was approved is no longer what would be written."
	}
	code, _, talk := h.run("plan", "approve", "anna@example.com", "-y")
	if code != 3 || !strings.Contains(talk, "lockstep: anna@example.com: Plan other waits for approval") {
		t.Errorf("exit code %d, says %s", code, talk)
	}
}
