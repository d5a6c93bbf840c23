package connectortest

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"lockstep.dev/model"
)

// sampleUID is the identifier of the n-th item that a law creates.
func sampleUID(n int) string { return fmt.Sprintf("law-%d@connectortest.example", n) }

// sample is what the field laws write into one field: a value, another one, and
// the fields that must be there for it to make sense.
type sample struct {
	field  string
	values []model.Value
	needs  model.Content
	stays  bool // it cannot be cleared while its needs are there
}

// required lists the fields that an item cannot be without.
func required(kind model.Kind) []string {
	switch kind {
	case model.Contact:
		return []string{"full_name"}
	case model.Event:
		return []string{"title", "start", "end"}
	default:
		return []string{"title"}
	}
}

// minimal is the least content that every system stores, told apart by n.
func minimal(kind model.Kind, n int) model.Content {
	c := model.Content{}
	switch kind {
	case model.Contact:
		c.PutText("full_name", fmt.Sprintf("Ada Sample %d", n))
	case model.Event:
		c.PutText("title", fmt.Sprintf("Sample meeting %d", n))
		c.PutText("start", "2031-03-04T09:00:00Z")
		c.PutText("end", "2031-03-04T10:00:00Z")
	default:
		c.PutText("title", fmt.Sprintf("Sample task %d", n))
	}
	return c
}

// full is a content with a value in every one of the given fields that can
// stand together.
func full(kind model.Kind, n int, fields []string) model.Content {
	c := minimal(kind, n)
	for _, s := range samples(kind) {
		if s.field == "completed" || s.field == "status" || s.field == "overrides" {
			continue // each contradicts another sample
		}
		maps.Copy(c, s.needs)
	}
	for _, s := range samples(kind) {
		if s.field == "completed" || s.field == "status" || s.field == "overrides" {
			continue
		}
		if !slices.Contains(required(kind), s.field) {
			c[s.field] = s.values[0]
		}
	}
	return c.Only(fields)
}

// samples returns one sample for each field of a kind.
func samples(kind model.Kind) []sample {
	switch kind {
	case model.Contact:
		return contactSamples()
	case model.Event:
		return eventSamples()
	default:
		return taskSamples()
	}
}

func contactSamples() []sample {
	return []sample{
		{field: "full_name", values: texts("Dr. Ada B. Sample-Müller", "Ada; Sample, Ph.D. \\ 李")},
		{field: "given_name", values: texts("Ada", "Adé")},
		{field: "middle_name", values: texts("Béatrice Carol", "B.")},
		{field: "family_name", values: texts("Sample-Müller", "O;Brien, von")},
		{field: "prefix", values: texts("Dr.", "Prof.")},
		{field: "suffix", values: texts("MSc", "Jr.")},
		{field: "nickname", values: texts("Adi", "Addie")},
		{field: "organization", values: texts("Sample & Sons; Ltd.", "Example, Inc.")},
		{field: "department", values: texts("Research", "Sales; North"), needs: content("organization", "Example, Inc.")},
		{field: "job_title", values: texts("Head of research", "Director")},
		{field: "emails", values: sets(emailsOne(), emailsTwo())},
		{field: "phones", values: sets(phonesOne(), phonesTwo())},
		{field: "addresses", values: sets(addressesOne(), addressesTwo())},
		{field: "urls", values: sets(
			[]model.Element{{Key: "https://www.example.com/ada?x=1,2;3", Text: "https://www.example.com/ada?x=1,2;3"}},
			[]model.Element{{Key: "https://blog.example.com/", Text: "https://blog.example.com/"}})},
		{field: "birthday", values: texts("1985-10-12", "--02-29")},
		{field: "notes", values: texts("First line,\nsecond; line \\ with ümläuts.", "Another note.")},
		{field: "photo", values: texts("data:image/png;base64,iVBORw0KGgo=", "https://www.example.com/ada.png")},
		{field: "categories", values: labels()},
	}
}

func emailsOne() []model.Element {
	return []model.Element{
		{Key: "ada@example.com", Text: "Ada@Example.com", Attr: map[string]string{"type": "work", "preferred": "1"}},
		{Key: "ada@home.example", Text: "ada@home.example", Attr: map[string]string{"type": "home"}},
	}
}

func emailsTwo() []model.Element {
	return []model.Element{
		{Key: "ada@home.example", Text: "ada@home.example", Attr: map[string]string{"type": "other", "label": "Weekend"}},
	}
}

