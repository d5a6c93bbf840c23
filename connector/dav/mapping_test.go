package dav

import (
	"slices"
	"strings"
	"testing"

	"lockstep.dev/model"
)

// object is the text of an object from its inner lines.
func object(kind model.Kind, lines ...string) []byte {
	head, tail := []string{"BEGIN:VCALENDAR", "VERSION:2.0"}, []string{"END:VCALENDAR"}
	switch kind {
	case model.Contact:
		head, tail = []string{"BEGIN:VCARD"}, []string{"END:VCARD"}
	case model.Event:
		head, tail = append(head, "BEGIN:VEVENT", "UID:u"), append([]string{"END:VEVENT"}, tail...)
	case model.Task:
		head, tail = append(head, "BEGIN:VTODO", "UID:u"), append([]string{"END:VTODO"}, tail...)
	}
	return []byte(strings.Join(slices.Concat(head, lines, tail), "\r\n") + "\r\n")
}

// rewritten changes what an object says and returns the lines that went and
// those that came.
func rewritten(t *testing.T, kind model.Kind, raw []byte, change func(c model.Content)) (gone, came []string) {
	t.Helper()
	c := newConverter()
	have := readContent(t, c, kind, raw)
	want := have.Clone()
	change(want)
	env := someEnvironment()
	env.mine = func(address string) bool { return address == "ada@example.com" }
	out, fail := c.change(model.Operation{Ref: model.Ref{Kind: kind}, Content: want, Changed: model.Differing(have, want)}, raw, env)
	if fail != nil {
		t.Fatal(fail.fault)
	}
	if d := model.Differing(want, readContent(t, c, kind, out)); len(d) > 0 {
		t.Errorf("%v do not read as wanted:\n%s", d, out)
	}
	gone, came = changedLines(raw, out)
	return gone, came
}

func lines(text ...string) string { return strings.Join(text, "|") }

func joinLines(all []string) string {
	for i, l := range all {
		all[i] = strings.ReplaceAll(strings.TrimSuffix(l, "\r\n"), "\r\n ", "")
	}
	return strings.Join(all, "|")
}

func setElement(field, key string, change func(e *model.Element)) func(model.Content) {
	return func(c model.Content) {
		set := slices.Clone(c.Set(field))
		i := slices.IndexFunc(set, func(e model.Element) bool { return e.Key == key })
		attr := map[string]string{}
		for k, v := range set[i].Attr {
			attr[k] = v
		}
		set[i].Attr = attr
		change(&set[i])
		if field == "addresses" {
			set[i].Key = model.AddressKey(attr)
		}
		c.PutSet(field, set)
	}
}

func without(field, key string) func(model.Content) {
	return func(c model.Content) {
		c.PutSet(field, slices.DeleteFunc(slices.Clone(c.Set(field)), func(e model.Element) bool { return e.Key == key }))
	}
}

