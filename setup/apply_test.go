package setup_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"lockstep.dev/fault"
	"lockstep.dev/model"
	"lockstep.dev/setup"
	"lockstep.dev/store"
)

func names(list []setup.Entry) string {
	var out []string
	for _, e := range list {
		out = append(out, e.What+" "+e.Name)
	}
	return strings.Join(out, ", ")
}

func TestApplyingAFileTwiceChangesNothing(t *testing.T) {
	st, f, w := openStore(t), read(t, example), &world{}
	report, err := setup.Apply(t.Context(), st, f, w.try)
	if err != nil {
		t.Fatal(err)
	}
	want := "connection sales, connection office, policy sales, mailbox anna@example.com, mailbox ben@example.com"
	if got := names(report.Added); got != want || len(report.Changed)+len(report.Left)+len(report.Same) != 0 {
		t.Errorf("report: %+v", report)
	}
	if len(report.Connections) != 2 || len(report.Mailboxes) != 2 {
		t.Errorf("to wake: %v %v", report.Connections, report.Mailboxes)
	}
	if got := strings.Join(w.asked, " "); got != "sales anna@example.com ben@example.com" {
		t.Errorf("tried: %s", got)
	}
	m, err := st.MailboxNamed(t.Context(), "Anna@example.com")
	if err != nil || m.CRMUser != "17" || m.Policy != "sales" || m.Secret != "anna-password" || m.State != model.Active {
		t.Errorf("anna: %+v, %v", m, err)
	}

	w.asked = nil
	report, err = setup.Apply(t.Context(), st, f, w.try)
	if err != nil {
		t.Fatal(err)
	}
	if got := names(report.Same); got != want || len(report.Added)+len(report.Changed)+len(w.asked) != 0 {
		t.Errorf("second time: %+v, tried %v", report, w.asked)
	}
}

func TestOnlyWhatChangedIsTriedAndSaved(t *testing.T) {
	st := openStore(t)
	if _, err := setup.Apply(t.Context(), st, read(t, example), (&world{}).try); err != nil {
		t.Fatal(err)
	}
	before, err := st.MailboxNamed(t.Context(), "ben@example.com")
	if err != nil {
		t.Fatal(err)
	}
	w := &world{}
	text := strings.NewReplacer("secret: literal", "secret: another", "past_days: 90", "past_days: 60").Replace(example)
	report, err := setup.Apply(t.Context(), st, read(t, text), w.try)
	if err != nil {
		t.Fatal(err)
	}
	// The CRM's database path differs: each test file has a folder of its own.
	if got := names(report.Changed); got != "connection sales, policy sales, mailbox ben@example.com" {
		t.Errorf("changed: %s", got)
	}
	var changes []string
	for _, e := range report.Changed {
		changes = append(changes, e.Changes...)
	}
	if got := strings.Join(changes, "; "); got != "settings.dsn; past_days: 90 -> 60; secret" {
		t.Errorf("changes: %s", got)
	}
	if got := strings.Join(w.asked, " "); got != "sales ben@example.com" {
		t.Errorf("tried: %s", got)
	}
	after, err := st.MailboxNamed(t.Context(), "ben@example.com")
	if err != nil || after.Secret != "another" || after.ID != before.ID {
		t.Errorf("ben: %+v, %v", after, err)
	}
}

func TestAMailSystemThatChangesIsTriedWithItsMailboxes(t *testing.T) {
	st := openStore(t)
	f := read(t, example)
	if _, err := setup.Apply(t.Context(), st, f, (&world{}).try); err != nil {
		t.Fatal(err)
	}
	f.Connections[1].Settings = map[string]string{"url": "https://new.example.com/"}
	w := &world{down: map[string]error{"anna@example.com": signInFails()}}
	_, err := setup.Apply(t.Context(), st, f, w.try)
	if err == nil || !strings.Contains(err.Error(), "mailbox anna@example.com does not work: mail side: The server does not accept the password. (dav.401)") {
		t.Errorf("says %v", err)
	}
	c, err := st.ConnectionNamed(t.Context(), "office")
	if err != nil || c.Settings["url"] != "https://dav.example.com/" {
		t.Errorf("office: %+v, %v", c, err)
	}
}

