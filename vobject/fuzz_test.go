package vobject_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"lockstep.dev/vobject"
)

// FuzzParseEditParse: whatever comes in, nothing panics, no edit changes no
// byte, and an edit of one property can be read back and leaves every other
// line as it was.
func FuzzParseEditParse(f *testing.F) {
	files, err := filepath.Glob("testdata/corpus/*/*")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b, "Zoë; a,b\\\n\"x\"", uint8(3))
	}
	f.Add([]byte(card("2.1", "N;ENCODING=QUOTED-PRINTABLE:=\r\n x=")), "END:VCARD", uint8(0))
	f.Fuzz(func(t *testing.T, src []byte, text string, pick uint8) {
		doc, err := vobject.Parse(src)
		if err != nil {
			return
		}
		if out, err := doc.Edit().Bytes(); err != nil || !bytes.Equal(out, src) {
			t.Fatalf("no edit changed the bytes: %v", err)
		}
		readAll(doc)
		p, ok := property(doc, int(pick))
		if !ok {
			return
		}
		e := doc.Edit()
		e.SetText(p, text)
		e.SetParam(p, "X-FUZZ", text)
		e.InsertAfter(p, vobject.Text("X-NEW", text))
		out, err := e.Bytes()
		if err != nil {
			t.Fatalf("edit: %v", err)
		}
		again, err := vobject.Parse(out)
		if err != nil {
			t.Fatalf("parse after edit: %v", err)
		}
		if before, after := len(doc.Lines()), len(again.Lines()); after != before+1 {
			t.Fatalf("%d lines became %d:\n%q\n%q", before, after, src, out)
		}
		readAll(again)
	})
}

// property picks one that is neither the structure of its object nor first in
// a run that other lines depend on.
func property(doc *vobject.Document, n int) (vobject.Property, bool) {
	var all []vobject.Property
	for _, p := range doc.Lines() {
		if p.IsProperty() && p.Component().Exists() && !p.Is("VERSION") && !p.Is("AGENT") {
			all = append(all, p)
		}
	}
	if len(all) == 0 {
		return vobject.Property{}, false
	}
	return all[n%len(all)], true
}

func readAll(doc *vobject.Document) {
	for _, p := range doc.Lines() {
		p.Name()
		p.Group()
		p.Params()
		p.Types()
		p.Text()
		p.Structured()
		p.List()
		p.Binary()
		_, _ = p.Time()
		_, _ = p.Date()
		_, _ = vobject.ParseDuration(p.Raw())
	}
	for _, c := range doc.Components() {
		c.Properties()
		c.FreeGroup("item")
	}
}
