package plan

import (
	"slices"
	"strings"
	"testing"

	"lockstep.dev/model"
)

// weekly is a series of six Mondays at nine in Berlin, from 2 March 2026 on: a
// change of clocks lies in it, and "now" is Tuesday the 10th.
func weekly(more ...string) model.Content {
	c := text("title", "Round", "start", "2026-03-02T08:00:00Z", "end", "2026-03-02T08:30:00Z", "time_zone", "Europe/Berlin",
		"recurrence", "RRULE:FREQ=WEEKLY;COUNT=6")
	for i := 0; i < len(more); i += 2 {
		c.PutText(more[i], more[i+1])
	}
	return c
}

// occurrence is a changed occurrence.
func occurrence(lines ...string) string {
	slices.Sort(lines)
	return "BEGIN:VEVENT\r\n" + strings.Join(lines, "\r\n") + "\r\nEND:VEVENT\r\n"
}

func renamed(slot, title string) string {
	return occurrence("RECURRENCE-ID;TZID=Europe/Berlin:"+slot, "DTSTART;TZID=Europe/Berlin:"+slot, "SUMMARY:"+title)
}

// held are the contents of both sides after a plan.
func held2(t *testing.T, p Pair, built Plan) (crm, mail model.Content) {
	t.Helper()
	after := apply(p, built)
	if again := Build(world(after)); len(again.Writes) != 0 {
		t.Errorf("the second plan writes %+v", again.Writes)
	}
	return after.CRM.Content, after.Mail.Content
}

// B14: one occurrence moved in the mailbox and another cancelled in the CRM at
// once: both happen, on both sides, and nothing is in conflict.
func TestOccurrencesAreMergedOneByOne(t *testing.T) {
	was := weekly()
	moved := occurrence("RECURRENCE-ID;TZID=Europe/Berlin:20260323T090000", "DTSTART;TZID=Europe/Berlin:20260324T140000", "SUMMARY:Round")
	p := linked(model.Event, was, weekly("recurrence", "EXDATE:20260330T070000Z\nRRULE:FREQ=WEEKLY;COUNT=6"), weekly("overrides", moved))
	built := Build(world(p))
	if len(built.Conflicts) != 0 || len(built.Writes) != 2 {
		t.Fatalf("conflicts %+v, writes %+v", built.Conflicts, built.Writes)
	}
	crm, mail := held2(t, p, built)
	for _, c := range []model.Content{crm, mail} {
		if c.Text("overrides") != moved || c.Text("recurrence") != "EXDATE:20260330T070000Z\nRRULE:FREQ=WEEKLY;COUNT=6" {
			t.Errorf("a side would hold %q %q", c.Text("recurrence"), c.Text("overrides"))
		}
	}
}

// What means the same is no edit, however it is written.
func TestSpellingOfASeriesIsNoEdit(t *testing.T) {
	was := weekly("recurrence", "EXDATE;TZID=Europe/Berlin:20260309T090000,20260316T090000\nRRULE:FREQ=WEEKLY;COUNT=6")
	for name, spelled := range map[string]model.Content{
		"EXDATE in another order, in UTC, a line each": weekly("recurrence", "EXDATE:20260316T080000Z\nEXDATE:20260309T080000Z\nRRULE:FREQ=WEEKLY;COUNT=6"),
		"UNTIL instead of COUNT":                       weekly("recurrence", "EXDATE:20260309T080000Z\nEXDATE:20260316T080000Z\nRRULE:FREQ=WEEKLY;UNTIL=20260406T070000Z"),
		"what the start implies":                       weekly("recurrence", "EXDATE:20260309T080000Z\nEXDATE:20260316T080000Z\nRRULE:FREQ=WEEKLY;INTERVAL=1;WKST=SU;BYDAY=MO;COUNT=6"),
		"a zone with the same clock": weekly("time_zone", "Europe/Paris",
			"recurrence", "EXDATE;TZID=Europe/Paris:20260309T090000,20260316T090000\nRRULE:FREQ=WEEKLY;COUNT=6"),
		"cancelled instead of left out": weekly("recurrence", "EXDATE:20260316T080000Z\nRRULE:FREQ=WEEKLY;COUNT=6",
			"overrides", occurrence("RECURRENCE-ID:20260309T080000Z", "STATUS:CANCELLED")),
	} {
		t.Run(name, func(t *testing.T) {
			if got := Build(world(linked(model.Event, was, spelled, was))); len(got.Writes) != 0 || got.Changes[0].State != Linked {
				t.Errorf("writes %+v, changes %+v", got.Writes, got.Changes)
			}
			// It does not bring back what the organizer deleted.
			gone := Build(world(linked(model.Event, was, spelled, nil)))
			if len(gone.Writes) != 1 || gone.Writes[0].Op.Action != model.Delete {
				t.Errorf("deleted in the mailbox: writes %+v", gone.Writes)
			}
			// Beside a real edit it stays as each side writes it.
			edited := was.Clone()
			edited.PutText("title", "Tour")
			got := Build(world(linked(model.Event, was, spelled, edited)))
			if len(got.Writes) != 1 || !slices.Equal(got.Writes[0].Op.Changed, []string{"title"}) || len(got.Conflicts) != 0 {
				t.Errorf("writes %+v, conflicts %+v", got.Writes, got.Conflicts)
			}
			// And an edit of another occurrence reaches it.
			edited = was.Clone()
			edited.PutText("overrides", renamed("20260330T090000", "Tour"))
			got = Build(world(linked(model.Event, was, spelled, edited)))
			if len(got.Writes) != 1 || got.Writes[0].Side != model.CRM || !strings.Contains(got.Writes[0].Op.Content.Text("overrides"), "SUMMARY:Tour") {
				t.Errorf("writes %+v", got.Writes)
			}
		})
	}
}

