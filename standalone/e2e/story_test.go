package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

func card(uid, name, email, more string) string {
	parts := strings.SplitN(name, " ", 2)
	return fmt.Sprintf("BEGIN:VCARD\nVERSION:3.0\nUID:%s\nFN:%s\nN:%s;%s;;;\nEMAIL;TYPE=work:%s\nX-KEEP;X-P=1:as it was\n%sEND:VCARD", uid, name, parts[1], parts[0], email, more)
}

// future is a time of day some days ahead, as iCalendar and as the CRM write it.
func future(days, hour int) (ical, crm string) {
	t := time.Now().UTC().AddDate(0, 0, days).Truncate(24 * time.Hour).Add(time.Duration(hour) * time.Hour)
	return t.Format("20060102T150405Z"), t.Format("2006-01-02T15:04:05Z")
}

func meeting(uid, title, organizer string, days int, attendees ...string) string {
	start, _ := future(days, 9)
	end, _ := future(days, 10)
	var b strings.Builder
	fmt.Fprintf(&b, "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//test//test//EN\nBEGIN:VEVENT\nUID:%s\nDTSTAMP:20260101T000000Z\nDTSTART:%s\nDTEND:%s\nSUMMARY:%s\n", uid, start, end, title)
	if organizer != "" {
		fmt.Fprintf(&b, "ORGANIZER;SCHEDULE-AGENT=CLIENT:mailto:%s@harbor.example\n", organizer)
	}
	for _, a := range attendees {
		fmt.Fprintf(&b, "ATTENDEE;CN=%s;SCHEDULE-AGENT=CLIENT;PARTSTAT=NEEDS-ACTION:mailto:%s@harbor.example\n", a, a)
	}
	b.WriteString("END:VEVENT\nEND:VCALENDAR")
	return b.String()
}

func todo(uid, title string) string {
	return fmt.Sprintf("BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//test//test//EN\nBEGIN:VTODO\nUID:%s\nDTSTAMP:20260101T000000Z\nSUMMARY:%s\nDUE;VALUE=DATE:20310105\nEND:VTODO\nEND:VCALENDAR", uid, title)
}

// The first sync links what both sides have and creates the rest on the other
// side, once (issue "The main job"; R-05: never a thousand duplicates).
func TestFirstSyncMatchesAndCreates(t *testing.T) {
	everywhere(t, func(t *testing.T, h *house) {
		book := h.mail.AddressBook("ann")
		_, start := future(5, 9)
		_, end := future(5, 10)
		h.put("ann", book+"both.vcf", card("uid-both", "Bob Stone", "bob@example.com", "TEL;TYPE=cell:+49 40 1\n"))
		h.put("ann", book+"mail.vcf", card("uid-mail", "Mia Mail", "mia@example.com", ""))
		h.put("ann", h.mail.TaskList("ann")+"t.ics", todo("uid-task", "Order samples"))
		h.sql(`INSERT INTO contact (id, owner_id, full_name, given_name, family_name, email, job_title) VALUES ('c1', 'u-ann', 'Bob Stone', 'Bob', 'Stone', 'bob@example.com', 'Captain')`)
		h.sql(`INSERT INTO contact (id, owner_id, full_name, family_name, email) VALUES ('c2', 'u-ann', 'Cora Crm', 'Crm', 'cora@example.com')`)
		h.sql(`INSERT INTO appointment (id, owner_id, title, starts, ends) VALUES ('a1', 'u-ann', 'Site survey', $1, $2)`, start, end)
		h.open()
		h.synced()
		if n := h.count(`SELECT COUNT(*) FROM contact`); n != 3 {
			t.Errorf("%d contacts in the CRM, want 3", n)
		}
		if n := len(h.list("ann", book)); n != 3 {
			t.Errorf("%d cards in the mailbox, want 3", n)
		}
		if n := h.count(`SELECT COUNT(*) FROM contact WHERE id = 'c1' AND phone = '+49 40 1'`); n != 1 {
			t.Error("the matched contact did not get the mailbox's phone number")
		}
		_, both := h.find("ann", book, "bob@example.com")
		if !strings.Contains(both, "TITLE:Captain") || !strings.Contains(both, "X-KEEP;X-P=1:as it was") {
			t.Errorf("the matched card: %s", both)
		}
		if _, survey := h.find("ann", h.mail.Calendar("ann"), "Site survey"); survey == "" {
			t.Error("the CRM's appointment is not in the calendar")
		}
		if n := h.count(`SELECT COUNT(*) FROM task WHERE title = 'Order samples' AND owner_id = 'u-ann'`); n != 1 {
			t.Errorf("%d tasks in the CRM", n)
		}
	})
}

