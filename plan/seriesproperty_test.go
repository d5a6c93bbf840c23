package plan

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"pgregory.net/rapid"

	"lockstep.dev/model"
)

// A diary is a series as its author thinks of it: slots, and what is special
// about some of them. It is written down in many ways.
type diary struct {
	kind  string // zoned, utc, floating or day
	zone  *time.Location
	start time.Time // local time as if in UTC
	step  string    // FREQ and more
	count int
	slots []time.Time // local
	// By slot: "" removed, otherwise the title and how many hours it is moved.
	special map[int]string
	moved   map[int]int
}

// randomDiary draws a series in a zone and a year in which daylight saving
// bites.
func randomDiary(t *rapid.T) diary {
	d := diary{
		kind: rapid.SampledFrom([]string{"zoned", "zoned", "utc", "floating", "day"}).Draw(t, "kind"), zone: time.UTC,
		count: rapid.IntRange(1, 9).Draw(t, "count"), special: map[int]string{}, moved: map[int]int{},
	}
	if d.kind == "zoned" {
		name := rapid.SampledFrom([]string{"Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Santiago", "Asia/Kolkata", "Africa/Cairo"}).Draw(t, "zone")
		loc, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		d.zone = loc
	}
	d.start = time.Date(rapid.SampledFrom([]int{2023, 2026, 2031}).Draw(t, "year"), time.Month(rapid.IntRange(1, 12).Draw(t, "month")),
		rapid.IntRange(1, 28).Draw(t, "day"), rapid.SampledFrom([]int{5, 9, 15, 22}).Draw(t, "hour"), 0, 0, 0, time.UTC)
	if d.kind == "day" {
		d.start = d.start.Truncate(24 * time.Hour)
	}
	days := rapid.SampledFrom([]int{1, 2, 7, 14}).Draw(t, "days")
	d.step = fmt.Sprintf("FREQ=DAILY;INTERVAL=%d", days)
	if days >= 7 {
		d.step = fmt.Sprintf("FREQ=WEEKLY;INTERVAL=%d", days/7)
	}
	for i := range d.count {
		d.slots = append(d.slots, d.start.AddDate(0, 0, i*days))
	}
	return d
}

// edit changes some occurrences.
func (d diary) edit(t *rapid.T, who string) diary {
	d.special, d.moved = maps.Clone(d.special), maps.Clone(d.moved)
	for range rapid.IntRange(0, 3).Draw(t, who+" edits") {
		i := rapid.IntRange(0, d.count-1).Draw(t, who+" slot")
		delete(d.moved, i)
		if d.special[i] = rapid.SampledFrom([]string{"", "a", "b"}).Draw(t, who+" makes it"); d.special[i] != "" && d.kind != "day" {
			if by := rapid.IntRange(0, 2).Draw(t, who+" moves"); by > 0 {
				d.moved[i] = by
			}
		}
	}
	return d
}

func (d diary) instant(local time.Time) time.Time {
	if d.kind == "zoned" {
		return time.Date(local.Year(), local.Month(), local.Day(), local.Hour(), 0, 0, 0, d.zone).UTC()
	}
	return local
}

// text is a time in the model's form, line the same as a content line.
func (d diary) text(local time.Time) string {
	switch d.kind {
	case "day":
		return local.Format(dateLayout)
	case "floating":
		return local.Format(floatingLayout)
	}
	return d.instant(local).Format(instantLayout)
}

func (d diary) line(t *rapid.T, name string, local time.Time) string {
	switch {
	case d.kind == "day":
		return name + ";VALUE=DATE:" + local.Format("20060102")
	case d.kind == "floating":
		return name + ":" + local.Format("20060102T150405")
	case d.kind == "zoned" && rapid.Bool().Draw(t, "in its zone"):
		return name + ";TZID=" + d.zone.String() + ":" + local.Format("20060102T150405")
	}
	return name + ":" + d.instant(local).Format("20060102T150405Z")
}

// content writes the diary down, each time in another way.
func (d diary) content(t *rapid.T) model.Content {
	c := text("title", "Round", "start", d.text(d.start), "end", d.text(d.start.Add(time.Hour)))
	if d.kind == "day" {
		c.PutText("end", d.text(d.start.AddDate(0, 0, 1)))
	}
	if d.kind == "zoned" {
		c.PutText("time_zone", d.zone.String())
	}
	lines := []string{fmt.Sprintf("RRULE:%s;COUNT=%d", d.step, d.count)}
	if rapid.Bool().Draw(t, "until") {
		lines[0] = strings.Replace(d.line(t, "UNTIL", d.slots[d.count-1]), ":", "=", 1)
		if _, value, _ := strings.Cut(lines[0], "="); d.kind == "day" || d.kind == "floating" {
			lines[0] = "RRULE:UNTIL=" + value[strings.LastIndex(value, "=")+1:] + ";" + d.step
		} else {
			lines[0] = "RRULE:UNTIL=" + d.instant(d.slots[d.count-1]).Format("20060102T150405Z") + ";" + d.step
		}
	}
	var overrides []string
	for _, i := range rapid.Permutation(slices.Sorted(maps.Keys(d.special))).Draw(t, "order") {
		switch title := d.special[i]; {
		case title != "":
			overrides = append(overrides, occurrence(d.line(t, "RECURRENCE-ID", d.slots[i]),
				d.line(t, "DTSTART", d.slots[i].Add(time.Duration(d.moved[i])*time.Hour)), "SUMMARY:"+title))
		case rapid.Bool().Draw(t, "left out"):
			lines = append(lines, d.line(t, "EXDATE", d.slots[i]))
		default:
			overrides = append(overrides, occurrence(d.line(t, "RECURRENCE-ID", d.slots[i]), "STATUS:CANCELLED"))
		}
	}
	slices.Sort(lines)
	c.PutText("recurrence", strings.Join(lines, "\n"))
	c.PutText("overrides", strings.Join(overrides, ""))
	return c
}