// What a card says in its own way is changed in its own way.
func TestPeculiarCards(t *testing.T) {
	region := func(text string) func(e *model.Element) {
		return func(e *model.Element) {
			e.Attr["region"] = text
			if text == "" {
				delete(e.Attr, "region")
			}
		}
	}
	labelled := `ADR;LABEL="1 Rue X, Paris^nIDF":;;1 Rue X;Paris;IDF;;`
	for name, tc := range map[string]struct {
		card       []string
		change     func(model.Content)
		gone, came string
	}{
		"one address in two languages is one": {
			[]string{"VERSION:4.0", "FN:A", "ADR;ALTID=1;LANGUAGE=fr:;;Rue;Genève;;;", "ADR;ALTID=1;LANGUAGE=de:;;Gasse;Genf;;;"},
			without("addresses", "rue genève"),
			lines("ADR;ALTID=1;LANGUAGE=fr:;;Rue;Genève;;;", "ADR;ALTID=1;LANGUAGE=de:;;Gasse;Genf;;;"), "",
		},
		"the other language stays when one changes": {
			[]string{"VERSION:4.0", "FN:A", "TEL;ALTID=1;TYPE=home:1", "TEL;ALTID=1;TYPE=work:2", "TEL:3"},
			setElement("phones", "1", func(e *model.Element) { e.Attr["type"] = "cell" }),
			"TEL;ALTID=1;TYPE=home:1", "TEL;ALTID=1;TYPE=cell:1",
		},
		"the envelope's text follows a part that it shows": {
			[]string{"VERSION:4.0", "FN:A", labelled}, setElement("addresses", "1 rue x paris", region("Essonne")),
			labelled, `ADR;LABEL="1 Rue X, Paris^nEssonne":;;1 Rue X;Paris;Essonne;;`,
		},
		"and goes where it cannot follow": {
			[]string{"VERSION:4.0", "FN:A", labelled}, setElement("addresses", "1 rue x paris", region("")),
			labelled, "ADR:;;1 Rue X;Paris;;;",
		},
		"the envelope's text stays when the type changes": {
			[]string{"VERSION:4.0", "FN:A", labelled}, setElement("addresses", "1 rue x paris", func(e *model.Element) { e.Attr["type"] = "work" }),
			labelled, `ADR;LABEL="1 Rue X, Paris^nIDF";TYPE=work:;;1 Rue X;Paris;IDF;;`,
		},
		"a preference by number": {
			[]string{"VERSION:4.0", "FN:A", "EMAIL;PREF=2:a@x", "EMAIL;PREF=1:b@x"},
			setElement("emails", "b@x", func(e *model.Element) { delete(e.Attr, "preferred") }),
			lines("EMAIL;PREF=2:a@x", "EMAIL;PREF=1:b@x"), lines("EMAIL:a@x", "EMAIL:b@x"),
		},
		"another preference by number": {
			[]string{"VERSION:4.0", "FN:A", "EMAIL;PREF=2:a@x", "EMAIL;PREF=1:b@x", "EMAIL:c@x"},
			func(c model.Content) {
				setElement("emails", "b@x", func(e *model.Element) { delete(e.Attr, "preferred") })(c)
				setElement("emails", "c@x", func(e *model.Element) { e.Attr["preferred"] = "1" })(c)
			},
			lines("EMAIL;PREF=1:b@x", "EMAIL:c@x"), lines("EMAIL:b@x", "EMAIL;PREF=1:c@x"),
		},
		"one of two that say they are preferred": {
			[]string{"VERSION:3.0", "FN:A", "TEL;TYPE=pref,home:1", "TEL;TYPE=work,pref:2", "TEL:3"},
			func(c model.Content) {
				setElement("phones", "1", func(e *model.Element) { delete(e.Attr, "preferred") })(c)
				setElement("phones", "3", func(e *model.Element) { e.Attr["preferred"] = "1" })(c)
			},
			lines("TEL;TYPE=pref,home:1", "TEL;TYPE=work,pref:2", "TEL:3"), lines("TEL;TYPE=home:1", "TEL;TYPE=work:2", "TEL;TYPE=pref:3"),
		},
		"a birthday without year, Apple's way": {
			[]string{"VERSION:3.0", "FN:A", "BDAY;X-APPLE-OMIT-YEAR=1604:1604-04-12"},
			func(c model.Content) { c.PutText("birthday", "--05-13") },
			"BDAY;X-APPLE-OMIT-YEAR=1604:1604-04-12", "BDAY;X-APPLE-OMIT-YEAR=1604:1604-05-13",
		},
		"a birthday without year in vCard 4.0": {
			[]string{"VERSION:4.0", "FN:A", "BDAY:--0412"}, func(c model.Content) { c.PutText("birthday", "--05-13") },
			"BDAY:--0412", "BDAY:--0513",
		},
		"the second nickname does not take the first one's place": {
			[]string{"VERSION:3.0", "FN:A", "NICKNAME:x,y", "NICKNAME:z"}, func(c model.Content) { c.PutText("nickname", "") },
			lines("NICKNAME:x,y", "NICKNAME:z"), "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			gone, came := rewritten(t, model.Contact, object(model.Contact, tc.card...), tc.change)
			if joinLines(gone) != tc.gone || joinLines(came) != tc.came {
				t.Errorf("gone %q, came %q", gone, came)
			}
		})
	}
}

