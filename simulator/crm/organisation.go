// Package crm is the rehearsal organisation: invented people with a CRM and
// mailboxes that partly hold the same contacts, meetings and tasks, so that a
// first sync has something to match, to complete, to create on both sides and
// to disagree about. Nobody in it is real.
package crm

import (
	"fmt"
	"strings"
	"time"

	"lockstep.dev/model"
)

// usual is how many people the organisation has if nobody says otherwise.
const usual = 3

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

// New returns the organisation of three with dates around now.
func New(now time.Time) Organisation { return NewFor(now, usual) }

// NewFor returns an organisation of some people with dates around now. The
// same arguments give the same organisation.
func NewFor(now time.Time, people int) Organisation {
	b := &builder{day: now.UTC().Truncate(24 * time.Hour)}
	for i := range people {
		b.org.Users = append(b.org.Users, user(i))
	}
	for i := range b.org.Users {
		b.contacts(i)
		b.events(i)
		b.tasks(i)
	}
	if people > 0 {
		b.meetings()
	}
	return b.org
}

type builder struct {
	org Organisation
	day time.Time // midnight UTC of today
}

// user is the i-th person of the organisation.
func user(i int) User {
	names := strings.Fields("Ann Keller Ben Okoye Cleo Marsh Dora Lindt Emil Sato Fay Ruiz Gus Weber Hana Cole")
	first, last := names[2*i%len(names)], names[(2*i+1)%len(names)]
	id := strings.ToLower(first)
	if round := 2 * i / len(names); round > 0 {
		id += fmt.Sprint(round + 1)
		last += " " + strings.Repeat("I", round+1)
	}
	return User{ID: "u-" + id, Name: first + " " + last, Address: id + "@harbor.example", Password: "rehearsal"}
}

func companies() []string {
	return []string{"Northpier Boats", "Pier Seven Catering", "Quay Optics", "Rope and Sail", "Tidewater Freight"}
}

// set puts texts into a content: field, value, field, value...
func set(c model.Content, pairs ...string) model.Content {
	for i := 0; i+1 < len(pairs); i += 2 {
		c.PutText(pairs[i], pairs[i+1])
	}
	return c
}

// crmEvent notes what the CRM holds, event what a mailbox does.
func (b *builder) crmEvent(owner, uid string, c model.Content) {
	b.org.Events = append(b.org.Events, Record{Owner: owner, UID: uid, Content: c})
}

func (u *User) event(uid string, c model.Content) {
	u.Events = append(u.Events, Record{UID: uid, Content: c})
}
