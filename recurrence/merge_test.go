package recurrence_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"lockstep.dev/recurrence"
	"lockstep.dev/vobject"
	"pgregory.net/rapid"
)

func weekly(t testing.TB) recurrence.Series {
	return series(t, "20260105T090000", "Europe/Paris", "RRULE:FREQ=WEEKLY;COUNT=6", "EXDATE;TZID=Europe/Paris:20260119T090000")
}

// slotOn is the slot of a weekly series on a day of January.
func slotOn(s recurrence.Series, day int) vobject.Time {
	at := s.Start
	at.Day = day
	return at
}

// B14: a series is merged as one object; edits of different occurrences on the
// two sides both survive.
func TestMergeKeepsEditsOfBothSides(t *testing.T) {
	base, left, right := weekly(t), weekly(t), weekly(t)
	left.Overrides = []recurrence.Override{{ID: slotOn(left, 12), Content: "SUMMARY:left"}}
	left.Duration = vobject.Duration{Hours: 2}
	right.Lines = append(slices.Clone(right.Lines), "EXDATE:20260126T080000Z", "RDATE;TZID=Europe/Paris:20260128T090000")
	for _, prefer := range []recurrence.Side{recurrence.Left, recurrence.Right} {
		got, conflicts, err := recurrence.Merge(base, left, right, prefer)
		if err != nil || len(conflicts) > 0 {
			t.Fatalf("%v %v", conflicts, err)
		}
		want := []string{"20260105T0900", "20260112T0900", "20260128T0900", "20260202T0900", "20260209T0900"}
		if all := starts(t, got, "20260101", "20260301"); !slices.Equal(all, want) {
			t.Errorf("got %v", all)
		}
		if len(got.Overrides) != 1 || got.Overrides[0].Content != "SUMMARY:left" || got.Duration.Hours != 2 {
			t.Errorf("got %+v", got)
		}
	}
}

func TestMergeBothChangedTheRuleIsOneConflict(t *testing.T) {
	base, left, right := weekly(t), weekly(t), weekly(t)
	left.Lines = []string{"RRULE:FREQ=WEEKLY;COUNT=8"}
	left.Overrides = []recurrence.Override{{ID: slotOn(left, 12), Content: "l"}}
	right.Start.Hour = 10
	right.Overrides = []recurrence.Override{{ID: slotOn(right, 12), Content: "r"}}
	got, conflicts, err := recurrence.Merge(base, left, right, recurrence.Right)
	if err != nil || len(conflicts) != 1 || !conflicts[0].Key.IsZero() {
		t.Fatalf("%v %v", conflicts, err)
	}
	if same, err := recurrence.Equal(got, right); err != nil || !same {
		t.Errorf("not the preferred side: %+v %v", got, err)
	}
}

func TestMergeOneChangedTheRule(t *testing.T) {
	base, left, right := weekly(t), weekly(t), weekly(t)
	left.Lines = []string{"RRULE:FREQ=WEEKLY;INTERVAL=2;COUNT=3", "EXDATE;TZID=Europe/Paris:20260119T090000"}
	right.Overrides = []recurrence.Override{{ID: slotOn(right, 12), Content: "lost slot"}, {ID: slotOn(right, 26), Cancelled: true},
		{ID: slotOn(right, 5), Content: "kept"}}
	got, conflicts, err := recurrence.Merge(base, left, right, recurrence.Left)
	if err != nil || len(conflicts) != 1 || !conflicts[0].Key.Equal(right.Instant(slotOn(right, 12))) {
		t.Fatalf("%v %v", conflicts, err)
	}
	if len(got.Overrides) != 1 || got.Overrides[0].Content != "kept" {
		t.Errorf("overrides %+v", got.Overrides)
	}
	if all := starts(t, got, "20260101", "20260401"); !slices.Equal(all, []string{"20260105T0900", "20260202T0900"}) {
		t.Errorf("got %v", all)
	}
}

func TestMergeConflictOverOneOccurrence(t *testing.T) {
	base, left, right := weekly(t), weekly(t), weekly(t)
	left.Overrides = []recurrence.Override{{ID: slotOn(left, 12), Content: "edited"}}
	right.Lines = append(slices.Clone(right.Lines), "EXDATE;TZID=Europe/Paris:20260112T090000")
	got, conflicts, err := recurrence.Merge(base, left, right, recurrence.Right)
	if err != nil || len(conflicts) != 1 {
		t.Fatalf("%v %v", conflicts, err)
	}
	if all := starts(t, got, "20260106", "20260120"); len(all) != 0 || len(got.Overrides) != 0 {
		t.Errorf("the deletion was preferred: %v %v", all, got.Overrides)
	}
	got, _, err = recurrence.Merge(base, left, right, recurrence.Left)
	if err != nil || len(got.Overrides) != 1 {
		t.Errorf("the edit was preferred: %+v %v", got, err)
	}
	if all := starts(t, got, "20260106", "20260120"); !slices.Equal(all, []string{"20260112T0900"}) {
		t.Errorf("the edit was preferred: %v", all)
	}
}

