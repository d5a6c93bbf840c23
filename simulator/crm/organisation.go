// Package crm is the rehearsal organisation: three invented people with a CRM
// and mailboxes that partly hold the same contacts, meetings and tasks, so that
// a first sync has something to match, to complete, to create on both sides and
// to disagree about. Nobody in it is real.
package crm

import (
	"fmt"
	"strings"
	"time"

	"lockstep.dev/model"
)

// Organisation is what both sides hold before the first sync.
type Organisation struct {
	Users    []User
	Contacts []Record // what the CRM holds
	Events   []Record
	Tasks    []Record
}

// User is a person with a mailbox and what the mailbox holds.
type User struct {
	ID       string // CRM user id
	Name     string
	Address  string
	Password string // of the simulated mail server
	Contacts []Record
	Events   []Record
	Tasks    []Record
}

// Record is one thing on one side.
type Record struct {
	UID     string
	Owner   string // CRM user id; CRM side only
	Content model.Content
}

// New returns the organisation with dates around now.
func New(now time.Time) Organisation {
	b := &builder{day: now.UTC().Truncate(24 * time.Hour)}
	b.org.Users = []User{
		{ID: "u-ann", Name: "Ann Keller", Address: "ann@harbor.example", Password: "rehearsal"},
		{ID: "u-ben", Name: "Ben Okoye", Address: "ben@harbor.example", Password: "rehearsal"},
		{ID: "u-cleo", Name: "Cleo Marsh", Address: "cleo@harbor.example", Password: "rehearsal"},
	}
	for i := range b.org.Users {
		b.contacts(i)
		b.events(i)
		b.tasks(i)
	}
	b.meetings()
	return b.org
}

type builder struct {
	org Organisation
	day time.Time
}

func given() []string {
	return strings.Fields("Ada Bram Cora Dirk Edda Finn Greta Hugo Iris Jonas Kaja Leif Mona Nils Olga Per Quirin Rosa Sven Thea")
}

func family() []string {
	return strings.Fields("Abel Brandt Cronin Dahl Emmerich Falk Grieg Holm Ibsen Jansen Krohn Lund Moran Noor Olsen Petri Quist Rask Storm Thorne")
}

func companies() []string {
	return []string{"Northwind Boats", "Pier Seven Catering", "Quay Optics", "Rope and Sail", "Tidewater Freight"}
}

// contacts gives a user twenty people in the CRM and eighteen in the mailbox;
// fourteen of them are the same, three of those with another phone number and
// two with another position, which is an edit conflict.
func (b *builder) contacts(user int) {
	u := &b.org.Users[user]
	for n := range 24 {
		g, f := given()[(n+7*user)%20], family()[(n*3+user)%20]
		c := person(g, f, companies()[(n+user)%5], n, user)
		if n < 20 {
			b.org.Contacts = append(b.org.Contacts, Record{Owner: u.ID, Content: c})
		}
		if n < 6 {
			continue
		}
		mine := c.Clone()
		switch {
		case n < 9:
			mine.PutSet("phones", []model.Element{phone(fmt.Sprintf("+49 40 555%02d%02d", user, n), "cell")})
		case n < 11:
			mine.PutText("job_title", "Buyer")
		}
		u.Contacts = append(u.Contacts, Record{UID: fmt.Sprintf("card-%d-%d@harbor.example", user, n), Content: mine})
	}
}

func person(given, family, company string, n, user int) model.Content {
	c := model.Content{}
	c.PutText("full_name", given+" "+family)
	c.PutText("given_name", given)
	c.PutText("family_name", family)
	c.PutText("organization", company)
	c.PutText("job_title", []string{"Purchasing", "Owner", "Engineer", "Accounts"}[n%4])
	address := strings.ToLower(given+"."+family) + fmt.Sprintf("%d@%s.example", user, strings.ToLower(strings.ReplaceAll(company, " ", "-")))
	c.PutSet("emails", []model.Element{{Key: address, Text: address, Attr: map[string]string{"type": "work"}}})
	c.PutSet("phones", []model.Element{phone(fmt.Sprintf("+49 40 100%02d%02d", user, n), "work")})
	if n%5 == 0 {
		c.PutText("notes", "Prefers to be called in the morning.")
	}
	return c
}

