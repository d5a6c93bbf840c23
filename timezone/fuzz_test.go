package timezone_test

import (
	"testing"
	"time"

	"lockstep.dev/timezone"
	"lockstep.dev/vobject"
)

// FuzzDefinition: whatever a VTIMEZONE says, it is computed with or refused, and
// the same after an edit beside its rules.
func FuzzDefinition(f *testing.F) {
	f.Add(outlookBerlin, "x")
	f.Add("BEGIN:VTIMEZONE\nBEGIN:STANDARD\nDTSTART:20200101T000000\nRDATE:20210101T000000\nTZOFFSETFROM:-1200\nTZOFFSETTO:+1400\nRRULE:FREQ=YEARLY;COUNT=3\nEND:STANDARD\nEND:VTIMEZONE\n", "UTC+99")
	f.Fuzz(func(t *testing.T, text, tzid string) {
		doc, err := vobject.Parse([]byte(text))
		if err != nil {
			return
		}
		def := doc.First("VTIMEZONE")
		if loc, err := timezone.Custom(tzid, def); err == nil && loc == nil {
			t.Fatal("no location and no error")
		}
		e := doc.Edit()
		e.Append(def, vobject.Text("X-NOTE", tzid))
		again, err := e.Document()
		if def.Exists() && err != nil {
			t.Fatal(err)
		}
		if a, errA := timezone.Custom(tzid, def); def.Exists() {
			b, errB := timezone.Custom(tzid, again.First("VTIMEZONE"))
			if (errA == nil) != (errB == nil) {
				t.Fatalf("before the edit %v, after it %v", errA, errB)
			}
			for year := 1969; errA == nil && year < 2102; year += 7 {
				at := time.Date(year, 7, 1, 0, 0, 0, 0, time.UTC)
				if x, y := at.In(a).Format(time.RFC3339), at.In(b).Format(time.RFC3339); x != y {
					t.Fatalf("before the edit %s, after it %s", x, y)
				}
			}
		}
		if z, ok := timezone.Resolve(tzid, vobject.Component{}, 2026); ok && z.Name == "" {
			t.Fatal("a zone without a name")
		}
	})
}
