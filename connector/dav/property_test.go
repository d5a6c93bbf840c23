package dav

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"lockstep.dev/model"
)

// What is created and read again says the same (I1, B13 to B15), for random
// contents of every kind.
func TestCreatedObjectReadsAsWritten(t *testing.T) {
	for _, kind := range model.Kinds() {
		t.Run(string(kind), func(t *testing.T) {
			c := newConverter()
			rapid.Check(t, func(t *rapid.T) {
				want := randomContent(t, kind)
				raw := createBytes(t, c, kind, want)
				got := readContent(t, c, kind, raw)
				if d := model.Differing(want, got); len(d) > 0 {
					t.Fatalf("differs in %v:\nwant %s\n got %s\n%s", d, want.Only(d).Encode(), got.Only(d).Encode(), raw)
				}
			})
		})
	}
}

// One random content is turned into another by an update of the fields that
// differ, and nothing else is left behind (B13).
func TestUpdatedObjectReadsAsWanted(t *testing.T) {
	for _, kind := range model.Kinds() {
		t.Run(string(kind), func(t *testing.T) {
			c := newConverter()
			rapid.Check(t, func(t *rapid.T) {
				before, want := randomContent(t, kind), randomContent(t, kind)
				raw := createBytes(t, c, kind, before)
				op := model.Operation{Ref: model.Ref{Kind: kind}, Content: want, Changed: model.Differing(before, want)}
				edited, fail := c.change(op, raw, someEnvironment())
				if fail != nil {
					t.Fatal(fail.fault)
				}
				got := readContent(t, c, kind, edited)
				if d := model.Differing(want, got); len(d) > 0 {
					t.Fatalf("differs in %v:\nwant %s\n got %s\nbefore\n%s\nafter\n%s", d, want.Only(d).Encode(), got.Only(d).Encode(), raw, edited)
				}
				same, fail := c.change(model.Operation{Ref: op.Ref, Content: got, Changed: got.Fields()}, edited, someEnvironment())
				if fail != nil || string(same) != string(edited) {
					t.Fatalf("writing what is there already changes bytes:\n%s\n%s", edited, same)
				}
			})
		})
	}
}

type fataler interface{ Fatalf(string, ...any) }

func createBytes(t fataler, c *converter, kind model.Kind, content model.Content) []byte {
	raw, fail := c.create(model.Operation{Ref: model.Ref{Kind: kind}, Key: "k.0", UID: "uid-1", Content: content}, someEnvironment())
	if fail != nil {
		t.Fatalf("create: %v", fail.fault)
	}
	return raw
}

func readContent(t fataler, c *converter, kind model.Kind, raw []byte) model.Content {
	it, ours := c.item(model.Ref{Kind: kind}, raw)
	if !ours || it.Trouble != "" {
		t.Fatalf("read: ours %v, %s\n%s", ours, it.Trouble, raw)
	}
	return it.Content
}

// someText is a text that a person could write, with everything that needs
// escaping.
func someText(t *rapid.T, label string) string {
	return strings.TrimSpace(rapid.StringMatching(`[A-Za-zäß李 ,;:\\"'^=\n-]{0,40}`).Draw(t, label))
}

func oneLineText(t *rapid.T, label string) string {
	return strings.Join(strings.Fields(someText(t, label)), " ")
}

func maybe(t *rapid.T, label string) bool { return rapid.Bool().Draw(t, label+"?") }

func randomContent(t *rapid.T, kind model.Kind) model.Content {
	c := model.Content{}
	for _, f := range model.Fields(kind) {
		if !maybe(t, f.Name) {
			continue
		}
		switch {
		case f.Name == "categories":
			c.PutSet(f.Name, randomLabels(t))
		case kind == model.Contact:
			randomContactField(t, c, f)
		}
	}
	switch kind {
	case model.Contact:
		c.PutText("full_name", "Ada "+oneLineText(t, "full_name"))
		c.PutText("full_name", strings.TrimSpace(c.Text("full_name")))
	case model.Event:
		randomEvent(t, c)
	case model.Task:
		randomTask(t, c)
	}
	return c
}

func randomLabels(t *rapid.T) []model.Element {
	var set []model.Element
	for range rapid.IntRange(0, 3).Draw(t, "labels") {
		text := oneLineText(t, "label")
		set = append(set, model.Element{Key: model.FoldText(text), Text: text})
	}
	return set
}