// occurrences is what happens when, by slot.
func (d diary) occurrences() map[string]string {
	out := map[string]string{}
	for i, local := range d.slots {
		title, special := d.special[i]
		if special && title == "" {
			continue
		}
		out[d.instant(local).Format(instantLayout)] = d.instant(local.Add(time.Duration(d.moved[i])*time.Hour)).Format(instantLayout) + title
	}
	return out
}

// occurrencesOf reads the same from a content.
func occurrencesOf(t *rapid.T, c model.Content) map[string]string {
	s, err := (&builder{in: world()}).series(model.Event, c)
	if err != nil {
		t.Fatal(err)
	}
	all, err := s.Expand(s.Instant(s.Start).AddDate(-1, 0, 0), s.Instant(s.Start).AddDate(2, 0, 0))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, o := range all {
		title := ""
		if o.Override >= 0 {
			_, title, _ = strings.Cut(s.Overrides[o.Override].Content, "SUMMARY:")
		}
		out[o.ID.Format(instantLayout)] = o.Start.Format(instantLayout) + strings.TrimSpace(title)
	}
	return out
}

// union is what the merge must come to: by occurrence, the CRM's word where both
// changed it. clashes counts what the mailbox lost.
func union(was, crm, mail map[string]string) (out map[string]string, clashes int) {
	out = map[string]string{}
	for _, m := range []map[string]string{was, crm, mail} {
		for slot := range m {
			w, c, l := was[slot], crm[slot], mail[slot]
			if c != w || l == w {
				out[slot] = c
			} else {
				out[slot] = l
			}
			if out[slot] == "" {
				delete(out, slot)
			}
		}
	}
	for slot, c := range crm {
		if w, l := was[slot], mail[slot]; c != w && l != w && c != l {
			clashes++
		}
	}
	for slot, l := range mail {
		if _, has := crm[slot]; !has && was[slot] != l && was[slot] != "" {
			clashes++
		}
	}
	return out, clashes
}

// B14: whatever was edited on the two sides and however it is written, what
// happens after the merge is the union of the edits, on both sides; merging
// again changes nothing; and with the sides exchanged it is the same.
func TestSeriesMergeIsTheUnionOfTheEdits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		was := randomDiary(t).edit(t, "base")
		crm, mail := was.edit(t, "crm"), was.edit(t, "mail")
		p := linked(model.Event, nil, crm.content(t), mail.content(t))
		p.CRMBase, p.MailBase = base(was.content(t)), base(was.content(t))
		in := world(p)
		in.Now = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
		built := Build(in)
		want, clashes := union(was.occurrences(), crm.occurrences(), mail.occurrences())
		after := apply(p, built)
		for side, c := range map[string]model.Content{"CRM": after.CRM.Content, "mailbox": after.Mail.Content} {
			if got := occurrencesOf(t, c); !maps.Equal(got, want) {
				t.Fatalf("the %s would hold\n%v, want\n%v\n%v", side, got, want, c)
			}
		}
		if len(built.Conflicts) != clashes {
			t.Fatalf("%d conflicts, want %d: %+v", len(built.Conflicts), clashes, built.Conflicts)
		}
		in.Pairs = []Pair{after}
		if again := Build(in); len(again.Writes) != 0 || len(again.Conflicts) != 0 {
			t.Fatalf("the second plan writes %+v", again.Writes)
		}
		in = mirrored(in, p)
		exchanged := apply(in.Pairs[0], Build(in))
		if got := occurrencesOf(t, exchanged.CRM.Content); !maps.Equal(got, want) {
			t.Fatalf("with the sides exchanged: %v, want %v", got, want)
		}
	})
}

// mirrored is the same story with the sides exchanged, the winner too.
func mirrored(in Input, p Pair) Input {
	crm, mail := seen(model.CRM, p.Kind, p.Mail.Content), seen(model.Mail, p.Kind, p.CRM.Content)
	crm.Modified, mail.Modified = p.Mail.Modified, p.CRM.Modified
	p.CRM, p.Mail, p.CRMBase, p.MailBase = crm, mail, p.MailBase, p.CRMBase
	in.Pairs = []Pair{p}
	other := map[string]string{"crm": "mail", "mail": "crm", "newest": "newest", "ask": "ask", "merge": "merge"}
	in.Policy.Kinds = maps.Clone(in.Policy.Kinds)
	rule := in.Policy.Kinds[p.Kind]
	rule.Wins, rule.Fields = other[rule.Wins], maps.Clone(rule.Fields)
	for f, how := range rule.Fields {
		rule.Fields[f] = other[how]
	}
	in.Policy.Kinds[p.Kind] = rule
	return in
}
