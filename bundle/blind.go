package bundle

import (
	"bytes"
	"encoding/json"
	"regexp"
)

// address is anything that looks like one of a person.
var address = regexp.MustCompile(`[\p{L}\p{N}._%+'-]+(@|%40|\\u0040)[\p{L}\p{N}.-]+`)

// blinds are texts that must stand nowhere in a bundle.
type blinds struct{ texts [][]byte }

// hide adds texts; those of less than four letters are too common.
func (b *blinds) hide(texts ...string) {
	for _, t := range texts {
		if len(t) < 4 {
			continue
		}
		b.texts = append(b.texts, []byte(t))
		if quoted, err := json.Marshal(t); err == nil && string(quoted) != `"`+t+`"` {
			b.texts = append(b.texts, bytes.Trim(quoted, `"`))
		}
	}
}

// clean takes them out.
func (b *blinds) clean(text []byte) []byte {
	for _, t := range b.texts {
		text = bytes.ReplaceAll(text, t, []byte("(left out)"))
	}
	return address.ReplaceAll(text, []byte("(address)"))
}
