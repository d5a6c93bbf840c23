package recurrence_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"lockstep.dev/recurrence"
	"lockstep.dev/vobject"
)

func load(t testing.TB, name string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

// series makes one from a start such as "20260105T090000", "20260105" or
// "20260105T090000Z".
func series(t testing.TB, start, zone string, lines ...string) recurrence.Series {
	t.Helper()
	at, err := vobject.ParseTime(start)
	if err != nil {
		t.Fatal(err)
	}
	s := recurrence.Series{Start: at, Lines: lines}
	if at.Clock == vobject.Floating {
		s.Start.Clock, s.Start.TZID, s.Zone = vobject.Zoned, zone, load(t, zone)
	}
	return s
}

func day(text string) time.Time {
	t, err := time.Parse("20060102", text)
	if err != nil {
		panic(err)
	}
	return t
}

// starts expands and writes the local starts, short.
func starts(t testing.TB, s recurrence.Series, from, to string) []string {
	t.Helper()
	all, err := s.Expand(day(from), day(to))
	if err != nil {
		t.Fatal(err)
	}
	return texts(s, all)
}

func texts(s recurrence.Series, all []recurrence.Occurrence) []string {
	out := make([]string, len(all))
	for i, o := range all {
		switch {
		case o.AllDay:
			out[i] = o.Start.Format("20060102")
		case s.Zone != nil:
			out[i] = o.Start.In(s.Zone).Format("20060102T1504")
		default:
			out[i] = o.Start.Format("20060102T1504")
		}
	}
	return out
}

// The examples of RFC 5545 section 3.8.5.3, in New York.
func TestExamplesOfTheStandard(t *testing.T) {
	for _, tc := range []struct {
		name, start, rule, from, to string
		want                        string
	}{
		{"daily for 10", "19970902T090000", "FREQ=DAILY;COUNT=10", "19970101", "19990101",
			"0902 0903 0904 0905 0906 0907 0908 0909 0910 0911"},
		{"every 10 days, 5 times", "19970902T090000", "FREQ=DAILY;INTERVAL=10;COUNT=5", "19970101", "19990101", "0902 0912 0922 1002 1012"},
		{"weekly until", "19970902T090000", "FREQ=WEEKLY;UNTIL=19971007T000000Z;WKST=SU;BYDAY=TU,TH", "19970101", "19990101",
			"0902 0904 0909 0911 0916 0918 0923 0925 0930 1002"},
		{"every other week", "19970902T090000", "FREQ=WEEKLY;INTERVAL=2;COUNT=8;WKST=SU;BYDAY=TU,TH", "19970101", "19990101",
			"0902 0904 0916 0918 0930 1002 1014 1016"},
		{"first Friday", "19970905T090000", "FREQ=MONTHLY;COUNT=4;BYDAY=1FR", "19970101", "19990101", "0905 1003 1107 1205"},
		{"second to last Monday", "19970922T090000", "FREQ=MONTHLY;COUNT=3;BYDAY=-2MO", "19970101", "19990101", "0922 1020 1117"},
		{"third to last day", "19970928T090000", "FREQ=MONTHLY;BYMONTHDAY=-3", "19970101", "19971201", "0928 1029 1128"},
		{"first and last of the month", "19970930T090000", "FREQ=MONTHLY;COUNT=5;BYMONTHDAY=1,-1", "19970101", "19990101", "0930 1001 1031 1101 1130"},
		{"yearly in June and July", "19970610T090000", "FREQ=YEARLY;COUNT=4;BYMONTH=6,7", "19970101", "20000101", "0610 0710 0610 0710"},
		{"every third year by year day", "19970101T090000", "FREQ=YEARLY;INTERVAL=3;COUNT=4;BYYEARDAY=1,100,200", "19970101", "20010101", "0101 0410 0719 0101"},
		{"20th Monday of the year", "19970519T090000", "FREQ=YEARLY;BYDAY=20MO", "19970101", "19991231", "0519 0518 0517"},
		{"Monday of week 20", "19970512T090000", "FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO", "19970101", "19991231", "0512 0511 0517"},
		{"every Friday the 13th", "19970902T090000", "FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13", "19970903", "19990101", "0213 0313 1113"},
		{"third of Tuesday to Thursday", "19970904T090000", "FREQ=MONTHLY;COUNT=3;BYDAY=TU,WE,TH;BYSETPOS=3", "19970101", "19990101", "0904 1007 1106"},
		{"second to last weekday", "19970929T090000", "FREQ=MONTHLY;COUNT=3;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-2", "19970101", "19990101", "0929 1030 1127"},
		{"WKST=MO", "19970805T090000", "FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=MO", "19970101", "19990101", "0805 0810 0819 0824"},
		{"WKST=SU", "19970805T090000", "FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=SU", "19970101", "19990101", "0805 0817 0819 0831"},
		{"days that a month lacks are left out", "20070115T090000", "FREQ=MONTHLY;BYMONTHDAY=15,30;COUNT=5", "20070101", "20080101", "0115 0130 0215 0315 0330"},
	} {
		s := series(t, tc.start, "America/New_York", "RRULE:"+tc.rule)
		var got []string
		for _, text := range starts(t, s, tc.from, tc.to) {
			got = append(got, text[4:8])
			if !strings.HasSuffix(text, "T0900") {
				t.Errorf("%s: at %s", tc.name, text)
			}
		}
		if strings.Join(got, " ") != tc.want {
			t.Errorf("%s:\ngot  %s\nwant %s", tc.name, strings.Join(got, " "), tc.want)
		}
	}
}

func TestRulesWithinTheDay(t *testing.T) {
	for _, tc := range []struct{ name, rule, want string }{
		{"every 3 hours until 17", "FREQ=HOURLY;INTERVAL=3;UNTIL=19970902T210000Z", "0900 1200 1500"},
		{"every 15 minutes, 6 times", "FREQ=MINUTELY;INTERVAL=15;COUNT=6", "0900 0915 0930 0945 1000 1015"},
		{"every hour and a half", "FREQ=MINUTELY;INTERVAL=90;COUNT=4", "0900 1030 1200 1330"},
		{"by hour and minute", "FREQ=DAILY;BYHOUR=9,10;BYMINUTE=0,20,40;COUNT=5", "0900 0920 0940 1000 1020"},
		{"hourly at two minutes", "FREQ=HOURLY;BYMINUTE=0,30;COUNT=4", "0900 0930 1000 1030"},
		{"hours that the interval never meets", "FREQ=HOURLY;INTERVAL=24;BYHOUR=5", "0900"},
	} {
		s := series(t, "19970902T090000", "America/New_York", "RRULE:"+tc.rule)
		var got []string
		for _, text := range starts(t, s, "19970901", "19970904") {
			got = append(got, text[9:])
		}
		if strings.Join(got, " ") != tc.want {
			t.Errorf("%s: got %s want %s", tc.name, strings.Join(got, " "), tc.want)
		}
	}
}

// What rrule-go cannot do by itself.
func TestWhatTheExpanderGetsWrong(t *testing.T) {
	for _, tc := range []struct {
		name, start, zone string
		lines             []string
		want              string
	}{
		{"a start that is a date", "20260105", "", []string{"RRULE:FREQ=DAILY;COUNT=3"}, "20260105 20260106 20260107"},
		{"two rules", "20260105T090000", "Europe/Paris", []string{"RRULE:FREQ=WEEKLY;COUNT=2", "RRULE:FREQ=MONTHLY;COUNT=2"},
			"20260105T0900 20260112T0900 20260205T0900"},
		{"UNTIL without Z is local", "20260105T230000", "America/New_York", []string{"RRULE:FREQ=DAILY;UNTIL=20260106T230000"}, "20260105T2300 20260106T2300"},
		{"UNTIL as a date holds for its day", "20260105T230000", "America/New_York", []string{"RRULE:FREQ=DAILY;UNTIL=20260106"}, "20260105T2300 20260106T2300"},
		{"UNTIL in UTC for an all-day series", "20260105", "", []string{"RRULE:FREQ=DAILY;UNTIL=20260106T000000Z"}, "20260105 20260106"},
		{"RDATE with a period", "20260105T090000", "Europe/Paris", []string{"RDATE;VALUE=PERIOD;TZID=Europe/Paris:20260110T100000/PT2H"}, "20260105T0900 20260110T1000"},
		{"EXDATE as a date", "20260105T090000", "Europe/Paris", []string{"RRULE:FREQ=DAILY;COUNT=3", "EXDATE;VALUE=DATE:20260106"}, "20260105T0900 20260107T0900"},
		{"EXDATE in UTC", "20260105T090000", "Europe/Paris", []string{"RRULE:FREQ=DAILY;COUNT=3", "EXDATE:20260106T080000Z"}, "20260105T0900 20260107T0900"},
		{"EXDATE of the first", "20260105", "", []string{"RRULE:FREQ=DAILY;COUNT=3", "EXDATE;VALUE=DATE:20260105,20260107"}, "20260106"},
		{"RSCALE and SKIP as they are anyway", "20260131", "", []string{"RRULE:RSCALE=GREGORIAN;FREQ=MONTHLY;SKIP=OMIT;COUNT=2"}, "20260131 20260331"},
		{"a start off its rule counts", "20260106T090000", "Europe/Paris", []string{"RRULE:FREQ=WEEKLY;BYDAY=MO;COUNT=3"}, "20260106T0900 20260112T0900 20260119T0900"},
		{"lower case and a space", "20260105", "", []string{"rrule: freq=daily;count=2"}, "20260105 20260106"},
		{"UNTIL before the start", "20260105", "", []string{"RRULE:FREQ=DAILY;UNTIL=20250101"}, "20260105"},
	} {
		s := series(t, tc.start, tc.zone, tc.lines...)
		if got := strings.Join(starts(t, s, "20260101", "20260401"), " "); got != tc.want {
			t.Errorf("%s: got %s want %s", tc.name, got, tc.want)
		}
	}
}

// A series keeps its local time over a change of clocks; a skipped time moves
// by the gap that day only; of a repeated time the first counts.
func TestChangeOfClocks(t *testing.T) {
	gap := series(t, "20260327T023000", "Europe/Paris", "RRULE:FREQ=DAILY;COUNT=4")
	if got := strings.Join(starts(t, gap, "20260301", "20260501"), " "); got != "20260327T0230 20260328T0230 20260329T0330 20260330T0230" {
		t.Errorf("gap: %s", got)
	}
	twice := series(t, "20261024T023000", "Europe/Paris", "RRULE:FREQ=DAILY;COUNT=3")
	all, err := twice.Expand(day("20261001"), day("20261201"))
	if err != nil || len(all) != 3 || !all[1].Start.Equal(time.Date(2026, 10, 25, 0, 30, 0, 0, time.UTC)) {
		t.Errorf("repeated time: %v %v", all, err)
	}
	long := series(t, "20260328T120000", "Europe/Paris", "RRULE:FREQ=DAILY;COUNT=1")
	long.Duration = vobject.Duration{Days: 1}
	all, err = long.Expand(day("20260301"), day("20260501"))
	if err != nil || all[0].End.Sub(all[0].Start) != 23*time.Hour {
		t.Errorf("a day over the change: %v %v", all, err)
	}
}

func TestOverridesMoveCancelAndAdd(t *testing.T) {
	s := series(t, "20260105T090000", "Europe/Paris", "RRULE:FREQ=DAILY;COUNT=5", "EXDATE;TZID=Europe/Paris:20260109T090000")
	s.Duration = vobject.Duration{Hours: 1}
	at := func(text string) vobject.Time {
		v := series(t, text, "Europe/Paris").Start
		return v
	}
	s.Overrides = []recurrence.Override{
		{ID: at("20260106T090000"), Start: at("20260301T150000"), Duration: vobject.Duration{Hours: 2}, Content: "moved far away"},
		{ID: at("20260107T080000Z"), Cancelled: true}, // the same slot, said in UTC
		{ID: at("20260202T090000"), Content: "a slot the rule does not have"},
		{ID: at("20260109T090000"), Content: "excluded for good"},
	}
	want := []string{"20260105T0900", "20260108T0900", "20260202T0900", "20260301T1500"}
	if got := starts(t, s, "20260101", "20260401"); !slices.Equal(got, want) {
		t.Errorf("got %v want %v", got, want)
	}
	all, err := s.Expand(day("20260301"), day("20260302"))
	if err != nil || len(all) != 1 || all[0].Override != 0 || all[0].End.Sub(all[0].Start) != 2*time.Hour {
		t.Errorf("moved into the window: %v %v", all, err)
	}
	if got := starts(t, s, "20260106", "20260107"); len(got) != 0 {
		t.Errorf("moved out of the window: %v", got)
	}
}

func TestOverrideOfThisAndFuture(t *testing.T) {
	s := series(t, "20260327T090000", "Europe/Paris", "RRULE:FREQ=DAILY;COUNT=4")
	id, start := s.Start, s.Start
	id.Day, start.Day, start.Hour = 28, 28, 10
	s.Overrides = []recurrence.Override{{ID: id, Start: start, Following: true}}
	want := []string{"20260327T0900", "20260328T1000", "20260329T1000", "20260330T1000"}
	if got := starts(t, s, "20260301", "20260501"); !slices.Equal(got, want) {
		t.Errorf("got %v want %v", got, want)
	}
}

func TestWindowTakesWhatTouchesIt(t *testing.T) {
	s := series(t, "20260105", "", "RRULE:FREQ=WEEKLY")
	s.Duration = vobject.Duration{Days: 3}
	if got := starts(t, s, "20260114", "20260115"); !slices.Equal(got, []string{"20260112"}) {
		t.Errorf("got %v", got)
	}
	if got := starts(t, s, "20260115", "20260119"); len(got) != 0 {
		t.Errorf("got %v", got)
	}
	if got := starts(t, s, "20160101", "20170101"); len(got) != 0 {
		t.Errorf("before the series: %v", got)
	}
}

func TestRulesThatCannotBeComputedAreSaid(t *testing.T) {
	for _, line := range []string{"RRULE:RSCALE=CHINESE;FREQ=YEARLY", "RRULE:FREQ=MONTHLY;SKIP=BACKWARD;RSCALE=GREGORIAN", "RRULE:FREQ=DAILY;BYEASTER=0",
		"RRULE:FREQ=SECONDLY", "RRULE:FREQ=MINUTELY;BYMONTH=2;BYMONTHDAY=30", "EXRULE:FREQ=DAILY", "RRULE:FREQ=HOURLY;BYSETPOS=1"} {
		_, err := series(t, "20260105T090000", "Europe/Paris", line).Expand(day("20280101"), day("20290101"))
		var unsupported *recurrence.UnsupportedError
		if !errors.As(err, &unsupported) {
			t.Errorf("%s: %v", line, err)
		}
	}
	for _, line := range []string{"RRULE:", "RRULE:FREQ=OFTEN", "RRULE:COUNT=3", "RRULE:FREQ=DAILY;COUNT=0", "RRULE:FREQ=DAILY;INTERVAL=0", "RRULE:FREQ=DAILY;INTERVAL=99999999999999999999",
		"RRULE:FREQ=DAILY;BYMONTH=13", "RRULE:FREQ=DAILY;BYDAY=XX", "RRULE:FREQ=DAILY;BYDAY=", "RRULE:FREQ=DAILY;BYMONTHDAY=0", "RRULE:FREQ=DAILY;UNTIL=soon", "EXDATE:never", "no property", "A:1\nB:2", "RDATE:20260105/x"} {
		if _, err := series(t, "20260105", "", line).Expand(day("20260101"), day("20270101")); err == nil {
			t.Errorf("%q is accepted", line)
		}
	}
}

// Rules that never fit end the search soon.
func TestImpossibleRulesEnd(t *testing.T) {
	for _, rule := range []string{"FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30", "FREQ=YEARLY;BYMONTH=4;BYMONTHDAY=31", "FREQ=MONTHLY;INTERVAL=12;BYMONTHDAY=31", "FREQ=YEARLY;BYDAY=53MO;BYMONTH=1", "FREQ=WEEKLY;BYMONTH=2;BYMONTHDAY=31", "FREQ=YEARLY;BYWEEKNO=53;BYMONTH=6"} {
		if got := starts(t, series(t, "20260205T090000", "Europe/Paris", "RRULE:"+rule), "20260101", "20990101"); len(got) != 1 {
			t.Errorf("%s: %v", rule, got)
		}
	}
}

func FuzzExpand(f *testing.F) {
	for _, rule := range []string{"FREQ=DAILY;COUNT=3", "FREQ=HOURLY;INTERVAL=24;BYHOUR=5", "FREQ=YEARLY;BYWEEKNO=-53;BYDAY=-53SU;BYSETPOS=-366", "FREQ=MONTHLY;BYYEARDAY=366;WKST=SU;UNTIL=20400101", "FREQ=SECONDLY;BYSECOND=59"} {
		f.Add("20260105T090000", "RRULE:"+rule)
	}
	f.Fuzz(func(t *testing.T, start, line string) {
		at, err := vobject.ParseTime(start)
		if err != nil || !at.Complete() {
			return
		}
		s := recurrence.Series{Start: at, Zone: time.FixedZone("x", 3600), Lines: []string{line}}
		all, err := s.Expand(day("20260101"), day("20280101"))
		if err != nil {
			return
		}
		for _, o := range all {
			if o.End.Before(o.Start) {
				t.Fatalf("ends before it starts: %v", o)
			}
		}
	})
}

func BenchmarkExpand(b *testing.B) {
	s := series(b, "20200106T090000", "Europe/Paris", "RRULE:FREQ=WEEKLY;BYDAY=MO,TH", "EXDATE;TZID=Europe/Paris:20260105T090000")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Expand(day("20260101"), day("20270101")); err != nil {
			b.Fatal(err)
		}
	}
}
