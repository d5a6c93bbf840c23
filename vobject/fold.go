package vobject

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// lineWidth is the longest line in octets without its ending (RFC 5545
// section 3.1, RFC 6350 section 3.2).
const lineWidth = 75

// fold writes s behind column octets of the line so far, breaking lines after
// 75 octets but never inside a character. Text with stray carriage returns,
// which could become part of a line ending, is not folded.
func fold(b *strings.Builder, s string, column int, eol string) {
	if strings.IndexByte(s, '\r') >= 0 {
		b.WriteString(s)
		return
	}
	for {
		room := lineWidth - column
		if len(s) <= room {
			b.WriteString(s)
			return
		}
		cut := runeCut(s, room)
		b.WriteString(s[:cut])
		b.WriteString(eol)
		b.WriteByte(' ')
		s, column = s[cut:], 1
	}
}

// runeCut is the last position of at most n where a character of s begins. In
// bytes that are not UTF-8 it is n.
func runeCut(s string, n int) int {
	if n <= 0 {
		return 0
	}
	for cut := n; cut > 0 && cut > n-utf8.UTFMax; cut-- {
		if utf8.RuneStart(s[cut]) {
			return cut
		}
	}
	return n
}

// foldQuoted writes quoted-printable text with soft line breaks (RFC 2045
// section 6.7 rule 5), never inside an encoded octet. A line that a reader
// could take for a folded one or for BEGIN or END starts with an encoded
// octet.
func foldQuoted(b *strings.Builder, s string, column int, eol string) {
	for {
		room := lineWidth - column
		if len(s) <= room {
			b.WriteString(s)
			return
		}
		cut := quotedCut(s, room)
		b.WriteString(s[:cut])
		b.WriteString("=" + eol)
		s, column = s[cut:], 0
		if isBlank(s[0]) || isMarker(s) {
			fmt.Fprintf(b, "=%02X", s[0])
			s, column = s[1:], 3
		}
	}
}

// quotedCut is the last position of at most n that is not inside =XX.
func quotedCut(s string, n int) int {
	if n <= 0 {
		return 0
	}
	for back := 1; back <= 2 && back < n; back++ {
		if s[n-back] == '=' {
			return n - back
		}
	}
	return n
}
