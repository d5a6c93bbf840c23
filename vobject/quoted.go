package vobject

import (
	"encoding/base64"
	"fmt"
	"strings"
)

// decodeQuoted undoes quoted-printable (RFC 2045 section 6.7); the soft line
// breaks are gone already. Sequences that are none stay as they are.
func decodeQuoted(s string) string {
	if strings.IndexByte(s, '=') < 0 {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '=' && i+2 < len(s) {
			hi, lo := hexDigit(s[i+1]), hexDigit(s[i+2])
			if hi >= 0 && lo >= 0 {
				b.WriteByte(byte(hi<<4 | lo))
				i += 2
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

func hexDigit(c byte) int {
	switch {
	case isDigit(c):
		return int(c - '0')
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	}
	return -1
}

// encodeQuoted writes quoted-printable without soft line breaks. Line breaks
// become =0D=0A; everything that is not printable ASCII, the equals sign and a
// blank at the end are encoded.
func encodeQuoted(s string) string {
	s = strings.ReplaceAll(lineFeeds(s), "\n", "\r\n")
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c > ' ' && c < 0x7F && c != '=' || c == ' ' && i+1 < len(s) {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "=%02X", c)
		}
	}
	return b.String()
}

// lineFeeds makes every line break a line feed.
func lineFeeds(s string) string {
	if strings.IndexByte(s, '\r') < 0 {
		return s
	}
	return strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n")
}

// needsQuoted reports whether a vCard 2.1 value must be quoted-printable: it
// has line breaks, is not ASCII or has blanks at an end.
func needsQuoted(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < ' ' || s[i] >= 0x7F {
			return true
		}
	}
	return s != strings.TrimSpace(s)
}

// Binary returns the bytes of an inline value and its media type where one is
// given: base64 (ENCODING=b or BASE64) or a data: address. A value that is
// only a reference has none: ok is false.
func (p Property) Binary() (data []byte, mediaType string, ok bool) {
	if !p.Exists() {
		return nil, "", false
	}
	raw := p.Raw()
	if len(raw) >= 5 && strings.EqualFold(raw[:5], "data:") {
		head, body, found := strings.Cut(raw[5:], ",")
		mediaType, isBase64 := strings.CutSuffix(strings.TrimSpace(strings.TrimSuffix(head, `\`)), ";base64")
		if !found || !isBase64 {
			return nil, mediaType, false
		}
		data, ok = decodeBase64(body)
		return data, mediaType, ok
	}
	if p.doc.encodingOf(p.rec()) != encodingBase64 {
		return nil, "", false
	}
	data, ok = decodeBase64(raw)
	return data, p.mediaType(), ok
}

// mediaType reads MEDIATYPE, FMTTYPE or the TYPE of an inline photo: JPEG.
func (p Property) mediaType() string {
	for _, name := range []string{"MEDIATYPE", "FMTTYPE"} {
		if v := p.Param(name); v != "" {
			return v
		}
	}
	for _, t := range p.Types() {
		switch t {
		case "jpeg", "png", "gif", "tiff", "bmp", "webp":
			return "image/" + t
		case "jpg":
			return "image/jpeg"
		}
		if strings.Contains(t, "/") {
			return t
		}
	}
	return ""
}

func decodeBase64(s string) ([]byte, bool) {
	s = strings.Map(func(r rune) rune {
		if r == ' ' || r == '\t' || r == '\r' || r == '\n' || r == '=' {
			return -1
		}
		return r
	}, s)
	data, err := base64.RawStdEncoding.DecodeString(s)
	return data, err == nil
}
