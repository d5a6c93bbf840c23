package cli_test

import (
	"strings"
	"testing"

	"lockstep.dev/activities"
	"lockstep.dev/store"
)

// B3: a person decides on some of what waits, by number, kind or side.
func TestDecidingOnAPartOfAPlan(t *testing.T) {
	for _, c := range []struct {
		args, verb, argument string
		code                 int
	}{
		{"plan approve anna@example.com --hash k3vq2a7r --only 2,3", activities.VerbApprove, "k3vq2a7r only=2,3", 0},
		{"plan approve anna@example.com k3vq2a7r --kind contact --side crm", activities.VerbApprove, "k3vq2a7r kind=contact side=crm", 0},
		{"plan reject anna@example.com -y --only 6", activities.VerbReject, "k3vq2a7r only=6", 0},
		{"plan reject anna@example.com --hash k3vq2a7r", activities.VerbReject, "k3vq2a7r", 0},
		{"plan reject anna@example.com --only six", "", "", 2},
		{"plan reject anna@example.com --kind letter", "", "", 2},
		{"plan approve anna@example.com --side left", "", "", 2},
	} {
		t.Run(c.args, func(t *testing.T) {
			h := newHouse(t)
			h.heldPlan(store.PlanHeld)
			code, _, talk := h.run(strings.Fields(c.args)...)
			if code != c.code {
				t.Errorf("exit code %d, says %s", code, talk)
			}
			if c.verb == "" {
				if len(h.asked) > 0 {
					t.Errorf("asked %+v", h.asked)
				}
				return
			}
			if len(h.asked) != 1 || h.asked[0].Verb != c.verb || h.asked[0].Argument != c.argument {
				t.Errorf("asked %+v", h.asked)
			}
			choice, err := activities.ParseChoice(c.argument)
			if err != nil || choice.Argument() != c.argument {
				t.Errorf("%q is read as %+v, %v", c.argument, choice, err)
			}
		})
	}
}

// B1: an approval that does not fit what would be written any more is refused
// with the difference: which writes came, went, changed.
func TestARefusedApprovalShowsTheDifference(t *testing.T) {
	h := newHouse(t)
	old := h.heldPlan(store.PlanHeld)
	h.act = func(store.Request) (store.RequestOutcome, string) {
		now := old
		now.ID, now.Hash = "pln_2", "other"
		list := append([]store.Planned{}, h.st.writes[2:]...)
		list[1].Op.Expect = "newer"
		came := list[3]
		came.Entity, came.Op.Ref.ID, came.Number = "new", "/b/new.vcf", 9
		h.st.written = map[string][]store.Planned{"pln_1": h.st.writes, "pln_2": append(list, came)}
		h.st.plans = append(h.st.plans, now)
		return store.RequestRefused, "The plan that waits now is other, not k3vq2a7r."
	}
	code, _, talk := h.run("plan", "approve", "anna@example.com", "--hash", "k3vq2a7r")
	if code != 1 {
		t.Errorf("exit code %d", code)
	}
	for _, want := range []string{
		"Plan other waits now. Against the plan you looked at:", "came     delete  mail  contact  /b/new.vcf",
		"went     create  crm   contact  (new)", "changed  update  crm   event    42", "1 came, 2 went, 1 changed.",
	} {
		if !strings.Contains(talk, want) {
			t.Errorf("%q is not said:\n%s", want, talk)
		}
	}
}

// A plan of which a part waits shows that part, with the numbers to choose by.
func TestOnlyWhatWaitsIsShown(t *testing.T) {
	h := newHouse(t)
	h.heldPlan(store.PlanDone)
	h.st.plans[0].Counts.Held = 1
	h.st.writes[5].State, h.st.writes[5].Held = "held", "too many"
	_, out, _ := h.run("plan", "show", "anna@example.com")
	if !strings.Contains(out, "6  delete  mail  contact  /b/x.vcf  deleted in the CRM; held: too many") || strings.Contains(out, "new in the mailbox") {
		t.Errorf("shown:\n%s", out)
	}
}

// B4: an undo names its round; the mailbox only where several had one with that
// number. It says what was left alone.
func TestUndoingARound(t *testing.T) {
	h := newHouse(t)
	h.st.rounds = []store.Round{{Number: 12, Started: noon()}}
	if code, _, talk := h.run("undo", "12", "-y"); code != 2 || !strings.Contains(talk, "name the mailbox") {
		t.Errorf("exit code %d, says %s", code, talk)
	}
	if code, _, talk := h.run("undo", "13", "anna@example.com", "-y"); code != 1 || !strings.Contains(talk, "no round 13 is known") {
		t.Errorf("exit code %d, says %s", code, talk)
	}
	h.act = func(r store.Request) (store.RequestOutcome, string) {
		p := h.heldPlan(store.PlanDone)
		p.Request = r.ID
		h.st.plans[len(h.st.plans)-1] = p
		h.st.writes[3].Left, h.st.writes[3].Why = true, "left alone: it was changed since"
		return store.RequestDone, "undo of round 12: 5 written."
	}
	code, _, talk := h.run("undo", "12", "anna@example.com", "-y")
	if code != 3 || !strings.Contains(talk, "undo of round 12: 5 written.") || !strings.Contains(talk, "crm   event  42    left alone: it was changed since") {
		t.Errorf("exit code %d, says\n%s", code, talk)
	}
	if r := h.asked[0]; r.Verb != activities.VerbUndo || r.Argument != "12" {
		t.Errorf("asked %+v", r)
	}
	code, out, _ := h.run("undo", "12", "anna@example.com", "--dry-run")
	if r := h.asked[1]; code != 0 || r.Argument != "12 dry" || !strings.Contains(out, "left alone: it was changed since") {
		t.Errorf("exit code %d, asked %+v, shows\n%s", code, r, out)
	}
}
