package dav

import (
	"strconv"
	"strings"

	"lockstep.dev/model"
	"lockstep.dev/vobject"
)

// readTask converts a VTODO (RFC 5545 section 3.6.2).
func (c *converter) readTask(cal calendar, main vobject.Component) (model.Content, error) {
	out := model.Content{}
	c.readTexts(out, main)
	var start moment
	if p := main.First("DTSTART"); p.Exists() {
		m, err := c.moment(cal, p)
		if err != nil {
			return nil, err
		}
		start = m
	}
	due, err := c.readDue(cal, main, start)
	if err != nil {
		return nil, err
	}
	out.PutText("start", start.text)
	out.PutText("due", due.text)
	out.PutText("time_zone", or(start.zone, due.zone))
	out.PutText("recurrence", c.readRecurrence(cal, main))
	out.PutText("status", readTaskStatus(main))
	if t := instantOf(main.First("COMPLETED")); !t.IsZero() {
		out.PutText("completed", t.Format(instantLayout))
	}
	out.PutText("percent", readNumber(main.First("PERCENT-COMPLETE"), 100))
	out.PutText("priority", readNumber(main.First("PRIORITY"), 9))
	return out, nil
}

func (c *converter) readDue(cal calendar, main vobject.Component, start moment) (moment, error) {
	if p := main.First("DUE"); p.Exists() {
		return c.moment(cal, p)
	}
	p := main.First("DURATION")
	if !p.Exists() || start.text == "" {
		return moment{}, nil
	}
	// An odd estimate does not make the task unreadable.
	if d, err := vobject.ParseDuration(p.Raw()); err == nil {
		return moment{text: start.after(d), zone: start.zone}, nil
	}
	return moment{}, nil
}

func readTaskStatus(main vobject.Component) string {
	switch word := strings.ToLower(strings.TrimSpace(main.First("STATUS").Raw())); word {
	case "in-process", "completed", "cancelled":
		return word
	}
	return ""
}

// readNumber reads 1 to most; what is out of range counts as absent.
func readNumber(p vobject.Property, most int) string {
	n, err := strconv.Atoi(strings.TrimSpace(p.Raw()))
	if err != nil || n < 1 || n > most {
		return ""
	}
	return strconv.Itoa(n)
}
