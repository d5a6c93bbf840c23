package dav

import (
	"errors"
	"strings"

	"lockstep.dev/model"
	"lockstep.dev/vobject"
)

// readEvent converts the VEVENTs of one object: the main one and its changed
// occurrences.
func (c *converter) readEvent(cal calendar, main vobject.Component) (model.Content, error) {
	out := model.Content{}
	c.readTexts(out, main)
	out.PutText("location", plainText(main.First("LOCATION")))
	start, err := c.readStart(cal, main)
	if err != nil {
		return nil, err
	}
	end, err := c.readEnd(cal, main, start)
	if err != nil {
		return nil, err
	}
	out.PutText("start", start.text)
	out.PutText("end", end)
	out.PutText("time_zone", start.zone)
	out.PutText("recurrence", c.readRecurrence(cal, main))
	out.PutText("overrides", c.readOverrides(cal, main))
	out.PutText("organizer", addressOfPerson(main.First("ORGANIZER")))
	out.PutSet("attendees", readAttendees(main))
	out.PutSet("attachments", readAttachments(main))
	if word := strings.ToLower(strings.TrimSpace(main.First("STATUS").Raw())); word == "tentative" || word == "cancelled" {
		out.PutText("status", word)
	}
	if strings.EqualFold(strings.TrimSpace(main.First("TRANSP").Raw()), "TRANSPARENT") {
		out.PutText("transparency", "free")
	}
	return out, nil
}

// readTexts reads what events and tasks have in common.
func (c *converter) readTexts(out model.Content, main vobject.Component) {
	out.PutText("title", plainText(main.First("SUMMARY")))
	out.PutText("description", plainText(main.First("DESCRIPTION")))
	out.PutText("class", readClass(main.First("CLASS")))
	out.PutText("url", strings.TrimSpace(main.First("URL").Raw()))
	out.PutText("alarms", c.readAlarms(main))
	out.PutSet("categories", readCategories(main))
}

// readClass treats a word it does not know as private (RFC 5545 section
// 3.8.1.3).
func readClass(p vobject.Property) string {
	switch word := strings.ToLower(strings.TrimSpace(p.Raw())); word {
	case "", "public":
		return ""
	case "confidential":
		return word
	default:
		return "private"
	}
}

func (c *converter) readStart(cal calendar, main vobject.Component) (moment, error) {
	p := main.First("DTSTART")
	if !p.Exists() {
		return moment{}, errors.New(unreadableText(lastLine(main), "the event has no start"))
	}
	return c.moment(cal, p)
}

// readEnd is DTEND, or the start with DURATION, or what RFC 5545 section 3.6.1
// says where there is neither: a day lasts a day, everything else no time.
func (c *converter) readEnd(cal calendar, main vobject.Component, start moment) (string, error) {
	if p := main.First("DTEND"); p.Exists() {
		m, err := c.moment(cal, p)
		return m.text, err
	}
	if p := main.First("DURATION"); p.Exists() {
		d, err := vobject.ParseDuration(p.Raw())
		if err != nil {
			return "", errors.New(unreadableText(p.LineNumber(), "the duration is not a duration"))
		}
		return start.after(d), nil
	}
	if start.day {
		return start.after(vobject.Duration{Days: 1}), nil
	}
	return start.text, nil
}

// Participants.

// addressOfPerson is the folded e-mail address of an organizer or attendee. It
// stands in EMAIL where the value is no mailto: address (RFC 7986 section 6.2).
func addressOfPerson(p vobject.Property) string {
	value := strings.TrimSpace(p.Raw())
	if email := p.Param("EMAIL"); email != "" && !strings.HasPrefix(strings.ToLower(value), "mailto:") {
		value = email
	}
	return model.FoldAddress(value)
}

func readAttendees(main vobject.Component) []model.Element {
	var set []model.Element
	for _, p := range main.All("ATTENDEE") {
		e := model.Element{Key: addressOfPerson(p), Text: withoutControls(p.Param("CN"))}
		attr := map[string]string{}
		if s := readAnswer(p); s != "" {
			attr["status"] = s
		}
		if r := readRole(p); r != "" {
			attr["role"] = r
		}
		if len(attr) > 0 {
			e.Attr = attr
		}
		set = append(set, e)
	}
	return set
}

// readAnswer is PARTSTAT (RFC 5545 section 3.2.12) where it is one of the three
// answers.
func readAnswer(p vobject.Property) string {
	switch word := strings.ToLower(p.Param("PARTSTAT")); word {
	case "accepted", "declined", "tentative":
		return word
	}
	return ""
}

// readRole joins ROLE and CUTYPE (RFC 5545 sections 3.2.16, 3.2.3).
func readRole(p vobject.Property) string {
	switch strings.ToUpper(p.Param("CUTYPE")) {
	case "RESOURCE", "ROOM":
		return "resource"
	}
	switch strings.ToUpper(p.Param("ROLE")) {
	case "OPT-PARTICIPANT", "NON-PARTICIPANT":
		return "optional"
	}
	return ""
}
