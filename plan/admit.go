package plan

import (
	"slices"
	"strings"
	"time"

	"lockstep.dev/model"
)

// Admit decides whether an item that only one side has may be created on the
// other; if not, the change says why. Diff asks it before it claims a creation.
func Admit(in Input, p Pair) (Change, bool) { return (&builder{in: in}).Admit(p) }

// Admit is the method behind the function of the same name.
func (b *builder) Admit(p Pair) (Change, bool) {
	s, rule := p.CRM, b.in.Policy.Kinds[p.Kind]
	if s == nil {
		s = p.Mail
	}
	skip := func(reason string) (Change, bool) { return Change{State: Skipped, Reason: reason}, false }
	switch {
	case s == nil || s.Gone || s.Left || s.Trouble != "":
		return skip(ReasonUnreadable)
	case b.secret(s) && !b.blocked(s):
		return skip(ReasonPrivate)
	case s.Ref.Side == model.CRM && (rule.FromCRM == "none" || rule.Direction == model.MailToCRM),
		s.Ref.Side == model.Mail && (rule.FromMail == "none" || rule.Direction == model.CRMToMail):
		return skip(ReasonDirection)
	case s.Ref.Side == model.Mail && rule.FromMail == "matching":
		return skip(ReasonUnmatched)
	case s.Ref.Side == model.Mail && rule.FromMail == "category" && !tracked(s.Content, b.in.Policy.Category):
		return skip(ReasonUntracked)
	case slices.ContainsFunc(rule.Filters, func(f model.Filter) bool { return !f.Passes(s.Content) }):
		return skip(ReasonFiltered)
	}
	if p.Kind == model.Event && p.CRMBase == nil {
		if recheck, ok := b.inWindow(s.Content); !ok {
			return Change{State: Skipped, Reason: ReasonWindow, Recheck: recheck}, false
		}
	}
	return Change{}, true
}

func tracked(c model.Content, category string) bool {
	for _, e := range c.Set("categories") {
		if model.FoldText(e.Text) == model.FoldText(category) {
			return true
		}
	}
	return false
}

// inWindow reports whether an event lies in the policy's window; if it lies
// ahead of it, recheck is when it will come in.
func (b *builder) inWindow(c model.Content) (recheck time.Time, ok bool) {
	first := b.in.Now.AddDate(0, 0, -b.in.Policy.PastDays)
	last := b.in.Now.AddDate(0, 0, b.in.Policy.AheadDays)
	start, startOK := Instant(c.Text("start"))
	end, endOK := Instant(c.Text("end"))
	if !endOK {
		end = start
	}
	switch {
	case !startOK:
		return time.Time{}, true
	case start.After(last):
		return start.AddDate(0, 0, -b.in.Policy.AheadDays), false
	case c.Text("recurrence") != "":
		until, limited := Until(c.Text("recurrence"))
		return time.Time{}, !limited || !until.Before(first)
	default:
		return time.Time{}, !end.Before(first)
	}
}

// past reports whether an event is over; a series is over when its UNTIL is.
func past(c model.Content, now time.Time) bool {
	if rule := c.Text("recurrence"); rule != "" {
		until, limited := Until(rule)
		return limited && until.Before(now)
	}
	end, ok := Instant(c.Text("end"))
	if !ok {
		end, ok = Instant(c.Text("start"))
	}
	return ok && end.Before(now)
}

// Instant reads a time of canonical content. A floating time and a date are
// read as if in UTC: good enough for a window of days.
func Instant(s string) (time.Time, bool) {
	t, _, err := parseTime(s)
	return t, err == nil
}

// The forms of a time in canonical content.
const (
	instantLayout  = "2006-01-02T15:04:05Z"
	floatingLayout = "2006-01-02T15:04:05"
	dateLayout     = "2006-01-02"
)

// parseTime reads a time of canonical content and says in which form it is.
func parseTime(s string) (t time.Time, layout string, err error) {
	for _, layout = range []string{instantLayout, floatingLayout, dateLayout} {
		if t, err = time.Parse(layout, s); err == nil {
			return t, layout, nil
		}
	}
	return t, "", err
}

// Until returns the latest UNTIL of a recurrence's rules (RFC 5545 3.3.10); no
// rule with UNTIL means that it is not limited by date.
func Until(recurrence string) (time.Time, bool) {
	var latest time.Time
	found := false
	for _, line := range strings.Split(recurrence, "\n") {
		_, rest, ok := strings.Cut(strings.ToUpper(line), "UNTIL=")
		if !ok {
			continue
		}
		value, _, _ := strings.Cut(rest, ";")
		for _, layout := range []string{"20060102T150405Z", "20060102T150405", "20060102"} {
			if t, err := time.Parse(layout, strings.TrimSpace(value)); err == nil {
				found = true
				if t.After(latest) {
					latest = t
				}
				break
			}
		}
	}
	return latest, found
}