func TestWhatTheFileDoesNotNameIsLeftAlone(t *testing.T) {
	st := openStore(t)
	f := read(t, example)
	if _, err := setup.Apply(t.Context(), st, f, (&world{}).try); err != nil {
		t.Fatal(err)
	}
	f.Mailboxes = f.Mailboxes[:1]
	f.Policies[0].Name = "other"
	f.Mailboxes[0].Policy = "other"
	report, err := setup.Apply(t.Context(), st, f, (&world{}).try)
	if err != nil {
		t.Fatal(err)
	}
	if got := names(report.Left); got != "policy sales, mailbox ben@example.com" {
		t.Errorf("left alone: %s", got)
	}
	if m, err := st.MailboxNamed(t.Context(), "ben@example.com"); err != nil || m.State != model.Active {
		t.Errorf("ben: %+v, %v", m, err)
	}
}

// What does not work is said in one sentence that names the side, and nothing
// at all is saved.
func TestNothingIsSavedUnlessEverythingWorks(t *testing.T) {
	for name, c := range map[string]struct {
		down   map[string]error
		change func(*setup.File)
		want   []string
		auth   bool
	}{
		"crm down": {
			down: map[string]error{"sales": &fault.Fault{Class: fault.Transient, Scope: fault.Server, Side: model.CRM, Code: "sqlcrm.unreachable", Message: "The database cannot be reached."}},
			want: []string{`:2: connections[sales]: connection sales does not work: crm side: The database cannot be reached. (sqlcrm.unreachable)`},
		},
		"wrong password": {
			down: map[string]error{"anna@example.com": signInFails()},
			want: []string{`:20: mailboxes[anna@example.com]: mailbox anna@example.com does not work: mail side: The server does not accept the password. (dav.401)`},
			auth: true,
		},
		// One server that is down is said once, not once per mailbox.
		"mail server down": {
			down: map[string]error{"anna@example.com": unreachable(), "ben@example.com": unreachable()},
			want: []string{`:20: mailboxes[anna@example.com]: mailbox anna@example.com does not work: mail side: The server dav.example.com cannot be reached. (dav.unreachable)`},
		},
		"no such user": {
			change: func(f *setup.File) { f.Mailboxes[1].CRMUser = "99" },
			want:   []string{`:27: mailboxes[ben@example.com].crm_user: crm side: the CRM knows no user "99"`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			st, f := openStore(t), read(t, example)
			if c.change != nil {
				c.change(&f)
			}
			_, err := setup.Apply(t.Context(), st, f, (&world{down: c.down}).try)
			if err == nil {
				t.Fatal("was saved")
			}
			lines := strings.Split(err.Error(), "\n")
			if len(lines) != len(c.want) || !strings.HasSuffix(lines[0], c.want[0]) {
				t.Errorf("says\n%s\nwant\n%s", err, strings.Join(c.want, "\n"))
			}
			if fault.Is(err, fault.Auth) != c.auth {
				t.Errorf("sign-in needed: %v, want %v", !c.auth, c.auth)
			}
			empty(t, st)
		})
	}
}

func empty(t *testing.T, st store.Registry) {
	t.Helper()
	connections, err := st.Connections(t.Context())
	if err != nil || len(connections) > 0 {
		t.Errorf("connections were saved: %v, %v", connections, err)
	}
	policies, err := st.Policies(t.Context())
	if err != nil || slices.ContainsFunc(policies, func(p model.Policy) bool { return p.Name != "default" }) {
		t.Errorf("policies were saved: %v, %v", policies, err)
	}
	mailboxes, err := st.Mailboxes(t.Context(), store.MailboxFilter{})
	if err != nil || len(mailboxes) > 0 {
		t.Errorf("mailboxes were saved: %v, %v", mailboxes, err)
	}
}