// B14: what the organizer took away is not re-created by the other side that
// still has it from before.
func TestMergeDoesNotReviveDeletedHistory(t *testing.T) {
	base := weekly(t)
	base.Overrides = []recurrence.Override{{ID: slotOn(base, 12), Content: "old"}}
	organizer, other := base, base
	organizer.Overrides = nil
	organizer.Lines = append(slices.Clone(base.Lines), "EXDATE;TZID=Europe/Paris:20260105T090000,20260112T090000")
	got, conflicts, err := recurrence.Merge(base, organizer, other, recurrence.Right)
	if err != nil || len(conflicts) > 0 {
		t.Fatalf("%v %v", conflicts, err)
	}
	if all := starts(t, got, "20260101", "20260120"); len(all) != 0 {
		t.Errorf("revived: %v", all)
	}
}

// An override that is cancelled, an EXDATE and the same moment in another
// clock are one thing.
func TestEqualLooksAtTheMeaning(t *testing.T) {
	a, b := weekly(t), weekly(t)
	a.Lines = []string{"RRULE:COUNT=6;FREQ=WEEKLY;INTERVAL=1", "EXDATE:20260119T080000Z"}
	b.Lines = []string{"RRULE:freq=weekly;wkst=MO;count=6"}
	b.Overrides = []recurrence.Override{{ID: slotOn(b, 19), Cancelled: true}}
	if same, err := recurrence.Equal(a, b); err != nil || !same {
		t.Errorf("%v %v", same, err)
	}
	b.Start.Minute = 1
	if same, err := recurrence.Equal(a, b); err != nil || same {
		t.Errorf("%v %v", same, err)
	}
}

// Merging is fair: with the roles of the sides exchanged the result is the
// same; and what only one side changed is what comes out.
func TestMergeLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		base := randomSeries(t)
		left, right := edited(t, base, "left"), edited(t, base, "right")
		for _, prefer := range []recurrence.Side{recurrence.Left, recurrence.Right} {
			a, ca, err := recurrence.Merge(base, left, right, prefer)
			if err != nil {
				t.Fatal(err)
			}
			b, cb, err := recurrence.Merge(base, right, left, 1-prefer)
			if err != nil {
				t.Fatal(err)
			}
			same, err := recurrence.Equal(a, b)
			if err != nil || !same || len(ca) != len(cb) {
				t.Fatalf("exchanged: %v\n%+v\n%+v\n%v\n%v", err, a, b, ca, cb)
			}
		}
		one, conflicts, err := recurrence.Merge(base, left, base, recurrence.Right)
		same, equalErr := recurrence.Equal(one, left)
		if err != nil || equalErr != nil || !same || len(conflicts) > 0 {
			t.Fatalf("only one side changed: %v %v %v\n%+v\n%+v", err, equalErr, conflicts, one, left)
		}
	})
}

// edited makes a few random edits of a series.
func edited(t *rapid.T, s recurrence.Series, who string) recurrence.Series {
	s.Lines, s.Overrides = slices.Clone(s.Lines), slices.Clone(s.Overrides)
	all := window(t, s)
	for range rapid.IntRange(0, 3).Draw(t, who) {
		if len(all) == 0 {
			break
		}
		o := all[rapid.IntRange(0, len(all)-1).Draw(t, "occurrence")]
		switch rapid.IntRange(0, 3).Draw(t, "edit") {
		case 0:
			s.Lines = append(s.Lines, "EXDATE"+suffix(s)+o.Slot.String())
		case 1:
			s.Overrides = slices.DeleteFunc(s.Overrides, func(x recurrence.Override) bool { return s.Instant(x.ID).Equal(o.ID) })
			s.Overrides = append(s.Overrides, recurrence.Override{ID: o.Slot, Content: who})
		case 2:
			s.Lines[0] = strings.Split(s.Lines[0], ";COUNT")[0]
		case 3:
			s.Lines = append(s.Lines, "RDATE"+suffix(s)+time.Date(2030, 1, 1+len(who), 9, 0, 0, 0, time.UTC).Format("20060102"))
			if s.Start.Clock != vobject.AllDay {
				s.Lines[len(s.Lines)-1] += "T090000"
			}
		}
	}
	return s
}
