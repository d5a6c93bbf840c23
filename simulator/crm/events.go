package crm

import (
	"fmt"
	"strings"
	"time"

	"lockstep.dev/model"
)

const (
	instant = "2006-01-02T15:04:05Z"
	day     = "2006-01-02"
	compact = "20060102T150405Z"
)

// events gives a user appointments of their own on each side, and one series
// and one visit that both sides know under the same UID.
func (b *builder) events(user int) {
	u := &b.org.Users[user]
	for n, title := range []string{"Call with the yard", "Visit the warehouse", "Offer review", "Contract talk", "Trade fair", "Site survey"} {
		c := set(b.event(title, 2+n*3+user, 9+n, 60), "location", companies()[n%5])
		if n < 4 {
			// The customer is invited: creating this in a mailbox mails nobody.
			b.crmEvent(u.ID, fmt.Sprintf("crm-event-%d-%d@harbor.example", user, n), b.invite(c, u, b.customer(user, n)))
			continue
		}
		u.event(fmt.Sprintf("own-%d-%d@harbor.example", user, n), c)
	}
	b.known(user)
	b.series(user)
	u.event(fmt.Sprintf("off-%d@harbor.example", user), set(model.Content{}, "title", "Day off "+strings.Fields(u.Name)[0],
		"start", b.date(20+user), "end", b.date(21+user)))
	u.event(fmt.Sprintf("private-%d@harbor.example", user), set(b.event("Dentist", 6+user, 16, 30), "class", "private"))
	reminded := set(b.event("Ferry to the island", 9+user, 7, 90), "location", "Terminal 2", "transparency", "free")
	reminded.PutText("alarms", "BEGIN:VALARM\r\nACTION:DISPLAY\r\nDESCRIPTION:Reminder\r\nTRIGGER:-PT30M\r\nEND:VALARM\r\n")
	u.event(fmt.Sprintf("ferry-%d@harbor.example", user), reminded)
}

// known are appointments that both sides hold: one alike, one that was moved to
// another hour in the mailbox, which is an edit conflict, and one past.
func (b *builder) known(user int) {
	u := &b.org.Users[user]
	for n, title := range []string{"Visit of the surveyor", "Lunch with the agent", "Handover of the keys"} {
		days := []int{4 + user, 11 + user, -9 - user}[n]
		uid := fmt.Sprintf("known-%d-%d@harbor.example", user, n)
		c := set(b.event(title, days, 12, 60), "location", companies()[(n+user)%5], "description", "Bring the drawings.\nAsk about the date of delivery.")
		b.crmEvent(u.ID, uid, c)
		mine := c.Clone()
		if n == 1 {
			set(mine, "start", b.at(days, 13, 0), "end", b.at(days, 14, 0))
		}
		u.event(uid, mine)
	}
}

// series are recurring: one in the mailbox, one on both sides, and in the CRM
// one with a changed and a cancelled occurrence and one without end.
func (b *builder) series(user int) {
	u := &b.org.Users[user]
	u.event(fmt.Sprintf("weekly-%d@harbor.example", user), set(b.event("Inventory round", 1+user, 8, 30),
		"recurrence", "RRULE:FREQ=WEEKLY;COUNT=10", "time_zone", "Europe/Berlin"))

	both := fmt.Sprintf("both-weekly-%d@harbor.example", user)
	round := set(b.event("Sales round", 2+user, 9, 45), "recurrence", "RRULE:FREQ=WEEKLY;COUNT=12", "location", "Harbor room")
	b.crmEvent(u.ID, both, round)
	u.event(both, round.Clone())

	changed := fmt.Sprintf("crm-weekly-%d@harbor.example", user)
	moved, dropped := b.moment(10+user, 15), b.moment(17+user, 15)
	b.crmEvent(u.ID, changed, set(b.event("Customer hour", 3+user, 15, 60),
		"recurrence", "EXDATE:"+dropped.Format(compact)+"\nRRULE:FREQ=WEEKLY;COUNT=8",
		"overrides", strings.Join([]string{
			"BEGIN:VEVENT", "DTEND:" + moved.Add(2*time.Hour).Format(compact), "DTSTART:" + moved.Add(time.Hour).Format(compact),
			"RECURRENCE-ID:" + moved.Format(compact), "SUMMARY:Customer hour\\, an hour later", "END:VEVENT", "",
		}, "\r\n")))
	b.crmEvent(u.ID, fmt.Sprintf("crm-yearly-%d@harbor.example", user), set(model.Content{}, "title", "Regatta",
		"start", b.date(30+user), "end", b.date(32+user), "recurrence", "RRULE:FREQ=YEARLY"))
}

// meetings puts four meetings into every mailbox; the CRM holds two of them,
// one with another room. So the others are to be created there once, although
// every mailbox asks for it. A fifth was called off in the CRM.
func (b *builder) meetings() {
	for n, title := range []string{"Monday planning", "Quarter review", "Safety drill", "Price list", "Open house"} {
		c := set(b.event(title, 3+n*4, 10, 45), "location", "Harbor room", "organizer", b.org.Users[0].Address)
		var all []model.Element
		for i, u := range b.org.Users {
			e := model.Element{Key: u.Address, Text: u.Name}
			if i == 0 {
				e.Attr = map[string]string{"status": "accepted"}
			}
			all = append(all, e)
		}
		c.PutSet("attendees", all)
		uid := fmt.Sprintf("meeting-%d@harbor.example", n)
		if n == 4 {
			b.crmEvent(b.org.Users[0].ID, uid, set(c, "status", "cancelled"))
			continue
		}
		for i := range b.org.Users {
			b.org.Users[i].event(uid, c)
		}
		if n < 2 {
			mine := c.Clone()
			if n == 1 {
				mine.PutText("location", "Room 2")
			}
			b.crmEvent(b.org.Users[0].ID, uid, mine)
		}
	}
}

// customer is the n-th customer of a user, as somebody to invite.
func (b *builder) customer(user, n int) model.Element {
	u := b.org.Users[user]
	for _, r := range b.org.Contacts {
		if r.Owner != u.ID {
			continue
		}
		if n--; n < 0 {
			return model.Element{Key: r.Content.Set("emails")[0].Key, Text: r.Content.Text("full_name")}
		}
	}
	return model.Element{Key: "guest@quay-optics.example", Text: "Guest"}
}

// invite makes a user the organizer and invites somebody.
func (b *builder) invite(c model.Content, u *User, guest model.Element) model.Content {
	c.PutText("organizer", u.Address)
	c.PutSet("attendees", []model.Element{{Key: u.Address, Text: u.Name, Attr: map[string]string{"status": "accepted"}}, guest})
	return c
}

// event is an appointment some days from today.
func (b *builder) event(title string, days, hour, minutes int) model.Content {
	return set(model.Content{}, "title", title, "start", b.at(days, hour, 0), "end", b.at(days, hour, minutes))
}

func (b *builder) moment(days, hour int) time.Time {
	return b.day.AddDate(0, 0, days).Add(time.Duration(hour) * time.Hour)
}

func (b *builder) at(days, hour, minutes int) string {
	return b.moment(days, hour).Add(time.Duration(minutes) * time.Minute).Format(instant)
}

func (b *builder) date(days int) string { return b.day.AddDate(0, 0, days).Format(day) }
