package store

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"lockstep.dev/model"
)

// Term is when credentials expire, as far as somebody said (requirement B23).
type Term struct {
	Mailbox    model.MailboxID // "" = the connection's own
	Connection model.ConnectionID
	Side       model.Side
	Expires    time.Time
}

// Dated is the code and the message of a warning; <date> in it is the day.
type Dated struct {
	Code, Message string
	Ahead         time.Duration // how long before somebody is told; 0 = nobody is
}

// expiries warns of credentials that expire soon, and ends the warnings of those
// that were renewed.
func (j *judge) expiries(terms []Term) {
	for _, t := range terms {
		k := key{t.Mailbox, t.Connection, t.Side}
		_, open := j.expiring[k]
		if t.Expires.After(j.now.Add(j.w.Expiry.Ahead)) {
			continue
		}
		delete(j.expiring, k)
		if !open {
			j.out.Raise = append(j.out.Raise, Alert{
				Mailbox: t.Mailbox, Connection: t.Connection, Workload: Credentials, Side: t.Side, Code: j.w.Expiry.Code,
				Message: strings.ReplaceAll(j.w.Expiry.Message, "<date>", t.Expires.UTC().Format(time.DateOnly)), First: j.now,
			})
		}
	}
	var renewed []Alert
	for _, a := range j.expiring {
		renewed = append(renewed, a)
	}
	slices.SortFunc(renewed, func(a, b Alert) int { return cmp.Compare(a.ID, b.ID) })
	for _, a := range renewed {
		j.end(a, false)
	}
}
