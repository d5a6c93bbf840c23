package dav_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"lockstep.dev/simulator/dav"
)

// meeting is alice's meeting with bob and eve; agent is the SCHEDULE-AGENT of
// both.
func meeting(agent, summary string, more ...string) string {
	if agent != "" {
		agent = ";SCHEDULE-AGENT=" + agent
	}
	return event("m", "20300101T100000Z", append([]string{
		"SUMMARY:" + summary, "ORGANIZER:mailto:Alice@example.org",
		"ATTENDEE;PARTSTAT=ACCEPTED:mailto:alice@example.org",
		"ATTENDEE;PARTSTAT=NEEDS-ACTION" + agent + ":mailto:bob@example.org",
		`ATTENDEE;CN="Eve: x";PARTSTAT=NEEDS-ACTION` + agent + ":MAILTO:Eve@Example.org",
	}, more...)...)
}

// mails returns the recorded mails as "METHOD recipient" and forgets them.
func (w *world) mails() []string {
	w.t.Helper()
	outbox, err := w.srv.Outbox(w.t.Context())
	must(w.t, err)
	var mails []string
	for _, m := range outbox {
		mails = append(mails, m.Method+" "+m.Recipient)
	}
	must(w.t, w.srv.ClearOutbox(w.t.Context()))
	return mails
}

func (w *world) wantMails(after string, want ...string) {
	w.t.Helper()
	if got := w.mails(); !slices.Equal(got, want) {
		w.t.Errorf("after %s: mails %q, want %q", after, got, want)
	}
}

// B2: a server with automatic scheduling mails the attendees of an organizer
// who says nothing else (RFC 6638 3.2.1).
func TestOrganizerWithoutFirewall(t *testing.T) {
	w := newWorld(t)
	path := w.calendar + "m.ics"
	w.put(path, meeting("", "Plan"))
	w.wantMails("the invitation", "REQUEST bob@example.org", "REQUEST eve@example.org")
	w.put(path, strings.Replace(meeting("", "Plan"), "DTSTAMP:2030", "DTSTAMP:2031", 1))
	w.wantMails("bookkeeping")
	w.put(path, meeting("", "Plan", "BEGIN:VALARM", "ACTION:DISPLAY", "TRIGGER:-PT5M", "END:VALARM"))
	w.wantMails("an alarm of one's own")
	w.put(path, meeting("", "Better plan"))
	w.wantMails("a change", "REQUEST bob@example.org", "REQUEST eve@example.org")
	w.put(path, strings.Replace(meeting("", "Better plan"), "ATTENDEE;PARTSTAT=NEEDS-ACTION:mailto:bob@example.org\r\n", "", 1))
	w.wantMails("taking bob out", "CANCEL bob@example.org", "REQUEST eve@example.org")
	w.do(http.StatusNoContent, http.MethodDelete, path, "")
	w.wantMails("the deletion", "CANCEL eve@example.org")
}

// B2: SCHEDULE-AGENT=CLIENT or NONE from the start keeps the server silent for
// the whole life of the meeting (RFC 6638 7.1); unknown values count as NONE.
func TestOrganizerWithFirewall(t *testing.T) {
	for _, agent := range []string{"CLIENT", "NONE", "X-OTHER"} {
		w := newWorld(t)
		path := w.calendar + "m.ics"
		w.put(path, meeting(agent, "Plan"))
		w.put(path, meeting(agent, "Better plan"))
		w.do(http.StatusNoContent, http.MethodDelete, path, "")
		w.wantMails("all of " + agent)
	}
}

// B2, the traps: silencing a meeting that the server already serves is a
// cancellation, and Schedule-Reply does not cover an organizer (RFC 6638 8.1;
// Cyrus 3.6 does the same).
func TestFirewallComesTooLate(t *testing.T) {
	w := newWorld(t)
	path := w.calendar + "m.ics"
	w.put(path, meeting("", "Plan"))
	w.mails()
	w.put(path, meeting("CLIENT", "Plan"))
	w.wantMails("silencing", "CANCEL bob@example.org", "CANCEL eve@example.org")
	w.put(path, meeting("", "Plan"))
	w.mails()
	w.do(http.StatusNoContent, http.MethodDelete, path, "", "Schedule-Reply", "F")
	w.wantMails("the deletion", "CANCEL bob@example.org", "CANCEL eve@example.org")

	w.srv.SetBehaviour(dav.Behaviour{ScheduleReplyCoversOrganizer: true}) // SabreDAV
	w.put(path, meeting("", "Plan"), "Schedule-Reply", "F")
	r := w.do(http.StatusNoContent, http.MethodDelete, path, "", "Schedule-Reply", "F")
	w.wantMails("a quiet life on another server")
	if r.header.Get("X-Sabre-Version") == "" {
		t.Error("SabreDAV is not named")
	}
}

// A server that leaves invitations to its clients says so and sends nothing.
func TestServerWithoutScheduling(t *testing.T) {
	w := newWorld(t)
	w.srv.SetBehaviour(dav.Behaviour{NoScheduling: true})
	if features := w.do(http.StatusOK, http.MethodOptions, w.calendar, "").header.Get("DAV"); strings.Contains(features, "schedule") {
		t.Errorf("DAV: %s", features)
	}
	w.put(w.calendar+"m.ics", meeting("", "Plan"))
	w.wantMails("an invitation on a plain server")
}

// An attendee's answer and the deletion of the attendee's copy reach the
// organizer, unless told otherwise (RFC 6638 3.2.2, 8.1).
func TestAttendee(t *testing.T) {
	w := newWorld(t)
	path := w.calendar + "m.ics"
	invited := func(status, organizer string) string {
		return event("m", "20300101T100000Z", "ORGANIZER"+organizer+":mailto:boss@example.org",
			"ATTENDEE;PARTSTAT="+status+":mailto:a.example@example.org", "ATTENDEE:mailto:bob@example.org")
	}
	w.put(path, invited("NEEDS-ACTION", ""))
	w.wantMails("a copy without an answer")
	w.put(path, invited("ACCEPTED", ""))
	w.wantMails("accepting", "REPLY boss@example.org")
	w.put(path, strings.Replace(invited("ACCEPTED", ""), "T100000Z", "T110000Z", 1))
	w.wantMails("a change that is no answer")
	w.do(http.StatusNoContent, http.MethodDelete, path, "")
	w.wantMails("deleting", "REPLY boss@example.org")
	w.put(path, invited("ACCEPTED", ""))
	w.wantMails("a copy with an answer", "REPLY boss@example.org")
	w.do(http.StatusNoContent, http.MethodDelete, path, "", "Schedule-Reply", "F")
	w.wantMails("deleting quietly")
	w.put(path, invited("DECLINED", ";SCHEDULE-AGENT=CLIENT"))
	w.do(http.StatusNoContent, http.MethodDelete, path, "")
	w.wantMails("a life with SCHEDULE-AGENT=CLIENT")
}

// Neither seeding nor meetings of strangers send anything.
func TestNoMailsWithoutCause(t *testing.T) {
	w := newWorld(t)
	_, err := w.srv.Put(t.Context(), w.calendar+"m.ics", []byte(meeting("", "Plan")))
	must(t, err)
	must(t, w.srv.Delete(t.Context(), w.calendar+"m.ics"))
	w.put(w.calendar+"s.ics", strings.NewReplacer("UID:m", "UID:s", "alice@", "zoe@", "Alice@", "zoe@").Replace(meeting("", "Plan")))
	w.put(w.calendar+"plain.ics", event("plain", "20300101T100000Z"))
	w.wantMails("all that")
}