func TestPeculiarEvents(t *testing.T) {
	for name, tc := range map[string]struct {
		event      []string
		change     func(model.Content)
		gone, came string
	}{
		"an attachment's name is changed where it stands": {
			[]string{"DTSTART:20260105T090000Z", "ATTACH;FMTTYPE=text/plain;X-FILENAME=a.txt;MANAGED-ID=7:https://x/a"},
			setElement("attachments", "https://x/a", func(e *model.Element) { e.Text = "b; c.txt" }),
			"ATTACH;FMTTYPE=text/plain;X-FILENAME=a.txt;MANAGED-ID=7:https://x/a", `ATTACH;FMTTYPE=text/plain;X-FILENAME="b; c.txt";MANAGED-ID=7:https://x/a`,
		},
		"what is no link stays": {
			[]string{"DTSTART:20260105T090000Z", "ATTACH;ENCODING=BASE64;VALUE=BINARY:AAAA", "ATTACH:cid:1@x", "ATTACH:/f/12", "ATTACH:https://x/a"},
			without("attachments", "https://x/a"), "ATTACH:https://x/a", "",
		},
		"an inline attachment of an occurrence stays": {
			[]string{"DTSTART:20260105T090000Z", "RRULE:FREQ=DAILY", "END:VEVENT", "BEGIN:VEVENT", "UID:u", "RECURRENCE-ID:20260106T090000Z",
				"DTSTART:20260106T100000Z", "ATTACH;ENCODING=BASE64;VALUE=BINARY:AAAA", "ATTACH:https://x/a"},
			func(c model.Content) {
				c.PutText("overrides", strings.Replace(c.Text("overrides"), "ATTACH:https://x/a", "ATTACH:https://x/b", 1))
			},
			"ATTACH:https://x/a", "ATTACH:https://x/b",
		},
		"a blank behind a rule is no part of it": {
			[]string{"DTSTART:20260105T090000Z", "RRULE:FREQ=DAILY ", "EXDATE:20260107T090000Z "},
			func(c model.Content) { c.PutText("recurrence", "RRULE:FREQ=DAILY") }, "EXDATE:20260107T090000Z ", "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			gone, came := rewritten(t, model.Event, object(model.Event, tc.event...), tc.change)
			if joinLines(gone) != tc.gone || joinLines(came) != tc.came {
				t.Errorf("gone %q, came %q", gone, came)
			}
		})
	}
}

