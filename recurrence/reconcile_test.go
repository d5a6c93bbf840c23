package recurrence_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"lockstep.dev/recurrence"
	"lockstep.dev/vobject"
	"pgregory.net/rapid"
)

// elsewhere is a series as Graph, EWS and Salesforce keep it: pattern and
// range, and exceptions by the instant of their slot. It is read back from
// there; ok is false for what has no pattern.
func elsewhere(t *rapid.T, s recurrence.Series) (recurrence.Series, bool) {
	pattern, rng, err := s.Pattern()
	var unsupported *recurrence.UnsupportedError
	if errors.As(err, &unsupported) {
		return s, false
	}
	if err != nil {
		t.Fatal(err)
	}
	rule, err := pattern.Rule(rng, s)
	if err != nil {
		t.Fatal(err)
	}
	out := s
	out.Lines, out.Overrides = []string{"RRULE:" + rule}, nil
	bare := s
	bare.Lines = slices.DeleteFunc(slices.Clone(s.Lines), func(l string) bool { return l[:2] == "EX" })
	bare.Overrides = nil
	lives := map[string]bool{}
	for _, o := range window(t, s) {
		lives[o.ID.String()] = true
	}
	for _, o := range window(t, bare) {
		if !lives[o.ID.String()] {
			out.Overrides = append(out.Overrides, recurrence.Override{ID: utc(s, o.Slot), Cancelled: true})
		}
	}
	for _, o := range s.Overrides {
		if lives[s.Instant(o.ID).String()] {
			o.ID = utc(s, o.ID)
			out.Overrides = append(out.Overrides, o)
		}
	}
	return out, true
}

// utc writes a slot as the instant it is, where it is one.
func utc(s recurrence.Series, at vobject.Time) vobject.Time {
	if s.AllDay() || s.Start.Clock == vobject.Floating {
		return at
	}
	i := s.Instant(at)
	return vobject.Time{Date: vobject.Date{Year: i.Year(), Month: int(i.Month()), Day: i.Day()}, Hour: i.Hour(), Minute: i.Minute(), Second: i.Second(), Clock: vobject.UTC}
}

// happens is what a series comes to: when, and with which content.
func happens(t *rapid.T, s recurrence.Series) []string {
	var out []string
	for _, o := range window(t, s) {
		content := ""
		if o.Override >= 0 {
			content = s.Overrides[o.Override].Content
		}
		out = append(out, fmt.Sprint(o.ID.Unix(), o.Start.Unix(), o.End.Unix(), content))
	}
	return out
}

// B14: one side keeps a series in iCalendar, the other as pattern and range.
// The form is no edit, and what the two merge to is what they would merge to if
// both had iCalendar: on both sides the same.
func TestReconcileAcrossForms(t *testing.T) {
	merged := 0
	rapid.Check(t, func(t *rapid.T) {
		base := randomSeries(t)
		left, right := edited(t, base, "left"), edited(t, base, "right")
		baseThere, okBase := elsewhere(t, base)
		there, okRight := elsewhere(t, right)
		if !okBase || !okRight {
			return
		}
		merged++
		if same, err := recurrence.Equal(base, baseThere); err != nil || !same {
			t.Fatalf("the form is an edit: %v\n%+v\n%+v", err, base, baseThere)
		}
		want, conflicts, err := recurrence.Merge(base, left, right, recurrence.Left)
		if err != nil {
			t.Fatal(err)
		}
		out, across, err := recurrence.Reconcile([2]recurrence.Series{base, baseThere}, [2]recurrence.Series{left, there}, recurrence.Left)
		if err != nil {
			t.Fatal(err)
		}
		if len(across) != len(conflicts) {
			t.Fatalf("conflicts %v, in one form %v", across, conflicts)
		}
		for _, got := range out {
			if a, b := happens(t, got), happens(t, want); !slices.Equal(a, b) {
				t.Fatalf("got  %v\nwant %v\n%+v\n%+v", a, b, got, want)
			}
		}
	})
	if merged == 0 {
		t.Error("no series had a pattern")
	}
}

// What only one system can hold is no edit: each side keeps its own, and an
// edit of another occurrence reaches both.
func TestReconcileKeepsWhatEachSideHolds(t *testing.T) {
	rich, poor := weekly(t), weekly(t)
	rich.Overrides = []recurrence.Override{{ID: slotOn(rich, 12), Content: "SUMMARY:a\nLOCATION:b"}}
	poor.Overrides = []recurrence.Override{{ID: slotOn(poor, 12), Content: "SUMMARY:a"}}
	edit := poor
	edit.Overrides = append(slices.Clone(poor.Overrides), recurrence.Override{ID: slotOn(poor, 26), Cancelled: true})
	out, conflicts, err := recurrence.Reconcile([2]recurrence.Series{rich, poor}, [2]recurrence.Series{rich, edit}, recurrence.Left)
	if err != nil || len(conflicts) > 0 {
		t.Fatalf("%v %v", conflicts, err)
	}
	for i, content := range []string{"SUMMARY:a\nLOCATION:b", "SUMMARY:a"} {
		if o := out[i].Overrides; len(o) != 2 || o[0].Content != content || !o[1].Cancelled {
			t.Errorf("side %d: %+v", i, o)
		}
	}
}

// Lengths are compared by what they are.
func TestEqualDurations(t *testing.T) {
	a, b := weekly(t), weekly(t)
	a.Duration, b.Duration = vobject.Duration{Minutes: 90}, vobject.Duration{Hours: 1, Minutes: 30}
	if same, err := recurrence.Equal(a, b); err != nil || !same {
		t.Errorf("%v %v", same, err)
	}
}

// Rules too long to be compared slot by slot, and those by the minute, are
// compared with their ends.
func TestEqualOfLongRules(t *testing.T) {
	for _, pair := range [][2]string{
		{"RRULE:FREQ=DAILY;COUNT=2500", "RRULE:FREQ=DAILY;COUNT=2600"}, {"RRULE:FREQ=DAILY;UNTIL=20400101T000000Z", "RRULE:FREQ=DAILY;UNTIL=20410101T000000Z"},
		{"RRULE:FREQ=MINUTELY;COUNT=5", "RRULE:FREQ=MINUTELY;COUNT=6"}, {"RRULE:FREQ=DAILY", "RRULE:FREQ=DAILY;COUNT=2500"},
	} {
		a, b := weekly(t), weekly(t)
		a.Lines, b.Lines = pair[:1], pair[1:]
		if same, err := recurrence.Equal(a, b); err != nil || same {
			t.Errorf("%v: %v %v", pair, same, err)
		}
		b.Lines = []string{pair[0] + ";INTERVAL=1"}
		if same, err := recurrence.Equal(a, b); err != nil || !same {
			t.Errorf("%v: %v %v", pair[0], same, err)
		}
	}
}