func phonesOne() []model.Element {
	return []model.Element{
		{Key: "+442079460101", Text: "+44 20 7946 0101", Attr: map[string]string{"type": "work", "preferred": "1"}},
		{Key: "+447700900123", Text: "+44 7700 900123", Attr: map[string]string{"type": "cell"}},
	}
}

func phonesTwo() []model.Element {
	return []model.Element{
		{Key: "02079460199", Text: "020-7946 0199", Attr: map[string]string{"type": "fax"}},
		{Key: "+447700900123", Text: "+44 7700 900123", Attr: map[string]string{"type": "home"}},
	}
}

// address builds an element as model.Fields declares it.
func address(kind, street, city, code, country string) model.Element {
	return model.Element{
		Key:  model.FoldText(street + " " + code + " " + city),
		Attr: map[string]string{"type": kind, "street": street, "city": city, "postal_code": code, "country": country},
	}
}

func addressesOne() []model.Element {
	return []model.Element{
		address("work", "1 Sample Road; Unit 2", "Exampleton", "EX1 2AM", "United Kingdom"),
		address("home", "Musterweg 5", "Beispielstadt", "01234", "Germany"),
	}
}

func addressesTwo() []model.Element {
	return []model.Element{address("work", "9 Other Street", "Exampleton", "EX9 9EX", "United Kingdom")}
}

func eventSamples() []sample {
	series := content("recurrence", "RRULE:FREQ=WEEKLY;COUNT=6")
	return []sample{
		{field: "title", values: texts("Review; of, the \\ year – 年", "Renamed")},
		{field: "description", values: texts("Agenda:\n1. figures, 2. plans; 3. \\ rest", "Short.")},
		{field: "location", values: texts("Room 5, 2nd floor; left", "Online")},
		{field: "start", values: texts("2031-03-04T08:30:00Z", "2031-03-04T07:00:00Z")},
		{field: "end", values: texts("2031-03-04T11:30:00Z", "2031-03-05T10:00:00Z")},
		{field: "time_zone", values: texts("Europe/Berlin", "America/New_York")},
		{field: "recurrence", values: texts("RRULE:FREQ=WEEKLY;COUNT=6", "EXDATE:20310318T090000Z\nRRULE:FREQ=WEEKLY;COUNT=8")},
		{field: "overrides", values: texts(override("20310311T110000Z"), override("20310311T140000Z")), needs: series},
		{field: "organizer", values: texts("ada@example.com", "bob@example.com"), needs: attendees("cleo@example.com"), stays: true},
		{field: "attendees", values: sets(attendeesOne(), attendeesTwo()), needs: content("organizer", "ada@example.com")},
		{field: "status", values: texts("tentative", "cancelled")},
		{field: "class", values: texts("private", "confidential")},
		{field: "url", values: texts("https://www.example.com/meet/1?a=b,c", "https://meet.example.com/2")},
		{field: "attachments", values: sets(documentsOne(), documentsTwo())},
		{field: "transparency", values: texts("free")},
		{field: "alarms", values: texts(alarm("-PT15M"), alarm("-PT1H"))},
		{field: "categories", values: labels()},
	}
}

func attendeesOne() []model.Element {
	return []model.Element{
		{Key: "ada@example.com", Text: "Ada Sample", Attr: map[string]string{"status": "accepted"}},
		{Key: "bob@example.com", Text: "Bob O'Sample, Jr.", Attr: map[string]string{"status": "tentative", "role": "optional"}},
		{Key: "cleo@example.com", Text: "Cleo"},
	}
}

func attendeesTwo() []model.Element {
	return []model.Element{
		{Key: "bob@example.com", Text: "Bob O'Sample, Jr.", Attr: map[string]string{"status": "declined", "role": "optional"}},
		{Key: "room5@example.com", Text: "Room 5", Attr: map[string]string{"role": "resource"}},
	}
}

func documentsOne() []model.Element {
	return []model.Element{
		{Key: "https://files.example.com/a,b;c?d=e", Text: "Agenda; \"final\", v2.pdf", Attr: map[string]string{"type": "application/pdf"}},
		{Key: "https://files.example.com/minutes", Text: "Protokoll für März.txt"},
	}
}

func documentsTwo() []model.Element {
	return []model.Element{{Key: "https://files.example.com/minutes", Attr: map[string]string{"type": "text/plain"}}}
}

// override is one changed occurrence of a weekly series that starts at the time
// of the minimal event (RFC 5545 3.8.4.4), its lines sorted and without what
// belongs to the series.
func override(start string) string {
	return strings.Join([]string{
		"BEGIN:VEVENT", "DTSTART:" + start, "DURATION:PT1H", "RECURRENCE-ID:20310311T090000Z", "SUMMARY:Moved", "END:VEVENT", "",
	}, "\r\n")
}

