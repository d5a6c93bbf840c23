package dav

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"
)

// Mail is a message that a server with automatic scheduling would have sent.
type Mail struct {
	At time.Time `db:"-"`
	// User is who caused it, by name.
	User string `db:"user"`
	// Method is the iTIP method: REQUEST, CANCEL or REPLY (RFC 5546 1.4).
	Method string `db:"method"`
	// Recipient is an e-mail address in lower case.
	Recipient string `db:"recipient"`
	UID       string `db:"uid"`
}

// Outbox returns the mails that would have been sent, oldest first. They
// survive a Restore: what is sent is sent.
func (s *Server) Outbox(ctx context.Context) ([]Mail, error) {
	type row struct {
		Mail
		Micros int64 `db:"at"`
	}
	rows, err := many[row](ctx, s.store.reader, `SELECT at, user, method, recipient, uid FROM mail ORDER BY id`)
	if err != nil {
		return nil, fmt.Errorf("read outbox: %w", err)
	}
	mails := make([]Mail, 0, len(rows))
	for _, r := range rows {
		r.At = time.UnixMicro(r.Micros)
		mails = append(mails, r.Mail)
	}
	return mails, nil
}

// ClearOutbox forgets the mails.
func (s *Server) ClearOutbox(ctx context.Context) error {
	err := s.store.write(ctx, func(tx *sqlx.Tx) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM mail`)
		return err
	})
	if err != nil {
		return fmt.Errorf("clear outbox: %w", err)
	}
	return nil
}

// recordMails notes what a change of a calendar object would send.
func (r *request) recordMails(tx *sqlx.Tx, c *collectionRow, old *objectRow, after []byte) error {
	if c.Kind != Calendar || r.behaviour.NoScheduling {
		return nil
	}
	var before []byte
	if old.alive() {
		before = old.Content
	}
	for _, m := range mailsFor(r.user.addresses(), before, after, r.silence()) {
		_, err := tx.ExecContext(r.Context(), `INSERT INTO mail (at, user, method, recipient, uid) VALUES (?, ?, ?, ?, ?)`,
			time.Now().UnixMicro(), r.user.Name, m.Method, m.Recipient, m.UID)
		if err != nil {
			return fmt.Errorf("record mail: %w", err)
		}
	}
	return nil
}

// silence is what the client asked to be kept quiet.
type silence struct{ attendee, organizer bool }

func (r *request) silence() silence {
	asked := strings.EqualFold(strings.TrimSpace(r.Header.Get("Schedule-Reply")), "F")
	return silence{
		attendee:  asked && r.Method == "DELETE", // RFC 6638 8.1
		organizer: asked && r.behaviour.ScheduleReplyCoversOrganizer,
	}
}

// meeting is what matters of a calendar object for scheduling.
type meeting struct {
	uid       string
	organizer string
	byServer  bool                // the organizer's SCHEDULE-AGENT is the server
	attendees map[string]attendee // by address
	essence   string              // everything attendees see, to notice changes
}

type attendee struct {
	byServer bool
	status   string // PARTSTAT of all instances
}

// readMeeting reads an object; nil content or anything unreadable has no
// attendees.
func readMeeting(content []byte) meeting {
	m := meeting{attendees: map[string]attendee{}}
	root, err := parseContent(content)
	if err != nil {
		return m
	}
	var essence []string
	for _, c := range root.components {
		if c.name == "VTIMEZONE" {
			continue
		}
		m.uid = c.value("UID")
		if organizer, ok := c.first("ORGANIZER"); ok {
			m.organizer, m.byServer = address(organizer.value), byServer(organizer)
		}
		for _, l := range c.all("ATTENDEE") {
			a := m.attendees[address(l.value)]
			a.byServer = a.byServer || byServer(l)
			a.status += l.params["PARTSTAT"] + ";"
			m.attendees[address(l.value)] = a
		}
		essence = append(essence, essenceOf(c)...)
	}
	slices.Sort(essence)
	m.essence = strings.Join(essence, "\n")
	return m
}

// essenceOf leaves out bookkeeping, alarms (they are components of their own)
// and what only the owner sees.
func essenceOf(c *component) []string {
	var lines []string
	for _, l := range c.lines {
		switch {
		case l.name == "DTSTAMP", l.name == "LAST-MODIFIED", l.name == "CREATED", strings.HasPrefix(l.name, "X-"):
		default:
			lines = append(lines, c.value("RECURRENCE-ID")+" "+l.raw)
		}
	}
	return lines
}

// byServer says whether the server has to send the messages for a calendar
// user (RFC 6638 7.1): if SCHEDULE-AGENT is absent or SERVER.
func byServer(l line) bool {
	agent := l.params["SCHEDULE-AGENT"]
	return agent == "" || strings.EqualFold(agent, "SERVER")
}

func address(value string) string {
	value = strings.ToLower(strings.TrimSpace(value))
	return strings.TrimPrefix(value, "mailto:")
}

// mailsFor decides what a change from before to after (nil: absent) sends, for
// an owner with the given addresses.
func mailsFor(owner []string, before, after []byte, quiet silence) []Mail {
	was, is := readMeeting(before), readMeeting(after)
	own := map[string]bool{}
	for _, a := range owner {
		own[address(a)] = true
	}
	if own[was.organizer] || own[is.organizer] {
		if quiet.organizer {
			return nil
		}
		return organizerMails(own, was, is)
	}
	if quiet.attendee {
		return nil
	}
	return replies(own, was, is, after == nil)
}

// organizerMails: whoever the server serves now is asked when something
// changed; whoever it served before and no longer does is told that the
// meeting is cancelled (RFC 6638 3.2.1). That includes an attendee whose
// SCHEDULE-AGENT changes from SERVER to CLIENT; Cyrus 3.6 does the same. The
// organizer's own SCHEDULE-AGENT changes nothing.
func organizerMails(own map[string]bool, was, is meeting) []Mail {
	var mails []Mail
	for recipient, a := range is.attendees {
		changed := was.essence != is.essence
		if a.byServer && !own[recipient] && changed {
			mails = append(mails, Mail{Method: "REQUEST", Recipient: recipient, UID: is.uid})
		}
	}
	for recipient, a := range was.attendees {
		if a.byServer && !own[recipient] && !is.attendees[recipient].byServer {
			mails = append(mails, Mail{Method: "CANCEL", Recipient: recipient, UID: was.uid})
		}
	}
	slices.SortFunc(mails, func(a, b Mail) int { return strings.Compare(a.Recipient, b.Recipient) })
	return mails
}

// replies: an attendee's changed answer, or the deletion of the attendee's
// copy, is told to the organizer (RFC 6638 3.2.2).
func replies(own map[string]bool, was, is meeting, deleted bool) []Mail {
	m := is
	if deleted {
		m = was
	}
	if m.organizer == "" || !m.byServer {
		return nil
	}
	for self := range own {
		before, invitedBefore := was.attendees[self]
		now, invited := is.attendees[self]
		switch {
		case deleted && invitedBefore:
		case deleted || !invited || now.status == before.status:
			continue
		case !invitedBefore && unanswered(now.status):
			continue
		}
		return []Mail{{Method: "REPLY", Recipient: m.organizer, UID: m.uid}}
	}
	return nil
}

// unanswered says that no instance has an answer yet (RFC 5545 3.2.12).
func unanswered(status string) bool {
	for one := range strings.SplitSeq(strings.TrimSuffix(status, ";"), ";") {
		if one != "" && one != "NEEDS-ACTION" {
			return false
		}
	}
	return true
}
