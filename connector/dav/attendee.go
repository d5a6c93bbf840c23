package dav

import (
	"strings"

	"lockstep.dev/model"
	"lockstep.dev/vobject"
)

// participants writes organizer and attendees. Who must not be sent mail gets
// SCHEDULE-AGENT=CLIENT from the start (schedule.go says why never later).
func (w *calendarEdit) participants(organizer, attendees bool) {
	if organizer {
		w.organizer()
	}
	if attendees {
		w.attendees()
	}
	w.quietOrganizer()
}

func (w *calendarEdit) organizer() {
	p, want := w.main.First("ORGANIZER"), w.want.Text("organizer")
	switch {
	case p.Exists() && addressOfPerson(p) == want:
	case p.Exists() && want == "":
		w.edit.Remove(p)
	case want == "":
	case p.Exists():
		w.edit.Replace(p, w.organizerLine(want))
	default:
		w.edit.Append(w.main, w.organizerLine(want))
	}
}

func (w *calendarEdit) organizerLine(address string) vobject.Line {
	l := vobject.Raw("ORGANIZER", "mailto:"+address)
	for _, e := range w.want.Set("attendees") {
		if e.Key == address && e.Text != "" {
			l = l.With("CN", e.Text)
		}
	}
	if !w.env.mine(address) {
		l = w.env.scheduleAgent(l)
	}
	return l
}

// quietOrganizer keeps a server from telling a foreign organizer of our answer
// (RFC 6638 section 3.2.2.1).
func (w *calendarEdit) quietOrganizer() {
	p := w.main.First("ORGANIZER")
	if !w.env.quiet || !p.Exists() || addressOfPerson(p) != w.want.Text("organizer") || w.env.mine(addressOfPerson(p)) {
		return
	}
	if agent := p.Param("SCHEDULE-AGENT"); agent == "" || strings.EqualFold(agent, "SERVER") {
		w.edit.SetParam(p, "SCHEDULE-AGENT", "CLIENT")
	}
}

// letServerInvite hands the attendees to the server, which then sends the
// invitations.
func (w *calendarEdit) letServerInvite() {
	want := model.Keyed(w.want.Set("attendees"))
	for _, p := range w.main.All("ATTENDEE") {
		if _, wanted := want[addressOfPerson(p)]; wanted && p.Param("SCHEDULE-AGENT") != "" {
			w.edit.SetParam(p, "SCHEDULE-AGENT")
		}
	}
}

func (w *calendarEdit) attendees() {
	want := model.Keyed(w.want.Set("attendees"))
	done := map[string]bool{}
	for _, p := range w.main.All("ATTENDEE") {
		key := addressOfPerson(p)
		e, wanted := want[key]
		switch {
		case key == "":
			// Not mapped, so it stays.
		case !wanted:
			w.edit.Remove(p)
		case !done[key]:
			done[key] = true
			w.attendee(p, e)
		}
	}
	for _, e := range w.want.Set("attendees") {
		if !done[e.Key] {
			done[e.Key] = true
			w.edit.Append(w.main, w.attendeeLine(e))
		}
	}
}

// attendee changes what differs in an existing one.
func (w *calendarEdit) attendee(p vobject.Property, want model.Element) {
	if p.Param("CN") != want.Text {
		w.edit.SetParam(p, "CN", oneOrNone(want.Text)...)
	}
	if readAnswer(p) != want.Attr["status"] {
		w.edit.SetParam(p, "PARTSTAT", answerWord(want.Attr["status"]))
	}
	if role := want.Attr["role"]; readRole(p) != role {
		switch role {
		case "resource":
			w.edit.SetParam(p, "CUTYPE", "RESOURCE")
		default:
			if readRole(p) == "resource" {
				w.edit.SetParam(p, "CUTYPE")
			}
			w.edit.SetParam(p, "ROLE", roleWord(role))
		}
	}
}

func (w *calendarEdit) attendeeLine(e model.Element) vobject.Line {
	l := vobject.Raw("ATTENDEE", "mailto:"+e.Key)
	if e.Text != "" {
		l = l.With("CN", e.Text)
	}
	if e.Attr["role"] == "resource" {
		l = l.With("CUTYPE", "RESOURCE")
	}
	l = l.With("ROLE", roleWord(e.Attr["role"])).With("PARTSTAT", answerWord(e.Attr["status"]))
	return w.env.scheduleAgent(l)
}

func answerWord(status string) string {
	if status == "" {
		return "NEEDS-ACTION"
	}
	return strings.ToUpper(status)
}

func roleWord(role string) string {
	if role == "optional" {
		return "OPT-PARTICIPANT"
	}
	return "REQ-PARTICIPANT"
}
