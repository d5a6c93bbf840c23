package vobject_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"lockstep.dev/vobject"
)

// sampleCards and sampleCalendar have the size and mix of lines of real
// address books and calendars: 0.4 to 2.4 KB a card, about 1 KB an event.
func sampleCards() []byte {
	var b bytes.Buffer
	for i := range 1000 {
		fmt.Fprintf(&b, "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:%08d-0000-4000-8000-000000000000\r\nFN:Ann O'Brien %d\r\nN:O'Brien;Ann;Maria,Luise;Dr.;\r\n"+
			"ORG:Example Widgets International Ltd.;Research and Development\r\nTITLE:Head of Something\r\n"+
			"item1.EMAIL;type=INTERNET;type=WORK;type=pref:ann.%d@example.org\r\nitem1.X-ABLabel:_$!<Work>!$_\r\n"+
			"TEL;TYPE=WORK,VOICE:+33 1 23 45 67 %02d\r\nTEL;TYPE=CELL:+33 6 23 45 67 %02d\r\n"+
			"ADR;TYPE=WORK;LABEL=\"12 Rue X, Paris; FR\":;;12 Rue de l'Exemple;Paris;;75001;France\r\n"+
			"NOTE:A note that somebody wrote\\, with some commas\\, and a few line breaks\\n\r\n and it is folded as it should be\\; twice over because it is rather long an\r\n d goes on\r\n"+
			"BDAY:1985-04-12\r\nCATEGORIES:Friends,Lockstep\r\nURL:http://example.org/ann\r\nREV:20260105T090000Z\r\nEND:VCARD\r\n", i, i, i, i%100, i%100)
	}
	return b.Bytes()
}

func sampleCalendar() []byte {
	var b bytes.Buffer
	b.WriteString("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Example//EN\r\n")
	for i := range 1000 {
		fmt.Fprintf(&b, "BEGIN:VEVENT\r\nUID:%08d@example.org\r\nDTSTAMP:20260105T090000Z\r\nDTSTART;TZID=Europe/Paris:202601%02dT090000\r\n"+
			"DTEND;TZID=Europe/Paris:202601%02dT100000\r\nSUMMARY:Weekly meeting about things\\, part %d\r\nLOCATION:Room 12\r\nRRULE:FREQ=WEEKLY;BYDAY=MO,TH;UNTIL=20261231T080000Z\r\n"+
			"ORGANIZER;CN=Ann O'Brien:mailto:ann@example.org\r\n"+
			"ATTENDEE;CUTYPE=INDIVIDUAL;ROLE=REQ-PARTICIPANT;PARTSTAT=ACCEPTED;RSVP=TRUE;\r\n CN=\"Doe, John\";X-NUM-GUESTS=0:mailto:john.doe@example.org\r\n"+
			"ATTENDEE;ROLE=OPT-PARTICIPANT;PARTSTAT=NEEDS-ACTION:mailto:jane.doe@example.org\r\n"+
			"DESCRIPTION:%s\r\nSTATUS:CONFIRMED\r\nTRANSP:OPAQUE\r\nSEQUENCE:2\r\n"+
			"BEGIN:VALARM\r\nACTION:DISPLAY\r\nTRIGGER:-PT15M\r\nDESCRIPTION:Reminder\r\nEND:VALARM\r\nEND:VEVENT\r\n",
			i, i%28+1, i%28+1, i, strings.Repeat("what there is to say about it\\nand so forth\r\n ", 6))
	}
	b.WriteString("END:VCALENDAR\r\n")
	return b.Bytes()
}

func BenchmarkParse(b *testing.B) {
	for name, src := range map[string][]byte{"cards": sampleCards(), "calendar": sampleCalendar()} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(src)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := vobject.Parse(src); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkParseEdit parses, changes a text and a list in every object and
// writes the result.
func BenchmarkParseEdit(b *testing.B) {
	b.Run("cards", func(b *testing.B) { parseEdit(b, sampleCards(), "FN", "CATEGORIES") })
	b.Run("calendar", func(b *testing.B) { parseEdit(b, sampleCalendar(), "SUMMARY", "CATEGORIES") })
}

func parseEdit(b *testing.B, src []byte, text, list string) {
	b.SetBytes(int64(len(src)))
	b.ReportAllocs()
	for b.Loop() {
		doc, err := vobject.Parse(src)
		if err != nil {
			b.Fatal(err)
		}
		e := doc.Edit()
		for _, root := range doc.Components() {
			editOne(e, root, text, list)
			for _, c := range root.Components("VEVENT") {
				editOne(e, c, text, list)
			}
		}
		if _, err := e.Bytes(); err != nil {
			b.Fatal(err)
		}
	}
}

func editOne(e *vobject.Edit, c vobject.Component, text, list string) {
	if p := c.First(text); p.Exists() {
		e.SetText(p, "A new name, with a comma")
	}
	if p := c.First(list); p.Exists() {
		e.SetList(p, []string{"Friends", "Other"})
	}
}

// BenchmarkSmall is the usual case: one object a file.
func BenchmarkSmall(b *testing.B) {
	src := []byte(card("3.0", "FN:Ann", "N:Smith;Ann;;;", "TEL;TYPE=HOME:1", "EMAIL:a@example.org", "NOTE:n"))
	b.SetBytes(int64(len(src)))
	b.ReportAllocs()
	for b.Loop() {
		doc, err := vobject.Parse(src)
		if err != nil {
			b.Fatal(err)
		}
		e := doc.Edit()
		e.SetText(doc.First("VCARD").First("FN"), "Bob")
		if _, err := e.Bytes(); err != nil {
			b.Fatal(err)
		}
	}
}
