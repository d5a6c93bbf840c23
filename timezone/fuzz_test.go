package timezone_test

import (
	"testing"

	"lockstep.dev/timezone"
	"lockstep.dev/vobject"
)

// FuzzDefinition: whatever a VTIMEZONE says, it is computed with or refused.
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
		if z, ok := timezone.Resolve(tzid, vobject.Component{}, 2026); ok && z.Name == "" {
			t.Fatal("a zone without a name")
		}
	})
}
