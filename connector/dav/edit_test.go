package dav

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"lockstep.dev/model"
)

// rich lists real-looking objects: files in testdata.
func rich() map[string]model.Kind {
	return map[string]model.Kind{
		"apple.vcf": model.Contact, "v21.vcf": model.Contact, "v4.vcf": model.Contact, "outlook.ics": model.Event,
		"duration.ics": model.Event, "reminder.ics": model.Task,
	}
}

func read(t testing.TB, file string) []byte {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", file))
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// touches lists the properties that writing a field may change.
func touches(kind model.Kind, field string) []string {
	switch field {
	case "full_name":
		return []string{"FN"}
	case "given_name", "middle_name", "family_name", "prefix", "suffix":
		return []string{"N"}
	case "nickname":
		return []string{"NICKNAME"}
	case "organization", "department":
		return []string{"ORG"}
	case "job_title":
		return []string{"TITLE"}
	case "emails":
		return []string{"EMAIL", "X-ABLABEL"}
	case "phones":
		return []string{"TEL", "X-ABLABEL"}
	case "addresses":
		return []string{"ADR", "X-ABLABEL", "X-ABADR"}
	case "urls":
		return []string{"URL", "X-ABLABEL"}
	case "birthday":
		return []string{"BDAY"}
	case "notes":
		return []string{"NOTE"}
	case "photo":
		return []string{"PHOTO"}
	case "title":
		return []string{"SUMMARY"}
	case "description":
		return []string{"DESCRIPTION", "X-ALT-DESC"}
	case "start":
		return []string{"DTSTART", "DURATION", "DTEND"}
	case "end":
		return []string{"DTEND", "DURATION"}
	case "time_zone":
		return []string{"DTSTART", "DTEND", "DUE"}
	case "recurrence":
		return []string{"RRULE", "EXDATE", "RDATE"}
	case "organizer":
		return []string{"ORGANIZER"}
	case "attendees":
		return []string{"ATTENDEE", "ORGANIZER"}
	case "transparency":
		return []string{"TRANSP"}
	case "attachments":
		return []string{"ATTACH"}
	case "percent":
		return []string{"PERCENT-COMPLETE"}
	}
	return []string{strings.ToUpper(field)}
}

// samplesOf are values to set each field to, the empty one last.
func samplesOf(kind model.Kind, field string) []model.Value {
	text := func(values ...string) []model.Value {
		var out []model.Value
		for _, v := range append(values, "") {
			out = append(out, model.Value{Text: v})
		}
		return out
	}
	set := func(es ...model.Element) []model.Value {
		return []model.Value{{Set: model.NormalSet(es)}, {}}
	}
	switch field {
	case "emails":
		return set(
			model.Element{Key: "ada@example.com", Text: "Ada@Example.com", Attr: map[string]string{"type": "home", "label": "New label"}},
			model.Element{Key: "new@example.com", Text: "new@example.com", Attr: map[string]string{"type": "work"}})
	case "phones":
		return set(model.Element{Key: "+442079460101", Text: "+44 20 7946 0101", Attr: map[string]string{"type": "cell"}})
	case "addresses":
		attr := map[string]string{"street": "2 New Road", "city": "Exampleton", "postal_code": "EX1 2AM"}
		return set(model.Element{Key: model.AddressKey(attr), Attr: attr})
	case "urls":
		return set(model.Element{Key: "https://new.example.com", Text: "https://new.example.com"})
	case "categories":
		return set(model.Element{Key: "lockstep", Text: "Lockstep"}, model.Element{Key: "new", Text: "New"})
	case "attendees":
		return set(model.Element{Key: "cleo@example.com", Text: "Cleo", Attr: map[string]string{"status": "accepted"}}, model.Element{Key: "dan@example.com", Text: "Dan"})
	case "attachments":
		return set(model.Element{Key: "https://new.example.com/a,b;c", Text: "A b.pdf", Attr: map[string]string{"type": "application/pdf"}},
			model.Element{Key: "ftp://example.com/old.txt"})
	case "birthday":
		return text("1985-10-12", "--12-24")
	case "photo":
		return text("https://www.example.com/p.png", "data:image/gif;base64,R0lGODlhAQABAAAAACw=")
	case "start":
		return text("2026-03-10T08:00:00Z")
	case "end", "due":
		return text("2026-03-12T12:00:00Z")
	case "time_zone":
		return text("Europe/London")
	case "recurrence":
		return text("RRULE:FREQ=DAILY;COUNT=3")
	case "overrides":
		return text("BEGIN:VEVENT\r\nDTSTART:20260331T120000Z\r\nRECURRENCE-ID:20260331T080000Z\r\nSUMMARY:Another\r\nEND:VEVENT\r\n")
	case "alarms":
		return text("BEGIN:VALARM\r\nACTION:AUDIO\r\nTRIGGER:-PT1H\r\nEND:VALARM\r\n")
	case "organizer":
		return text("bob@example.com")
	case "status", "class":
		return text(map[string]string{"status": "cancelled", "class": "confidential"}[field])
	case "transparency":
		return text("free")
	case "completed":
		return text("2026-03-11T12:00:00Z")
	case "percent":
		return text("75")
	case "priority":
		return text("9")
	case "url":
		return text("https://new.example.com/?a,b")
	}
	return text("Something; else, entirely\\ now")
}

// I11: an edit of one field of a real object changes the lines of that field
// and no other byte.
func TestEditTouchesOnlyTheFieldsOwnLines(t *testing.T) {
	c := newConverter()
	for file, kind := range rich() {
		raw := read(t, file)
		before := readContent(t, c, kind, raw)
		for _, f := range model.Fields(kind) {
			for _, value := range samplesOf(kind, f.Name) {
				want := before.Clone()
				want.Put(f.Name, value)
				edited, fail := c.change(model.Operation{Ref: model.Ref{Kind: kind}, Content: want, Changed: []string{f.Name}}, raw, someEnvironment())
				if fail != nil {
					t.Fatalf("%s: %s: %v", file, f.Name, fail.fault)
				}
				checkTouched(t, file, kind, f.Name, raw, edited)
				checkMeaning(t, file, kind, f.Name, before, want, readContent(t, c, kind, edited))
			}
		}
	}
}

func checkTouched(t *testing.T, file string, kind model.Kind, field string, raw, edited []byte) {
	t.Helper()
	gone, added := changedLines(raw, edited)
	inBlock := field == "overrides" || field == "alarms"
	zone := false
	for _, l := range append(gone, added...) {
		name := lineName(l)
		if l == "BEGIN:VTIMEZONE\r\n" {
			zone = true
		}
		if inBlock || zone && slices.Contains(added, l) {
			continue
		}
		if !slices.Contains(touches(kind, field), name) {
			t.Errorf("%s: writing %s touched %q", file, field, l)
		}
	}
	if inBlock && !strings.HasPrefix(string(edited), string(raw[:strings.Index(string(raw), "SUMMARY")])) {
		t.Errorf("%s: writing %s touched what stands before", file, field)
	}
}

func lineName(l string) string {
	end := strings.IndexAny(l, ":;")
	if end < 0 {
		return l
	}
	name := strings.ToUpper(l[:end])
	return name[strings.LastIndexByte(name, '.')+1:]
}

// checkMeaning allows the fields that follow from the one written.
func checkMeaning(t *testing.T, file string, kind model.Kind, field string, before, want, got model.Content) {
	t.Helper()
	for _, d := range model.Differing(want, got) {
		cleared := len(want[field].Set) == 0 && want[field].Text == ""
		switch {
		case field == "full_name" && cleared: // FN is mandatory
		case field == "start" && cleared, field == "end" && cleared, field == "due" && cleared && d == "time_zone":
		case field == "time_zone" && kind == model.Event && d == "overrides":
		case d != field:
			t.Errorf("%s: writing %s changed %s:\nwant %s\n got %s", file, field, d, want.Only([]string{d}).Encode(), got.Only([]string{d}).Encode())
		default:
			t.Errorf("%s: %s reads %s, want %s", file, field, got.Only([]string{d}).Encode(), want.Only([]string{d}).Encode())
		}
	}
	_ = before
}

// What is read and written to a new object reads the same: converting is
// idempotent.
func TestConvertingTwiceChangesNothing(t *testing.T) {
	c := newConverter()
	for file, kind := range rich() {
		once := readContent(t, c, kind, read(t, file))
		twice := readContent(t, c, kind, createBytes(t, c, kind, once))
		if d := model.Differing(once, twice); len(d) > 0 {
			t.Errorf("%s: differs in %v:\n%s\n%s", file, d, once.Only(d).Encode(), twice.Only(d).Encode())
		}
	}
}

// Writing every field as it is leaves every byte (a time that was not edited
// keeps its bytes, B15).
func TestWritingWhatIsThereLeavesEveryByte(t *testing.T) {
	c := newConverter()
	for file, kind := range rich() {
		raw := read(t, file)
		content := readContent(t, c, kind, raw)
		var all []string
		for _, f := range model.Fields(kind) {
			all = append(all, f.Name)
		}
		same, fail := c.change(model.Operation{Ref: model.Ref{Kind: kind}, Content: content, Changed: all}, raw, someEnvironment())
		if fail != nil || string(same) != string(raw) {
			gone, added := changedLines(raw, same)
			t.Errorf("%s: %v: %q became %q", file, fail, gone, added)
		}
	}
}

// Our key and the categories come and go without a trace.
func TestStampsAndMarksLeaveNoTrace(t *testing.T) {
	for file, kind := range rich() {
		raw := read(t, file)
		stamped, fail := newConverter().stamp(raw, kind, "e1.mbx.0")
		if fail != nil {
			t.Fatal(fail.fault)
		}
		if it, _ := newConverter().item(model.Ref{Kind: kind}, stamped); it.Stamp != "e1.mbx.0" {
			t.Errorf("%s: stamp reads %q", file, it.Stamp)
		}
		if again, fail := newConverter().stamp(stamped, kind, ""); fail != nil || string(again) != string(raw) {
			t.Errorf("%s: unstamped it differs", file)
		}
		marked, fail := newConverter().label(raw, kind, []string{"Sync Error"}, nil)
		if fail != nil || !strings.Contains(string(marked), "Sync Error") {
			t.Errorf("%s: not marked", file)
		}
		if again, fail := newConverter().label(marked, kind, nil, []string{"sync error"}); fail != nil || strings.Contains(string(again), "Sync Error") {
			t.Errorf("%s: unmarked it differs", file)
		}
	}
}