// alarm is a reminder (RFC 5545 3.6.6).
func alarm(trigger string) string {
	return strings.Join([]string{
		"BEGIN:VALARM", "ACTION:DISPLAY", "DESCRIPTION:Reminder", "TRIGGER:" + trigger, "END:VALARM", "",
	}, "\r\n")
}

func taskSamples() []sample {
	return []sample{
		{field: "title", values: texts("Call; the, customer \\ again", "Renamed")},
		{field: "description", values: texts("Ask about:\n- prices, terms;\n- dates", "Short.")},
		{field: "start", values: texts("2031-03-04T08:30:00Z", "2031-03-03")},
		{field: "due", values: texts("2031-03-08T16:00:00Z", "2031-03-09")},
		{field: "time_zone", values: texts("Europe/Berlin", "America/New_York"), needs: content("due", "2031-03-08T16:00:00Z")},
		{field: "completed", values: texts("2031-03-05T12:00:00Z", "2031-03-06T12:00:00Z"), needs: content("status", "completed")},
		{field: "percent", values: texts("40", "75")},
		{field: "status", values: texts("in-process", "cancelled")},
		{field: "priority", values: texts("1", "9")},
		{field: "recurrence", values: texts("RRULE:FREQ=WEEKLY;COUNT=6", "RRULE:FREQ=DAILY;COUNT=3"), needs: content("start", "2031-03-04T09:00:00Z")},
		{field: "class", values: texts("private", "confidential")},
		{field: "url", values: texts("https://www.example.com/case/1", "https://www.example.com/case/2")},
		{field: "alarms", values: texts(alarm("-PT15M"), alarm("-PT1H")), needs: content("due", "2031-03-08T16:00:00Z", "start", "2031-03-04T09:00:00Z")},
		{field: "categories", values: labels()},
	}
}

// shapes are contents that go through as a whole: all-day and floating times,
// series with changed occurrences, finished tasks.
func shapes(kind model.Kind) map[string]model.Content {
	switch kind {
	case model.Event:
		return map[string]model.Content{
			"all day":  content("title", "Fair", "start", "2031-03-04", "end", "2031-03-06"),
			"floating": content("title", "Wake up", "start", "2031-03-04T07:00:00", "end", "2031-03-04T07:15:00"),
			"series in a zone": content("title", "Weekly", "start", "2031-03-04T09:00:00Z", "end", "2031-03-04T10:00:00Z",
				"time_zone", "Europe/Berlin", "recurrence", "RRULE:FREQ=WEEKLY;COUNT=6"),
			"all-day series": content("title", "Holiday", "start", "2031-03-04", "end", "2031-03-05",
				"recurrence", "EXDATE;VALUE=DATE:20320304\nRRULE:FREQ=YEARLY;COUNT=6"),
		}
	case model.Task:
		return map[string]model.Content{
			"day":      content("title", "Invoice", "due", "2031-03-04"),
			"floating": content("title", "Stretch", "start", "2031-03-04T07:00:00", "due", "2031-03-04T07:15:00"),
			"finished": content("title", "Report", "status", "completed", "completed", "2031-03-05T12:00:00Z", "percent", "100"),
		}
	default:
		return map[string]model.Content{}
	}
}

// content builds a content of texts from pairs of field and value.
func content(pairs ...string) model.Content {
	c := model.Content{}
	for i := 0; i+1 < len(pairs); i += 2 {
		c.PutText(pairs[i], pairs[i+1])
	}
	return c
}

// attendees is a content that invites one person.
func attendees(address string) model.Content {
	c := model.Content{}
	c.PutSet("attendees", []model.Element{{Key: address, Text: "Cleo"}})
	return c
}

func texts(values ...string) []model.Value {
	out := make([]model.Value, 0, len(values))
	for _, v := range values {
		out = append(out, model.Value{Text: v})
	}
	return out
}

func sets(values ...[]model.Element) []model.Value {
	out := make([]model.Value, 0, len(values))
	for _, v := range values {
		out = append(out, model.Value{Set: model.NormalSet(v)})
	}
	return out
}

func labels() []model.Value {
	return sets(
		[]model.Element{{Key: "lockstep", Text: "Lockstep"}, {Key: "a, b", Text: "A, b"}},
		[]model.Element{{Key: "important", Text: "Important"}})
}