// Both sides changed the rule: one conflict over the series, never a mixture;
// the loser's series is kept whole.
func TestTwoRulesAreOneConflict(t *testing.T) {
	p := linked(model.Event, weekly(), weekly("recurrence", "RRULE:FREQ=WEEKLY;COUNT=8"),
		weekly("recurrence", "RRULE:FREQ=WEEKLY;COUNT=5", "overrides", renamed("20260316T090000", "Tour")))
	built := Build(world(p))
	if len(built.Conflicts) != 1 || built.Conflicts[0].Field != "recurrence" || built.Conflicts[0].Winner != model.CRM {
		t.Fatalf("conflicts %+v", built.Conflicts)
	}
	if l := built.Conflicts[0].Loser; l.Text("recurrence") != "RRULE:FREQ=WEEKLY;COUNT=5" || !strings.Contains(l.Text("overrides"), "Tour") || l.Text("start") == "" {
		t.Errorf("kept of the loser: %v", l)
	}
	_, mail := held2(t, p, built)
	if mail.Text("recurrence") != "RRULE:FREQ=WEEKLY;COUNT=8" || mail.Text("overrides") != "" {
		t.Errorf("the mailbox would hold %v", mail)
	}
}

// Both sides changed one occurrence: the policy decides, and the loser's is
// kept as it was.
func TestOneOccurrenceInConflict(t *testing.T) {
	ours, theirs := renamed("20260330T090000", "CRM"), renamed("20260330T090000", "Mail")
	p := linked(model.Event, weekly(), weekly("overrides", ours), weekly("overrides", theirs, "title", "Tour"))
	built := Build(world(p))
	if len(built.Conflicts) != 1 || built.Conflicts[0].Field != "overrides" || built.Conflicts[0].Loser.Text("overrides") != theirs {
		t.Fatalf("conflicts %+v", built.Conflicts)
	}
	crm, mail := held2(t, p, built)
	if mail.Text("overrides") != ours || crm.Text("overrides") != ours || crm.Text("title") != "Tour" {
		t.Errorf("the sides would hold %v and %v", crm, mail)
	}
	// The loser was a cancellation.
	p = linked(model.Event, weekly(), weekly("overrides", ours), weekly("recurrence", "EXDATE:20260330T070000Z\nRRULE:FREQ=WEEKLY;COUNT=6"))
	built = Build(world(p))
	if len(built.Conflicts) != 1 || built.Conflicts[0].Loser.Text("overrides") != "BEGIN:VEVENT\r\nRECURRENCE-ID:20260330T070000Z\r\nSTATUS:CANCELLED\r\nEND:VEVENT\r\n" {
		t.Fatalf("conflicts %+v", built.Conflicts)
	}
}

