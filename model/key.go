package model

import "strings"

// The keys by which elements of a set are told apart. Every connector uses
// these, so that both sides know one number or address by one key.

// PhoneKey keeps a number's digits and a leading plus. A number without digits,
// such as a short name in a telephone system, is compared as a text.
func PhoneKey(text string) string {
	var b strings.Builder
	for _, r := range text {
		if r >= '0' && r <= '9' || r == '+' && b.Len() == 0 {
			b.WriteRune(r)
		}
	}
	if key := b.String(); key != "" && key != "+" {
		return key
	}
	return FoldText(text)
}

// AddressKey is a postal address's street, postal code and city, folded; an
// address without any of them is compared by the rest. attr is what
// contactFields says of addresses.
func AddressKey(attr map[string]string) string {
	if key := FoldText(attr["street"] + " " + attr["postal_code"] + " " + attr["city"]); key != "" {
		return key
	}
	return FoldText(attr["po_box"] + " " + attr["extended"] + " " + attr["region"] + " " + attr["country"])
}
