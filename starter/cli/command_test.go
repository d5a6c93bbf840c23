package cli_test

import (
	"runtime"
	"strings"
	"testing"

	"lockstep.dev/fault"
	"lockstep.dev/model"
	"lockstep.dev/plan"
	"lockstep.dev/store"
)

func goVersion() string { return runtime.Version() }

// Wrong input gives one clear sentence, the right exit code, and changes
// nothing.
func TestWrongInputIsRefused(t *testing.T) {
	for _, c := range []struct {
		args string
		code int
		want string
	}{
		{"mialbox list", 2, `lockstep: there is no command "mialbox"; use: lockstep`},
		{"mailbox lits", 2, `lockstep: there is no command "lits"; use: lockstep mailbox activate|add|approve`},
		{"mailbox list extra", 2, "lockstep: wrong number of arguments; use: lockstep mailbox list"},
		{"mailbox list --colour", 2, "lockstep: unknown flag: --colour"},
		{"mailbox list --state gone", 2, `lockstep: --state: "gone" is not a state; use registered, approved, active, paused, disabled, crm-id-conflict, retired`},
		{"mailbox show", 2, "lockstep: wrong number of arguments; use: lockstep mailbox show MAILBOX"},
		{"mailbox show dora@example.com", 1, "lockstep: there is no mailbox dora@example.com; lockstep mailbox list shows them all"},
		{"mailbox pause dora@example.com", 1, "lockstep: there is no mailbox dora@example.com"},
		{"mailbox add cleo", 2, `lockstep: "cleo" is not an e-mail address`},
		{"mailbox add cleo@example.com --crm other", 2, `lockstep: there is no connection "other" of the crm side; lockstep connection list shows them all`},
		{"mailbox add cleo@example.com --crm office", 2, `lockstep: there is no connection "office" of the crm side`},
		{"mailbox add cleo@example.com --crm-user 99", 1, `lockstep: crm_user: crm side: the CRM knows no user "99"`},
		{"mailbox add dora@example.com", 2, "lockstep: the CRM does not list one user with the address dora@example.com; give the user's id with --crm-user"},
		{"mailbox add cleo@example.com --policy other", 1, `lockstep: policy: there is no policy "other"`},
		{"mailbox add cleo@example.com --secret geheim", 2, "lockstep: --secret takes no secret itself, because other people on this machine could see it"},
		{"mailbox add cleo@example.com --secret env:CLI_TEST_NOT_SET", 2, "lockstep: --secret: the environment variable CLI_TEST_NOT_SET is not set"},
		{"mailbox remove anna@example.com", 2, "lockstep: this needs a yes, and nobody can be asked here: run it again with -y"},
		{"connection add", 2, "lockstep: give the connection a name, or --file"},
		{"connection add x --side left --connector dav", 2, `lockstep: side: "left" is not a side; use crm or mail`},
		{"connection add x --side mail --connector imap", 2, `lockstep: connector: "imap" is not a connector; use dav or sqlcrm`},
		{"connection add x --side mail --connector dav", 2, "lockstep: settings: mail side: Setting url is missing."},
		{"connection add x --side crm --connector dav --set url=https://x", 2, "lockstep: side: the connector dav is for the mail side"},
		{"connection add office --side crm --connector sqlcrm --set dsn=x", 1, "lockstep: connector: the connection office is dav on the mail side; it cannot become another system"},
		{"connection add x --file y", 2, "lockstep: give a name and flags, or --file, not both"},
		{"connection test x", 2, `lockstep: there is no connection "x"`},
		{"policy show x", 1, "lockstep: there is no policy x"},
		{"policy apply /nowhere/x.yaml", 1, "lockstep: read policies: open /nowhere/x.yaml: no such file or directory"},
		{"plan approve anna@example.com", 1, "lockstep: no plan of anna@example.com waits for approval"},
		{"explain unknown", 1, `lockstep: no item "unknown" is known`},
		{"conflict resolve cfl_9 --take loser", 1, "lockstep: there is no edit conflict cfl_9"},
		{"conflict resolve cfl_9", 2, "lockstep: say whose value to take"},
		{"round list anna@example.com --limit 0", 2, "lockstep: --limit must be a number above 0"},
		{"request show req_1", 1, "lockstep: there is no request req_1"},
		{"schema install x", 1, "lockstep: there is no connection x"},
		{"schema install sales", 2, "lockstep: this needs a yes"},
		{"history export", 2, "lockstep: name a mailbox, or a CRM connection with --connection"},
		{"history export anna@example.com --connection sales", 2, "lockstep: name a mailbox, or a CRM connection"},
		{"history export --connection x", 1, "lockstep: there is no connection x"},
		{"--data nowhere mailbox list", 1, "lockstep: no Lockstep has its data in nowhere"},
		{"-data nowhere mailbox list", 1, "lockstep: no Lockstep has its data in nowhere"},
		{"mailbox list -data=nowhere", 1, "lockstep: no Lockstep has its data in nowhere"},
	} {
		t.Run(c.args, func(t *testing.T) {
			h := newHouse(t)
			code, out, talk := h.run(strings.Fields(c.args)...)
			last := strings.Split(strings.TrimSpace(talk), "\n")
			if code != c.code || !strings.HasPrefix(last[len(last)-1], c.want) {
				t.Errorf("exit code %d, says %q\nwant %d, %q", code, talk, c.code, c.want)
			}
			if out != "" {
				t.Errorf("data: %q", out)
			}
			unchanged(t, h)
		})
	}
}

