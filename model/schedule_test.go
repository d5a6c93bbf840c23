package model

import (
	"strings"
	"testing"
	"time"
)

func hours(days, from, to string) Hours {
	return Hours{Days: strings.Fields(days), From: from, To: to}
}

func TestSchedule(t *testing.T) {
	office := Schedule{Zone: "Europe/Berlin", Peak: []Hours{hours("mon tue wed thu fri", "08:00", "18:00")}, OffPeak: Duration(2 * time.Hour)}
	night := Schedule{Zone: "Europe/Berlin", BlackOut: []Hours{hours("", "22:00", "04:00"), hours("sun", "04:00", "06:00")}}
	day := Schedule{BlackOut: []Hours{hours("sun", "00:00", "00:00")}}
	for _, c := range []struct {
		name string
		s    Schedule
		now  string // Berlin is one hour ahead of UTC in winter
		want time.Duration
	}{
		{"no schedule", Schedule{}, "2026-01-05T12:00:00Z", 5 * time.Minute},
		{"peak", office, "2026-01-05T12:00:00Z", 5 * time.Minute},
		{"off-peak", office, "2026-01-05T20:00:00Z", 2 * time.Hour},
		{"shortly before peak", office, "2026-01-05T06:30:00Z", 30 * time.Minute},
		{"weekend", office, "2026-01-10T12:00:00Z", 2 * time.Hour},
		{"before the black-out", night, "2026-01-05T20:00:00Z", 5 * time.Minute},
		{"into the black-out", night, "2026-01-05T20:58:00Z", 6*time.Hour + 2*time.Minute},
		{"after midnight", night, "2026-01-06T01:00:00Z", 2 * time.Hour},
		{"one black-out after the other", night, "2026-01-04T02:00:00Z", 3 * time.Hour},
		{"a whole day", day, "2026-01-04T12:00:00Z", 12 * time.Hour},
		{"a day without hours", day, "2026-01-05T12:00:00Z", 5 * time.Minute},
		// The night in which clocks go forward is an hour shorter.
		{"summer time begins", night, "2026-03-28T22:00:00Z", 6 * time.Hour},
	} {
		now, err := time.Parse(time.RFC3339, c.now)
		if err != nil {
			t.Fatal(err)
		}
		if got := c.s.complete().Gap(now, 5*time.Minute); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

// A policy that cannot work is refused, and the message names the key.
func TestWhatAPolicyRefuses(t *testing.T) {
	kind := func(k Kind, v KindPolicy) Policy { return Policy{Name: "p", Kinds: map[Kind]KindPolicy{k: v}} }
	plan := func(s Schedule) Policy { return Policy{Name: "p", Schedule: s} }
	for want, p := range map[string]Policy{
		`kinds.contact.direction: "up" is not one of`:                         kind(Contact, KindPolicy{Direction: "up"}),
		`kinds.contact.from_mail: nothing goes from the mailbox to the CRM`:   kind(Contact, KindPolicy{Direction: CRMToMail, FromMail: "all"}),
		`kinds.contact.mail_delete: nothing goes from the mailbox to the CRM`: kind(Contact, KindPolicy{Direction: CRMToMail, MailDelete: "delete"}),
		`kinds.event.from_crm: nothing goes from the CRM to the mailbox`:      kind(Event, KindPolicy{Direction: MailToCRM, FromCRM: "all"}),
		`kinds.event.crm_delete: nothing goes from the CRM to the mailbox`:    kind(Event, KindPolicy{Direction: MailToCRM, CRMDelete: "delete"}),
		`kinds.event.directions.colour: a event has no such field`:            kind(Event, KindPolicy{Directions: map[string]string{"colour": Both}}),
		`kinds.event.directions.alarms: the field never leaves its mailbox`:   kind(Event, KindPolicy{Directions: map[string]string{"alarms": Both}}),
		`kinds.event.directions.end: it goes the way of start`:                kind(Event, KindPolicy{Directions: map[string]string{"end": CRMToMail}}),
		`kinds.event.directions.title: "sideways" is not one of`:              kind(Event, KindPolicy{Directions: map[string]string{"title": "sideways"}}),
		`kinds.contact.filters[1].field: a contact has no field "colour"`:     kind(Contact, KindPolicy{Filters: []Filter{{Field: "colour", Is: []string{"x"}}}}),
		`kinds.contact.filters[1]: it says nothing about notes`:               kind(Contact, KindPolicy{Filters: []Filter{{Field: "notes"}}}),
		`kinds.contact.filters[1]: an empty text is in everything`:            kind(Contact, KindPolicy{Filters: []Filter{{Field: "notes", ContainsNot: []string{" "}}}}),
		`schedule.zone: "Mars/Base" is not a time zone`:                       plan(Schedule{Zone: "Mars/Base"}),
		`schedule.zone: "Local" is not a time zone`:                           plan(Schedule{Zone: "Local"}),
		`schedule.off_peak: a span of time cannot be negative`:                plan(Schedule{OffPeak: -1}),
		`schedule.peak[1].from: "8" is not a time of day`:                     plan(Schedule{Peak: []Hours{hours("", "8", "18:00")}}),
		`schedule.black_out[1].days: "monday" is not a day`:                   plan(Schedule{BlackOut: []Hours{hours("monday", "08:00", "18:00")}}),
		`schedule.black_out: no hour of the week is left`:                     plan(Schedule{BlackOut: []Hours{hours("", "00:00", "00:00")}}),
	} {
		if err := p.Check(); err == nil || !strings.HasPrefix(err.Error(), "policy p: "+want) {
			t.Errorf("says %v, want %q", err, want)
		}
	}
	for _, p := range []Policy{
		kind(Event, KindPolicy{Direction: CRMToMail}), kind(Event, KindPolicy{Direction: MailToCRM}).Complete(), kind(Event, KindPolicy{Direction: CRMToMail}).Complete(),
		plan(Schedule{Peak: []Hours{hours("mon", "22:00", "06:00")}}).Complete(),
	} {
		if err := p.Check(); err != nil {
			t.Error(err)
		}
	}
}