func randomContactField(t *rapid.T, c model.Content, f model.Field) {
	switch f.Name {
	case "emails":
		c.PutSet(f.Name, randomTyped(t, []string{"home", "work", "other"}, func(i int) (string, string) {
			text := fmt.Sprintf("Ada%d@Example.com", i)
			return model.FoldAddress(text), text
		}))
	case "phones":
		c.PutSet(f.Name, randomTyped(t, []string{"home", "work", "cell", "fax", "other"}, func(i int) (string, string) {
			text := fmt.Sprintf("+44 (20) 79-46 %d", i)
			return model.PhoneKey(text), text
		}))
	case "addresses":
		c.PutSet(f.Name, randomAddresses(t))
	case "urls":
		text := "https://www.example.com/?a=1,2;3&b=" + strings.ReplaceAll(rapid.StringMatching(`[a-z%20]{0,8}`).Draw(t, "url"), " ", "")
		c.PutSet(f.Name, []model.Element{{Key: text, Text: text}})
	case "birthday":
		c.PutText(f.Name, rapid.SampledFrom([]string{"1985-10-12", "--02-29", "0999-01-01", "2024-02-29"}).Draw(t, f.Name))
	case "photo":
		c.PutText(f.Name, rapid.SampledFrom([]string{"data:image/png;base64,iVBORw0KGgo=", "https://www.example.com/p.png", "data:image/jpeg;base64,/9j/4AAQ"}).Draw(t, f.Name))
	case "notes":
		c.PutText(f.Name, someText(t, f.Name))
	case "full_name":
	default:
		c.PutText(f.Name, oneLineText(t, f.Name))
	}
}

// randomTyped makes elements of which at most one is preferred.
func randomTyped(t *rapid.T, types []string, make func(i int) (key, text string)) []model.Element {
	var set []model.Element
	n := rapid.IntRange(0, 3).Draw(t, "elements")
	preferred := rapid.IntRange(-1, 2).Draw(t, "preferred")
	for i := range n {
		key, text := make(i)
		attr := map[string]string{}
		if maybe(t, "type") {
			attr["type"] = rapid.SampledFrom(types).Draw(t, "type")
		}
		if maybe(t, "label") {
			attr["label"] = "Label " + oneLineText(t, "label")
			attr["label"] = strings.TrimSpace(attr["label"])
		}
		if i == preferred {
			attr["preferred"] = "1"
		}
		if len(attr) == 0 {
			attr = nil
		}
		set = append(set, model.Element{Key: key, Text: text, Attr: attr})
	}
	return set
}

func randomAddresses(t *rapid.T) []model.Element {
	var set []model.Element
	for i := range rapid.IntRange(0, 2).Draw(t, "addresses") {
		attr := map[string]string{"street": fmt.Sprintf("%d Sample Road; Flat 2,\nBack", i)}
		for _, part := range []string{"city", "region", "postal_code", "country", "po_box", "extended"} {
			if text := oneLineText(t, part); maybe(t, part) && text != "" {
				attr[part] = text
			}
		}
		if maybe(t, "type") {
			attr["type"] = rapid.SampledFrom([]string{"home", "work", "other"}).Draw(t, "type")
		}
		set = append(set, model.Element{Key: model.AddressKey(attr), Attr: attr})
	}
	return set
}

func zones() []string {
	return []string{"", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Africa/Casablanca", "America/St_Johns"}
}

// randomMoment is a time in one of the model's forms, away from hours that come
// twice: those can be told only in UTC.
func randomMoment(t *rapid.T, form string, from time.Time) (string, time.Time) {
	at := from.Add(time.Duration(rapid.IntRange(1, 20000).Draw(t, "minutes")) * time.Minute)
	switch form {
	case dayLayout:
		at = at.Truncate(24*time.Hour).AddDate(0, 0, 1)
	}
	return at.Format(form), at
}

// unambiguous reports whether every instant of a content can be written in its
// zone.
func unambiguous(c model.Content, fields ...string) bool {
	zone := c.Text("time_zone")
	for _, f := range fields {
		at, layout, err := parseModelTime(c.Text(f))
		if err != nil || layout != instantLayout || zone == "" {
			continue
		}
		loc, err := time.LoadLocation(zone)
		if err != nil {
			return false
		}
		for _, shift := range []time.Duration{-2 * time.Hour, 2 * time.Hour} {
			_, here := at.In(loc).Zone()
			_, there := at.Add(shift).In(loc).Zone()
			if here != there {
				return false
			}
		}
	}
	return true
}

func randomCommon(t *rapid.T, c model.Content) {
	c.PutText("title", oneLineText(t, "title"))
	c.PutText("description", someText(t, "description"))
	c.PutText("class", rapid.SampledFrom([]string{"", "private", "confidential"}).Draw(t, "class"))
	if maybe(t, "url") {
		c.PutText("url", "https://www.example.com/?a=1,2;3")
	}
	if maybe(t, "alarms") {
		c.PutText("alarms", "BEGIN:VALARM\r\nACTION:DISPLAY\r\nDESCRIPTION:Soon\r\nTRIGGER:-PT15M\r\nEND:VALARM\r\n")
	}
}

func randomEvent(t *rapid.T, c model.Content) {
	randomCommon(t, c)
	c.PutText("location", oneLineText(t, "location"))
	form := rapid.SampledFrom([]string{instantLayout, floatingLayout, dayLayout}).Draw(t, "form")
	text, at := randomMoment(t, form, time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC))
	c.PutText("start", text)
	text, _ = randomMoment(t, form, at)
	c.PutText("end", text)
	if form == instantLayout {
		c.PutText("time_zone", rapid.SampledFrom(zones()).Draw(t, "zone"))
		if !unambiguous(c, "start", "end") {
			c.PutText("time_zone", "")
		}
	}
	if maybe(t, "recurrence") {
		c.PutText("recurrence", rapid.SampledFrom([]string{
			"RRULE:FREQ=WEEKLY;COUNT=6", "EXDATE:20310318T090000Z\nRRULE:FREQ=DAILY;UNTIL=20320101T000000Z",
			"EXDATE;TZID=Europe/Berlin:20310318T090000\nRDATE;TZID=Europe/Berlin:20310319T090000\nRRULE:FREQ=MONTHLY;BYDAY=-1FR",
		}).Draw(t, "rule"))
	}
	if maybe(t, "attachments") {
		c.PutSet("attachments", randomAttachments(t))
	}
	c.PutText("status", rapid.SampledFrom([]string{"", "tentative", "cancelled"}).Draw(t, "status"))
	c.PutText("transparency", rapid.SampledFrom([]string{"", "free"}).Draw(t, "transparency"))
	if maybe(t, "organizer") {
		c.PutText("organizer", rapid.SampledFrom([]string{"ada@example.com", "bob@example.com"}).Draw(t, "organizer"))
		c.PutSet("attendees", randomAttendees(t))
	}
	if maybe(t, "overrides") && c.Text("recurrence") != "" {
		c.PutText("overrides", "BEGIN:VEVENT\r\nDTSTART;TZID=Europe/Berlin:20310311T120000\r\nRECURRENCE-ID:20310311T090000Z\r\n"+
			"SUMMARY:Moved to "+strings.NewReplacer("\\", "\\\\", ",", "\\,", ";", "\\;").Replace(oneLineText(t, "moved"))+"\r\nEND:VEVENT\r\n")
	}
}

