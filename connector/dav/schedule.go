package dav

import (
	"bytes"
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"lockstep.dev/model"
	"lockstep.dev/vobject"
)

// No mail as a side effect (requirement B2). A server with calendar-auto-schedule
// sends mail by itself when a meeting is written (RFC 6638 section 3.2):
//
//   - A meeting that we create names SCHEDULE-AGENT=CLIENT for everybody, so the
//     server never speaks for it (section 7.1), also when we change or delete it
//     later.
//   - A meeting whose attendees the server serves already cannot be silenced
//     afterwards: changing the agent from SERVER to CLIENT is a cancellation to
//     the attendee (table in section 3.2.1.2), and so is removing the attendee
//     or deleting the meeting. Such a write is refused, unless the server is
//     one that keeps quiet when asked by Schedule-Reply: F for organizers, too
//     (SabreDAV, and so Nextcloud, ownCloud and Baikal).
//   - An attendee's own copy sends replies only; Schedule-Reply: F covers its
//     deletion (section 8.1) and SCHEDULE-AGENT=CLIENT on the ORGANIZER its
//     changes (section 3.2.2).

// environment is what writing an object needs besides its content.
type environment struct {
	now   time.Time
	isNew bool                      // the object is written for the first time
	quiet bool                      // nobody may be sent mail
	mine  func(address string) bool // one of the mailbox's own addresses
}

// person is who a calendar belongs to, as its server knows them: the one for
// whom the server sends mail.
type person struct {
	addresses []string // folded
}

func (p *person) is(address string) bool {
	return slices.Contains(p.addresses, model.FoldAddress(address))
}

// writing prepares for one write. Only meetings make it ask the server whose
// calendar it is, once a session and collection.
func (s *Session) writing(ctx context.Context, op model.Operation, raw []byte) environment {
	env := environment{now: time.Now().UTC(), quiet: op.Notify == model.NotifyNone}
	own := &person{addresses: []string{model.FoldAddress(s.account.Address)}}
	if op.Ref.Kind != model.Contact && (op.Content.Text("organizer") != "" || bytes.Contains(raw, []byte("ORGANIZER"))) {
		if p, fail := s.ownerOf(ctx, op.Ref.Collection); fail == nil {
			own = p
		}
	}
	env.mine = own.is
	return env
}

