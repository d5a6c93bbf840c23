package cli_test

import (
	"strings"
	"testing"

	"lockstep.dev/model"
	"lockstep.dev/store"
)

// D-13, D-36: a mailbox whose policy wants approval waits, and all that wait are
// approved at once.
func TestMailboxesAreApprovedAndEnabledInBulk(t *testing.T) {
	h := newHouse(t)
	if err := h.st.SavePolicy(t.Context(), model.Policy{Name: "careful", Admission: model.ByApproval}); err != nil {
		t.Fatal(err)
	}
	code, _, talk := h.run("mailbox", "add", "cleo@example.com", "--crm-user", "19", "--policy", "careful")
	if code != 0 || !strings.Contains(talk, "is registered: its address waits for approval. Next: lockstep mailbox approve cleo@example.com") {
		t.Errorf("exit code %d, says %q", code, talk)
	}
	if m := h.mailbox("cleo@example.com"); m.State != model.Registered {
		t.Errorf("cleo: %+v", m)
	}
	h.act = func(r store.Request) (store.RequestOutcome, string) {
		probes := []store.Probe{
			{Workload: model.ACT, Side: model.Mail, Step: store.ProbeReach, Verdict: store.ProbeWorks},
			{Workload: model.ACT, Side: model.Mail, Step: store.ProbeWrite, Verdict: store.ProbeFails, Message: "read-only"},
		}
		if err := h.st.SaveProbes(t.Context(), r.Mailbox, probes, h.now); err != nil {
			t.Error(err)
		}
		return store.RequestRefused, "appointments-contacts-tasks: fails at write: read-only."
	}
	code, out, talk := h.run("mailbox", "test-and-enable", "cleo@example.com")
	if code != 1 || !strings.Contains(out, "cleo@example.com  appointments-contacts-tasks  mail  write  fails    read-only") || !strings.Contains(talk, "fails at write") {
		t.Errorf("exit code %d, says %q, data\n%s", code, talk, out)
	}
	h.act = func(store.Request) (store.RequestOutcome, string) { return store.RequestDone, "Done." }
	for _, c := range []struct{ args, verb, argument string }{
		{"mailbox approve --policy careful", "approve-address", ""},
		{"mailbox test-and-enable cleo@example.com --overwrite --acknowledge --workload incoming", "test-and-enable", `{"workloads":["incoming"],"overwrite":true,"acknowledge":true}`},
		{"mailbox turn-off cleo@example.com --workload appointments-contacts-tasks", "turn-off", "appointments-contacts-tasks"},
	} {
		h.asked = nil
		code, _, talk := h.run(strings.Fields(c.args)...)
		if code != 0 || len(h.asked) != 1 || h.asked[0].Verb != c.verb || h.asked[0].Argument != c.argument || h.asked[0].Mailbox != h.mailbox("cleo@example.com").ID {
			t.Errorf("%s: exit code %d, says %q, asked %+v", c.args, code, talk, h.asked)
		}
	}
	for args, want := range map[string]string{
		"mailbox approve": "lockstep: name mailboxes, or all that wait with --policy",
		"mailbox test-and-enable anna@example.com --policy x": "lockstep: name mailboxes, or all that wait with --policy",
		"mailbox test-and-enable --policy nope":               "lockstep: there is no policy nope",
		"mailbox turn-off anna@example.com --workload faxes":  `lockstep: --workload: "faxes" is none`,
		"mailbox turn-off anna@example.com":                   `lockstep: --workload: "" is none`,
	} {
		h.asked = nil
		if code, out, talk := h.run(strings.Fields(args)...); code == 0 || out != "" || !strings.HasPrefix(talk, want) || len(h.asked) > 0 {
			t.Errorf("%s: exit code %d, says %q", args, code, talk)
		}
	}
}