// a CRM user belongs to one mailbox. A conflict keeps the settings
// of the new registration and stops nothing but that mailbox; a second Apply
// says it again.
func TestACRMUserOfAnotherMailboxIsAConflict(t *testing.T) {
	st := openStore(t)
	f := read(t, example)
	if _, err := setup.Apply(t.Context(), st, f, (&world{}).try); err != nil {
		t.Fatal(err)
	}
	f.Mailboxes[0].Address = "anna.new@example.com"
	f.Mailboxes[0].Policy = "default"
	f.Policies[0].PastDays = 10
	_, err := setup.Apply(t.Context(), st, f, (&world{}).try)
	var conflict *store.Conflict
	if !errors.As(err, &conflict) {
		t.Fatalf("says %v", err)
	}
	const verbatim = "Synchronization failed due to Crm ID conflict. <17> already registered for another user."
	if !strings.HasSuffix(err.Error(), ":22: mailboxes[anna@example.com].crm_user: "+verbatim) {
		t.Errorf("says %v", err)
	}
	if p, err := st.Policy(t.Context(), "sales"); err != nil || p.PastDays != 10 {
		t.Errorf("policy: %+v, %v", p, err)
	}
	m, err := st.MailboxNamed(t.Context(), "anna.new@example.com")
	if err != nil || m.State != model.Conflicted || m.Reason != verbatim {
		t.Errorf("what was kept: %+v, %v", m, err)
	}
	w := &world{}
	if _, err := setup.Apply(t.Context(), st, f, w.try); !setup.OnlyConflicts(err) || len(w.asked) > 0 {
		t.Errorf("the second time: %v, asked %v", err, w.asked)
	}
}

// A file may still say the address that a mailbox had before it was renamed.
func TestAFileMayNameTheOldAddress(t *testing.T) {
	st := openStore(t)
	f := read(t, example)
	if _, err := setup.Apply(t.Context(), st, f, (&world{}).try); err != nil {
		t.Fatal(err)
	}
	m, err := st.MailboxNamed(t.Context(), "anna@example.com")
	if err != nil {
		t.Fatal(err)
	}
	r, err := st.AddRequest(t.Context(), store.Request{Mailbox: m.ID, Verb: "rename"})
	if err != nil {
		t.Fatal(err)
	}
	if err := st.Move(t.Context(), []store.Move{{Mailbox: m.ID, Address: "anna.new@example.com", User: m.User}}, r.ID, "done", time.Now()); err != nil {
		t.Fatal(err)
	}
	report, err := setup.Apply(t.Context(), st, f, (&world{}).try)
	if err != nil || len(report.Renamed) != 1 || len(report.Left)+len(report.Added)+len(report.Changed) != 0 {
		t.Errorf("report %+v, %v", report, err)
	}
	if m, err = st.Mailbox(t.Context(), m.ID); err != nil || m.Address != "anna.new@example.com" {
		t.Errorf("the mailbox is %+v, %v", m, err)
	}
}

// A mailbox that is known by its immutable id may have a new address; another
// mailbox of the same CRM user is a conflict, until its id turns out to be the
// same one.
func TestTheImmutableIDDecidesWhetherItIsTheSameMailbox(t *testing.T) {
	st := openStore(t)
	f := read(t, example)
	f.Mailboxes = f.Mailboxes[:1]
	if _, err := setup.Apply(t.Context(), st, f, (&world{identity: "box-1"}).try); err != nil {
		t.Fatal(err)
	}
	before, err := st.MailboxNamed(t.Context(), "anna@example.com")
	if err != nil {
		t.Fatal(err)
	}
	f.Mailboxes[0].Address = "anna.new@example.com"
	f.Policies[0].PastDays = 10
	_, err = setup.Apply(t.Context(), st, f, (&world{identity: "box-2"}).try)
	var conflict *store.Conflict
	if !errors.As(err, &conflict) || conflict.Mailbox != before.ID {
		t.Errorf("another mailbox: %v", err)
	}
	f.Mailboxes[0].User = "anna" // something to try it again for
	if _, err := setup.Apply(t.Context(), st, f, (&world{identity: "box-1"}).try); err != nil {
		t.Fatal(err)
	}
	after, err := st.MailboxNamed(t.Context(), "anna.new@example.com")
	if err != nil || after.ID != before.ID {
		t.Errorf("the same mailbox: %+v, %v", after, err)
	}
}

