package dav

import (
	"fmt"
	"strings"
	"testing"

	"lockstep.dev/model"
)

// Objects as large as a hostile server likes are read and emptied in time
// linear in their size; with anything worse this test would not end.
func TestHugeObjects(t *testing.T) {
	zone := "BEGIN:VTIMEZONE\r\nTZID:Z\r\nBEGIN:STANDARD\r\nDTSTART:19700101T000000\r\nTZOFFSETFROM:+0017\r\nTZOFFSETTO:+0017\r\n" +
		many(5000, "X-NOTE:%d %d\r\n") + "END:STANDARD\r\nEND:VTIMEZONE\r\n"
	event := func(lines string) string {
		return "BEGIN:VCALENDAR\r\nVERSION:2.0\r\n" + zone + "BEGIN:VEVENT\r\nUID:u\r\nDTSTART;TZID=Z:20260105T090000\r\n" + lines + "END:VEVENT\r\nEND:VCALENDAR\r\n"
	}
	card := func(lines string) string { return "BEGIN:VCARD\r\nVERSION:4.0\r\nFN:A\r\n" + lines + "END:VCARD\r\n" }
	const n = 10000
	for name, o := range map[string]struct {
		kind  model.Kind
		field string
		raw   string
	}{
		"numbers with labels":         {model.Contact, "phones", card(many(n, "item%d.TEL;TYPE=HOME:+%d\r\nitem%[1]d.X-ABLabel:L\r\n"))},
		"numbers in several versions": {model.Contact, "phones", card(many(n, "TEL;ALTID=%d:+%d\r\n"))},
		"preferred addresses":         {model.Contact, "emails", card(many(n, "EMAIL;PREF=%d:a%d@example.org\r\n"))},
		"labels":                      {model.Contact, "categories", card(many(n, "CATEGORIES:c%d,d%d\r\n"))},
		"attendees":                   {model.Event, "attendees", event(many(n, "ATTENDEE;CN=%d:mailto:a%d@example.org\r\n"))},
		"links":                       {model.Event, "attachments", event(many(n, "ATTACH;FILENAME=%d:https://example.org/%d\r\n"))},
		"dates":                       {model.Event, "recurrence", event(many(n, "RDATE;TZID=Z:20260105T%06d\r\nX-N:%d\r\n"))},
		"alarms":                      {model.Event, "alarms", event(many(n, "BEGIN:VALARM\r\nACTION:DISPLAY\r\nTRIGGER:-PT%dM\r\nX-N:%d\r\nEND:VALARM\r\n"))},
		"occurrences": {model.Event, "overrides", event("RRULE:FREQ=DAILY\r\nEND:VEVENT\r\n" +
			many(n, "BEGIN:VEVENT\r\nUID:u\r\nRECURRENCE-ID;TZID=Z:2026%04dT090000\r\nDTSTART;TZID=Z:20260105T090000\r\nX-N:%d\r\nEND:VEVENT\r\n") + "BEGIN:VEVENT\r\nUID:x\r\n")},
	} {
		c := newConverter()
		it, ours := c.item(model.Ref{Kind: o.kind}, []byte(o.raw))
		if !ours || it.Trouble != "" || it.Content[o.field].Empty() {
			t.Errorf("%s: %v %q", name, ours, it.Trouble)
			continue
		}
		want := it.Content.Clone()
		want.Put(o.field, model.Value{})
		if _, fail := c.change(model.Operation{Ref: it.Ref, Content: want, Changed: []string{o.field}}, it.Raw, someEnvironment()); fail != nil {
			t.Errorf("%s: %v", name, fail.fault)
		}
		op := model.Operation{Ref: it.Ref, Content: it.Content, Changed: []string{o.field}}
		if _, fail := c.create(op, someEnvironment()); fail != nil {
			t.Errorf("%s: create: %v", name, fail.fault)
		}
	}
}

func many(n int, format string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, format, i, i)
	}
	return b.String()
}
