package dav

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"net/url"
	"testing"

	"lockstep.dev/model"
)

// answerOf is a multiget's answer with n copies of an object.
func answerOf(raw []byte, kind model.Kind, n int) []byte {
	var b bytes.Buffer
	b.WriteString(`<?xml version="1.0"?><multistatus ` + prefixList + `>`)
	tag := "C:calendar-data"
	if kind == model.Contact {
		tag = "A:address-data"
	}
	for i := range n {
		fmt.Fprintf(&b, `<response><href>/dav/c/%d.vcf</href><propstat><prop><getetag>"%d"</getetag><%s>`, i, i, tag)
		_ = xml.EscapeText(&b, raw)
		fmt.Fprintf(&b, `</%s></prop><status>HTTP/1.1 200 OK</status></propstat></response>`, tag)
	}
	b.WriteString(`</multistatus>`)
	return b.Bytes()
}

// BenchmarkRead is what a batch of a hundred objects costs us besides the
// network: XML, parsing, mapping.
func BenchmarkRead(b *testing.B) {
	base := &url.URL{Scheme: "https", Host: "dav.example.com", Path: "/"}
	for _, file := range []string{"apple.vcf", "outlook.ics", "duration.ics"} {
		kind := rich()[file]
		body := answerOf(read(b, file), kind, batchSize)
		for _, part := range []string{"xml", "items"} {
			b.Run(file+"/"+part, func(b *testing.B) {
				c := newConverter()
				b.SetBytes(int64(len(body)))
				b.ReportAllocs()
				for b.Loop() {
					n := 0
					_, err := readMultistatus(bytes.NewReader(body), func(m member) error {
						id := normalHref(m.href, base, base)
						if part == "items" {
							_, _ = c.item(model.Ref{Kind: kind, ID: id, Version: m.etag()}, []byte(m.find(dataOf(kind)).text))
						}
						n++
						return nil
					})
					if err != nil || n != batchSize {
						b.Fatal(n, err)
					}
				}
			})
		}
	}
}

// BenchmarkWrite is what a create and an update cost us besides the network.
func BenchmarkWrite(b *testing.B) {
	c := newConverter()
	for _, file := range []string{"apple.vcf", "outlook.ics"} {
		kind, raw := rich()[file], read(b, file)
		it, _ := c.item(model.Ref{Kind: kind}, raw)
		op := model.Operation{Ref: it.Ref, Key: "k.0", UID: "u", Content: it.Content, Changed: []string{"notes", "title"}}
		op.Content.PutText("notes", "Changed")
		op.Content.PutText("title", "Changed")
		b.Run(file+"/create", func(b *testing.B) {
			for b.Loop() {
				if _, fail := c.create(op, someEnvironment()); fail != nil {
					b.Fatal(fail.fault)
				}
			}
		})
		b.Run(file+"/change", func(b *testing.B) {
			for b.Loop() {
				if _, fail := c.change(op, raw, someEnvironment()); fail != nil {
					b.Fatal(fail.fault)
				}
			}
		})
	}
}
