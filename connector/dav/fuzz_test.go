package dav

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"

	"lockstep.dev/model"
)

// FuzzConvert reads anything, changes what can be changed and writes it anew:
// nothing panics, and what is there already is never rewritten.
func FuzzConvert(f *testing.F) {
	for file, kind := range rich() {
		f.Add(read(f, file), string(kind), "Changed")
	}
	f.Add([]byte("BEGIN:VCARD\nN:;;;;;;;\nTEL:\nADR:;;;;;;;;;\nitem1.EMAIL:a\nitem1.X-ABLabel:_$!<\nEND:VCARD"), "contact", "\x00")
	f.Add([]byte("BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART;TZID=Nowhere:20260101T000000\nDURATION:-P1W\nEND:VEVENT\nEND:VCALENDAR"), "event", "")
	f.Add([]byte("BEGIN:VCALENDAR\nBEGIN:VTODO\nDUE:00000101\nEND:VTODO\nEND:VCALENDAR"), "task", "\r\n")
	c := newConverter()
	f.Fuzz(func(t *testing.T, raw []byte, kindName, text string) {
		kind := model.Kind(kindName)
		if len(model.Fields(kind)) == 0 {
			return
		}
		it, ours := c.item(model.Ref{Kind: kind}, raw)
		if !ours || it.Trouble != "" {
			return
		}
		all := it.Content.Fields()
		same, fail := c.change(model.Operation{Ref: it.Ref, Content: it.Content, Changed: all}, raw, someEnvironment())
		if fail == nil && !bytes.Equal(same, raw) {
			gone, added := changedLines(raw, same)
			t.Fatalf("writing what is there changed %q to %q", gone, added)
		}
		for _, field := range model.Fields(kind) {
			want := it.Content.Clone()
			want.Put(field.Name, model.Value{})
			if !field.Set {
				want.PutText(field.Name, text)
			}
			_, _ = c.change(model.Operation{Ref: it.Ref, Content: want, Changed: []string{field.Name}}, raw, someEnvironment())
		}
		_, _ = c.create(model.Operation{Ref: it.Ref, Key: "k.0", UID: "u", Content: it.Content}, someEnvironment())
		_, _ = newConverter().stamp(raw, kind, "k.1")
		_, _ = newConverter().label(raw, kind, []string{text}, []string{"Lockstep"})
		_ = servesAttendees(raw)
	})
}

// FuzzMultistatus compares our reader with encoding/xml: whatever that accepts
// as a multistatus, ours reads with the same addresses and texts.
func FuzzMultistatus(f *testing.F) {
	f.Add(`<?xml version="1.0"?><D:multistatus xmlns:D="DAV:"><D:response><D:href>/a?b&amp;c</D:href><D:propstat><D:prop><D:getetag>"1"</D:getetag></D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response><D:sync-token>t&#x41;</D:sync-token></D:multistatus>`)
	f.Add(`<multistatus xmlns="DAV:"><!-- c --><response><href>/b</href><propstat><prop><x:data xmlns:x="urn:x"><![CDATA[BEGIN:VCARD <&>]]></x:data></prop><status>HTTP/1.1 200 OK</status></propstat></response></multistatus>`)
	f.Add(`<multistatus xmlns="DAV:"/>`)
	f.Add(`<!DOCTYPE html><html><body>Sign in</body></html>`)
	f.Fuzz(func(t *testing.T, doc string) {
		type response struct {
			Href string `xml:"DAV: href"`
		}
		var want struct {
			XMLName   xml.Name   `xml:"DAV: multistatus"`
			Responses []response `xml:"DAV: response"`
		}
		var got []string
		_, err := readMultistatus(strings.NewReader(doc), func(m member) error {
			got = append(got, m.href)
			return nil
		})
		d := xml.NewDecoder(strings.NewReader(doc))
		if d.Decode(&want) != nil || strings.ContainsAny(doc, "\r!?") || hasTail(d) {
			return
		}
		if err != nil {
			t.Fatalf("encoding/xml reads it, we do not: %v", err)
		}
		if len(got) != len(want.Responses) {
			t.Fatalf("%d members, encoding/xml reads %d", len(got), len(want.Responses))
		}
	})
}

// hasTail reports whether something but white space follows the document.
func hasTail(d *xml.Decoder) bool {
	t, err := d.Token()
	text, isText := t.(xml.CharData)
	return !(errors.Is(err, io.EOF) || isText && len(bytes.TrimSpace(text)) == 0)
}
