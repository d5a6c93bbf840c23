package dav

import (
	"regexp"
	"strconv"
	"strings"
	"time"
)

// farFuture is the end of a series that has none, or one that only an
// expansion would find.
func farFuture() time.Time { return time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC) }

// stretch is the time a component takes; false if it has none, as a task
// without dates, which then is in every range (RFC 4791 9.9).
func stretch(c *component) (start, end time.Time, known bool) {
	first, hasStart := c.first("DTSTART")
	if hasStart {
		start, hasStart = parseTime(first)
	}
	last, hasEnd := c.first("DTEND")
	if !hasEnd {
		last, hasEnd = c.first("DUE")
	}
	switch {
	case hasEnd:
		if end, hasEnd = parseTime(last); !hasEnd {
			return start, end, false
		}
		if !hasStart {
			start = end
		}
	case !hasStart:
		return start, end, false
	default:
		end = start.Add(length(c, first))
	}
	if rule, ok := c.first("RRULE"); ok {
		end = untilOf(rule, end)
	} else if _, ok := c.first("RDATE"); ok {
		end = farFuture()
	}
	return start, end, true
}

// length is the DURATION, or a day for a date, or nothing (RFC 5545 3.6.1).
func length(c *component, start line) time.Duration {
	if d, ok := c.first("DURATION"); ok {
		return parseDuration(d.value)
	}
	if len(start.value) == len("20060102") {
		return 24 * time.Hour
	}
	return 0
}

// untilOf is the end of a series: its UNTIL, plus a day for the last one's
// length, or no end.
func untilOf(rule line, end time.Time) time.Time {
	for part := range strings.SplitSeq(rule.value, ";") {
		if value, ok := strings.CutPrefix(strings.ToUpper(part), "UNTIL="); ok {
			if until, ok := parseTime(line{value: value}); ok && until.After(end) {
				return until.Add(24 * time.Hour)
			}
			return end
		}
	}
	return farFuture()
}

// parseTime reads a date or a date-time (RFC 5545 3.3.4, 3.3.5). A time zone
// the machine does not know, and a floating time, count as UTC: close enough
// for a filter.
func parseTime(l line) (time.Time, bool) {
	zone := time.UTC
	if known, err := time.LoadLocation(l.params["TZID"]); err == nil && l.params["TZID"] != "" {
		zone = known
	}
	value := strings.TrimSpace(l.value)
	if utc, ok := strings.CutSuffix(value, "Z"); ok {
		value, zone = utc, time.UTC
	}
	for _, form := range []string{"20060102T150405", "20060102"} {
		if t, err := time.ParseInLocation(form, value, zone); err == nil {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}

var durationForm = regexp.MustCompile(`^([+-])?P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?$`)

// parseDuration reads a DURATION (RFC 5545 3.3.6); nonsense has no length.
func parseDuration(value string) time.Duration {
	parts := durationForm.FindStringSubmatch(value)
	if parts == nil || parts[1] == "-" {
		return 0
	}
	var sum time.Duration
	for i, unit := range []time.Duration{7 * 24 * time.Hour, 24 * time.Hour, time.Hour, time.Minute, time.Second} {
		if n, err := strconv.Atoi(parts[i+2]); err == nil {
			sum += time.Duration(n) * unit
		}
	}
	return sum
}
