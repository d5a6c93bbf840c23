package cli_test

import (
	"encoding/json"
	"strings"
	"testing"

	"lockstep.dev/model"
	"lockstep.dev/store"
)

const twoPolicies = "policies:\n  - {name: default, past_days: 90}\n  - {name: sales}\n"

// what changes is shown, and saved only when somebody says yes; then it
// counts at once and stands in the logbook with its reason (B25).
func TestAPolicyIsShownConfirmedAndLogged(t *testing.T) {
	h := newHouse(t)
	path := file(t, twoPolicies)
	const shown = "+ policy sales\n~ policy default\n    past_days: 45 -> 90\n"
	code, out, talk := h.run("policy", "diff", path)
	if code != 3 || out != shown || talk != "" {
		t.Errorf("diff: exit code %d, says %q, data %q", code, talk, out)
	}
	if code, _, talk := h.run("policy", "apply", path); code != 2 || !strings.Contains(talk, "this needs a yes") {
		t.Errorf("nobody can be asked: exit code %d, says %q", code, talk)
	}
	h.terminal, h.input = true, "n\n"
	code, out, talk = h.run("policy", "apply", path)
	if code != 1 || out != "" || talk != shown+"Save this? It counts for 2 mailboxes from the next round on. [y/N] lockstep: stopped; nothing was changed\n" {
		t.Errorf("no: exit code %d, says %q, data %q", code, talk, out)
	}
	if p, err := h.st.Policy(t.Context(), "default"); err != nil || p.PastDays != 45 || len(h.woken) > 0 {
		t.Errorf("a no changed something: %+v, %v, woken %v", p, err, h.woken)
	}
	h.input = "y\n"
	if code, out, _ = h.run("policy", "apply", path, "--why", "ticket 12"); code != 0 || out != shown {
		t.Errorf("yes: exit code %d, data %q", code, out)
	}
	if got := strings.Join(h.woken, " "); got != "anna@example.com ben@example.com" {
		t.Errorf("woken: %s", got)
	}
	if code, out, _ := h.run("policy", "diff", path); code != 0 || out != "= policy default\n= policy sales\n" {
		t.Errorf("diff afterwards: exit code %d, data %q", code, out)
	}
	code, out, talk = h.run("policy", "diff", "default@1", "default")
	if code != 3 || out != "past_days: 45 -> 90\n" || talk != "" {
		t.Errorf("diff of revisions: exit code %d, says %q, data %q", code, talk, out)
	}
	var log []struct{ By, What, Name, Before, After, Why string }
	_, out, _ = h.run("log", "list", "--policy", "default", "--json")
	if err := json.Unmarshal([]byte(out), &log); err != nil {
		t.Fatal(err)
	}
	if len(log) != 2 || log[0].By != "root" || log[0].Why != "ticket 12" || log[0].Before != "default@1" || log[0].After != "default@2" {
		t.Errorf("logbook: %+v", log)
	}
}

func TestAssigningAPolicy(t *testing.T) {
	h := newHouse(t)
	if err := h.st.SavePolicy(t.Context(), model.Policy{Name: "sales"}); err != nil {
		t.Fatal(err)
	}
	h.input = "address\nanna@example.com\ncleo@example.com\n"
	const shown = "+ mailbox cleo@example.com\n~ mailbox anna@example.com\n    policy: default -> sales\n"
	code, out, talk := h.run("policy", "assign", "sales", "--csv", "-", "--dry-run")
	if code != 0 || out != strings.NewReplacer("com\n", "com (not saved)\n").Replace(shown) {
		t.Errorf("dry run: exit code %d, says %q, data %q", code, talk, out)
	}
	if h.mailbox("anna@example.com").Policy != "default" {
		t.Error("a dry run changed something")
	}
	code, out, talk = h.run("policy", "assign", "sales", "--csv", "-", "--yes")
	if code != 0 || out != shown {
		t.Errorf("exit code %d, says %q, data %q", code, talk, out)
	}
	for address, policy := range map[string]string{"anna@example.com": "sales", "ben@example.com": "default", "cleo@example.com": "sales"} {
		if m := h.mailbox(address); m.Policy != policy || m.State != model.Active {
			t.Errorf("%s: %+v", address, m)
		}
	}
	if h.mailbox("anna@example.com").Secret != "geheim" {
		t.Error("assigning a policy lost the secret")
	}
	code, out, _ = h.run("policy", "assign", "sales", "anna@example.com", "--yes")
	if code != 0 || out != "= mailbox anna@example.com\n" {
		t.Errorf("again: exit code %d, data %q", code, out)
	}
	code, out, _ = h.run("mailbox", "history", "anna@example.com")
	if code != 0 || !strings.Contains(out, "assigned") || !strings.Contains(out, "registered") {
		t.Errorf("history: exit code %d, data %s", code, out)
	}
}