// unchanged checks that a house is as newHouse made it.
func unchanged(t *testing.T, h *house) {
	t.Helper()
	connections, err := h.st.Connections(t.Context())
	if err != nil || len(connections) != 2 {
		t.Errorf("connections: %v, %v", connections, err)
	}
	mailboxes, err := h.st.Mailboxes(t.Context(), store.MailboxFilter{State: model.Active})
	if err != nil || len(mailboxes) != 2 {
		t.Errorf("mailboxes: %v, %v", mailboxes, err)
	}
	requests, err := h.st.OpenRequests(t.Context(), "")
	if err != nil || len(requests)+len(h.asked)+len(h.woken)+len(h.installed) > 0 {
		t.Errorf("requests: %v, %v; asked %v, woken %v, installed %v", requests, err, h.asked, h.woken, h.installed)
	}
}

// Exit codes: 0 done, 1 refused, 3 accepted and not carried out yet.
func TestACommandIsARequestThatIsWaitedFor(t *testing.T) {
	refuse := func(store.Request) (store.RequestOutcome, string) {
		return store.RequestRefused, "The mailbox was removed. Add it again to sync it."
	}
	for name, c := range map[string]struct {
		args        string
		act         func(store.Request) (store.RequestOutcome, string)
		unreachable bool
		code        int
		want        string
		open        int // requests left
	}{
		"done":    {args: "mailbox pause anna@example.com", code: 0, want: "anna@example.com: Done.\n"},
		"resume":  {args: "mailbox resume anna@example.com", code: 0, want: "anna@example.com: Done.\n"},
		"refused": {args: "mailbox sync anna@example.com", act: refuse, code: 1, want: "lockstep: anna@example.com: The mailbox was removed. Add it again to sync it.\n"},
		"no wait": {args: "mailbox sync anna@example.com --no-wait", code: 0, want: "anna@example.com: accepted as req_ID\n"},
		"timeout": {
			args: "mailbox sync anna@example.com --timeout 1s", act: func(store.Request) (store.RequestOutcome, string) { return store.RequestOpen, "" }, code: 3,
			want: "lockstep: anna@example.com: accepted as req_ID, and not carried out yet; see: lockstep request show req_ID\n", open: 1,
		},
		// Decision 12: the row stays, so the command is not lost.
		"Temporal is down": {
			args: "mailbox pause anna@example.com", unreachable: true, code: 3, open: 1,
			want: "lockstep: Lockstep does not run (the Temporal server at 127.0.0.1:7233 cannot be reached). The command is kept as req_ID and will be carried out when Lockstep runs again\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			h.unreachable = c.unreachable
			if c.act != nil {
				h.act = c.act
			}
			code, out, talk := h.run(strings.Fields(c.args)...)
			if code != c.code || talk != c.want || out != "" {
				t.Errorf("exit code %d, says %q, data %q\nwant %d, %q", code, talk, out, c.code, c.want)
			}
			rows, err := h.st.OpenRequests(t.Context(), "")
			if err != nil || len(rows) != c.open {
				t.Errorf("open requests: %v, %v", rows, err)
			}
			for _, r := range rows {
				if r.By != "root" || r.At != noon() || r.Mailbox != h.mailbox("anna@example.com").ID {
					t.Errorf("request: %+v", r)
				}
			}
		})
	}
}

