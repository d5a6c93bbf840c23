package conformance_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"lockstep.dev/vobject/conformance"
)

func TestFolderPrintsAFileALineAndTheSummary(t *testing.T) {
	folder := fstest.MapFS{
		"a/card.vcf":  {Data: []byte("BEGIN:VCARD\nVERSION:3.0\nFN:Ann\nno property\nEND:VCARD\n")},
		"b.ics":       {Data: []byte("\n<html>")},
		"no-ending":   {Data: []byte("BEGIN:VCALENDAR\nEND:VCALENDAR\n")},
		"README.md":   {Data: []byte("not looked at")},
		".hidden.ics": {Data: []byte("not looked at")},
	}
	var out strings.Builder
	s, err := conformance.Folder(folder, &out)
	if err != nil || !s.OK() {
		t.Fatal(s, err)
	}
	want := "a/card.vcf: parsed, unchanged after no edit: yes, changed only in the intended line: 1 of 1, re-parsed equal: 1 of 1, odd lines kept: 1\n" +
		"b.ics: not parsed (line 2: no BEGIN line; this is neither a vCard nor an iCalendar object), left untouched\n" +
		"no-ending: parsed, unchanged after no edit: yes, changed only in the intended line: 0 of 0, re-parsed equal: 0 of 0\n" +
		"3 files: 2 parsed (1 with odd lines, all kept), 1 not parsed and left untouched; unchanged after no edit: 2 of 2; " +
		"changed only in the intended line: 1 of 1 edits; re-parsed equal: 1 of 1; failed: 0 files\n"
	if out.String() != want {
		t.Errorf("got\n%s", out.String())
	}
}

// Large files are checked with several edits at a time.
func TestLargeFile(t *testing.T) {
	card := "BEGIN:VCARD\nVERSION:3.0\nFN:Ann\nN:Smith;Ann;;;\nTEL:1\nCATEGORIES:a,b\nNOTE:n\nEND:VCARD\n"
	r := conformance.Check("large", []byte(strings.Repeat(card, 4000)))
	if !r.OK() || r.Edits != 20000 || r.OnlyLine != r.Edits || r.ReadBack != r.Edits {
		t.Error(r)
	}
}