// B13: edits travel both ways; edits of different fields of one contact both
// survive; what we do not understand stays byte by byte (decision 18).
func TestEditsTravelBothWays(t *testing.T) {
	everywhere(t, func(t *testing.T, h *house) {
		at := h.mail.AddressBook("ann") + "bob.vcf"
		h.put("ann", at, card("uid-bob", "Bob Stone", "bob@example.com", ""))
		h.open()
		h.synced()
		h.sql(`UPDATE contact SET job_title = 'Captain' WHERE full_name = 'Bob Stone'`)
		h.eventually("the CRM's edit is in the card", func() bool {
			_, body := h.do("ann", http.MethodGet, at, "")
			return strings.Contains(body, "TITLE:Captain") && strings.Contains(body, "X-KEEP;X-P=1:as it was")
		})
		h.put("ann", at, card("uid-bob", "Bob Stone", "bob@example.com", "TITLE:Captain\nNOTE:met at the fair\n"))
		h.eventually("the mailbox's edit is in the CRM", func() bool {
			return h.count(`SELECT COUNT(*) FROM contact WHERE notes = 'met at the fair' AND job_title = 'Captain'`) == 1
		})
		h.quiet()
		h.engine.Stop()
		h.sql(`UPDATE contact SET organization = 'Pier Seven' WHERE full_name = 'Bob Stone'`)
		h.put("ann", at, card("uid-bob", "Bob Stone", "bob@example.com", "TITLE:Admiral\nNOTE:met at the fair\n"))
		h.start()
		h.eventually("both edits are on both sides", func() bool {
			_, body := h.do("ann", http.MethodGet, at, "")
			return strings.Contains(body, "Pier Seven") && strings.Contains(body, "TITLE:Admiral") &&
				h.count(`SELECT COUNT(*) FROM contact WHERE organization = 'Pier Seven' AND job_title = 'Admiral'`) == 1
		})
		h.quiet()
	})
}

// B7: one meeting in three mailboxes is one CRM record; an attendee's deletion
// takes nothing from the others, the CRM's takes it from all.
func TestOneMeetingInThreeMailboxes(t *testing.T) {
	everywhere(t, func(t *testing.T, h *house) {
		for _, u := range h.users {
			h.put(u, h.mail.Calendar(u)+"planning.ics", meeting("uid-planning", "Monday planning", "ann", 5, "ann", "ben", "cleo"))
		}
		h.open()
		h.synced()
		if n := h.count(`SELECT COUNT(*) FROM appointment`); n != 1 {
			t.Fatalf("%d appointments in the CRM, want one", n)
		}
		if n := h.count(`SELECT COUNT(*) FROM appointment WHERE owner_id = 'u-ann'`); n != 1 {
			t.Error("the organizer does not own the appointment")
		}
		h.do("ben", http.MethodDelete, h.mail.Calendar("ben")+"planning.ics", "")
		h.sql(`UPDATE appointment SET location = 'Harbor room'`)
		for _, u := range []string{"ann", "cleo"} {
			h.eventually("the room is in the calendar of "+u, func() bool {
				_, body := h.find(u, h.mail.Calendar(u), "Monday planning")
				return strings.Contains(body, "LOCATION:Harbor room")
			})
		}
		h.quiet()
		if n := h.count(`SELECT COUNT(*) FROM appointment`); n != 1 {
			t.Fatal("an attendee's deletion took the meeting from everybody")
		}
		if _, body := h.find("ben", h.mail.Calendar("ben"), "Monday planning"); body != "" {
			t.Error("what ben deleted came back")
		}
		h.sql(`DELETE FROM appointment`)
		for _, u := range []string{"ann", "cleo"} {
			h.eventually("the meeting is gone from the calendar of "+u, func() bool {
				_, body := h.find(u, h.mail.Calendar(u), "Monday planning")
				return body == ""
			})
		}
		h.quiet()
	})
}