// B14: history that the organizer deleted is never created again, not even
// where the other side's series wins.
func TestDeletedHistoryStaysDeleted(t *testing.T) {
	for name, mail := range map[string]model.Content{
		"by EXDATE":                           weekly("recurrence", "EXDATE;TZID=Europe/Berlin:20260302T090000,20260309T090000\nRRULE:FREQ=WEEKLY;COUNT=6"),
		"by a later start":                    weekly("start", "2026-03-09T08:00:00Z", "end", "2026-03-09T08:30:00Z", "recurrence", "EXDATE:20260309T080000Z\nRRULE:FREQ=WEEKLY;COUNT=5"),
		"by EXDATE, and the rule changed too": weekly("recurrence", "EXDATE;TZID=Europe/Berlin:20260302T090000,20260309T090000\nRRULE:FREQ=WEEKLY;COUNT=7"),
	} {
		for other, crm := range map[string]model.Content{
			"untouched":           weekly(),
			"with another rule":   weekly("recurrence", "RRULE:FREQ=WEEKLY;COUNT=9"),
			"edited in the past":  weekly("overrides", renamed("20260309T090000", "Notes of the ninth")),
			"at another day time": weekly("start", "2026-03-02T13:00:00Z", "end", "2026-03-02T13:30:00Z"),
		} {
			t.Run(name+", the CRM "+other, func(t *testing.T) {
				p := linked(model.Event, weekly(), crm, mail)
				_, after := held2(t, p, Build(world(p)))
				s, err := (&builder{in: world()}).series(model.Event, after)
				if err != nil {
					t.Fatal(err)
				}
				all, err := s.Expand(now.AddDate(-1, 0, 0), now)
				if err != nil {
					t.Fatal(err)
				}
				for _, o := range all {
					if other == "at another day time" && (name != "by a later start" || o.Slot.Day == 9) {
						continue // the CRM's series has other occurrences than the one that was deleted
					}
					t.Errorf("created again: %v in %q", o.Slot, after.Text("recurrence"))
				}
			})
		}
	}
}

// Design decision 4: alarms and labels of single occurrences stay in their
// mailbox, and do not count as edits.
func TestPersonalPartsOfOccurrencesStay(t *testing.T) {
	mine := "BEGIN:VEVENT\r\nCATEGORIES:Red\r\nDTSTART:20260330T070000Z\r\nRECURRENCE-ID:20260330T070000Z\r\nSUMMARY:Tour\r\nBEGIN:VALARM\r\nACTION:DISPLAY\r\nTRIGGER:-PT5M\r\nEND:VALARM\r\nEND:VEVENT\r\n"
	p := linked(model.Event, weekly(), weekly(), weekly("overrides", mine))
	got := Build(world(p))
	if len(got.Writes) != 1 || got.Writes[0].Side != model.CRM {
		t.Fatalf("writes %+v", got.Writes)
	}
	if o := got.Writes[0].Op.Content.Text("overrides"); o != occurrence("DTSTART:20260330T070000Z", "RECURRENCE-ID:20260330T070000Z", "SUMMARY:Tour") {
		t.Errorf("the CRM would hold %q", o)
	}
	p = linked(model.Event, weekly("overrides", mine), weekly("overrides", mine), weekly("overrides", strings.ReplaceAll(mine, "-PT5M", "-PT9M")))
	if got := Build(world(p)); len(got.Writes) != 0 {
		t.Errorf("an alarm of one's own travels: %+v", got.Writes)
	}
}

// A single event: one side moved it, the other made it longer. Both happen, and
// it never ends before it starts.
func TestMovedHereAndLongerThere(t *testing.T) {
	was := text("title", "Lunch", "start", "2026-03-20T09:00:00Z", "end", "2026-03-20T10:00:00Z")
	longer, moved := was.Clone(), was.Clone()
	longer.PutText("end", "2026-03-20T12:00:00Z")
	moved.PutText("start", "2026-03-20T14:00:00Z")
	moved.PutText("end", "2026-03-20T15:00:00Z")
	p := linked(model.Event, was, longer, moved)
	built := Build(world(p))
	crm, mail := held2(t, p, built)
	for _, c := range []model.Content{crm, mail} {
		if len(built.Conflicts) != 0 || c.Text("start") != "2026-03-20T14:00:00Z" || c.Text("end") != "2026-03-20T17:00:00Z" {
			t.Errorf("a side would hold %v, conflicts %+v", c, built.Conflicts)
		}
	}
	// An appointment that was a whole day becomes two hours, or two days.
	hours, days := was.Clone(), was.Clone()
	days.PutText("start", "2026-03-20")
	days.PutText("end", "2026-03-22")
	hours.PutText("end", "2026-03-20T11:00:00Z")
	p = linked(model.Event, was, hours, days)
	crm, mail = held2(t, p, Build(world(p)))
	for _, c := range []model.Content{crm, mail} {
		if c.Text("start") != "2026-03-20" || c.Text("end") != "2026-03-22" {
			t.Errorf("a side would hold %v", c)
		}
	}
}

// A series that nobody can read is merged as one text: never mixed, never lost.
func TestUnreadableSeriesIsOneText(t *testing.T) {
	odd := "RRULE:FREQ=FORTNIGHTLY"
	p := linked(model.Event, weekly("recurrence", odd), weekly("recurrence", odd+";COUNT=3"), weekly("recurrence", odd, "end", "2026-03-02T09:00:00Z"))
	built := Build(world(p))
	if len(built.Conflicts) != 1 || built.Conflicts[0].Loser.Text("end") != "2026-03-02T09:00:00Z" {
		t.Fatalf("conflicts %+v", built.Conflicts)
	}
	_, mail := held2(t, p, built)
	if mail.Text("recurrence") != odd+";COUNT=3" || mail.Text("end") != "2026-03-02T08:30:00Z" {
		t.Errorf("the mailbox would hold %v", mail)
	}
}

