package vobject_test

import (
	"bytes"
	"strings"
	"testing"

	"lockstep.dev/vobject"
)

// Large hostile inputs are read and edited in time linear in their size; with
// anything worse this test would not end.
func TestHostileInput(t *testing.T) {
	const size = 256 << 10
	repeat := func(s string) string { return strings.Repeat(s, size/len(s)) }
	for name, body := range map[string]string{
		"empty lines":          repeat("\n"),
		"carriage returns":     repeat("\r"),
		"folds":                "NOTE:" + repeat("\n "),
		"soft line breaks":     "NOTE;QUOTED-PRINTABLE:" + repeat("=\n"),
		"base64 lines":         "PHOTO;BASE64:\n" + repeat("A\n"),
		"parameters":           "NOTE" + repeat(";a") + ":x",
		"parameter values":     "NOTE;a=" + repeat("b,") + ":x",
		"quotes":               "NOTE;a=" + repeat(`"`) + ":x",
		"stray quotes":         repeat("A;b=\":x\n"),
		"escapes":              "NOTE:" + repeat(`\`),
		"components of a name": "N:" + repeat(";"),
		"list":                 "CATEGORIES:" + repeat(","),
		"malformed lines":      repeat("x\n"),
		"begins":               repeat("BEGIN:VEVENT\n"),
		"begins and ends":      repeat("BEGIN:X\nEND:X\n"),
		"stray ends":           repeat("END:X\n"),
		"cards in a card":      repeat("BEGIN:VCARD\n"),
		"groups":               repeat("item1.TEL:1\n"),
		"byte order marks":     repeat("\ufeff\n"),
		"one long value":       "NOTE:" + repeat("ü"),
	} {
		src := []byte("BEGIN:VCARD\nVERSION:2.1\nFN:Ann\n" + body + "\nEND:VCARD\n")
		doc, err := vobject.Parse(src)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		readAll(doc)
		e := doc.Edit()
		for _, p := range doc.First("VCARD").Properties() {
			e.SetText(p, "changed")
			e.SetList(p, []string{"a", "b"})
			e.SetParam(p, "X-A", "1")
		}
		if _, err := e.Bytes(); err != nil {
			t.Errorf("%s: edit: %v", name, err)
		}
		if out, err := doc.Edit().Bytes(); err != nil || !bytes.Equal(out, src) {
			t.Errorf("%s: no edit changed the bytes: %v", name, err)
		}
	}
}

func TestProblemsAreListedToALimit(t *testing.T) {
	doc := parse(t, "BEGIN:VCARD\n"+strings.Repeat("x\n", vobject.MaxProblems+10)+"END:VCARD\n")
	if len(doc.Problems()) != vobject.MaxProblems || doc.UnlistedProblems() != 10 {
		t.Errorf("%d listed, %d not", len(doc.Problems()), doc.UnlistedProblems())
	}
}