// B13: the request names the conflict by its id and holds no value; what became
// of it is shown.
func TestAnEditConflictIsResolved(t *testing.T) {
	h := newHouse(t)
	anna := h.mailbox("anna@example.com").ID
	h.st.conflicts = []store.ConflictRow{{
		EditConflict: plan.EditConflict{Entity: "e1", Kind: model.Contact, Field: "notes", Winner: model.CRM, Loser: model.Content{"notes": {Text: "secret"}}},
		ID:           "cfl_1", Mailbox: anna,
	}}
	h.act = func(r store.Request) (store.RequestOutcome, string) {
		h.st.conflicts[0].Resolution = plan.TakeLoser
		return store.RequestDone, "1 written."
	}
	code, out, talk := h.run("conflict", "resolve", "cfl_1", "--take", "loser")
	if code != 0 || out != "" || talk != "anna@example.com: notes: the value that had lost was taken\n" {
		t.Errorf("exit code %d, says %q, data %q", code, talk, out)
	}
	if len(h.asked) != 1 || h.asked[0].Verb != "resolve-conflict" || h.asked[0].Argument != "cfl_1 loser" || h.asked[0].Mailbox != anna {
		t.Errorf("asked %+v", h.asked)
	}
	_, out, _ = h.run("conflict", "resolve", "cfl_1", "--take", "crm", "--json")
	if !strings.Contains(out, `"resolution": "loser"`) || strings.Contains(out, "secret") {
		t.Errorf("data %s", out)
	}
}

func TestSeveralMailboxesMaySucceedInPart(t *testing.T) {
	h := newHouse(t)
	ben := h.mailbox("ben@example.com").ID
	h.act = func(r store.Request) (store.RequestOutcome, string) {
		if r.Mailbox == ben {
			return store.RequestRefused, "No."
		}
		return store.RequestDone, "Yes."
	}
	code, out, talk := h.run("mailbox", "sync", "anna@example.com", "ben@example.com")
	if code != 3 || talk != "anna@example.com: Yes.\nlockstep: ben@example.com: No.\n" || out != "" {
		t.Errorf("exit code %d, says %q, data %q", code, talk, out)
	}
	code, out, _ = h.run("mailbox", "sync", "anna@example.com", "ben@example.com", "--json")
	if code != 3 || !strings.Contains(out, `"outcome": "refused"`) || !strings.Contains(out, `"outcome": "done"`) {
		t.Errorf("exit code %d, data %s", code, out)
	}
}

func TestRequestsAreShown(t *testing.T) {
	h := newHouse(t)
	h.act = nil
	h.run("mailbox", "sync", "anna@example.com", "--no-wait")
	_, out, _ := h.run("request", "list")
	if !strings.Contains(out, "req_ID  anna@example.com  sync-now  root      now\n") {
		t.Errorf("list: %s", out)
	}
	code, out, _ := h.run("request", "show", h.asked[0].ID)
	want := "Request:   req_ID\nMailbox:   anna@example.com\nCommand:   sync-now\nAsked by:  root\nAsked:     now\nOutcome:   open\n"
	if code != 0 || out != want {
		t.Errorf("exit code %d, shows\n%s\nwant\n%s", code, out, want)
	}
}

// Exit code 4: somebody must sign in again.
func TestTryingSystems(t *testing.T) {
	h := newHouse(t)
	h.down = map[string]error{"anna@example.com": signInFails()}
	code, out, talk := h.run("mailbox", "test", "anna@example.com")
	if code != 4 || !strings.Contains(out, "anna@example.com  no") ||
		talk != "lockstep: mailbox anna@example.com: mail side: The server does not accept the password. (dav.401)\n" {
		t.Errorf("exit code %d, says %q, data %q", code, talk, out)
	}
	if code, _, _ := h.run("connection", "test"); code != 3 {
		t.Errorf("some work: exit code %d", code)
	}
	h.down["ben@example.com"], h.down["sales"] = signInFails(), unreachable()
	if code, _, _ := h.run("connection", "test"); code != 1 {
		t.Errorf("none works, for several reasons: exit code %d", code)
	}
	if code, _, _ := h.run("connection", "test", "office"); code != 4 {
		t.Errorf("nobody can sign in: exit code %d", code)
	}
	if fault.ClassOf(signInFails()) != fault.Auth {
		t.Error("not a sign-in fault")
	}
}