// B6: a mailbox that was removed is taken up again where it stopped.
func TestARemovedMailboxIsRevived(t *testing.T) {
	st := openStore(t)
	f := read(t, example)
	if _, err := setup.Apply(t.Context(), st, f, (&world{}).try); err != nil {
		t.Fatal(err)
	}
	m, err := st.MailboxNamed(t.Context(), "anna@example.com")
	if err != nil {
		t.Fatal(err)
	}
	if err := st.SetMailboxState(t.Context(), m.ID, model.Retired, "removed"); err != nil {
		t.Fatal(err)
	}
	report, err := setup.Apply(t.Context(), st, f, (&world{}).try)
	if err != nil || names(report.Added) != "mailbox anna@example.com" {
		t.Fatalf("%+v, %v", report, err)
	}
	again, err := st.MailboxNamed(t.Context(), "anna@example.com")
	if err != nil || again.ID != m.ID || again.State != model.Active {
		t.Errorf("anna: %+v, %v", again, err)
	}
}

func TestAConnectionDoesNotBecomeAnotherSystem(t *testing.T) {
	st := openStore(t)
	f := read(t, example)
	if _, err := setup.Apply(t.Context(), st, f, (&world{}).try); err != nil {
		t.Fatal(err)
	}
	f.Connections[1].Side, f.Connections[1].Connector = model.CRM, "sqlcrm"
	_, err := setup.Apply(t.Context(), st, f, (&world{}).try)
	if err == nil || !strings.Contains(err.Error(), "connections[office].connector: the connection office is dav on the mail side; it cannot become another system") {
		t.Errorf("says %v", err)
	}
}

func TestAMailboxDoesNotMoveToAnotherUser(t *testing.T) {
	st := openStore(t)
	f := read(t, example)
	f.Mailboxes = f.Mailboxes[:1]
	if _, err := setup.Apply(t.Context(), st, f, (&world{}).try); err != nil {
		t.Fatal(err)
	}
	f.Mailboxes[0].CRMUser = "18"
	_, err := setup.Apply(t.Context(), st, f, (&world{}).try)
	if err == nil || !strings.Contains(err.Error(), "the mailbox anna@example.com belongs to another CRM user already") {
		t.Errorf("says %v", err)
	}
}

// A mailbox on its own refers to what the store has.
func TestReferencesResolveToTheStoreToo(t *testing.T) {
	st := openStore(t)
	f := read(t, example)
	all := f.Mailboxes
	f.Mailboxes = nil
	if _, err := setup.Apply(t.Context(), st, f, (&world{}).try); err != nil {
		t.Fatal(err)
	}
	if _, err := setup.Apply(t.Context(), st, setup.File{Mailboxes: all[:1]}, (&world{}).try); err != nil {
		t.Error(err)
	}
	for want, change := range map[string]func(*setup.Mailbox){
		`crm: there is no connection "x" of the crm side`:   func(m *setup.Mailbox) { m.CRM = "x" },
		`mail: there is no connection "x" of the mail side`: func(m *setup.Mailbox) { m.Mail = "x" },
		`policy: there is no policy "x"`:                    func(m *setup.Mailbox) { m.Policy = "x" },
	} {
		m := all[1]
		change(&m)
		_, err := setup.Apply(t.Context(), st, setup.File{Mailboxes: []setup.Mailbox{m}}, (&world{}).try)
		if err == nil || err.Error() != want {
			t.Errorf("says %v, want %s", err, want)
		}
	}
}