// Every refusal names what was wrong and changes nothing.
func TestWrongAssignmentsAreRefused(t *testing.T) {
	for name, c := range map[string]struct {
		args, input, want string
		code              int
	}{
		"policy":     {"policy assign nope anna@example.com --yes", "", "lockstep: there is no policy nope", 1},
		"mailbox":    {"policy assign default dora@example.com --yes", "", "lockstep: there is no mailbox dora@example.com", 1},
		"nobody":     {"policy assign default --yes", "", "lockstep: name mailboxes, or a file of people with --csv", 2},
		"both":       {"policy assign default anna@example.com --csv -", "", "lockstep: name mailboxes, or a file of people with --csv", 2},
		"empty":      {"policy assign default --csv -", "", "lockstep: standard input: is empty", 1},
		"head only":  {"policy assign default --csv -", "address\n", "lockstep: standard input: names nobody", 1},
		"column":     {"policy assign default --csv -", "address,password\n", `lockstep: standard input:1: there is no column "password"; use address, crm_user, crm, mail, user`, 1},
		"no address": {"policy assign default --csv -", "crm_user\n17\n", "lockstep: standard input:1: the column address is missing", 1},
		"bad line":   {"policy assign default --csv -", "address\nanna@example.com\nben\n", `lockstep: standard input:3: "ben" is not an e-mail address`, 1},
		"twice":      {"policy assign default --csv -", "address\nanna@example.com\nAnna@example.com\n", "lockstep: standard input:3: Anna@example.com stands in line 2 already", 1},
		"CRM ID":     {"policy assign default --csv - --yes", "address,crm_user\ncleo@example.com,17\n", "lockstep: Synchronization failed due to Crm ID conflict. <17> already registered for another user.", 1},
		"who":        {"policy assign default --csv - --yes", "address\ndora@example.com\n", "lockstep: the CRM does not list one user with the address dora@example.com", 2},
		"revision":   {"policy show default@x", "", `lockstep: "default@x" is no revision`, 2},
		"no such":    {"policy show default@7", "", "lockstep: there is no policy default@7", 1},
		"state":      {"policy state nope", "", "lockstep: there is no policy nope", 1},
		"other user": {"policy state default --user dora@example.com", "", "lockstep: there is no mailbox dora@example.com", 1},
		"day":        {"log list --since yesterday", "", `lockstep: --since: "yesterday" is no day and no time`, 2},
		"two things": {"log list --policy a --mailbox b", "", "lockstep: name a policy, a mailbox or a connection, not several", 2},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			h.input = c.input
			code, out, talk := h.run(strings.Fields(c.args)...)
			if code != c.code || !strings.HasPrefix(talk, c.want) || out != "" {
				t.Errorf("exit code %d, says %q, data %q\nwant %d, %q", code, talk, out, c.code, c.want)
			}
			unchanged(t, h)
		})
	}
}

// what is stored per user of a policy can be looked at.
func TestTheStateOfAPolicy(t *testing.T) {
	h := newHouse(t)
	anna := h.mailbox("anna@example.com")
	if err := h.st.SaveCollections(t.Context(), anna.Mail, anna.ID, []model.Collection{{ID: "/anna/contacts/", Kind: model.Contact, Name: "Contacts"}}, noon()); err != nil {
		t.Fatal(err)
	}
	code, out, _ := h.run("policy", "state", "default")
	if code != 0 || !strings.Contains(out, "anna@example.com  17        active  0       0       1        0        0") {
		t.Errorf("exit code %d, data\n%s", code, out)
	}
	code, out, _ = h.run("policy", "state", "default", "--user", "anna@example.com")
	if code != 0 || !strings.Contains(out, "/anna/contacts/  to be listed in full") || !strings.Contains(out, "JOURNAL") {
		t.Errorf("exit code %d, data\n%s", code, out)
	}
}

// The history says who paused a mailbox, and when its server was down.
func TestTheHistoryOfAMailbox(t *testing.T) {
	h := newHouse(t)
	anna := h.mailbox("anna@example.com")
	ctx := store.WithAuthor(t.Context(), store.Author{By: "eve"})
	if err := h.st.SetMailboxState(ctx, anna.ID, model.Paused, "paused by eve"); err != nil {
		t.Fatal(err)
	}
	if err := h.st.RaiseAlert(t.Context(), store.Alert{Connection: anna.CRM, Workload: model.ACT, Side: model.CRM, Code: "sqlcrm.unreachable", Message: "down"}, "", noon()); err != nil {
		t.Fatal(err)
	}
	code, out, _ := h.run("mailbox", "history", "anna@example.com")
	for _, want := range []string{"eve", "active", "paused by eve", "outage", "connection sales", "sqlcrm.unreachable"} {
		if code != 0 || !strings.Contains(out, want) {
			t.Errorf("exit code %d, %q is not in\n%s", code, want, out)
		}
	}
}
