package model_test

import (
	"testing"

	"lockstep.dev/model"
)

// Two spellings of one number have one key, so that neither side takes the
// other's spelling for another number.
func TestPhoneKey(t *testing.T) {
	for text, want := range map[string]string{
		"+44 (0)20 7946-0101": "+4402079460101",
		" +44 20 7946 0101 ":  "+442079460101",
		"020/7946 + 12":       "020794612",
		"+":                   "+",
		"Reception":           "reception",
		"Front  Desk":         "front desk",
		"":                    "",
	} {
		if got := model.PhoneKey(text); got != want {
			t.Errorf("%q: key %q, want %q", text, got, want)
		}
	}
}

func TestAddressKey(t *testing.T) {
	for _, c := range []struct {
		attr map[string]string
		want string
	}{
		{map[string]string{"street": "1  Sample\nRoad", "city": "Exampleton", "postal_code": "EX1 2AM", "country": "x"}, "1 sample road ex1 2am exampleton"},
		{map[string]string{"country": "Germany", "type": "home"}, "germany"},
		{map[string]string{"po_box": "12", "region": "Kent"}, "12 kent"},
		{map[string]string{"type": "home"}, ""},
	} {
		if got := model.AddressKey(c.attr); got != c.want {
			t.Errorf("%v: key %q, want %q", c.attr, got, c.want)
		}
	}
}
