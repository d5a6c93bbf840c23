package plan

import (
	"slices"
	"strings"

	"lockstep.dev/model"
)

// BusyTitle is all that the CRM reads about a private appointment.
const BusyTitle = "Busy"

// Hold reduces an item to what our store may hold of it (requirement B16). What
// is private is cut down before it is stored, not hidden afterwards: to its
// class, or to a block of time where the policy says busy. A private item that
// takes up no time (a task, a free or cancelled appointment) has no block. An
// item that cannot be read may be private, so its bytes are not held either.
func Hold(private, category string, it model.Item) model.Item {
	switch {
	case private == model.PrivateFull || it.Ref.Kind != model.Event && it.Ref.Kind != model.Task:
		return it
	case it.Trouble != "":
		it.Content, it.Raw = nil, nil
		return it
	case !model.Private(it.Content):
		return it
	}
	out := model.Item{Ref: it.Ref, UID: it.UID, Stamp: it.Stamp, Access: it.Access, Reduced: true}
	if private == model.PrivateBusy && it.Ref.Kind == model.Event && takesTime(it.Content) {
		out.Content = block(it.Content, category)
		return out
	}
	out.Content = model.Content{}
	out.Content.PutText("class", classOfPrivate(it.Content))
	return out
}

// IsBlock reports whether content is a block of time of a private appointment
// and nothing else.
func IsBlock(c model.Content) bool {
	if !model.Private(c) || c.Text("title") != BusyTitle || !takesTime(c) {
		return false
	}
	var category string
	if set := c.Set("categories"); len(set) > 0 {
		category = set[0].Text
	}
	return len(model.Differing(c, block(c, category))) == 0
}

func takesTime(c model.Content) bool {
	return c.Text("transparency") != "free" && c.Text("status") != "cancelled"
}

func classOfPrivate(c model.Content) string {
	if strings.EqualFold(c.Text("class"), "confidential") {
		return "confidential"
	}
	return "private"
}

// block is an appointment without anything it says: when it is, and how firmly.
// The policy's own category stays, by which a mailbox says what is synced.
func block(c model.Content, category string) model.Content {
	out := c.Only([]string{"start", "end", "time_zone", "status"})
	out.PutText("title", BusyTitle)
	out.PutText("class", classOfPrivate(c))
	out.PutText("recurrence", plainLines(c.Text("recurrence"), "\n", "RRULE", "RDATE", "EXDATE"))
	out.PutText("overrides", plainOverrides(c.Text("overrides")))
	for _, e := range c.Set("categories") {
		if model.FoldText(e.Text) == model.FoldText(category) {
			out.PutSet("categories", []model.Element{{Key: model.FoldText(category), Text: category}})
		}
	}
	return out
}

// plainOverrides keeps of changed occurrences which they are and when they
// are; each says "Busy" as its series does.
func plainOverrides(text string) string {
	var out strings.Builder
	for text != "" {
		one, rest, found := strings.Cut(text, "END:VEVENT")
		if !found {
			break
		}
		text = strings.TrimLeft(rest, "\r\n")
		lines := plainLines(one, "\r\n", "RECURRENCE-ID", "DTSTART", "DTEND", "DURATION", "STATUS")
		if lines == "" {
			continue
		}
		all := append(strings.Split(lines, "\r\n"), "SUMMARY:"+BusyTitle)
		slices.Sort(all)
		out.WriteString("BEGIN:VEVENT\r\n" + strings.Join(all, "\r\n") + "\r\nEND:VEVENT\r\n")
	}
	return out.String()
}

// plainLines keeps the content lines of the given properties, and of those
// nothing that could be words.
func plainLines(text, newline string, names ...string) string {
	var out []string
	for line := range strings.Lines(text) {
		if l := plainLine(strings.TrimRight(line, "\r\n"), names); l != "" {
			out = append(out, l)
		}
	}
	return strings.Join(out, newline)
}

// plainLine is a line with its time zone and type, if its value is made of
// times, durations and rule words; else "".
func plainLine(line string, names []string) string {
	head, value := cutValue(line)
	params := strings.Split(head, ";")
	if !slices.Contains(names, params[0]) {
		return ""
	}
	out := params[0]
	for _, p := range params[1:] {
		if strings.HasPrefix(p, "TZID=") || strings.HasPrefix(p, "VALUE=") || strings.HasPrefix(p, "RANGE=") {
			out += ";" + p
		}
	}
	switch params[0] {
	case "RRULE":
		value = plainRule(value)
	case "STATUS":
		if !slices.Contains([]string{"TENTATIVE", "CONFIRMED", "CANCELLED"}, value) {
			value = ""
		}
	default:
		if strings.Trim(value, "0123456789TZPDHMSW,/+-") != "" {
			value = ""
		}
	}
	if value == "" {
		return ""
	}
	return out + ":" + value
}

// cutValue splits a content line at the colon that no quotes enclose (RFC 5545
// section 3.1).
func cutValue(line string) (head, value string) {
	quoted := false
	for i, r := range line {
		switch {
		case r == '"':
			quoted = !quoted
		case r == ':' && !quoted:
			return line[:i], line[i+1:]
		}
	}
	return line, ""
}

// plainRule keeps the parts of a rule that RFC 5545 section 3.3.10 knows.
func plainRule(rule string) string {
	known := []string{
		"FREQ", "UNTIL", "COUNT", "INTERVAL", "BYSECOND", "BYMINUTE", "BYHOUR", "BYDAY", "BYMONTHDAY", "BYYEARDAY",
		"BYWEEKNO", "BYMONTH", "BYSETPOS", "WKST",
	}
	var out []string
	for _, part := range strings.Split(rule, ";") {
		name, value, _ := strings.Cut(part, "=")
		if slices.Contains(known, strings.ToUpper(name)) && strings.Trim(value, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ,+-") == "" {
			out = append(out, part)
		}
	}
	return strings.Join(out, ";")
}
