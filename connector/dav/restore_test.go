package dav

import (
	"strings"
	"testing"
	"time"

	"lockstep.dev/model"
)

// B4, B2: a meeting that comes back keeps every byte, but for our key and for
// the word that the server does not invite anybody again.
func TestWhatComesBackKeepsItsBytes(t *testing.T) {
	raw := strings.ReplaceAll(`BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//Somebody//EN
BEGIN:VEVENT
UID:u1
DTSTAMP:20310301T080000Z
DTSTART:20310320T090000Z
SUMMARY:Standup
X-ODD;A=b:kept
ORGANIZER:mailto:ada@example.com
ATTENDEE;PARTSTAT=ACCEPTED:mailto:bob@example.com
END:VEVENT
END:VCALENDAR
`, "\n", "\r\n")
	c := &converter{}
	op := model.Operation{Action: model.Create, Key: "ekey-1", Raw: []byte(raw), Ref: model.Ref{Side: model.Mail, Kind: model.Event}}
	got, fail := c.restore(op, environment{now: time.Now(), quiet: true})
	if fail != nil {
		t.Fatal(fail)
	}
	want := strings.NewReplacer(
		"ORGANIZER:", "ORGANIZER;SCHEDULE-AGENT=CLIENT:",
		"PARTSTAT=ACCEPTED:", "PARTSTAT=ACCEPTED;SCHEDULE-AGENT=CLIENT:",
		"END:VEVENT", stampProperty+":ekey-1\r\nEND:VEVENT",
	).Replace(raw)
	if string(got) != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if servesAttendees(got) {
		t.Error("the server would invite the attendees again")
	}
}