func phone(text, kind string) model.Element {
	key := strings.ReplaceAll(text, " ", "")
	return model.Element{Key: key, Text: text, Attr: map[string]string{"type": kind}}
}

// events gives a user appointments of their own on each side.
func (b *builder) events(user int) {
	u := &b.org.Users[user]
	for n := range 6 {
		c := b.event([]string{"Call with the yard", "Visit the warehouse", "Offer review", "Contract talk", "Trade fair", "Site survey"}[n], 2+n*3+user, 9+n, 60)
		c.PutText("location", companies()[n%5])
		c.PutText("organizer", u.Address)
		if n < 4 {
			b.org.Events = append(b.org.Events, Record{Owner: u.ID, UID: fmt.Sprintf("crm-event-%d-%d@harbor.example", user, n), Content: c})
		} else {
			delete(c, "organizer")
			u.Events = append(u.Events, Record{UID: fmt.Sprintf("own-%d-%d@harbor.example", user, n), Content: c})
		}
	}
	weekly := b.event("Inventory round", 1+user, 8, 30)
	weekly.PutText("recurrence", "RRULE:FREQ=WEEKLY;COUNT=10")
	weekly.PutText("time_zone", "Europe/Berlin")
	u.Events = append(u.Events, Record{UID: fmt.Sprintf("weekly-%d@harbor.example", user), Content: weekly})
	holiday := model.Content{}
	holiday.PutText("title", "Day off "+strings.Fields(u.Name)[0])
	holiday.PutText("start", b.day.AddDate(0, 0, 20+user).Format("2006-01-02"))
	holiday.PutText("end", b.day.AddDate(0, 0, 21+user).Format("2006-01-02"))
	u.Events = append(u.Events, Record{UID: fmt.Sprintf("off-%d@harbor.example", user), Content: holiday})
}

func (b *builder) event(title string, days, hour, minutes int) model.Content {
	start := b.day.AddDate(0, 0, days).Add(time.Duration(hour) * time.Hour)
	c := model.Content{}
	c.PutText("title", title)
	c.PutText("start", start.Format("2006-01-02T15:04:05Z"))
	c.PutText("end", start.Add(time.Duration(minutes)*time.Minute).Format("2006-01-02T15:04:05Z"))
	return c
}

// meetings puts four meetings into every mailbox; the CRM holds two of them,
// one with another room.
func (b *builder) meetings() {
	for n, title := range []string{"Monday planning", "Quarter review", "Safety drill", "Price list 2"} {
		c := b.event(title, 3+n*4, 10, 45)
		c.PutText("location", "Harbor room")
		c.PutText("organizer", b.org.Users[0].Address)
		var set []model.Element
		for _, u := range b.org.Users {
			e := model.Element{Key: u.Address, Text: u.Name}
			if u.ID == "u-ann" {
				e.Attr = map[string]string{"status": "accepted"}
			}
			set = append(set, e)
		}
		c.PutSet("attendees", set)
		uid := fmt.Sprintf("meeting-%d@harbor.example", n)
		for i := range b.org.Users {
			b.org.Users[i].Events = append(b.org.Users[i].Events, Record{UID: uid, Content: c})
		}
		if n < 2 {
			mine := c.Clone()
			if n == 1 {
				mine.PutText("location", "Room 2")
			}
			b.org.Events = append(b.org.Events, Record{Owner: b.org.Users[0].ID, UID: uid, Content: mine})
		}
	}
}

// tasks gives a user five tasks, of which both sides hold two.
func (b *builder) tasks(user int) {
	u := &b.org.Users[user]
	for n, title := range []string{"Send the offer", "Check the invoice", "Order samples", "Renew the insurance", "Book the crane"} {
		c := model.Content{}
		c.PutText("title", title)
		c.PutText("due", b.day.AddDate(0, 0, 4+n).Format("2006-01-02"))
		c.PutText("priority", fmt.Sprint(1+n))
		if n < 4 {
			b.org.Tasks = append(b.org.Tasks, Record{Owner: u.ID, Content: c})
		}
		if n > 1 {
			u.Tasks = append(u.Tasks, Record{UID: fmt.Sprintf("task-%d-%d@harbor.example", user, n), Content: c})
		}
	}
}