// Deletions: the organizer's travels into the CRM, a contact's does not (design
// decision 4), and the CRM's travel into the mailbox.
func TestDeletions(t *testing.T) {
	everywhere(t, func(t *testing.T, h *house) {
		cal, book := h.mail.Calendar("ann"), h.mail.AddressBook("ann")
		for i := range 8 {
			h.put("ann", cal+fmt.Sprintf("e%d.ics", i), meeting(fmt.Sprintf("uid-%d", i), fmt.Sprintf("Visit %d", i), "", 5+i))
			h.put("ann", book+fmt.Sprintf("c%d.vcf", i), card(fmt.Sprintf("cuid-%d", i), fmt.Sprintf("Bob Stone%d", i), fmt.Sprintf("b%d@example.com", i), ""))
		}
		h.open()
		h.synced()
		h.do("ann", http.MethodDelete, cal+"e0.ics", "")
		h.do("ann", http.MethodDelete, book+"c0.vcf", "")
		h.sql(`DELETE FROM appointment WHERE title = 'Visit 1'`)
		h.sql(`DELETE FROM contact WHERE full_name = 'Bob Stone1'`)
		h.eventually("the deletions have travelled", func() bool {
			return h.count(`SELECT COUNT(*) FROM appointment`) == 6 && len(h.list("ann", cal)) == 6 && len(h.list("ann", book)) == 6
		})
		h.quiet()
		if n := h.count(`SELECT COUNT(*) FROM contact WHERE full_name = 'Bob Stone0'`); n != 1 {
			t.Error("a contact deleted in the mailbox was deleted in the CRM")
		}
	})
}

// B12: a dead cursor is a full listing compared, never an import.
func TestExpiredToken(t *testing.T) {
	everywhere(t, func(t *testing.T, h *house) {
		book := h.mail.AddressBook("ann")
		for i := range 5 {
			h.put("ann", book+fmt.Sprintf("c%d.vcf", i), card(fmt.Sprintf("cuid-%d", i), fmt.Sprintf("Bob Stone%d", i), fmt.Sprintf("b%d@example.com", i), ""))
		}
		h.open()
		h.synced()
		h.engine.Stop()
		m := h.mailboxes()[0]
		if err := h.store.ResetCursors(t.Context(), m.Mail, m.ID); err != nil {
			t.Fatal(err)
		}
		h.put("ann", book+"c0.vcf", card("cuid-0", "Bob Stone0", "b0@example.com", "NOTE:while the token was dead\n"))
		h.start()
		h.eventually("the edit arrived", func() bool {
			return h.count(`SELECT COUNT(*) FROM contact WHERE notes = 'while the token was dead'`) == 1
		})
		h.quiet()
		if n := h.count(`SELECT COUNT(*) FROM contact`); n != 5 {
			t.Errorf("%d contacts in the CRM, want 5", n)
		}
	})
}

// N-03: the mail server goes away in the middle of a first sync and comes back;
// nothing is lost and nothing is doubled.
func TestMailServerRestartsInTheMiddle(t *testing.T) {
	everywhere(t, func(t *testing.T, h *house) {
		const n = 300
		for i := range n {
			h.sql(`INSERT INTO contact (id, owner_id, full_name, family_name, email) VALUES ($1, 'u-ann', $2, $2, $3)`,
				fmt.Sprintf("c%d", i), fmt.Sprintf("Stone%d", i), fmt.Sprintf("s%d@example.com", i))
		}
		h.open()
		h.eventually("some cards were written", func() bool { return len(h.list("ann", h.mail.AddressBook("ann"))) > 20 })
		h.mail.Stop(t)
		time.Sleep(2 * time.Second)
		h.mail.Start(t)
		h.synced()
		if got := len(h.list("ann", h.mail.AddressBook("ann"))); got != n {
			t.Errorf("%d cards in the mailbox, want %d", got, n)
		}
		if got := h.count(`SELECT COUNT(*) FROM contact`); got != n {
			t.Errorf("%d contacts in the CRM, want %d", got, n)
		}
	})
}