// B14: the organizer cuts the series ("this and following" makes the rest a
// series of its own). What the CRM edited before the cut survives; an edit
// behind it has no place any more and is kept as a conflict; the cut is not
// undone.
func TestThisAndFollowingCutsTheSeries(t *testing.T) {
	cut := weekly("recurrence", "RRULE:FREQ=WEEKLY;UNTIL=20260316T080000Z")
	p := linked(model.Event, weekly(), weekly("overrides", renamed("20260316T090000", "Before")+renamed("20260330T090000", "Behind")), cut)
	built := Build(world(p))
	if len(built.Conflicts) != 1 || built.Conflicts[0].Winner != model.Mail || built.Conflicts[0].Loser.Text("overrides") != renamed("20260330T090000", "Behind") {
		t.Fatalf("conflicts %+v", built.Conflicts)
	}
	crm, mail := held2(t, p, built)
	for _, c := range []model.Content{crm, mail} {
		if c.Text("recurrence") != cut.Text("recurrence") || c.Text("overrides") != renamed("20260316T090000", "Before") {
			t.Errorf("a side would hold %v", c)
		}
	}
}

// An override for this and all following occurrences is one edit, beside those
// of single ones.
func TestOverridesOfAllThatFollow(t *testing.T) {
	later := occurrence("RECURRENCE-ID;RANGE=THISANDFUTURE:20260323T080000Z", "DTSTART:20260323T100000Z", "SUMMARY:Round")
	p := linked(model.Event, weekly(), weekly("overrides", renamed("20260316T090000", "Tour")), weekly("overrides", later))
	built := Build(world(p))
	crm, mail := held2(t, p, built)
	for _, c := range []model.Content{crm, mail} {
		if len(built.Conflicts) != 0 || c.Text("overrides") != renamed("20260316T090000", "Tour")+later {
			t.Errorf("a side would hold %q, conflicts %+v", c.Text("overrides"), built.Conflicts)
		}
	}
}

// A recurring task is one object, too; a single one has its fields merged each
// for itself.
func TestTasksRecurToo(t *testing.T) {
	was := text("title", "Report", "start", "2026-03-16", "due", "2026-03-17", "recurrence", "RRULE:FREQ=WEEKLY;COUNT=4")
	crm, mail := was.Clone(), was.Clone()
	crm.PutText("recurrence", "RRULE:FREQ=WEEKLY;COUNT=4;BYDAY=MO")
	mail.PutText("recurrence", "EXDATE;VALUE=DATE:20260323\nRRULE:FREQ=WEEKLY;COUNT=4")
	p := linked(model.Task, was, crm, mail)
	built := Build(world(p))
	if len(built.Conflicts) != 0 || len(built.Writes) != 1 || built.Writes[0].Side != model.CRM {
		t.Fatalf("writes %+v, conflicts %+v", built.Writes, built.Conflicts)
	}
	if got := built.Writes[0].Op.Content.Text("recurrence"); got != "EXDATE;VALUE=DATE:20260323\nRRULE:FREQ=WEEKLY;COUNT=4;BYDAY=MO" {
		t.Errorf("the CRM would hold %q", got)
	}
	for _, f := range []string{"start", "due"} {
		one := text("title", "Report", "start", "2026-03-16", "due", "2026-03-17")
		moved := one.Clone()
		moved.PutText(f, "2026-03-15")
		if got := Build(world(linked(model.Task, one, moved, one))); len(got.Writes) != 1 || !slices.Equal(got.Writes[0].Op.Changed, []string{f}) {
			t.Errorf("%s: %+v", f, got.Writes)
		}
	}
}

// What one side had edited of history that the other deleted is not created
// again, but it is kept.
func TestAnEditOfDeletedHistoryIsKept(t *testing.T) {
	edited := renamed("20260309T090000", "Notes of the ninth")
	p := linked(model.Event, weekly(), weekly("overrides", edited), weekly("recurrence", "EXDATE:20260309T080000Z\nRRULE:FREQ=WEEKLY;COUNT=6"))
	built := Build(world(p))
	if len(built.Conflicts) != 1 || built.Conflicts[0].Winner != model.Mail || built.Conflicts[0].Loser.Text("overrides") != edited {
		t.Errorf("conflicts %+v", built.Conflicts)
	}
	crm, mail := held2(t, p, built)
	for _, c := range []model.Content{crm, mail} {
		if !strings.Contains(c.Text("recurrence"), "EXDATE") || c.Text("overrides") != "" {
			t.Errorf("a side would hold %v", c)
		}
	}
}
