package e2e

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"

	"lockstep.dev/connector"
	"lockstep.dev/connector/all"
	"lockstep.dev/connector/sqlcrm"
	"lockstep.dev/internal/peer"
	"lockstep.dev/model"
	"lockstep.dev/setup"
	"lockstep.dev/simulator/dav"
)

const (
	book     = "/addressbooks/ann/contacts/"
	calendar = "/calendars/ann/calendar/"
	tasks    = "/calendars/ann/tasks/"
)

// simulated is a house whose mail server stores anything and keeps every byte.
// prepare makes the CRM's tables and returns its settings.
func simulated(t *testing.T, prepare func(t *testing.T, db *sqlx.DB, values map[string]string)) (*house, *dav.Server) {
	t.Helper()
	t.Parallel()
	server, err := dav.Open(t.Context(), filepath.Join(t.TempDir(), "dav.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	server.SetBehaviour(dav.Behaviour{AcceptGarbage: true, NoScheduling: true})
	web := httptest.NewServer(server)
	t.Cleanup(web.Close)
	if err := server.AddUser(t.Context(), dav.User{Name: "ann", Password: "pw", Addresses: []string{"ann@harbor.example"}}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []dav.Collection{
		{User: "ann", Kind: dav.AddressBook, Name: "contacts"}, {User: "ann", Kind: dav.Calendar, Name: "calendar"},
		{User: "ann", Kind: dav.Calendar, Name: "tasks", Components: []string{"VTODO"}},
	} {
		if _, err := server.AddCollection(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	h := &house{t: t, mail: &peer.DAVServer{URL: web.URL, Password: "pw"}, users: []string{"ann"}, logs: io.Discard}
	values := map[string]string{"dsn": filepath.Join(t.TempDir(), "crm.db")}
	h.crm = sqlx.MustConnect("sqlite", values["dsn"])
	t.Cleanup(func() { h.crm.Close() })
	prepare(t, h.crm, values)
	if err := sqlcrm.Install(t.Context(), connector.Settings{Values: values}); err != nil {
		t.Fatal(err)
	}
	everything := model.KindPolicy{FromMail: "all", FromCRM: "all"}
	h.policy = model.Policy{
		Name: "everything", Approval: "never", Interval: model.Duration(time.Second), SettleGap: model.Duration(time.Second), Private: "full",
		AheadDays: 4000, PastDays: 4000, Kinds: map[model.Kind]model.KindPolicy{model.Contact: everything, model.Event: everything, model.Task: everything},
	}
	h.openStore(backends()[0])
	f := setup.File{
		Connections: []model.Connection{
			{Name: "crm", Side: model.CRM, Connector: "sqlcrm", Settings: values, Every: time.Second},
			{Name: "mail", Side: model.Mail, Connector: "dav", Settings: map[string]string{"url": web.URL}},
		},
		Policies:  []model.Policy{h.policy},
		Mailboxes: []setup.Mailbox{{Address: "ann@harbor.example", CRM: "crm", CRMUser: "u-ann", Mail: "mail", User: "ann", Secret: "pw", Policy: "everything"}},
	}
	systems := setup.Systems{Names: all.Names(), New: all.New, Paths: all.Paths}
	if _, err := setup.Apply(t.Context(), h.store, f, systems.Try); err != nil {
		t.Fatal(err)
	}
	return h, server
}

// stored puts an object as it is.
func (h *house) stored(path, content string) {
	h.t.Helper()
	kind := "text/calendar; charset=utf-8"
	if strings.HasSuffix(path, ".vcf") {
		kind = "text/vcard; charset=utf-8"
	}
	if code, answer := h.do("ann", http.MethodPut, h.mail.URL+path, content, "Content-Type", kind); code/100 != 2 {
		h.t.Fatalf("PUT %s: %d %s", path, code, answer)
	}
}

func (h *house) bytesOf(path string) string {
	h.t.Helper()
	_, body := h.do("ann", http.MethodGet, h.mail.URL+path, "")
	return body
}

// settled waits until both sides agree.
func (h *house) settled() {
	h.t.Helper()
	h.eventually("the first sync is done", func() bool { return h.mailboxes()[0].Initialized })
	h.eventually("three rounds in a row find nothing to do", func() bool {
		for range 3 {
			if h.syncNow()[0] != "Nothing to do: both sides agree." {
				return false
			}
		}
		return true
	})
}

// issues are the open ones, by item, as `lockstep issue list` tells them.
func (h *house) issues() map[string]string {
	h.t.Helper()
	rows, err := h.store.Issues(h.t.Context(), h.mailboxes()[0].ID)
	if err != nil {
		h.t.Fatal(err)
	}
	found := map[string]string{}
	for _, i := range rows {
		if !i.Open {
			continue
		}
		if found[i.Item] != "" {
			h.t.Errorf("two issues of %s", i.Item)
		}
		found[i.Item] = i.Message
	}
	return found
}

// A file that cannot be read at all is one issue with the line number; it is
// left untouched and holds up nothing else. When it has been mended the issue
// is settled.
func TestUnreadableItemIsOneIssueWithItsLine(t *testing.T) {
	h, _ := simulated(t, reference)
	bad := map[string]struct{ content, line string }{
		book + "html.vcf":      {"\r\n<html>\r\nSign in\r\n</html>\r\n", "line 2"},
		book + "utf16.vcf":     {"\xff\xfeB\x00E\x00G\x00I\x00N\x00", "line 1"},
		calendar + "time.ics":  {"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:t\r\nSUMMARY:x\r\nDTSTART:soon\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n", "line 6"},
		calendar + "empty.ics": {"\r\n", "line 1"},
		tasks + "cut.ics":      {"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VTODO\r\nUID:c\r\nSUMMARY:cut o", "line"},
	}
	for path, b := range bad {
		h.stored(path, b.content)
	}
	h.stored(book+"good.vcf", strings.ReplaceAll(card("uid-g", "Gus Good", "gus@example.com", ""), "\n", "\r\n")+"\r\n")
	h.open()
	h.settled()
	if n := h.count(`SELECT COUNT(*) FROM contact WHERE full_name = 'Gus Good'`); n != 1 {
		t.Errorf("the good card is %d times in the CRM", n)
	}
	h.syncNow()
	found := h.issues()
	if len(found) != len(bad) {
		t.Errorf("%d issues, want %d: %v", len(found), len(bad), found)
	}
	for path, b := range bad {
		if !strings.Contains(found[path], b.line) || !strings.Contains(found[path], "left untouched") {
			t.Errorf("%s: the issue says %q", path, found[path])
		}
		if got := h.bytesOf(path); got != b.content {
			t.Errorf("%s was touched: %q", path, got)
		}
	}
	h.stored(book+"html.vcf", strings.ReplaceAll(card("uid-h", "Hal Healed", "hal@example.com", ""), "\n", "\r\n")+"\r\n")
	h.eventually("the mended card is in the CRM", func() bool { return h.count(`SELECT COUNT(*) FROM contact WHERE full_name = 'Hal Healed'`) == 1 })
	h.settled()
	if m, open := h.issues()[book+"html.vcf"]; open {
		t.Errorf("the issue is still open: %s", m)
	}
}

func reference(t *testing.T, _ *sqlx.DB, values map[string]string) {
	t.Helper()
	if err := sqlcrm.Install(t.Context(), connector.Settings{Values: values}); err != nil {
		t.Fatal(err)
	}
	db := sqlx.MustConnect("sqlite", values["dsn"])
	defer func() { _ = db.Close() }()
	db.MustExec(`INSERT INTO crm_user (id, name, email) VALUES ('u-ann', 'Ann', 'ann@harbor.example')`)
}

// foreign is a CRM of somebody else's that knows far fewer fields.
func foreign(t *testing.T, db *sqlx.DB, values map[string]string) {
	t.Helper()
	folder, err := filepath.Abs("../../connector/sqlcrm/testdata")
	if err != nil {
		t.Fatal(err)
	}
	schema, err := os.ReadFile(filepath.Join(folder, "foreign_sqlite.sql"))
	if err != nil {
		t.Fatal(err)
	}
	db.MustExec(string(schema))
	db.MustExec(`INSERT INTO staff (staff_no, label, mail) VALUES ('u-ann', 'Ann', 'ann@harbor.example')`)
	values["mapping"] = filepath.Join(folder, "foreign.yaml")
}

const richCard = `BEGIN:VCARD
VERSION:3.0
PRODID:-//Example//Phone//EN
UID:rich-1
N:O'Brien;Ann;Maria,Luise;Dr.;MBE
FN:Dr. Ann O'Brien
X-PHONETIC-LAST-NAME:oh-brye-en
ORG:Example Ltd.;Research;Far Team
item1.EMAIL;type=INTERNET;type=pref:ann@example.org
item1.X-ABLabel:_$!<Work>!$_
item2.TEL;TYPE=CELL;X-SPEED=3:+33 6 12 34 56 78
item2.X-ABLabel:Boat
TEL;TYPE=HOME,VOICE:(0)1 23
ADR;TYPE=WORK;X-PLACE="a,b":;;12 Rue de l'Exemple;Paris;;75001;France
GEO:48.85;2.35
BDAY;X-APPLE-OMIT-YEAR=1604:1604-04-12
ANNIVERSARY:20100601
URL:https://example.org/?a=b\,c
PHOTO;ENCODING=b;TYPE=PNG:iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADU
 lEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==
CATEGORIES:Friends,Sailing
NOTE:First line\nsecond line\, with a comma that is long enough to be folded b
 y whoever wrote this
malformed line that nobody understands
X-SOCIALPROFILE;type=x:https://social.example/@ann
REV:20260101T000000Z
END:VCARD
`

const richEvent = `BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//Example//Desk//EN
X-WR-CALNAME:Work
BEGIN:VTIMEZONE
TZID:W. Europe Standard Time
X-OWN:kept
BEGIN:STANDARD
DTSTART:16010101T030000
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:16010101T020000
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3
END:DAYLIGHT
END:VTIMEZONE
BEGIN:VEVENT
UID:rich-2
DTSTAMP:20260101T000000Z
SUMMARY;LANGUAGE=en:Harbour walk
DTSTART;TZID=W. Europe Standard Time:20300610T090000
DURATION:PT1H30M
DESCRIPTION:Bring shoes\nand a hat
X-ALT-DESC;FMTTYPE=text/html:<p>Bring <b>shoes</b></p>
LOCATION:Pier 3
X-APPLE-STRUCTURED-LOCATION;VALUE=URI;X-TITLE="Pier, 3":geo:53.5,9.9
URL:https://example.org/walk
ATTACH;FMTTYPE=application/pdf;FILENAME=map.pdf:https://example.org/map.pdf
ATTACH;ENCODING=BASE64;VALUE=BINARY:AAAA
CATEGORIES:Outdoors
TRANSP:TRANSPARENT
CLASS:PUBLIC
PRIORITY:5
GEO:53.5;9.9
BEGIN:VALARM
ACTION:DISPLAY
TRIGGER:-PT15M
DESCRIPTION:Reminder
X-WR-ALARMUID:1
END:VALARM
END:VEVENT
END:VCALENDAR
`

const richTask = `BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//Example//Desk//EN
BEGIN:VTODO
UID:rich-3
DTSTAMP:20260101T000000Z
SUMMARY:Paint the boat
DUE;VALUE=DATE:20300620
STATUS:IN-PROCESS
PERCENT-COMPLETE:40
PRIORITY:3
CLASS:CONFIDENTIAL
URL:https://example.org/paint
X-APPLE-SORT-ORDER:42
DESCRIPTION:Blue
BEGIN:VALARM
ACTION:AUDIO
TRIGGER;VALUE=DATE-TIME:20300619T080000Z
END:VALARM
END:VTODO
END:VCALENDAR
`

// What a system cannot hold is not lost on the other side (decision 18, I11):
// a CRM that knows all our fields and one that knows a few change one field
// each, and the mailbox's objects differ in that line and no other byte. The
// other way the CRM keeps what we know nothing of.
func TestWhatOneSideCannotHoldStaysOnTheOther(t *testing.T) {
	type edit struct{ sql, path, old, now string }
	for name, tc := range map[string]struct {
		prepare func(t *testing.T, db *sqlx.DB, values map[string]string)
		edits   []edit
		own     []string // columns of the CRM's own, one for each table
	}{
		"reference schema": {reference, []edit{
			{`UPDATE contact SET job_title = NULL, notes = 'Short'`, book, "NOTE:First line\\nsecond line\\, with a comma that is long enough to be folded b\r\n y whoever wrote this\r\n", "NOTE:Short\r\n"},
			{`UPDATE appointment SET location = 'Pier 4; left'`, calendar, "LOCATION:Pier 3\r\n", "LOCATION:Pier 4\\; left\r\n"},
			{`UPDATE task SET percent = 60`, tasks, "PERCENT-COMPLETE:40\r\n", "PERCENT-COMPLETE:60\r\n"},
		}, []string{"contact", "appointment", "task"}},
		"foreign schema": {foreign, []edit{
			{`UPDATE people SET last_name = 'Byrne', changed_at = datetime('now', '+5 seconds')`, book, "N:O'Brien;Ann;Maria,Luise;Dr.;MBE\r\n", "N:Byrne;Ann;Maria,Luise;Dr.;MBE\r\n"},
			{`UPDATE meetings SET subject = 'Harbour run'`, calendar, "SUMMARY;LANGUAGE=en:Harbour walk\r\n", "SUMMARY;LANGUAGE=en:Harbour run\r\n"},
			{`UPDATE activities SET urgency = 1`, tasks, "PRIORITY:3\r\n", "PRIORITY:1\r\n"},
		}, []string{"people", "meetings", "activities"}},
	} {
		t.Run(name, func(t *testing.T) {
			h, _ := simulated(t, func(t *testing.T, db *sqlx.DB, values map[string]string) {
				tc.prepare(t, db, values)
				for _, table := range tc.own {
					db.MustExec(`ALTER TABLE ` + table + ` ADD COLUMN favourite_colour text DEFAULT 'green'`)
				}
			})
			want := map[string]string{}
			for path, text := range map[string]string{book: richCard, calendar: richEvent, tasks: richTask} {
				file := path + "rich.ics"
				if path == book {
					file = path + "rich.vcf"
				}
				want[path] = strings.ReplaceAll(text, "\n", "\r\n")
				h.stored(file, want[path])
			}
			h.open()
			h.settled()
			h.same(want, "the first sync")
			if tc.own[0] == "contact" {
				if n := h.count(`SELECT COUNT(*) FROM appointment_attachment WHERE url = 'https://example.org/map.pdf' AND name = 'map.pdf' AND type = 'application/pdf'`); n != 1 {
					t.Errorf("the linked document is %d times in the CRM", n)
				}
			}
			for _, e := range tc.edits {
				h.sql(e.sql)
				if !strings.Contains(want[e.path], e.old) {
					t.Fatalf("%q is not in the object", e.old)
				}
				want[e.path] = strings.Replace(want[e.path], e.old, e.now, 1)
				h.eventually("the edit arrives: "+e.sql, func() bool { return h.rich(e.path) == want[e.path] })
				h.settled()
				h.same(want, e.sql)
			}
			for _, table := range tc.own {
				h.sql(`UPDATE ` + table + ` SET favourite_colour = 'blue'`)
			}
			h.stored(book+"rich.vcf", strings.Replace(want[book], "FN:Dr. Ann O'Brien", "FN:Ann B.", 1))
			want[book] = h.rich(book)
			h.settled()
			h.same(want, "an edit in the mailbox")
			for _, table := range tc.own {
				if n := h.count(`SELECT COUNT(*) FROM ` + table + ` WHERE favourite_colour = 'blue'`); n != 1 {
					t.Errorf("%s: %d rows keep what is the CRM's own", table, n)
				}
			}
			if n := h.count(`SELECT COUNT(*) FROM ` + tc.own[0] + ` WHERE ` + map[string]string{"contact": "full_name", "people": "display_name"}[tc.own[0]] + ` = 'Ann B.'`); n != 1 {
				t.Error("the mailbox's edit is not in the CRM")
			}
		})
	}
}

func (h *house) rich(path string) string {
	h.t.Helper()
	if path == book {
		return h.bytesOf(path + "rich.vcf")
	}
	return h.bytesOf(path + "rich.ics")
}

func (h *house) same(want map[string]string, after string) {
	h.t.Helper()
	for path, text := range want {
		if got := h.rich(path); got != text {
			h.t.Errorf("after %s %s differs:\n%s\nwant\n%s", after, path, got, text)
		}
	}
}