func randomAttachments(t *rapid.T) []model.Element {
	var set []model.Element
	for _, link := range []string{"https://files.example.com/a,b;c", "ftp://example.com/2", "urn:x:3"} {
		e := model.Element{Key: link, Text: oneLineText(t, "file name")}
		if maybe(t, "type") {
			e.Attr = map[string]string{"type": "application/pdf"}
		}
		if maybe(t, link) {
			set = append(set, e)
		}
	}
	return set
}

func randomAttendees(t *rapid.T) []model.Element {
	var set []model.Element
	for _, address := range []string{"ada@example.com", "cleo@example.com", "room5@example.com"} {
		if !maybe(t, address) {
			continue
		}
		attr := map[string]string{}
		if s := rapid.SampledFrom([]string{"", "accepted", "declined", "tentative"}).Draw(t, "answer"); s != "" {
			attr["status"] = s
		}
		if r := rapid.SampledFrom([]string{"", "optional", "resource"}).Draw(t, "role"); r != "" {
			attr["role"] = r
		}
		if len(attr) == 0 {
			attr = nil
		}
		set = append(set, model.Element{Key: address, Text: oneLineText(t, "name"), Attr: attr})
	}
	return set
}

func randomTask(t *rapid.T, c model.Content) {
	randomCommon(t, c)
	form := rapid.SampledFrom([]string{instantLayout, floatingLayout, dayLayout}).Draw(t, "form")
	text, at := randomMoment(t, form, time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC))
	if maybe(t, "start") {
		c.PutText("start", text)
	}
	if maybe(t, "due") {
		text, _ = randomMoment(t, form, at)
		c.PutText("due", text)
	}
	if form == instantLayout && (c.Text("start") != "" || c.Text("due") != "") {
		c.PutText("time_zone", rapid.SampledFrom(zones()).Draw(t, "zone"))
		if !unambiguous(c, "start", "due") {
			c.PutText("time_zone", "")
		}
	}
	if maybe(t, "completed") {
		c.PutText("completed", "2026-03-05T12:00:00Z")
	}
	c.PutText("percent", rapid.SampledFrom([]string{"", "40", "100"}).Draw(t, "percent"))
	c.PutText("priority", rapid.SampledFrom([]string{"", "1", "9"}).Draw(t, "priority"))
	c.PutText("status", rapid.SampledFrom([]string{"", "in-process", "completed", "cancelled"}).Draw(t, "status"))
	if maybe(t, "recurrence") {
		c.PutText("recurrence", "RRULE:FREQ=WEEKLY;COUNT=6")
	}
}

// changedLines returns the logical lines that only one of two objects has.
func changedLines(a, b []byte) (gone, added []string) {
	x, y := logicalLines(a), logicalLines(b)
	for _, l := range x {
		if i := slices.Index(y, l); i >= 0 {
			y = slices.Delete(y, i, i+1)
			continue
		}
		gone = append(gone, l)
	}
	return gone, y
}

// logicalLines joins what is folded, or broken softly in vCard 2.1; empty lines
// (after base64 in vCard 2.1) belong to the line before.
func logicalLines(raw []byte) []string {
	var out []string
	for l := range strings.SplitAfterSeq(string(raw), "\n") {
		last := len(out) - 1
		soft := last >= 0 && strings.HasSuffix(out[last], "=\r\n") && strings.Contains(out[last], "QUOTED-PRINTABLE")
		if last >= 0 && (strings.HasPrefix(l, " ") || soft || l == "\r\n") {
			out[last] += l
			continue
		}
		out = append(out, l)
	}
	return out
}
