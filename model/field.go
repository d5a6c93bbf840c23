package model

import "slices"

// Field declares one field of a kind's canonical content. This table is the
// one place that says which fields exist, which are sets and which are
// personal (design decision 4: personal fields never leave their mailbox).
type Field struct {
	Name     string
	Set      bool
	Personal bool
	Prose    bool // text of many lines, which can be merged line by line
	// Sensitive marks the properties whose change attendees must hear of
	// (Dynamics sync-logic: subject, body, location, times, attendees,
	// organizer, recurrence; RFC 5546 section 2.1.4 adds the status).
	Sensitive bool
	Means     string
}

// Fields returns the fields of a kind, in the order in which people see them.
//
// The text fields overrides and alarms are iCalendar components one after
// another, lines ended by CRLF and not folded (RFC 5545 3.1), properties sorted
// as bytes, parameters sorted by name, zones under their IANA names; so equal
// ones have equal texts. Times stand as iCalendar writes them, in UTC or with
// TZID.
//
// In overrides a VEVENT has a RECURRENCE-ID, which names the slot it replaces
// (as a moment: 090000 in Berlin and 080000Z are one), and the properties that
// are shared: no UID, DTSTAMP, CREATED, LAST-MODIFIED, SEQUENCE or X- property,
// and no CATEGORIES, TRANSP or VALARM, which are personal. STATUS:CANCELLED
// means the same as an EXDATE in recurrence.
//
// In alarms a VALARM has no UID, ACKNOWLEDGED, RELATED-TO or X- property.
//
// start, end (or due), time_zone, recurrence and overrides of a series are one
// object: plan compares them by the occurrences they come to.
func Fields(k Kind) []Field {
	switch k {
	case Contact:
		return contactFields()
	case Event:
		return eventFields()
	case Task:
		return taskFields()
	default:
		return nil
	}
}

// SharedFields returns the names of a kind's fields that may travel.
func SharedFields(k Kind) []string {
	var out []string
	for _, f := range Fields(k) {
		if !f.Personal {
			out = append(out, f.Name)
		}
	}
	return out
}

// IsSet reports whether a kind's field is a set.
func IsSet(k Kind, name string) bool {
	for _, f := range Fields(k) {
		if f.Name == name {
			return f.Set
		}
	}
	return false
}

// Significant reports whether attendees must hear of the change of these fields
// from have to want. That somebody answered the invitation is no such change:
// the answer is the attendee's own (RFC 5546 section 3.2.3).
func Significant(k Kind, have, want Content, changed []string) bool {
	for _, f := range Fields(k) {
		if !f.Sensitive || !slices.Contains(changed, f.Name) {
			continue
		}
		if f.Name != "attendees" || !invited(have).Equal(invited(want)) {
			return true
		}
	}
	return false
}

// invited is who takes part and how, without the answers.
func invited(c Content) Value {
	var out []Element
	for _, e := range c.Set("attendees") {
		out = append(out, Element{Key: e.Key, Attr: map[string]string{"role": e.Attr["role"]}})
	}
	return Value{Set: out}
}

func contactFields() []Field {
	return []Field{
		{Name: "full_name", Means: "name as displayed"},
		{Name: "given_name", Means: "first name"},
		{Name: "middle_name", Means: "further given names, separated by one space"},
		{Name: "family_name", Means: "last name"},
		{Name: "prefix", Means: "title before the name"},
		{Name: "suffix", Means: "what follows the name"},
		{Name: "nickname", Means: "nickname"},
		{Name: "organization", Means: "company"},
		{Name: "department", Means: "unit within the company"},
		{Name: "job_title", Means: "position"},
		{Name: "emails", Set: true, Means: "e-mail addresses; key: FoldAddress; attributes: type (home, work, other), label (the user's own word for it, beside or instead of a type), preferred (1)"},
		{Name: "phones", Set: true, Means: "telephone numbers; key: PhoneKey; attributes: type (home, work, cell, fax, other), label, preferred"},
		{Name: "addresses", Set: true, Means: "postal addresses; key: AddressKey; attributes: type (home, work, other), label, preferred (1), street, city, region, postal_code, country, po_box, extended"},
		{Name: "urls", Set: true, Means: "web addresses; key: the address"},
		{Name: "birthday", Means: "YYYY-MM-DD, or --MM-DD without the year"},
		{Name: "notes", Prose: true, Means: "free text"},
		{Name: "photo", Means: "data: URI or link"},
		{Name: "categories", Set: true, Personal: true, Means: "the mailbox's own labels; key: folded text"},
	}
}

func eventFields() []Field {
	return []Field{
		{Name: "title", Sensitive: true, Means: "subject"},
		{Name: "description", Prose: true, Sensitive: true, Means: "body as plain text"},
		{Name: "location", Sensitive: true, Means: "where"},
		{Name: "start", Sensitive: true, Means: "2006-01-02T15:04:05Z (an instant), 2006-01-02T15:04:05 (floating) or 2006-01-02 (all day)"},
		{Name: "end", Sensitive: true, Means: "as start; exclusive; all-day: the day after the last"},
		{Name: "time_zone", Means: "IANA zone in which the event is meant; empty = UTC, floating or all day"},
		{Name: "recurrence", Sensitive: true, Means: "RRULE, RDATE and EXDATE content lines, one a line, sorted (RFC 5545 3.8.5)"},
		{Name: "overrides", Sensitive: true, Means: "changed occurrences as iCalendar text: one VEVENT each, sorted by the moment that its RECURRENCE-ID names; see Fields"},
		{Name: "organizer", Sensitive: true, Means: "folded e-mail address of the organizer"},
		{Name: "attendees", Set: true, Sensitive: true, Means: "invited people; key: FoldAddress; text: name; attributes: status (accepted, declined, tentative; absent = no answer), role (optional, resource; absent = required)"},
		{Name: "status", Sensitive: true, Means: "tentative or cancelled; absent = confirmed"},
		{Name: "class", Means: "private or confidential; absent = public (RFC 5545 3.8.1.3)"},
		{Name: "url", Means: "link"},
		{Name: "attachments", Set: true, Means: "linked documents; key: the address; text: the file's name; attributes: type (media type)"},
		{Name: "transparency", Personal: true, Means: "free; absent = busy"},
		{Name: "alarms", Personal: true, Means: "reminders as iCalendar text: one VALARM each, sorted; see Fields"},
		{Name: "categories", Set: true, Personal: true, Means: "the mailbox's own labels; key: folded text"},
	}
}

func taskFields() []Field {
	return []Field{
		{Name: "title", Means: "subject"},
		{Name: "description", Prose: true, Means: "body as plain text"},
		{Name: "start", Means: "as an event's start"},
		{Name: "due", Means: "as an event's start"},
		{Name: "time_zone", Means: "IANA zone of start and due; empty = UTC, floating or dates"},
		{Name: "completed", Means: "when it was completed: an instant"},
		{Name: "percent", Means: "0 to 100; absent = 0"},
		{Name: "status", Means: "in-process, completed or cancelled; absent = needs action"},
		{Name: "priority", Means: "1 (highest) to 9 (RFC 5545 3.8.1.9); absent = none"},
		{Name: "recurrence", Means: "as an event's"},
		{Name: "class", Means: "as an event's"},
		{Name: "url", Means: "link"},
		{Name: "alarms", Personal: true, Means: "reminders as iCalendar text: one VALARM each, sorted; see Fields"},
		{Name: "categories", Set: true, Personal: true, Means: "the mailbox's own labels; key: folded text"},
	}
}