// ownerOf asks whose calendar a collection is and for that person's
// calendar-user-address-set: the server schedules for the owner of a calendar,
// whoever writes to it (RFC 6638 sections 2.4.1 and 3.1).
func (s *Session) ownerOf(ctx context.Context, collection string) (*person, *failure) {
	s.mu.Lock()
	known := s.owners[collection]
	s.mu.Unlock()
	if known != nil {
		return known, nil
	}
	place, fail := s.locate(ctx)
	if fail != nil {
		return nil, fail
	}
	href, _ := collectionHref(collection)
	m, at, fail := s.link.properties(ctx, href, "owner") // RFC 3744 section 5.1
	if fail != nil {
		return nil, fail
	}
	principal, p := place.principal, &person{}
	if hrefs := m.hrefs(davName("owner")); len(hrefs) > 0 {
		principal = s.link.normal(hrefs[0], at)
	}
	if principal == "" || sameHref(principal, place.principal) {
		p.addresses = append(p.addresses, model.FoldAddress(s.account.Address))
	}
	if principal != "" {
		m, _, fail := s.link.properties(ctx, principal, "C:calendar-user-address-set")
		if fail != nil {
			return nil, fail
		}
		for _, h := range m.hrefs(calName("calendar-user-address-set")) {
			p.addresses = append(p.addresses, model.FoldAddress(h))
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.owners == nil {
		s.owners = map[string]*person{}
	}
	s.owners[collection] = p
	return p, nil
}

// schedules reports whether the server sends mail by itself. Unless it clearly
// says that it does not, it is taken to.
func (s *Session) schedules(ctx context.Context, href string) bool {
	habits := &s.connector.habits
	if value, known := habits.get(autoSchedules); known {
		return value
	}
	a, fail := s.link.do(ctx, request{method: http.MethodOptions, href: href})
	if fail != nil {
		return true
	}
	defer a.close()
	// RFC 4918 section 10.1, RFC 6638 section 2.
	features := strings.ToLower(strings.Join(a.Header.Values("DAV"), ","))
	if features == "" {
		return true
	}
	habits.set(autoSchedules, strings.Contains(features, "calendar-auto-schedule") || strings.Contains(features, "calendar-schedule"))
	// SabreDAV names itself; Nextcloud and ownCloud name their extensions.
	habits.set(quietOnRequest, a.Header.Get("X-Sabre-Version") != "" ||
		strings.Contains(features, "nextcloud-") || strings.Contains(features, "nc-") || strings.Contains(features, "oc-resource-sharing"))
	value, _ := habits.get(autoSchedules)
	return value
}

// mayWrite refuses a write that would make the server send mail although none
// may be sent; edited is nil for a deletion.
func (s *Session) mayWrite(ctx context.Context, op model.Operation, raw, edited []byte) *failure {
	if op.Notify != model.NotifyNone || op.Ref.Kind == model.Contact || !servesAttendees(raw) {
		return nil
	}
	if edited != nil && bytes.Equal(essence(raw), essence(edited)) {
		return nil
	}
	if !s.schedules(ctx, op.Ref.ID) {
		return nil
	}
	if quiet, _ := s.connector.habits.get(quietOnRequest); quiet {
		return nil
	}
	owner, fail := s.ownerOf(ctx, op.Ref.Collection)
	switch {
	case fail != nil && fail.wide():
		return fail
	case fail == nil && !owner.is(organizerOf(raw)):
		return nil
	}
	// The organizer's own, or nobody tells us whose it is.
	return failed("dav.would-send-mail")
}

// organizerOf is the folded address of a meeting's organizer.
func organizerOf(raw []byte) string {
	for _, c := range components(raw) {
		if p := c.First("ORGANIZER"); p.Exists() {
			return model.FoldAddress(p.Raw())
		}
	}
	return ""
}

// components are the events and tasks of an object.
func components(raw []byte) []vobject.Component {
	doc, err := vobject.Parse(raw)
	if err != nil {
		return nil
	}
	return doc.First("VCALENDAR").Components("VEVENT", "VTODO")
}

// servesAttendees reports whether a meeting has attendees, besides its
// organizer, whom the server is to write to: SCHEDULE-AGENT is absent or SERVER.
func servesAttendees(raw []byte) bool {
	if !bytes.Contains(raw, []byte("ATTENDEE")) && !bytes.Contains(bytes.ToUpper(raw), []byte("ATTENDEE")) {
		return false
	}
	organizer := organizerOf(raw)
	for _, c := range components(raw) {
		for _, p := range c.All("ATTENDEE") {
			agent := p.Param("SCHEDULE-AGENT")
			if model.FoldAddress(p.Raw()) != organizer && (agent == "" || strings.EqualFold(agent, "SERVER")) {
				return true
			}
		}
	}
	return false
}

// essence is everything in a meeting that an attendee could be told of: all
// properties but bookkeeping, extensions and the mailbox's own alarms.
func essence(raw []byte) []byte {
	var out bytes.Buffer
	for _, c := range components(raw) {
		for _, p := range c.Properties() {
			switch n := p.Name(); {
			case n == "DTSTAMP", n == "LAST-MODIFIED", n == "CREATED", strings.HasPrefix(n, "X-"):
			default:
				out.Write(p.Source())
			}
		}
		out.WriteByte('\n')
	}
	return out.Bytes()
}

// scheduleAgent returns what SCHEDULE-AGENT a participant gets in a new line:
// CLIENT where nobody may be sent mail, else none.
func (env environment) scheduleAgent(l vobject.Line) vobject.Line {
	if env.quiet {
		return l.With("SCHEDULE-AGENT", "CLIENT")
	}
	return l
}