// RFC 5546 section 2.1.4: the organizer's revisions are counted, of the meeting
// and of an occurrence; answers and other people's meetings are not.
func TestRevisionsAreCounted(t *testing.T) {
	own := []string{"DTSTAMP:20200101T000000Z", "DTSTART:20260105T090000Z", "DTEND:20260105T100000Z", "SEQUENCE:3", "RRULE:FREQ=DAILY",
		"ORGANIZER:mailto:ada@example.com", "ATTENDEE;PARTSTAT=NEEDS-ACTION:mailto:bob@example.com",
		"END:VEVENT", "BEGIN:VEVENT", "UID:u", "DTSTAMP:20200101T000000Z", "RECURRENCE-ID:20260106T090000Z", "SEQUENCE:7", "DTSTART:20260106T110000Z"}
	foreign := slices.Clone(own)
	foreign[5] = "ORGANIZER:mailto:zoe@example.com"
	moved := "BEGIN:VEVENT\r\nDTSTART:20260108T110000Z\r\nRECURRENCE-ID:20260108T090000Z\r\nEND:VEVENT\r\n"
	for name, tc := range map[string]struct {
		event  []string
		change func(model.Content)
		want   []string // SEQUENCE lines afterwards
	}{
		"time":      {own, func(c model.Content) { c.PutText("end", "2026-01-05T11:00:00Z") }, []string{"SEQUENCE:4", "SEQUENCE:7"}},
		"status":    {own, func(c model.Content) { c.PutText("status", "cancelled") }, []string{"SEQUENCE:4", "SEQUENCE:7"}},
		"answer":    {own, setElement("attendees", "bob@example.com", func(e *model.Element) { e.Attr["status"] = "accepted" }), []string{"SEQUENCE:3", "SEQUENCE:7"}},
		"role":      {own, setElement("attendees", "bob@example.com", func(e *model.Element) { e.Attr["role"] = "optional" }), []string{"SEQUENCE:4", "SEQUENCE:7"}},
		"invited":   {own, without("attendees", "bob@example.com"), []string{"SEQUENCE:4", "SEQUENCE:7"}},
		"alarm":     {own, func(c model.Content) { c.PutText("transparency", "free") }, []string{"SEQUENCE:3", "SEQUENCE:7"}},
		"foreign":   {foreign, func(c model.Content) { c.PutText("end", "2026-01-05T11:00:00Z") }, []string{"SEQUENCE:3", "SEQUENCE:7"}},
		"moved":     {own, func(c model.Content) { c.PutText("overrides", strings.Replace(c.Text("overrides"), "T11", "T12", 1)) }, []string{"SEQUENCE:4", "SEQUENCE:8"}},
		"new moved": {own, func(c model.Content) { c.PutText("overrides", c.Text("overrides")+moved) }, []string{"SEQUENCE:4", "SEQUENCE:7", "SEQUENCE:4"}},
	} {
		t.Run(name, func(t *testing.T) {
			raw := object(model.Event, tc.event...)
			gone, came := rewritten(t, model.Event, raw, tc.change)
			var got []string
			for _, l := range logicalLines(raw) {
				if strings.HasPrefix(l, "SEQUENCE") && !slices.Contains(gone, l) {
					got = append(got, strings.TrimSpace(l))
				}
			}
			for _, l := range came {
				if strings.HasPrefix(l, "SEQUENCE") {
					got = append(got, strings.TrimSpace(l))
				}
			}
			slices.Sort(got)
			slices.Sort(tc.want)
			if !slices.Equal(got, tc.want) {
				t.Errorf("%v, want %v", got, tc.want)
			}
		})
	}
}

// A zone that the object defines with rules of another time is not used for a
// moment in which those rules are wrong.
func TestZoneDefinedWithOldRules(t *testing.T) {
	raw := []byte(strings.ReplaceAll(`BEGIN:VCALENDAR
VERSION:2.0
BEGIN:VTIMEZONE
TZID:Pacific
BEGIN:STANDARD
DTSTART:16010101T020000
TZOFFSETFROM:-0700
TZOFFSETTO:-0800
RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:16010101T020000
TZOFFSETFROM:-0800
TZOFFSETTO:-0700
RRULE:FREQ=YEARLY;BYMONTH=4;BYDAY=1SU
END:DAYLIGHT
END:VTIMEZONE
BEGIN:VEVENT
UID:u
DTSTART;TZID=Pacific:20031110T100000
DTEND;TZID=Pacific:20031110T110000
END:VEVENT
END:VCALENDAR
`, "\n", "\r\n"))
	// Since 2007 the clocks there change in March.
	for _, end := range []string{"2026-03-12T12:00:00Z", "2026-07-12T12:00:00Z", "2003-11-10T20:00:00Z"} {
		rewritten(t, model.Event, raw, func(c model.Content) { c.PutText("end", end) })
	}
}
